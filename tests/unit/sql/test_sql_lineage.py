"""What a query reads, and what keeps it from being reproducible."""

from __future__ import annotations

import pytest

from augury.sql.glance import reads_nothing_outside
from augury.sql.lineage import trace
from augury.sql.relations import History, Ref, Relation, Source
from tests.unit.sql.room import compiled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM {{ source('orders') }}", ()),
        ("SELECT * FROM {{ source('orders') }} JOIN secrets USING (k)", ("secrets",)),
        (
            "SELECT * FROM {{ source('orders') }} o JOIN {{ source('items') }} i ON o.k = i.k, secrets",
            ("secrets",),
        ),
        ("SELECT * FROM {{ source('orders') }} WHERE k IN (SELECT k FROM main.blocked)", ("main.blocked",)),
        ("WITH a AS (FROM {{ source('orders') }}), b AS (FROM a) SELECT * FROM a JOIN b USING (k)", ()),
        (
            "WITH orders AS (SELECT * FROM orders) SELECT * FROM orders",
            ("orders",),
        ),  # the inner one is a table
        ("WITH a AS (WITH b AS (SELECT 1) FROM b) SELECT * FROM a, b", ("b",)),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r", ()),
        ("SELECT * FROM 'leak.csv'", ("leak.csv",)),
        ("SELECT * FROM read_parquet('x/*.parquet')", ("read_parquet('x/*.parquet')",)),
        ("SELECT * FROM glob('*')", ("glob('*')",)),
        ("SELECT * FROM range(3), unnest([1]) u(x), (VALUES (1)) v(y)", ()),
        ("SELECT extract(year FROM d), d IS DISTINCT FROM e FROM {{ source('orders') }}", ()),
        ("SELECT * FROM {{ source('orders') }}, LATERAL (SELECT * FROM t2) x", ("t2",)),
        ("PIVOT t3 ON a USING sum(b)", ("t3",)),
    ],
)
def test_tables_read_outside_the_functions_are_reported(text: str, expected: tuple[str, ...]) -> None:
    query = compiled(text)
    assert query.outside == expected
    # The quick look may be unsure, but never wrong.
    parsed = trace(query.text, (), "duckdb")
    assert parsed.outside == () or not reads_nothing_outside(query.text)


def test_a_table_outside_is_reported_with_its_line() -> None:
    assert compiled("SELECT *\nFROM {{ source('orders') }}\nJOIN secrets USING (k)").outside_lines == (("secrets", 3),)


def test_the_usual_templates_need_no_parser_to_be_found_clean() -> None:
    usual = """WITH known AS (
        SELECT customer_id, order_date, amount FROM {{ source('orders') }} WHERE order_date < {{ run_date }}
    ), per AS (
        SELECT customer_id, sum(amount) AS total, count(*) AS n FROM known GROUP BY 1, 2 ORDER BY 1, 2
    )
    SELECT p.*, r.price FROM per p LEFT JOIN {{ reference('prices') }} AS r USING (customer_id)
    WHERE NOT EXISTS (SELECT 1 FROM {{ history('filter', days=365) }} h WHERE h.k = p.k)"""
    assert reads_nothing_outside(compiled(usual).text)


ORDERS, ITEMS = Source("orders"), Source("items")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "SELECT a, sum(o.b) FROM {{ source('orders') }} o WHERE C > 1 GROUP BY ALL",
            {ORDERS: ("a", "b", "C")},
        ),
        ("SELECT orders.a FROM {{ source('orders') }}", {ORDERS: ("a",)}),
        ("SELECT count(*) FROM {{ source('orders') }}", {ORDERS: ()}),
        ("SELECT * FROM {{ source('orders') }}", {ORDERS: None}),
        ("FROM {{ source('orders') }}", {ORDERS: None}),
        ("SELECT * EXCLUDE (a) FROM {{ source('orders') }}", {ORDERS: None}),
        ("SELECT COLUMNS('a.*') FROM {{ source('orders') }}", {ORDERS: None}),
        ("SELECT #1 FROM {{ source('orders') }}", {ORDERS: None}),
        ("SELECT o FROM {{ source('orders') }} o", {ORDERS: None}),
        ("SELECT x FROM {{ source('orders') }} o(x)", {ORDERS: None}),
        ("PIVOT {{ source('orders') }} ON a USING sum(b)", {ORDERS: None}),
        ("SELECT o.payload.x, payload.y FROM {{ source('orders') }} o", {ORDERS: ("payload",)}),
        (
            "SELECT o.*, i.a FROM {{ source('orders') }} o JOIN {{ source('items') }} i USING (k)",
            {ORDERS: None, ITEMS: ("a", "k")},
        ),
        (
            "SELECT o.a FROM {{ source('orders') }} o NATURAL JOIN {{ source('items') }} i",
            {ORDERS: None, ITEMS: None},
        ),
        ("SELECT * FROM (SELECT a FROM {{ source('orders') }})", {ORDERS: ("a",)}),
        ("SELECT list_transform(l, x -> x + b) FROM {{ source('orders') }}", {ORDERS: ("l", "b", "x")}),
        # The same relation twice: what either of them needs.
        (
            "SELECT a FROM {{ source('orders') }} UNION ALL SELECT b FROM {{ source('orders') }}",
            {ORDERS: ("a", "b")},
        ),
        ("SELECT a FROM {{ source('orders') }} UNION ALL FROM {{ source('orders') }}", {ORDERS: None}),
        (
            """SELECT p.* FROM {{ ref('extract') }} p
            WHERE NOT EXISTS (SELECT 1 FROM {{ history('filter', days=365) }} h WHERE h.k = p.k)""",
            {Ref("extract"): None, History("filter", 365): ("k",)},
        ),
    ],
)
def test_columns_used_are_never_too_few(text: str, expected: dict[Relation, tuple[str, ...] | None]) -> None:
    used = compiled(text).columns_used
    assert {key: value and set(value) for key, value in used.items()} == {
        key: value and set(value) for key, value in expected.items()
    }


def test_syntax_that_the_parser_does_not_know_is_left_to_the_engine() -> None:
    query = compiled("SELECT `a`, b FROM {{ source('orders') }} WHERE d = {{ run_date }}")
    assert query.opaque
    assert query.outside == ()
    assert query.columns_used == {ORDERS: None}
    assert query.reads == (ORDERS,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT now(), CURRENT_DATE, today(), random()", ("now()", "current_date", "today()", "random()")),
        ("SELECT now, o.random, \"now\" AS today, 'now()' AS n -- now()\nFROM t AS o", ()),
        ("SELECT uuid() FROM t USING SAMPLE 10%", ("uuid()", "tablesample")),
        ("FROM t TABLESAMPLE 10 PERCENT (bernoulli, 42)", ()),
        ("FROM t TABLESAMPLE reservoir(10%) REPEATABLE (42)", ()),
    ],
)
def test_what_is_another_result_each_time_is_reported(text: str, expected: tuple[str, ...]) -> None:
    assert compiled(text).volatile == expected
