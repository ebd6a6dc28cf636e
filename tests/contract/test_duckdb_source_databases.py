"""Is a DuckDB file a source that is only ever read, and is a change of any source noticed?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from augury.errors import DataRefused, StorageFailed
from augury.warehouses.contract import Bounds, Warehouse
from tests.contract.duckdb_room import database, opened, parquet, seen, source, state, utc


def test_a_database_is_a_source_and_is_never_written(warehouse: Warehouse, tmp_path: Path) -> None:
    database(
        tmp_path / "shop.duckdb",
        "CREATE SCHEMA sales",
        "CREATE TABLE orders AS SELECT 1 AS id, TIMESTAMP '2026-01-01 10:00' AS at",
        "CREATE VIEW sales.recent AS SELECT 2 AS id, TIMESTAMP '2026-01-02 10:00' AS at",
        "CREATE TABLE ev_20260101 AS SELECT 3 AS id",
        "CREATE TABLE ev_20260102 AS SELECT 4 AS id",
    )
    before = (tmp_path / "shop.duckdb").read_bytes()
    for table, event_time, expected in (
        ("orders", "at", [1]),
        ("main.orders", "at", [1]),
        ("sales.recent", "at", [2]),
        ("ev_{date}", None, [3, 4]),
    ):
        spec = source(database="shop.duckdb", table=table, event_time=event_time)
        assert seen(warehouse, spec) == expected
    shard = source(database="shop.duckdb", table="ev_{date}")
    assert seen(warehouse, shard, Bounds(utc(2026, 1, 2), utc(2026, 1, 3), None)) == [4]
    assert [day.rows for day in warehouse.probe(shard, state(warehouse, shard), "UTC")] == [1, 1]
    with pytest.raises(DataRefused, match="expected STRING, got INTEGER"):
        warehouse.source_state(
            source(database="shop.duckdb", table="orders", event_time="at", columns={"id": "STRING"})
        )
    assert (tmp_path / "shop.duckdb").read_bytes() == before


def test_a_database_that_was_replaced_is_opened_again(warehouse: Warehouse, tmp_path: Path) -> None:
    spec = source(database="shop.duckdb", table="orders", event_time="at")
    for n in (1, 2):
        database(tmp_path / "new.duckdb", f"CREATE TABLE orders AS SELECT {n} AS id, DATE '2026-01-01' AS at")
        (tmp_path / "new.duckdb").rename(tmp_path / "shop.duckdb")
        assert seen(warehouse, spec) == [n]


def test_a_database_open_elsewhere_says_what_to_do(warehouse: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "busy.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(StorageFailed) as failed:
            warehouse.source_state(source(database="busy.duckdb", table="t", event_time="at"))
        writer.communicate()
    assert str(writer.pid) in str(failed.value)
    assert failed.value.fix is not None
    assert "Parquet" in failed.value.fix


def test_a_state_changes_when_a_file_does_and_only_then(warehouse: Warehouse, tmp_path: Path) -> None:
    parquet(tmp_path / "o.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    spec = source(path="o.parquet", event_time="day")
    first = state(warehouse, spec)
    assert state(warehouse, spec) == first == state(opened(tmp_path), spec)
    parquet(tmp_path / "o.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day, 2 AS more")
    assert state(warehouse, spec) != first
