"""Does an error of the engine lead back to the user's line, and is the connection prepared?"""

from __future__ import annotations

import re

import duckdb
import pytest

from augury.sql.bigquery import to_duckdb
from augury.sql.bigquery.functions import install

TWELVE = """\
-- Twelve lines, and a mistake in the seventh.
SELECT
  customer_id,
  DATE_DIFF(DATE '2024-03-01', MAX(day), DAY) AS recency,
  COUNT(*) AS orders,
  ROUND(SUM(amount), 2) AS spent,
  SUM(amonut) AS typo,
  MAX(amount) AS largest
FROM
  orders
WHERE amount > 0
GROUP BY customer_id"""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    install(connection)
    connection.execute("CREATE TABLE orders (customer_id BIGINT, day DATE, amount DOUBLE)").fetchall()
    return connection


def test_a_mistake_on_line_seven_is_told_of_line_seven(connection: duckdb.DuckDBPyConnection) -> None:
    translated = to_duckdb(TWELVE)
    with pytest.raises(duckdb.BinderException) as error:
        connection.execute(translated.sql)
    found = re.search(r"LINE (\d+):", str(error.value))
    assert found is not None
    assert translated.line(int(found[1])) == 7


def test_the_same_query_without_the_mistake_runs(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute(to_duckdb(TWELVE.replace("amonut", "amount")).sql).fetchall() == []


def test_installing_twice_and_in_cursors(connection: duckdb.DuckDBPyConnection) -> None:
    install(connection)
    cursor = connection.cursor()
    install(cursor)
    sql = to_duckdb("SELECT FARM_FINGERPRINT('alphabet') AS a, FARM_FINGERPRINT(NULL) AS b").sql
    assert cursor.execute(sql).fetchall() == [(-2427165924636348523, None)]
    assert connection.execute(sql).fetchall() == [(-2427165924636348523, None)]
    assert cursor.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_names_from_outside_reach_the_engine_as_names(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""CREATE TABLE "od'd ""t" ("a""b" BIGINT, "x;y" BIGINT, "new\nline" BIGINT)""").fetchall()
    connection.execute("""INSERT INTO "od'd ""t" VALUES (1, 2, 3)""").fetchall()
    sql = to_duckdb("SELECT `a\"b`, `x;y` AS `it's`, `new\nline` FROM `od'd \"t`").sql
    assert connection.execute(sql).fetchall() == [(1, 2, 3)]
