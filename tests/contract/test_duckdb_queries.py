"""Which queries are answered, which are refused and why, and of which types is the answer?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import DataRefused, QueryRefused, UsageError
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, write
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import files, run_python

# -- what people ask -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("SELECT\n  totl\nFROM (SELECT 1 AS total)", 2, ['"totl"', "Did you mean 'total'?"]),
        ("SELECT 1\nFROM nowhere", 2, ["nowhere"]),
        ("SELECT 1 +", 1, ["syntax error"]),
        ("SELECT\n\nlenght('a')", 3, ["lenght", "Did you mean 'length'?"]),
        ("SELECT\nCAST(x AS INT) FROM (SELECT 'q' AS x)", 2, ["'q'"]),
        ("SELECT xyz FROM (SELECT 1 AS total)", 1, ["there are: total"]),
    ],
)
def test_a_refused_query_says_line_and_nearest_name(
    warehouse: Warehouse, sql: str, line: int, words: list[str]
) -> None:
    with pytest.raises(QueryRefused) as refused:
        warehouse.create(write(), sql)
    assert refused.value.where.line == line
    for word in words:
        assert word in str(refused.value)
    assert "Candidate" not in str(refused.value)
    assert "LINE" not in str(refused.value)


def test_an_error_in_the_middle_of_a_stream_is_one_of_ours(warehouse: Warehouse) -> None:
    sql = "SELECT CAST(CASE WHEN i = 200000 THEN 'x' ELSE '1' END AS INT) AS n FROM range(300000) AS t(i)"
    with warehouse.read(sql, 1000) as reader, pytest.raises(QueryRefused, match="'x'"):
        for _ in reader:
            pass
    with warehouse.read("SELECT * FROM range(10000000)", 1000) as reader:
        reader.read_next_batch()  # and go: the rest is not waited for


@pytest.mark.parametrize(
    "sql",
    [
        "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
        "WITH more AS (INSERT INTO people VALUES (1)) SELECT 1",
        "WITH new AS NOT MATERIALIZED (UPDATE people SET name = 'x' RETURNING *) SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM people",
        "/* just */ EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
        "COPY people TO 'out.csv'",
        "ATTACH 'other.duckdb'",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "CALL enable_logging()",
        "SELECT * FROM enable_logging(storage = 'file')",
        "SELECT * FROM \"enable_logging\" /* x */ ('y')",
    ],
)
def test_no_disguise_makes_a_query_write(warehouse: Warehouse, tmp_path: Path, sql: str) -> None:
    warehouse.create(write(), PEOPLE)
    before = files(tmp_path)
    with pytest.raises(UsageError), warehouse.query(sql):
        pass
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) as n from people;", 2),
        ("-- how many?\nFROM people SELECT count(*) AS n", 2),
        ("WITH p AS MATERIALIZED (SELECT * FROM people) SELECT count(*) AS n FROM p", 2),
        ("SELECT length('insert into (delete from x)') - 27 AS n -- (insert into", 0),
        ("WITH people AS (SELECT 1) SELECT count(*) AS n FROM people", 1),
        ('SELECT count(*) AS n FROM (SELECT 1 AS "(delete from") AS t', 1),
    ],
)
def test_what_only_reads_is_answered(warehouse: Warehouse, sql: str, expected: int) -> None:
    warehouse.create(write(), PEOPLE)
    with warehouse.query(sql) as reader:
        assert reader.read_all().to_pylist() == [{"n": expected}]


def test_a_query_explains_itself_and_knows_the_tables(warehouse: Warehouse) -> None:
    warehouse.create(write(), PEOPLE)
    with warehouse.query("EXPLAIN SELECT * FROM people") as reader:
        assert reader.read_all().num_rows
    with pytest.raises(QueryRefused, match="Did you mean 'people'"), warehouse.query("SELECT * FROM peple"):
        pass


def test_a_query_sees_the_schema_of_all_partitions(warehouse: Warehouse) -> None:
    warehouse.create(write(), "SELECT 1 AS customer_id")
    warehouse.create(write(day=NEXT), "SELECT 2 AS customer_id, 'x' AS name LIMIT 0")
    with warehouse.query("SELECT * FROM people") as reader:
        assert reader.read_all().to_pylist() == [{"run_date": DAY, "customer_id": 1, "name": None}]


@pytest.mark.parametrize("kind", ["UNION(a INT)", "VARIANT", "BIGNUM"])
def test_a_type_that_parquet_cannot_keep_is_refused_by_name_c3(warehouse: Warehouse, kind: str) -> None:
    with pytest.raises(DataRefused, match="'odd' has type"):
        warehouse.create(write(), f"SELECT CAST(NULL AS {kind}) AS odd")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("sum(n)", "INT64"),  # a HUGEINT, which DuckDB would write as DOUBLE
        ("NULL", "INT64"),
        ("'a'::ENUM('a', 'b')", "STRING"),
        ("'101'::BIT", "STRING"),
        ("[sum(n), NULL]", "ARRAY<INT64>"),
        ("{'a': sum(n), 'b': [NULL]}", "STRUCT(a BIGINT, b BIGINT[])"),
        ("MAP {'k': sum(n)}", "MAP(VARCHAR, BIGINT)"),
        ("TIMESTAMP_S '2026-01-15 00:00:00'", "DATETIME"),
        ("uuid()", "UUID"),
        ("1::SMALLINT", "SMALLINT"),
        ("1.50::DECIMAL(6,2)", "DECIMAL(6,2)"),
    ],
)
def test_the_recorded_type_is_the_one_that_readers_get(warehouse: Warehouse, value: str, kind: str) -> None:
    written = warehouse.create(write(), f"SELECT {value} AS v FROM (SELECT 7 AS n)")
    assert written.partition.columns[1].type == kind
    relation = warehouse.partition_sql("people", [DAY])
    assert warehouse.describe(f"SELECT v FROM {relation}") == written.partition.columns[1:]
    nothing = warehouse.partition_sql("people", [NEXT])
    assert warehouse.describe(f"SELECT v FROM {nothing}") == written.partition.columns[1:]


def test_values_that_do_not_fit_name_their_column(warehouse: Warehouse) -> None:
    huge = "170141183460469231731687303715884105727"
    with pytest.raises(DataRefused, match=f"'total': expected INT64, got {huge}"):
        warehouse.create(write(), f"SELECT {huge}::HUGEINT AS total")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_the_hosts_time_zone_is_never_read(tmp_path: Path, zone: str) -> None:
    found = run_python(
        """
        import os, time
        os.environ["TZ"] = sys.argv[2]
        time.tzset()
        from concurrent.futures import ThreadPoolExecutor
        from augury.testing.warehouse_rows import rows
        from tests.contract.duckdb_room import opened
        w = opened(root)
        sql = "SELECT CAST(CAST(TIMESTAMPTZ '2026-01-15 00:00:00+00' AS TIMESTAMP) AS VARCHAR) AS t"
        print(rows(w, sql))
        with ThreadPoolExecutor(1) as pool:
            print(pool.submit(rows, w, sql).result())
        """,
        tmp_path,
        zone,
    )
    assert found.stdout.split() == ["[{'t':", "'2026-01-15", "00:00:00'}]"] * 2


def test_sql_steps_never_leave_the_engine_e2(tmp_path: Path) -> None:
    """Nothing that could hold their rows is even loaded."""
    found = run_python(
        """
        from datetime import date
        from augury.warehouses.contract import Write
        from augury.warehouses.duckdb import DuckDBWarehouse
        w = DuckDBWarehouse.open(root, "dev", project="shop", deployment="", target="dev", project_root=root,
                                 output_root=None, threads=None, memory=None)
        day = date(2026, 1, 15)
        w.create(Write("prepare", day, "r", "f", unique=("i",)), "SELECT i FROM range(100000) AS t(i)")
        w.create(Write("staging", day, "r", "f"), "SELECT * FROM " + w.partition_sql("prepare", [day]))
        w.publish("staging", day, Write("predictions", day, "r", "f"))
        print(sorted({"pyarrow", "pandas", "numpy", "sqlglot"} & set(sys.modules)))
        """,
        tmp_path,
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")
