"""Where does a line of the translation come from, and what of the caller goes through it untouched?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from augury.errors import SpecError
from augury.sql.bigquery import to_duckdb

TWELVE = """\
WITH recent AS (
  SELECT
    customer_id,
    SUM(amount) AS spent,
    COUNT(*) AS orders,
    MAX(day) AS last_day,
    wrong_name,
    MIN(day) AS first_day
  FROM `shop.orders`
  GROUP BY customer_id
)
SELECT * FROM recent"""


def test_each_line_of_the_output_knows_its_line_of_the_input() -> None:
    translated = to_duckdb(TWELVE)
    lines = translated.sql.split("\n")
    assert len(lines) == len(translated.lines)
    (at,) = [number for number, line in enumerate(lines, 1) if "wrong_name" in line]
    assert translated.line(at) == 7
    (at,) = [number for number, line in enumerate(lines, 1) if '"first_day"' in line]
    assert translated.line(at) == 8


def test_strings_of_several_lines_do_not_shift_the_rest() -> None:
    translated = to_duckdb("SELECT '''a\nb\nc''' AS x,\n  y\nFROM t")
    lines = translated.sql.split("\n")
    assert len(lines) == len(translated.lines)
    (at,) = [number for number, line in enumerate(lines, 1) if '"y"' in line]
    assert translated.line(at) == 4


def test_placeholders_come_out_as_they_went_in_and_once() -> None:
    placeholders = {"__augury_run_date": "DATE", "__augury_cutoff": "TIMESTAMP", "__augury_rate": "FLOAT64"}
    sql = """
    SELECT DATE_DIFF(__augury_run_date, DATE(o.ts), DAY) AS age,
      x / __augury_rate AS y, GREATEST(__augury_rate, z) AS g,
      SAFE_CAST(__augury_rate AS INT64) AS i, DATE_SUB(__augury_run_date, INTERVAL 1 MONTH) AS m
    FROM __augury_1_orders AS o JOIN __augury_2_people USING (id), UNNEST(o.items) AS i
    WHERE ts < __augury_cutoff AND id IN (SELECT id FROM __augury_3_orders)
    """
    translated = " ".join(to_duckdb(sql, placeholders=placeholders).sql.split())
    for name in ("__augury_cutoff", "__augury_1_orders", "__augury_2_people", "__augury_3_orders"):
        assert translated.count(name) == 1, name
    assert translated.count("__augury_run_date") == 2
    assert translated.count("__augury_rate") == 3
    assert '"__augury' not in translated
    assert '__augury_1_orders AS "o"' in translated
    assert "JOIN __augury_2_people USING" in translated


def test_a_subquery_stands_once_where_a_function_needs_its_value_twice() -> None:
    translated = to_duckdb("SELECT GREATEST((SELECT MAX(x) FROM __augury_1_t), y) AS g FROM u").sql
    assert translated.count("__augury_1_t") == 1


def test_a_placeholder_of_a_date_stays_a_date() -> None:
    translated = to_duckdb("SELECT __augury_d - n AS x FROM t", placeholders={"__augury_d": "DATE"})
    assert translated.sql == 'SELECT __augury_d - "n" AS "x" FROM "t" AS "t"'
    known = to_duckdb("SELECT __augury_d - CAST(n AS INT64) AS x FROM t", placeholders={"__augury_d": "DATE"})
    assert "AS INTEGER)" in known.sql


def test_parameters_by_name_and_by_number() -> None:
    translated = to_duckdb(
        "SELECT x FROM t WHERE a = @first AND b = @second", parameters={"first": "INT64", "second": "DATE"}
    )
    assert "$first" in translated.sql
    assert "$second" in translated.sql
    assert '"a" = $1 AND "b" = $2' in to_duckdb("SELECT x FROM t WHERE a = ? AND b = ?").sql


def test_a_parameter_that_is_not_there_names_its_neighbour() -> None:
    with pytest.raises(SpecError, match=r"no parameter is called @frist.*did you mean 'first'"):
        to_duckdb("SELECT @frist", parameters={"first": "INT64"})


def test_the_time_is_a_constant_where_it_is_given() -> None:
    now = datetime(2024, 2, 29, 23, tzinfo=UTC)
    first = to_duckdb("SELECT CURRENT_DATE(), CURRENT_TIMESTAMP()", now=now)
    assert "now()" not in first.sql
    assert "2024-02-29T23:00:00+00:00" in first.sql
    assert "now()" in to_duckdb("SELECT CURRENT_DATE()").sql


def test_threads_translate_at_the_same_time() -> None:
    queries = [f"SELECT a{number}, DATE_SUB(d, INTERVAL {number} DAY) AS x FROM t{number}" for number in range(40)]
    alone = [to_duckdb(query) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(to_duckdb, queries)) == alone
