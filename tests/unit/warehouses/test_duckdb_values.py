"""How the DuckDB warehouse names types, writes values, reads shard names and understands complaints."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from augury.errors import DataRefused, NamespaceError, QueryRefused, StorageFailed, UsageError
from augury.spec.columns import TYPES, Column
from augury.warehouses.contract import Partition, TableColumn, Write
from augury.warehouses.duckdb import drift, layout, refusals, relations, types
from augury.warehouses.duckdb.literals import literal
from augury.warehouses.duckdb.projection import project
from augury.warehouses.duckdb.source_files import shard_day

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize("declared", [*TYPES, *(f"ARRAY<{kind}>" for kind in TYPES), "ARRAY<ARRAY<INT64>>"])
def test_a_declared_type_and_its_engine_type_name_each_other(declared: str) -> None:
    engine = types.engine(declared)
    assert types.canonical(engine) == declared
    assert types.kept(duckdb.sqltype(engine)) == engine
    assert types.accepts(declared, duckdb.sqltype(engine))


@pytest.mark.parametrize("engine", ["INTEGER", "FLOAT", "DECIMAL(10,2)", "STRUCT(a BIGINT)", "TIMESTAMP_NS", "UUID"])
def test_a_type_without_a_canonical_name_keeps_its_own(engine: str) -> None:
    assert types.canonical(engine) == engine == types.engine(engine) == types.kept(duckdb.sqltype(engine))


@pytest.mark.parametrize(
    ("declared", "engine", "accepted"),
    [
        ("INT64", "INTEGER", True),
        ("INT64", "HUGEINT", True),  # checked value by value
        ("INT64", "DOUBLE", False),
        ("INT64", "DECIMAL(10,2)", False),
        ("FLOAT64", "DECIMAL(2,1)", True),  # what 0.5 is in DuckDB
        ("FLOAT64", "BIGINT", True),
        ("FLOAT64", "VARCHAR", False),
        ("NUMERIC", "DECIMAL(18,9)", True),
        ("NUMERIC", "DECIMAL(18,10)", False),
        ("NUMERIC", "DOUBLE", False),
        ("STRING", "BIGINT", False),
        ("DATE", "TIMESTAMP", False),
        ("DATETIME", "DATE", True),
        ("DATETIME", "TIMESTAMP_NS", False),
        ("DATETIME", "TIMESTAMP WITH TIME ZONE", False),
        ("TIMESTAMP", "TIMESTAMP", False),  # in which zone?
        ("ARRAY<INT64>", "INTEGER[]", True),
        ("ARRAY<INT64>", "BIGINT", False),
        ("INT64", "BIGINT[]", False),
    ],
)
def test_only_types_that_lose_nothing_stand_in_for_a_declared_one(declared: str, engine: str, accepted: bool) -> None:
    assert types.accepts(declared, duckdb.sqltype(engine)) is accepted


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (True, "true"),
        (-7, "-7"),
        ("it's", "'it''s'"),
        ("a\\b", "'a\\b'"),
        ("a\\\n'", "E'a\\\\\\n'''"),
        (Path("/a b"), "'/a b'"),
        (date(2026, 1, 15), "DATE '2026-01-15'"),
        (NOON.replace(tzinfo=None), "TIMESTAMP '2026-01-15 12:00:00'"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "TIMESTAMPTZ '2026-01-15 12:00:00+00:00'"),
    ],
)
def test_values_are_typed_literals_on_one_line(value: object, written: str) -> None:
    assert literal(value) == written  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["people", "ltv_v1_predictions_staging", "a" * 200])
def test_a_table_name_is_a_plain_word(name: str) -> None:
    assert layout.checked_table(name) == name


@pytest.mark.parametrize("name", ["", "a/b", "..", "A", "_x", "a b", "a\n", "ä", "1a", "a" * 201, "a\x00"])
def test_anything_else_is_outside_the_namespace(name: str) -> None:
    with pytest.raises(NamespaceError):
        layout.checked_table(name)


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".hidden", "a\n", "a\x00b", "x" * 101])
def test_a_run_id_is_a_file_name(run_id: str) -> None:
    with pytest.raises(UsageError):
        layout.checked_run_id(run_id)


@pytest.mark.parametrize(
    ("pattern", "name", "day"),
    [
        ("ev_{date}.csv", "ev_20260115.csv", date(2026, 1, 15)),
        ("ev_{date}.csv", "ev_20260230.csv", None),  # no such day
        ("ev_{date}.csv", "ev_2026011.csv", None),
        ("ev_{date}.csv", "ev_20260115xcsv", None),
        ("ev_{date}", "ev_20260115_old", None),
        ("{date}/*_{date}.csv", "20260115/a_20260115.csv", date(2026, 1, 15)),
        ("{date}/*_{date}.csv", "20260115/a_20260116.csv", None),
        ("**/ev_{date}.csv", "a/b/ev_20260115.csv", date(2026, 1, 15)),
        ("ev[1]_{date}.csv", "ev[1]_20260115.csv", date(2026, 1, 15)),
    ],
)
def test_a_shard_is_dated_by_its_name(pattern: str, name: str, day: date | None) -> None:
    assert shard_day(pattern, name) == day


def test_a_write_reports_every_column_that_does_not_fit_at_once() -> None:
    declared = {name: Column(type=kind) for name, kind in (("a", "INT64"), ("totl", "DATE"), ("b", "BOOL"))}
    bound = [(name, duckdb.sqltype(kind)) for name, kind in (("a", "DOUBLE"), ("total", "DATE"), ("A", "DATE"))]
    write = Write("t", date(2026, 1, 15), "r", "f", declared, unique=("key",))
    with pytest.raises(DataRefused) as refused:
        project(write, bound)
    assert refused.value.why == (
        "column 'a': expected INT64, got FLOAT64; two columns are called 'a' and 'A'; "
        "column 'totl': expected DATE, got no such column, did you mean 'total'?; "
        "column 'b': expected BOOL, got no such column; key column 'key' is not there"
    )


def test_drift_says_which_new_column_is_close() -> None:
    declared = {"total": Column(type="FLOAT64"), "id": Column(type="INT64")}
    with pytest.raises(DataRefused) as refused:
        drift.check("o.csv", [("totl", duckdb.sqltype("DOUBLE")), ("ID", duckdb.sqltype("INTEGER"))], declared)
    assert refused.value.why == "column 'total': expected FLOAT64, got no such column ('totl' is new)"


def test_one_schema_for_partitions_that_differ() -> None:
    def partition(n: int, **columns: str) -> Partition:
        recorded = tuple(TableColumn(name, kind) for name, kind in columns.items())
        return Partition("t", date(2026, 1, n), "r", "f", 1, 1, recorded, NOON + timedelta(days=n), f"/{n}")

    one, two, three = partition(1, a="INT64", b="STRING"), partition(2, A="INT64"), partition(3, c="BOOL", a="DATE")
    assert relations.united([one, three, two]) == (*three.columns, TableColumn("b", "STRING"))
    assert relations.select([one]) == "(SELECT * FROM read_parquet('/1', hive_partitioning = false))"
    assert relations.select([two, three]).count("read_parquet") == 2


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        ('Binder Error: Referenced column "x" not found!\nCandidate bindings: "xx"', QueryRefused, "column"),
        ('IO Error: No files found that match the pattern "/w/t/run_date=2026-01-15/r.parquet"', StorageFailed, "t of"),
        ("Invalid Input Error: No magic bytes found at end of file '/w/t/all/r.parquet'", StorageFailed, "of t cannot"),
        (
            'IO Error: {"exception_type":"IO","exception_message":"Async write failed: {\\"exception_type\\":\\"IO\\",'
            '\\"exception_message\\":\\"Could not write file \\\\\\"/w/x\\\\\\": No space left on device\\",'
            '\\"errno\\":\\"28\\"}"}',
            StorageFailed,
            "cannot write /w/x",
        ),
        ("Out of Memory Error: could not allocate block of size 256.0 KiB", QueryRefused, "could not allocate"),
        ("something new", QueryRefused, "something new"),
    ],
)
def test_a_complaint_of_the_engine_becomes_one_of_our_errors(message: str, kind: type[Exception], said: str) -> None:
    error = refusals.query_refused(duckdb.Error(message))
    assert type(error) is kind
    assert said in error.what
    assert "{" not in str(error)


def test_the_remedy_of_a_damaged_partition_is_a_command() -> None:
    error = refusals.unreadable_partition("shop_ltv_v2_train_prepare", date(2026, 1, 31), "/p", "cut off")
    assert error.fix is not None
    assert "augury clean shop_ltv --from 2026-01-31 --to 2026-02-01 --step train_prepare" in error.fix
