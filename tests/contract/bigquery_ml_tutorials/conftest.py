"""Rooms to type statements in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.bigquery_ml_tutorials.tutorial_room import Room
from tests.contract.bigquery_ml_tutorials.zoo import Zoo


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"))
