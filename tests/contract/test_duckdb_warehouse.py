"""Does the DuckDB warehouse keep the promises of every warehouse?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from augury import plugins
from augury.testing.warehouse_contract import WarehouseContract
from augury.testing.warehouse_rows import stream, write
from augury.warehouses.contract import Warehouse


def opened(
    root: Path,
    *,
    output: Path | None = None,
    project: Path | None = None,
    threads: int | None = None,
    target: str = "dev",
    read_only: bool = False,
) -> Warehouse:
    """The namespace `dev` in `root`."""
    warehouse: Warehouse = plugins.load("warehouses", "duckdb").open(
        root,
        "dev",
        project="shop",
        deployment="",
        target=target,
        project_root=project or root,
        output_root=output,
        threads=threads,
        memory=None,
        read_only=read_only,
    )
    return warehouse


class TestDuckDB(WarehouseContract):
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path)
        yield warehouse
        warehouse.close()


class TestDuckDBOfALongBackfill(WarehouseContract):
    """After a few streams Arrow's own writer takes over from the engine's: the same promises."""

    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path)
        for _ in range(5):
            warehouse.load(write("before", None), stream(pa.table({"n": [1]})))
        warehouse.drop("before")
        yield warehouse
        warehouse.close()


class TestDuckDBOfParallelDates(WarehouseContract):
    """One thread per query, so that a stream cannot wait for a second one; published tables elsewhere (A5)."""

    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path / "work", output=tmp_path / "shared", threads=1)
        yield warehouse
        warehouse.close()
