"""Rooms to type statements in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.bigquery_ml_tutorials.tutorial_room import Room
from tests.contract.bigquery_ml_tutorials.zoo import Zoo


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.connection.close()


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    zoo = Zoo(tmp_path_factory.mktemp("zoo"))
    yield zoo
    zoo.room.connection.close()
