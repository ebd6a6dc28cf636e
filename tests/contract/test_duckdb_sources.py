"""What does the DuckDB warehouse read from CSV, Parquet, shards and databases, and what does it refuse?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from augury.dates import Cutoffs
from augury.errors import DataRefused, StorageFailed
from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.warehouse_rows import rows
from augury.warehouses.contract import Bounds, SourceState, TableColumn, Warehouse
from tests.contract.test_duckdb_warehouse import opened

EVERYTHING = Bounds(None, None, None)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = opened(tmp_path)
    yield warehouse
    warehouse.close()


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def source(**fields: Any) -> SourceSpec:
    columns = {name: Column(type=kind) for name, kind in fields.pop("columns", {}).items()}
    return SourceSpec(columns=columns, **fields)


def state(warehouse: Warehouse, spec: SourceSpec) -> SourceState:
    found = warehouse.source_state(spec)
    assert found is not None
    return found


def seen(warehouse: Warehouse, spec: SourceSpec, bounds: Bounds = EVERYTHING, zone: str = "UTC") -> list[Any]:
    """Values of the first column of the rows inside `bounds`, ascending."""
    relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, zone)
    assert "\n" not in relation
    return sorted(next(iter(row.values())) for row in rows(warehouse, f"SELECT * FROM {relation}"))


def parquet(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")


def database(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


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


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/Sao_Paulo", "UTC"])
@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("changes", [date(2018, 3, 25), date(2018, 10, 28), date(2018, 2, 18), date(2018, 11, 4)])
def test_days_around_a_clock_change_tile_without_gap_or_overlap(
    warehouse: Warehouse, tmp_path: Path, zone: str, kind: str, changes: date
) -> None:
    """Every row of the week falls between exactly two cutoffs, whatever the type of its time (B9)."""
    first = changes - timedelta(days=3)
    half_hours = f"range(TIMESTAMP '{first}', TIMESTAMP '{first + timedelta(days=7)}', INTERVAL 30 MINUTE)"
    parquet(
        tmp_path / "e.parquet",
        f"SELECT row_number() OVER () AS n, r.range::{kind} AS at FROM {half_hours} AS r",
    )
    spec = source(path="e.parquet", event_time="at")
    cutoffs = Cutoffs(ZoneInfo(zone))
    days = [first + timedelta(days=n) for n in range(-2, 10)]
    found: list[int] = []
    for day, following in pairwise(days):
        bounds = Bounds(cutoffs.of(day), cutoffs.of(following), cutoffs.of(following))
        rows_of_day = seen(warehouse, spec, bounds, zone)
        found += rows_of_day
        assert len(rows_of_day) <= 50
        known = seen(warehouse, spec, Bounds(None, cutoffs.of(following), None), zone)
        assert known == sorted(found)
    assert sorted(found) == list(range(1, 7 * 48 + 1))


def test_known_at_hides_what_arrived_later(warehouse: Warehouse, tmp_path: Path) -> None:
    parquet(
        tmp_path / "o.parquet",
        "SELECT * FROM (VALUES (1, DATE '2026-01-01', TIMESTAMP '2026-01-01 10:00'), "
        "(2, DATE '2026-01-01', TIMESTAMP '2026-01-09 10:00'), (3, DATE '2026-01-01', NULL)) "
        "AS t(id, day, known)",
    )
    spec = source(path="o.parquet", event_time="day", known_at="known")
    noon = utc(2026, 1, 5)
    assert seen(warehouse, spec, Bounds(None, noon, noon)) == [1]
    assert seen(warehouse, spec, Bounds(None, noon, utc(2026, 2, 1))) == [1, 2]


def test_shards_are_pruned_by_day_and_dated_by_it_a4(warehouse: Warehouse, tmp_path: Path) -> None:
    for n in range(1, 10):
        parquet(tmp_path / f"data/ev_2026010{n}.parquet", f"SELECT {n} AS id, DATE '2026-01-0{n}' AS day")
    parquet(tmp_path / "data/ev_20260199.parquet", "SELECT 99 AS id")  # a day that does not exist
    parquet(tmp_path / "data/ev_latest.parquet", "SELECT 98 AS id")
    bounds = Bounds(utc(2026, 1, 3), utc(2026, 1, 5), None)
    for event_time in (None, "day"):
        spec = source(path="data/ev_{date}.parquet", event_time=event_time)
        assert state(warehouse, spec).shards == tuple(date(2026, 1, n) for n in range(1, 10))
        assert seen(warehouse, spec, bounds) == [3, 4]
        assert seen(warehouse, spec, Bounds(None, utc(2025, 1, 1), None)) == []
        relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, "UTC")
        assert "ev_20260108" not in relation


def test_shards_in_another_zone_lose_no_row(warehouse: Warehouse, tmp_path: Path) -> None:
    """A shard cut in UTC holds the first hours of the next day in Madrid."""
    for day in (13, 14, 15):
        parquet(
            tmp_path / f"ev_202601{day}.parquet",
            f"SELECT {day} * 100 + h AS id, TIMESTAMPTZ '2026-01-{day} 00:00+00' + h * INTERVAL 1 HOUR AS at "
            "FROM range(24) AS t(h)",
        )
    cutoffs = Cutoffs(ZoneInfo("Europe/Madrid"))
    spec = source(path="ev_{date}.parquet", event_time="at")
    bounds = Bounds(cutoffs.of(date(2026, 1, 14)), cutoffs.of(date(2026, 1, 15)), None)
    assert seen(warehouse, spec, bounds, "Europe/Madrid") == [1323, *range(1400, 1423)]


def test_a_shard_that_drifted_is_named_before_any_write(warehouse: Warehouse, tmp_path: Path) -> None:
    for n in (1, 2):
        parquet(tmp_path / f"ev_2026010{n}.parquet", "SELECT 1 AS id, DATE '2026-01-01' AS day")
    spec = source(path="ev_{date}.parquet", event_time="day", columns={"id": "INT64"})
    before = state(warehouse, spec)
    parquet(tmp_path / "ev_20260103.parquet", "SELECT 'x' AS id, DATE '2026-01-01' AS day")
    with pytest.raises(DataRefused, match=r"ev_20260103\.parquet") as refused:
        warehouse.source_state(spec)
    assert "expected INT64, got STRING" in str(refused.value)
    undeclared = source(path="ev_{date}.parquet", event_time="day")
    assert before.signature != state(warehouse, undeclared).signature
    assert {c.name: c.type for c in state(warehouse, undeclared).columns}["id"] == "STRING"


def test_csv_shards_share_their_types(warehouse: Warehouse, tmp_path: Path) -> None:
    """An empty column of one day must not turn the amounts of all days into text."""
    (tmp_path / "c_20260101.csv").write_text("id,amount\n1,\n")
    (tmp_path / "c_20260102.csv").write_text("id,amount\n2,7\n")
    (tmp_path / "c_20260103.csv").write_text("id,amount\n3,1.5\n")
    spec = source(path="c_{date}.csv")
    for bounds in (EVERYTHING, Bounds(None, utc(2026, 1, 2), None)):
        relation = warehouse.source_sql(spec, state(warehouse, spec), bounds, "UTC")
        assert warehouse.describe(f"SELECT amount FROM {relation}")[0].type == "FLOAT64"


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


def test_a_probe_finds_the_days_whose_rows_changed(warehouse: Warehouse, tmp_path: Path) -> None:
    values = ["(1, TIMESTAMPTZ '2026-01-01 12:00+00')", "(2, TIMESTAMPTZ '2026-01-01 23:30+00')"]
    late = "(3, TIMESTAMPTZ '2026-01-02 12:00+00')"

    def probed(*chosen: str) -> dict[date, tuple[int, str]]:
        parquet(tmp_path / "o.parquet", f'SELECT * FROM (VALUES {", ".join(chosen)}) AS t(id, "at")')
        spec = source(path="o.parquet", event_time="at")
        found = warehouse.probe(spec, state(warehouse, spec), "Europe/Madrid")
        return {day.day: (day.rows, day.digest) for day in found}

    first, second = date(2026, 1, 1), date(2026, 1, 2)
    before = probed(*values, late)
    assert {day: count for day, (count, _) in before.items()} == {first: 1, second: 2}
    assert probed(late, *reversed(values)) == before
    more = probed(*values, late, late)
    assert more[first] == before[first]
    assert more[second] != before[second]


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
