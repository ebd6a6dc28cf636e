"""What does the DuckDB warehouse take from CSV, Parquet and reference files, and which does it refuse?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import DataRefused, StorageFailed
from augury.testing.warehouse_rows import rows
from augury.warehouses.contract import Bounds, TableColumn, Warehouse
from tests.contract.duckdb_room import EVERYTHING, database, opened, parquet, seen, source, state, utc


def test_a_source_that_is_not_there_is_none(warehouse: Warehouse, tmp_path: Path) -> None:
    assert warehouse.source_state(source(path="data/none.csv", event_time="at")) is None
    assert warehouse.source_state(source(path="data/x_{date}.csv")) is None
    assert warehouse.source_state(source(database="none.duckdb", table="t", event_time="at")) is None
    database(tmp_path / "some.duckdb", "CREATE TABLE other (a INT)")
    assert warehouse.source_state(source(database="some.duckdb", table="t", event_time="at")) is None


def test_csv_types_come_from_all_rows_and_stay_the_same_for_every_date(warehouse: Warehouse, tmp_path: Path) -> None:
    late = "\n".join(f"{n},2026-01-01,{n}" for n in range(30_000))
    (tmp_path / "o.csv").write_text(f"n,day,amount\n{late}\n30000,2026-01-02,1.5\n")
    spec = source(path="o.csv", event_time="day")
    assert state(warehouse, spec).columns == (
        TableColumn("n", "INT64"),
        TableColumn("day", "DATE"),
        TableColumn("amount", "FLOAT64"),
    )
    relation = warehouse.source_sql(spec, state(warehouse, spec), Bounds(None, utc(2026, 1, 2), None), "UTC")
    assert warehouse.describe(f"SELECT amount FROM {relation}") == (TableColumn("amount", "FLOAT64"),)
    assert len(seen(warehouse, spec)) == 30_001


def test_csv_as_people_write_it(warehouse: Warehouse, tmp_path: Path) -> None:
    """A byte order mark, semicolons, quoted line breaks, odd names, empty fields."""
    text = '\ufeffid;"at ""x""";note\r\n1;2026-01-01;"two\nlines; one field"\r\n2;2026-01-02;\r\n'
    (tmp_path / "odd.csv").write_text(text, encoding="utf-8", newline="")
    spec = source(path="odd.csv", event_time='at "x"')
    assert seen(warehouse, spec, Bounds(utc(2026, 1, 2), utc(2026, 1, 3), None)) == [2]
    relation = warehouse.source_sql(spec, state(warehouse, spec), EVERYTHING, "UTC")
    assert rows(warehouse, f"SELECT note FROM {relation} ORDER BY id") == [
        {"note": "two\nlines; one field"},
        {"note": None},
    ]


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"id,at\n1,2026-01-01\n2,2026-01-02,3\n", 3, "Number of Columns"),  # one field too many
        (b"id,at\n1,2026-01-01\n2\n", 3, "Number of Columns"),  # one too few
        (b"id,at\n1,2026-01-01\n\xe9,2026-01-02\n", 3, "unicode"),  # Latin-1
    ],
)
def test_a_broken_csv_names_its_line(warehouse: Warehouse, tmp_path: Path, content: bytes, line: int, why: str) -> None:
    (tmp_path / "broken.csv").write_bytes(content)
    with pytest.raises(StorageFailed) as failed:
        warehouse.source_state(source(path="broken.csv", event_time="at"))
    assert failed.value.where.line == line
    assert "broken.csv" in str(failed.value)
    assert why in str(failed.value)


