"""Which tables does an import find in SQL?"""

from __future__ import annotations

import pytest

from augury.operations.tables_read import tables_in


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM `p-1.raw.orders` o", ["p-1.raw.orders"]),
        ("select * from p-1.raw.orders", ["p-1.raw.orders"]),
        ("SELECT * FROM `p-1`.raw.`orders`", ["p-1.raw.orders"]),
        ("SELECT * FROM raw.a AS x LEFT JOIN raw.b USING (i), raw.c WHERE TRUE", ["raw.a", "raw.b", "raw.c"]),
        ("SELECT * FROM raw.a x, x.items, UNNEST(x.tags) t", ["raw.a"]),
        ("WITH a AS (SELECT 1) SELECT * FROM a c, c.items, raw.b, b.items AS i", ["raw.b"]),
        ("WITH a AS (SELECT 1 FROM raw.b) SELECT * FROM a JOIN (SELECT * FROM raw.c)", ["raw.b", "raw.c"]),
        ("SELECT EXTRACT(DAY FROM e.at), a IS DISTINCT FROM b.c, 'FROM d.e', \"FROM f.g\" FROM raw.a e", ["raw.a"]),
        ("SELECT 1 -- FROM a.b\n# FROM c.d\n/* FROM e.f */ {# FROM g.h #}", []),
        ("SELECT * FROM ML.PREDICT(MODEL `d.m`, TABLE raw.a)", ["raw.a"]),
        ("SELECT * FROM `p.raw.events_*`, p.raw.days_* WHERE TRUE", ["p.raw.events_*", "p.raw.days_*"]),
        ("SELECT * FROM {{ raw }}.a, `{{ raw|upper }}.b`", ["shop.a", "{{ raw|upper }}.b"]),
        ("{% if x %}SELECT * FROM raw.a{% else %}SELECT * FROM raw.b{% endif %};", ["raw.a", "raw.b"]),
        ("", []),
        ("SELECT * FROM", []),
        ("SELECT 'never closed FROM a.b", []),
    ],
)
def test_tables_are_told_from_everything_else(sql: str, tables: list[str]) -> None:
    assert list(tables_in(sql, {"raw": "shop"})) == tables
