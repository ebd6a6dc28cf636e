"""Values are printed as typed literals (A6, E7, E14)."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from augury.sql.literals import identifier, literal
from tests.unit.sql.room import VALUES, bound, compiled, complaint, on


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        (None, '"NULL"'),
        (True, "BOOLEAN"),
        (7, "INTEGER"),
        (-7, "INTEGER"),
        (2**100, "HUGEINT"),
        (0.1, "DOUBLE"),  # without its exponent it would be a DECIMAL
        (-0.0, "DOUBLE"),
        (1e300, "DOUBLE"),
        (math.inf, "DOUBLE"),
        (Decimal("12.50"), "DECIMAL(4,2)"),
        (Decimal("-5"), "DECIMAL(1,0)"),
        ("it's \\n\n\t\x00 é 雪 -- /* $$", "VARCHAR"),
        ("", "VARCHAR"),
        (date(987, 6, 5), "DATE"),
        (datetime(2026, 1, 15, 6, 30, 0, 123456), "TIMESTAMP"),  # noqa: DTZ001  a naive one is what is tested
    ],
)
def test_a_literal_is_the_value_with_its_type(value: Any, type_name: str) -> None:
    row = duckdb.connect().execute(f"SELECT {literal(value)} AS v, typeof(v)").fetchone()
    assert row == (value, type_name)


def test_an_instant_is_written_in_utc() -> None:
    madrid = datetime(2026, 1, 15, tzinfo=timezone(timedelta(hours=1)))
    assert literal(madrid) == literal(madrid.astimezone(UTC)) == "TIMESTAMPTZ '2026-01-14 23:00:00+00:00'"


def test_a_list_is_what_in_needs_even_when_it_is_empty() -> None:
    sql = "SELECT count(*) FROM (VALUES ('a'), ('b')) t(x) WHERE x {} {}"

    def count(operator: str, values: list[str]) -> object:
        return duckdb.connect().execute(sql.format(operator, literal(values))).fetchall()[0][0]

    assert [count("IN", ["a"]), count("NOT IN", ["a"]), count("IN", []), count("NOT IN", [])] == [1, 1, 0, 2]


def test_a_negative_number_after_a_minus_begins_no_comment() -> None:
    assert duckdb.connect().execute(bound("SELECT 1 -{{ n }} + 1", n=-5)).fetchall() == [(7,)]


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], 2**127, Decimal("NaN"), Decimal(10) ** 40, "\ud800", object()])
def test_what_has_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"literal|UTF-8"):
        literal(value)


@pytest.mark.parametrize("name", ["", "a\x00b", "\ud800"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|UTF-8"):
        identifier(name)


def test_run_values_and_variables_are_literals_wherever_they_come_from() -> None:
    assert bound("SELECT {{ run_date }}, {{ cutoff }}, {{ var('s') }}, {{ s }}, {{ var('t', 3) }}", s="it's") == (
        "SELECT DATE '2026-01-15', TIMESTAMPTZ '2026-01-14 23:00:00+00:00', 'it''s', 'it''s', 3"
    )


def test_e7_names_of_the_deployment_are_printed_bare_and_every_variable_is_a_name() -> None:
    sql = "SELECT '{{ environment }}' AS e, '{{ model_code }}_{{ version_code }}' AS m, {{ depth }} AS d"
    assert bound(sql, depth=3) == "SELECT 'dev' AS e, 'ltv_v2' AS m, 3 AS d"
    assert bound("SELECT 1 FROM {{ target_dataset }}.t") == "SELECT 1 FROM shop_dev.t"
    assert bound("SELECT {% if environment == 'dev' %}1{% else %}2{% endif %}") == "SELECT 1"


def test_a_name_made_from_a_bare_name_is_an_ordinary_value() -> None:
    assert bound("SELECT {{ environment | upper }}") == "SELECT 'DEV'"


def test_ident_quotes_names() -> None:
    assert bound("SELECT {{ ident(c) }}, {{ ident('o', 'a') }}, {{ ident(['a', 'b c']) }}", c='x"y') == (
        'SELECT "x""y", "o"."a", "a", "b c"'
    )


def test_a6_parameters_of_pasted_sql_are_replaced_where_a_value_can_stand() -> None:
    pasted = r"""SELECT 'C:\dir @run_date' AS path, "odd @cutoff", a[1:cutoff], {'a':run_date} -- @run_date
FROM t WHERE d = @run_date AND d < $run_date AND d >= :RUN_DATE /* :cutoff's */ AND
  s = $$ it's @cutoff $$"""
    assert bound(pasted) == (
        r"""SELECT 'C:\dir @run_date' AS path, "odd @cutoff", a[1:cutoff], {'a':run_date} -- @run_date
FROM t WHERE d = DATE '2026-01-15' AND d < DATE '2026-01-15' AND d >= DATE '2026-01-15' /* :cutoff's */ AND
  s = $$ it's @cutoff $$"""
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '{{ run_date }}'",
        "SELECT '{{ var('s') }}'",
        'SELECT "{{ s }}"',
        "SELECT $$ {{ s }} $$",
        "SELECT '{{ ident(s) }}'",
        "SELECT E'\\'{{ s }}'",
    ],
)
def test_a_value_inside_quotes_is_refused_because_its_own_quotes_would_end_them(text: str) -> None:
    assert "inside quotes" in complaint(text, s="'; DROP TABLE x; --")


@pytest.mark.parametrize(
    "text",
    ["SELECT a{{ s }}", "SELECT {{ s }}b", "SELECT E{{ s }}", "SELECT 'x'{{ s }}", "SELECT {{ s }}{{ s }}"],
)
def test_a_value_cannot_melt_into_what_stands_beside_it(text: str) -> None:
    assert "touches" in complaint(text, s="x")


def test_a_value_in_a_comment_vanishes() -> None:
    sql = "SELECT 1 -- {{ s }} {{ source('orders') }}\n, 2"
    assert bound(sql, s="\n; DROP TABLE x") == "SELECT 1 -- ... ...\n, 2"
    assert compiled(sql, s="x").reads == ()


def test_a_separator_written_in_the_template_is_sql() -> None:
    sql = "SELECT {% for c in cols %}{{ ident(c) }}{{ ', ' if not loop.last }}{% endfor %}"
    assert bound(sql, cols=["a", "b"]) == 'SELECT "a", "b"'
    assert bound("{% for c in cols %}SELECT {{ c }}{{ ' UNION ALL ' if not loop.last }}{% endfor %}", cols=[1, 2]) == (
        "SELECT 1 UNION ALL SELECT 2"
    )
    assert bound("SELECT {{ sep }}", sep=", ") == "SELECT ', '"  # but a variable never is


def test_a_template_may_ask_whether_a_name_is_there() -> None:
    assert bound("SELECT {{ 1 if missing is defined else 2 }}, {{ missing | default('x') }}") == "SELECT 2, 'x'"


def test_e14_another_date_is_the_same_query_with_other_values() -> None:
    query = compiled("SELECT {{ run_date }}")
    assert query.bind(on(date(1999, 12, 31)), str) == "SELECT DATE '1999-12-31'"
    assert query.bind(VALUES, str) == "SELECT DATE '2026-01-15'"
