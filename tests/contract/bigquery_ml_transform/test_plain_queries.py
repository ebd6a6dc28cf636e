"""Preprocessing functions outside of TRANSFORM: anywhere in a SELECT where BigQuery takes them."""

from __future__ import annotations

import pytest

from augury.sql.bigquery_ml.transform_queries import translate
from tests.contract.bigquery_ml_transform.room import Room


@pytest.fixture
def shop(room: Room) -> Room:
    room.connection.execute(
        "CREATE TABLE sales AS SELECT * FROM (VALUES (1, 'a', 10), (2, 'a', 20), (3, 'b', 60)) v(id, c, x)"
    )
    room.connection.execute("CREATE TABLE people AS SELECT * FROM (VALUES (1, 'Ada'), (3, 'Bob')) v(id, name)")
    return room


def asked(room: Room, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in room.rows(translate(sql).sql)]


def test_all_rows_are_those_of_the_query(shop: Room) -> None:
    sql = "SELECT id, ML.MAX_ABS_SCALER(x) OVER () AS y FROM sales WHERE c = 'a' ORDER BY id"
    assert asked(shop, sql) == [(1, 0.5), (2, 1.0)]


def test_groups_are_rows_too(shop: Room) -> None:
    sql = "SELECT c, ML.MIN_MAX_SCALER(SUM(x)) OVER () AS y FROM sales GROUP BY c ORDER BY c"
    assert asked(shop, sql) == [("a", 0.0), ("b", 1.0)]


def test_names_of_tables_stay_what_they_are(shop: Room) -> None:
    sql = """
        SELECT p.name, ML.BUCKETIZE(s.x, [15, 30]) AS bucket, ML.LABEL_ENCODER(s.c, 9, 0) OVER () AS code
        FROM sales AS s JOIN people AS p ON p.id = s.id
        ORDER BY ML.BUCKETIZE(s.x, [15, 30]) DESC"""
    assert asked(shop, sql) == [("Bob", "bin_3", 2), ("Ada", "bin_1", 1)]


def test_they_stand_in_subqueries_and_conditions(shop: Room) -> None:
    sql = """
        WITH scaled AS (SELECT id, ML.MIN_MAX_SCALER(x) OVER () AS y FROM sales)
        SELECT id FROM scaled
        WHERE ML.BUCKETIZE(y, [0.1]) = 'bin_2'
          AND id IN (SELECT id FROM sales WHERE ML.BUCKETIZE(x, [50]) = 'bin_2')"""
    assert asked(shop, sql) == [(3,)]


def test_an_argument_may_be_a_subquery(shop: Room) -> None:
    assert asked(shop, "SELECT ML.BUCKETIZE((SELECT MAX(x) FROM sales), [50], FALSE, 'bucket_ranges') AS b") == [
        ("[50, +inf)",)
    ]


def test_arguments_are_bigquery_sql(shop: Room) -> None:
    sql = "SELECT ML.BUCKETIZE(IF(c = 'a', SAFE_DIVIDE(x, 0), x), [50]) AS b FROM sales ORDER BY id"
    assert asked(shop, sql) == [(None,), (None,), ("bin_2",)]


def test_several_in_one_expression(shop: Room) -> None:
    sql = "SELECT ML.MAX_ABS_SCALER(x) OVER () - ML.MIN_MAX_SCALER(x) OVER () AS y FROM sales ORDER BY id"
    assert [round(float(str(row[0])), 6) for row in asked(shop, sql)] == [0.166667, 0.133333, 0.0]
