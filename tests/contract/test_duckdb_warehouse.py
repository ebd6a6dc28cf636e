"""Does the DuckDB warehouse keep the promises of every warehouse?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.warehouse_contract import WarehouseContract
from augury.testing.warehouse_rows import stream, write
from augury.testing.warehouse_sources import Lay
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import opened


class TestDuckDB(WarehouseContract):
    """Sources are Parquet."""

    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path)
        yield warehouse
        warehouse.close()

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            pq.write_table(rows, tmp_path / "orders.parquet")
            return SourceSpec(path="orders.parquet", event_time="at", columns=columns)

        return laid


class TestDuckDBOfALongBackfill(WarehouseContract):
    """After a few streams Arrow's own writer takes over from the engine's: the same promises. Sources are CSV."""

    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path)
        for _ in range(5):
            warehouse.load(write("before", None), stream(pa.table({"n": [1]})))
        warehouse.drop("before")
        yield warehouse
        warehouse.close()

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            csv.write_csv(rows, tmp_path / "orders.csv", csv.WriteOptions(quoting_style="none"))
            return SourceSpec(path="orders.csv", event_time="at", columns=columns)

        return laid


class TestDuckDBOfParallelDates(WarehouseContract):
    """One thread per query, so that a stream cannot wait for a second one; published tables elsewhere (A5). Sources are
    tables of a database."""

    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Iterator[Warehouse]:
        warehouse = opened(tmp_path / "work", output=tmp_path / "shared", project=tmp_path, threads=1)
        yield warehouse
        warehouse.close()

    @pytest.fixture
    def lay(self, tmp_path: Path) -> Lay:
        def laid(rows: pa.Table, columns: dict[str, Column]) -> SourceSpec:
            name = f"orders_{len(list(tmp_path.glob('*.duckdb')))}.duckdb"
            with duckdb.connect(str(tmp_path / name)) as connection:
                connection.register("given", rows)
                connection.execute("CREATE TABLE orders AS FROM given")
            return SourceSpec(database=name, table="orders", event_time="at", columns=columns)

        return laid
