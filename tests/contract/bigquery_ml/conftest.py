"""A session over DuckDB with a table of shops, and a type of model that is easy to follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.bigquery_ml.room import Room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)
