"""Does `augury query` ever write? A statement that would is refused with 2, and nothing happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, rows
from tests.projects import Shop
from tests.tiny import NAMESPACE, everything

WRITING = [
    "insert into visits_predictions select * from visits_predictions",
    "with a as (insert into visits_predictions select 1) select * from a",
    "with a as (delete from visits_predictions) select 1",
    "with a as (delete from visits_predictions returning *) select * from a",
    "with a as (update visits_predictions set worth = 0) select 1",
    'with a as (update "visits_predictions" set worth = 0) select 1',
    "delete from visits_predictions",
    "truncate visits_predictions",
    "merge into visits_predictions using visits_archive on true when matched then delete",
    "create table x as select 1",
    "create temp table x as select 1",
    "create or replace view visits_predictions as select 1",
    "drop view visits_predictions",
    "alter table visits_predictions add column x int",
    "copy (select 1) to '{leak}'",
    "copy visits_predictions to '{leak}' (format parquet)",
    # DuckDB 2.0 performs these, transaction read only or not.
    "with a as (copy (select 1) to '{leak}') select 1",
    "with a as (copy visits_predictions to '{leak}') select 1",
    "with a as (copy \"visits_predictions\" to '{leak}') select 1",
    "with a as materialized (copy (select 1) to '{leak}') select 1",
    "with a as (\n-- quietly\ncopy\n(select 1) to '{leak}') select 1",
    "with a as (/* ( */copy/* ) */(select 1) to '{leak}') select 1",
    "WITH a AS (COPY (SELECT 1) TO '{leak}') SELECT 1",
    "select (with a as (copy (select 1) to '{leak}') select 1)",
    "from (with a as (copy (select 1) to '{leak}') select 1)",
    "explain analyze copy (select 1) to '{leak}'",
    "explain analyze with a as (copy (select 1) to '{leak}') select 1",
    "export database '{leak}'",
    "attach '{leak}' as x",
    "detach memory",
    "use memory",
    "set threads = 1",
    "reset threads",
    "pragma database_list",
    "pragma enable_profiling",
    "pragma table_info('visits_predictions')",
    "call enable_logging()",
    "select * from enable_logging()",
    "install httpfs",
    "load httpfs",
    "begin",
    "commit",
    "checkpoint",
    "vacuum",
    "prepare x as select 1",
    "execute x",
    "create secret x (type s3)",
    "create macro f() as 1",
    # DuckDB takes apart whatever holds a PIVOT without a list of values, and calls it MULTI.
    "create table x as pivot visits_predictions on version using count(*)",
    "insert into visits_predictions pivot visits_predictions on version using count(*)",
    "copy (pivot visits_predictions on version using count(*)) to '{leak}'",
    "explain analyze copy (pivot visits_predictions on version using count(*)) to '{leak}'",
    "/* read */ create table x as pivot visits_predictions on version using count(*); -- read",
    "pivot (with a as (copy (select 1) to '{leak}') select * from visits_predictions) on version using count(*)",
    "with a as (delete from visits_predictions) pivot visits_predictions on version using count(*)",
    "pivot visits_predictions on version using count(*); drop view visits_predictions",
    "explain (analyze) copy (select 1) to '{leak}'",
    "explain (format json) delete from visits_predictions",
    "select 1; select 2",
    "select 1; drop view visits_predictions",
    "; ;",
]


@pytest.mark.parametrize("sql", WRITING)
def test_a_statement_that_does_not_only_read_is_refused(published: Shop, tmp_path: Path, sql: str) -> None:
    leak = tmp_path / "leak"
    before = everything(published.root / NAMESPACE)
    refused(called("query", sql.format(leak=leak), folder=published.root), 2, "only one statement that reads")
    assert not leak.exists()
    assert everything(published.root / NAMESPACE) == before


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (with b as (select 1 as x) insert into visits_predictions select * from b) select * from a",
        "select * from query('copy (select 1) to ''{leak}''')",
        "with a as (((copy (select 1) to '{leak}'))) select 1",
        "with a as (create table x as select 1) select 1",
        "with a as (attach '{leak}') select 1",
        "select write_blob('{leak}', 'x')",
    ],
)
def test_what_the_engine_refuses_by_itself_writes_nothing_either(published: Shop, tmp_path: Path, sql: str) -> None:
    leak = tmp_path / "leak"
    refused(called("query", sql.format(leak=leak), folder=published.root), 1, "DuckDB refused the query")
    assert not leak.exists()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) as n from visits_predictions", [{"n": 36}]),
        ("from visits_predictions select count(*) as n;", [{"n": 36}]),
        ("with copy as (select 1 as update) select update as n from copy", [{"n": 1}]),
        ("select 'insert into x; drop table y -- copy (' as n", [{"n": "insert into x; drop table y -- copy ("}]),
        ("select 1 as n -- ; drop table x", [{"n": 1}]),
        ("values (1), (2)", [{"col0": 1}, {"col0": 2}]),
        ("select count(*) copy from visits_predictions", [{"copy": 36}]),
        ("select n from (select 1 as n, 2 as copy) where (copy) > 1", [{"n": 1}]),
    ],
)
def test_words_that_only_look_like_writing_are_fine(published: Shop, sql: str, expected: list[object]) -> None:
    assert rows(sql, published.root) == expected


PIVOTED = [{"run_date": f"2024-01-{day}", "v1": 12} for day in (10, 11, 12)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("from visits_predictions select count(*) as n", [{"n": 36}]),
        ("pivot visits_predictions on version using count(*) group by run_date order by 1", PIVOTED),
        ("pivot visits_predictions on version in ('v1') using count(*) group by run_date order by 1", PIVOTED),
        ("/* a */ pivot visits_predictions on version using count(*) group by run_date order by 1; -- b", PIVOTED),
        ("with p as (from visits_predictions) pivot p on version using count(*) group by run_date order by 1", PIVOTED),
        (
            "select sum(v1) as n from (pivot visits_predictions on version using count(*) group by run_date)",
            [{"n": 36}],
        ),
        ("unpivot (select 1 as a, 2 as b) on a, b", [{"name": "a", "value": 1}, {"name": "b", "value": 2}]),
        ("select column_name from (describe visits_predictions) limit 1", [{"column_name": "run_date"}]),
        ("select count from (summarize visits_predictions) limit 1", [{"count": 36}]),
    ],
)
def test_whatever_only_reads_is_answered(published: Shop, sql: str, expected: list[object]) -> None:
    assert rows(sql, published.root) == expected


def names(sql: str, shop: Shop, column: str = "name") -> set[str]:
    return {row[column] for row in rows(sql, shop.root)}


def test_one_may_ask_what_there_is_to_query(published: Shop) -> None:
    with published.open() as project:
        known = {table.name for table in project._reading.warehouse.tables()}
    assert {"visits_predictions", "visits_v1_prepare", "visits_archive", "augury_runs"} <= known
    assert names("show tables", published) == known
    assert names("SHOW ALL TABLES", published) == names("describe", published) == known
    assert names("select * from (show tables)", published) == known
    assert names("select table_name from information_schema.tables", published, "table_name") == known
    assert names('select view_name from "duckdb_views"() where not internal', published, "view_name") == known
    assert names("describe visits_predictions", published, "column_name") >= {"run_date", "customer_id", "worth"}


def test_a_damaged_table_hides_no_other_one(published: Shop) -> None:
    (pointer, *_) = (published.root / NAMESPACE / "visits_v1_prepare").rglob("live.json")
    pointer.write_text("{")
    assert {"visits_predictions", "augury_runs"} <= names("show tables", published)
    refused(called("query", "describe visits_v1_prepare", folder=published.root), 1, "visits_v1_prepare")


def test_what_was_refused_is_named_by_its_verb(published: Shop) -> None:
    sql = "create table x as pivot visits_predictions on version using count(*)"
    assert "this is CREATE: only" in refused(called("query", sql, folder=published.root), 2)
