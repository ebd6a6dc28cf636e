"""What lies on the disk, who may touch it, and what is swept away?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from augury.errors import NamespaceError, StorageFailed
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, rows, stream, write
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import files, live_file, opened

LATER = timedelta(days=1)


# -- whose folder ----------------------------------------------------------------------------------------------


def test_the_files_of_a_namespace_are_where_they_are_promised(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions", run_id="run_2"))
    warehouse.set_view("current_predictions", "predictions")
    found = files(tmp_path / "dev")
    data = found["staging/run_date=2026-01-15/run_1.parquet"]
    assert found["predictions/run_date=2026-01-15/run_2.parquet"] == data
    assert found["_latest/predictions/2026-01-15.parquet"] == data
    assert json.loads(found["predictions/run_date=2026-01-15/live.json"])["file"] == "run_2.parquet"
    assert json.loads(found["_views/current_predictions.json"]) == {"table": "predictions"}
    assert json.loads(found["_namespace.json"]) == {"project": "shop", "deployment": "", "target": "dev"}
    staged = tmp_path / "dev/staging/run_date=2026-01-15/run_1.parquet"
    assert staged.samefile(tmp_path / "dev/predictions/run_date=2026-01-15/run_2.parquet")


def test_a_namespace_belongs_to_one_target(tmp_path: Path) -> None:
    opened(tmp_path).create(write(), PEOPLE)
    before = files(tmp_path)
    for read_only in (False, True):
        with pytest.raises(NamespaceError, match="dev"):
            opened(tmp_path, target="prod", read_only=read_only)
    with pytest.raises(NamespaceError):
        opened(tmp_path / "elsewhere", output=tmp_path, target="prod")
    assert {name: text for name, text in files(tmp_path).items() if "elsewhere" not in name} == before


def test_a_folder_of_other_things_is_not_made_a_namespace(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "thesis.doc").write_text("years of work")
    with pytest.raises(NamespaceError, match=r"thesis\.doc"):
        opened(tmp_path)


def test_published_tables_lie_under_the_output_root_a5(tmp_path: Path) -> None:
    work, shared = tmp_path / "work", tmp_path / "shared"
    warehouse = opened(work, output=shared)
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions"))
    assert (shared / "dev/_latest/predictions/2026-01-15.parquet").is_file()
    assert not (work / "dev/predictions").exists()
    assert not (shared / "dev/staging").exists()
    again = opened(work, output=shared)
    assert ids(live(again, "predictions")) == [1, 2]
    assert [info.name for info in again.tables()] == ["predictions", "staging"]
    assert again.remove("predictions", DAY)
    assert not (shared / "dev/_latest/predictions/2026-01-15.parquet").exists()


def test_read_only_writes_nothing_and_refuses_every_write(tmp_path: Path) -> None:
    nothing = opened(tmp_path / "new", read_only=True)
    assert nothing.tables() == ()
    assert nothing.partitions("people") == {}
    assert nothing.partition("people", DAY) is None
    assert nothing.view("people") is None
    assert not (tmp_path / "new").exists()
    opened(tmp_path).create(write(), PEOPLE)
    before = files(tmp_path)
    reader = opened(tmp_path, read_only=True)
    verbs: list[Callable[[], object]] = [
        lambda: reader.create(write(), PEOPLE),
        lambda: reader.load(write(), stream(pa.table({"a": [1]}))),
        lambda: reader.publish("people", DAY, write("predictions")),
        lambda: reader.remove("people", DAY),
        lambda: reader.drop("people"),
        lambda: reader.set_view("shown", "people"),
        lambda: reader.sweep(datetime.now(UTC)),
    ]
    for verb in verbs:
        with pytest.raises(StorageFailed, match="read only"):
            verb()
    assert ids(live(reader)) == [1, 2]
    with reader.query("SELECT count(*) AS n FROM people") as found:
        assert found.read_all().to_pylist() == [{"n": 2}]
    assert files(tmp_path) == before


def test_other_tools_read_published_tables_by_their_fixed_names(warehouse: Warehouse, tmp_path: Path) -> None:
    for day in (DAY, NEXT):
        warehouse.create(write("staging", day), PEOPLE)
        warehouse.publish("staging", day, write("predictions", day))
    folder = tmp_path / "dev/_latest/predictions"
    assert len(pd.read_parquet(folder)) == 4
    assert rows(warehouse, f"SELECT count(DISTINCT run_date) AS n FROM '{folder}/*.parquet'") == [{"n": 2}]


def test_a_table_is_copied_without_its_bytes_b18(warehouse: Warehouse, tmp_path: Path) -> None:
    from augury.warehouses.duckdb import DuckDBWarehouse

    warehouse.create(write(facts={"a": 1}), PEOPLE)
    warehouse.create(write(day=NEXT), PEOPLE)
    other = opened(tmp_path / "copy", target="prod")
    assert isinstance(warehouse, DuckDBWarehouse)
    assert isinstance(other, DuckDBWarehouse)
    assert warehouse.copy_table("people", other, "copied") == 2
    warehouse.drop("people")
    assert ids(live(other, "copied", DAY, NEXT)) == [1, 1, 2, 2]
    found = other.partition("copied", DAY)
    assert found is not None
    assert (found.table, found.run_id, found.facts) == ("copied", "run_1", {"a": 1})


# -- sweeping --------------------------------------------------------------------------------------------------


def test_sweep_keeps_what_was_live_a_moment_ago(warehouse: Warehouse, tmp_path: Path) -> None:
    """A reader that took its path before the swap may still open it until the retention time is over."""
    warehouse.create(write(), PEOPLE)
    relation = warehouse.partition_sql("people", [DAY])
    old = live_file(warehouse)
    os.utime(old, (0, 0))  # written long ago, replaced just now
    warehouse.create(write(run_id="run_2"), "SELECT 3 AS customer_id")
    warehouse.sweep(datetime.now(UTC) - LATER)
    assert ids(rows(warehouse, f"SELECT * FROM {relation}")) == [1, 2]
    assert warehouse.sweep(datetime.now(UTC) + LATER) == 1
    assert not old.exists()
    with pytest.raises(StorageFailed):
        rows(warehouse, f"SELECT * FROM {relation}")


def test_sweep_takes_what_dead_writers_left_and_mends_fixed_names(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.create(write("staging"), PEOPLE)
    warehouse.publish("staging", DAY, write("predictions"))
    fixed = tmp_path / "dev/_latest/predictions/2026-01-15.parquet"
    truth = fixed.read_bytes()
    fixed.unlink()
    fixed.write_bytes(b"of an earlier run")
    orphan = fixed.with_name("2025-12-31.parquet")
    orphan.write_bytes(b"its partition was removed")
    draft = live_file(warehouse, "staging").with_name(".tmp-run_9-0123")
    draft.write_bytes(b"half a file")
    warehouse.sweep(datetime.now(UTC) - LATER)
    assert draft.exists()
    assert fixed.read_bytes() == truth
    warehouse.sweep(datetime.now(UTC) + LATER)
    assert not draft.exists()
    assert not orphan.exists()
    assert ids(live(warehouse, "predictions")) == [1, 2]
