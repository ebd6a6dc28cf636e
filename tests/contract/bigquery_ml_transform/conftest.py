from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.bigquery_ml_transform.room import Room, a_room


@pytest.fixture
def room() -> Iterator[Room]:
    with a_room() as room:
        yield room
