"""Where contracts with adapters keep their things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import opened


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """A DuckDB warehouse whose project and namespaces lie in `tmp_path`."""
    warehouse = opened(tmp_path)
    yield warehouse
    warehouse.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a ledger that does not exist yet."""
    return tmp_path / "namespace" / "_ledger.db"