def test_a_csv_without_header_or_in_another_format_is_said_so(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "sheet.xlsx").write_text("x")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    for path in ("empty.csv", "sheet.xlsx", "cut.parquet", "s3://bucket/x.parquet"):
        with pytest.raises(StorageFailed, match=path.rsplit("/", 1)[-1]):
            warehouse.source_state(source(path=path, event_time="at"))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"total": "FLOAT64"}, ["'total'", "FLOAT64", "'totl'"]),  # renamed
        ({"id": "INT64", "day": "TIMESTAMP"}, ["'day'", "TIMESTAMP", "DATE"]),  # retyped
        ({"gone": "STRING"}, ["'gone'", "STRING", "no such column"]),  # missing
    ],
)
def test_drift_of_declared_columns_names_column_expected_and_got(
    warehouse: Warehouse, tmp_path: Path, columns: dict[str, str], words: list[str]
) -> None:
    parquet(tmp_path / "o.parquet", "SELECT 1::BIGINT AS id, DATE '2026-01-01' AS day, 1.5::DOUBLE AS totl")
    with pytest.raises(DataRefused) as refused:
        warehouse.source_state(source(path="o.parquet", event_time="day", columns=columns))
    for word in ("o.parquet", *words):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "cells", "got"),
    [
        ("INT64", "1\n7.5", "FLOAT64"),  # DuckDB would round it
        ("INT64", "1\nnone\n7.5", "'none'"),
        ("DATE", "2026-01-01 10:00:00", "DATETIME"),  # and here drop the hour
        ("DATE", "2026-01-01\n2026-01-01 10:00:00", "'2026-01-01 10:00:00'"),
        ("DATETIME", "2026-01-01 10:00:00+02", "TIMESTAMP"),  # and here the offset
        ("INT64", "1\nmany", "'many'"),
    ],
)
def test_declared_types_of_a_csv_lose_nothing(
    warehouse: Warehouse, tmp_path: Path, kind: str, cells: str, got: str
) -> None:
    (tmp_path / "o.csv").write_text("x,day\n" + "".join(f"{cell},2026-01-01\n" for cell in cells.split("\n")))
    with pytest.raises(DataRefused) as refused:
        warehouse.source_state(source(path="o.csv", event_time="day", columns={"x": kind}))
    for word in ("'x'", kind, got):
        assert word in str(refused.value)


def test_declared_types_of_a_csv_are_kept(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("zip,day\n00123,2026-01-01\n,2026-01-02\n")
    declared = {"zip": "STRING", "day": "DATETIME"}
    spec = source(path="o.csv", event_time="day", columns=declared)
    assert {column.name: column.type for column in state(warehouse, spec).columns} == declared
    assert seen(warehouse, spec, Bounds(None, utc(2026, 1, 2), None)) == ["00123"]


@pytest.mark.parametrize(
    ("event_time", "words"),
    [("dya", ["'dya'", "'day'"]), ("id", ["'id'", "INTEGER"]), ("text", ["'text'", "STRING"])],
)
def test_event_time_has_to_be_a_time(warehouse: Warehouse, tmp_path: Path, event_time: str, words: list[str]) -> None:
    parquet(tmp_path / "o.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day, '2026-01-01' AS text")
    with pytest.raises(DataRefused) as refused:
        warehouse.source_state(source(path="o.parquet", event_time=event_time))
    for word in words:
        assert word in str(refused.value)


def test_globs_unite_files_that_differ(warehouse: Warehouse, tmp_path: Path) -> None:
    parquet(tmp_path / "in/deep/a.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    parquet(tmp_path / "in/b.parquet", "SELECT 2 AS id, 'new' AS more, DATE '2026-01-02' AS day")
    assert seen(warehouse, source(path="in/*.parquet", event_time="day")) == [2]
    spec = source(path="in/**/*.parquet", event_time="day")
    assert seen(warehouse, spec) == [1, 2]
    assert {column.name for column in state(warehouse, spec).columns} == {"id", "more", "day"}


def test_a_path_with_glob_characters_of_its_own_is_that_file(tmp_path: Path) -> None:
    project = tmp_path / "it's [my] project?"
    parquet(tmp_path / "o.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    project.mkdir()
    (tmp_path / "o.parquet").rename(project / "o [1].parquet")
    warehouse = opened(project)
    assert seen(warehouse, source(path="o [1].parquet", event_time="day")) == [1]
    assert seen(warehouse, source(path="o*.parquet", event_time="day")) == [1]


def test_read_only_reads_a_csv_without_keeping_anything(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("id,day\n1,2026-01-01\n2,2026-01-02\n")
    root = tmp_path / "work"
    warehouse = opened(root, project=tmp_path, read_only=True)
    spec = source(path="o.csv", event_time="day")
    assert seen(warehouse, spec, Bounds(None, utc(2026, 1, 2), None)) == [1]
    assert not root.exists()


def test_reference_data_is_a_csv(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("sku;price\nA;1.5\n")
    relation = warehouse.reference_sql(tmp_path / "prices.csv")
    assert rows(warehouse, f"SELECT * FROM {relation}") == [{"sku": "A", "price": 1.5}]
    with pytest.raises(StorageFailed, match=r"gone\.csv"):
        warehouse.reference_sql(tmp_path / "gone.csv")
