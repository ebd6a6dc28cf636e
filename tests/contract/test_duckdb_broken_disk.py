"""What does a partition, a pointer or a folder say that is damaged, full or read-only?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from augury.errors import StorageFailed
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, rows, write
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import files, live_file, opened, run_python


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"\0" * path.stat().st_size),
    ],
    ids=["missing", "empty", "cut off", "zeroes"],
)
def test_a_damaged_partition_names_table_date_file_and_remedy(
    warehouse: Warehouse, damage: Callable[[Path], object]
) -> None:
    warehouse.create(write("ltv_v1_prepare"), PEOPLE)
    path = live_file(warehouse, "ltv_v1_prepare")
    damage(path)
    relation = warehouse.partition_sql("ltv_v1_prepare", [DAY])
    attempts: list[Callable[[], object]] = [
        lambda: rows(warehouse, f"SELECT * FROM {relation}"),
        lambda: warehouse.create(write("other"), f"SELECT * FROM {relation}"),
        lambda: warehouse.describe(f"SELECT * FROM {relation}"),
        lambda: warehouse.publish("ltv_v1_prepare", DAY, write("predictions")),
        lambda: warehouse.query("SELECT * FROM ltv_v1_prepare").__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(StorageFailed) as failed:
            attempt()
        for word in ("ltv_v1_prepare", "2026-01-15", str(path), "augury clean ltv --from 2026-01-15"):
            assert word in str(failed.value)
    assert warehouse.partition("other", DAY) is None
    assert warehouse.partition("predictions", DAY) is None
    warehouse.create(write("ltv_v1_prepare", run_id="run_2"), PEOPLE)
    assert ids(live(warehouse, "ltv_v1_prepare")) == [1, 2]


def test_a_broken_pointer_is_a_missing_partition_that_nobody_reads_as_empty(warehouse: Warehouse) -> None:
    warehouse.create(write(), PEOPLE)
    warehouse.create(write(day=NEXT), PEOPLE)
    pointer = live_file(warehouse).parent / "live.json"
    for text in ("", "{", '{"file": "../../x.parquet"}', "[]"):
        pointer.write_text(text)
        assert warehouse.partition("people", DAY) is None
        assert list(warehouse.partitions("people")) == [NEXT]
        with pytest.raises(StorageFailed, match=r"live\.json"):
            warehouse.partition_sql("people", [DAY, NEXT])
    warehouse.create(write(), PEOPLE)
    assert ids(live(warehouse)) == [1, 2]


def test_a_full_disk_leaves_the_partition_as_it_was(tmp_path: Path) -> None:
    """Simulated by the largest size that a file may have in that process."""
    warehouse = opened(tmp_path)
    warehouse.create(write(), PEOPLE)
    before = files(tmp_path)
    found = run_python(
        """
        import resource, sys
        sys.dont_write_bytecode = True
        import pyarrow as pa
        from augury.errors import StorageFailed
        from augury.testing.warehouse_rows import write, stream
        from tests.contract.duckdb_room import opened
        w = opened(root)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        many = "SELECT i AS customer_id, random() AS x FROM range(1000000) AS t(i)"
        for verb in (
            lambda: w.create(write(run_id="big"), many),
            lambda: w.load(write(run_id="big"), stream(pa.table({"a": [str(i * 7919) for i in range(50_000)]}), 9999)),
        ):
            try:
                verb()
            except StorageFailed as error:
                print(error)
            else:
                print("written")
        """,
        tmp_path,
    )
    assert found.stderr == ""
    assert found.stdout.count("File too large") == 2
    assert found.stdout.count(str(tmp_path)) == 2
    assert files(tmp_path) == before


def test_a_read_only_folder_is_named_with_its_cause(tmp_path: Path) -> None:
    for folder in [tmp_path, *tmp_path.parents]:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)  # somebody else has to get here
    opened(tmp_path).create(write(), PEOPLE)
    (tmp_path / "empty").mkdir()
    for folder in [tmp_path, *tmp_path.rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    before = files(tmp_path)
    found = run_python(
        """
        import os
        import pyarrow, pandas, duckdb, augury.warehouses.duckdb, pytest
        from augury.errors import StorageFailed
        from augury.testing.warehouse_rows import write, PEOPLE, live, ids
        from tests.contract.duckdb_room import opened
        if os.getuid() == 0:
            os.setuid(65534)
        w = opened(root)
        for verb in (
            lambda: opened(root / "empty"),
            lambda: w.create(write(), PEOPLE),
            lambda: w.publish("people", write().day, write("predictions")),
            lambda: w.remove("people", write().day),
            lambda: w.drop("people"),
            lambda: w.set_view("shown", "people"),
        ):
            try:
                verb()
                print("done")
            except StorageFailed as error:
                print(error.what, "|", error.why)
        print(ids(live(w)))
        """,
        tmp_path,
    )
    for folder in [tmp_path, *tmp_path.rglob("*")]:
        folder.chmod(0o755)
    assert found.stderr == ""
    *refused, seen = found.stdout.splitlines()
    assert len(refused) == 6
    for line in refused:
        assert line.endswith("Permission denied")
        assert str(tmp_path) in line
    assert seen == "[1, 2]"
    assert files(tmp_path) == before
