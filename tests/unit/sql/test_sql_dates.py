"""A template is rendered once for all dates, unless it does more with a date than print it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from augury.errors import SpecError
from augury.spec.files import Macros, SqlFile
from augury.sql.compiled import CompiledSql
from augury.sql.compiler import Compiler
from tests.unit.sql.room import FACTS, VALUES, days, name_of, on


def over(dates: list[date], text: str, compiler: Compiler | None = None) -> list[CompiledSql]:
    compiler = compiler or Compiler(Macros(), "duckdb")
    file = SqlFile("pipelines/ltv/prepare.sql", text)
    return [compiler.compile("prepare", file, FACTS, on(day)) for day in dates]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT {{ run_date }}, {{ cutoff }} FROM {{ source('orders') }}",
        "{% set d = run_date %}SELECT {{ d }}{% if environment == 'dev' %}, 1{% endif %}",
        "{% macro m(d) %}{{ d }}{% endmacro %}SELECT {{ m(run_date) }}",
        "{% for d in [run_date, cutoff] %}SELECT {{ d }}{{ ' UNION ALL ' if not loop.last }}{% endfor %}",
    ],
)
def test_printed_dates_leave_one_query_for_all_dates(text: str) -> None:
    first, *others = over(days(40), text)
    assert all(other is first for other in others)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT {{ run_date.year }}", ["SELECT 2026", "SELECT 2025"]),
        ("SELECT {% if run_date.month == 1 %}1{% else %}2{% endif %}", ["SELECT 1", "SELECT 2"]),
        ("SELECT {{ run_date | string }}", ["SELECT '2026-01-15'", "SELECT '2025-12-31'"]),
        ("SELECT {{ 'd' ~ run_date }}", ["SELECT 'd2026-01-15'", "SELECT 'd2025-12-31'"]),
        ("SELECT {{ '%s' % run_date }}", ["SELECT '2026-01-15'", "SELECT '2025-12-31'"]),
        ("SELECT {{ ident(run_date.strftime('d%Y')) }}", ['SELECT "d2026"', 'SELECT "d2025"']),
        ("SELECT {{ (run_date, cutoff) | length }}", ["SELECT 2", "SELECT 2"]),
        ("SELECT {{ [run_date] }}", ["SELECT (DATE '2026-01-15')", "SELECT (DATE '2025-12-31')"]),
    ],
)
def test_other_uses_of_a_date_are_rendered_for_each_date(text: str, expected: list[str]) -> None:
    dates = [VALUES.run_date, date(2025, 12, 31)]
    queries = over(dates, text)
    assert [query.bind(on(day), name_of) for query, day in zip(queries, dates, strict=True)] == expected


def test_dates_that_render_to_the_same_text_share_one_query() -> None:
    text = "SELECT {{ run_date }}, {% if run_date.weekday() == 0 %}1{% else %}2{% endif %}"
    assert len({id(query) for query in over(days(28), text)}) == 2


def test_a_date_that_appears_twice_is_not_rendered_again() -> None:
    compiler = Compiler(Macros(), "duckdb")
    text = "SELECT {{ run_date.day }}"
    assert over(days(3), text, compiler) == over(days(3), text, compiler)


def test_a_mistake_that_only_some_dates_have_is_reported_for_them() -> None:
    text = "SELECT {{ 1 / (run_date.day - 16) }}"
    over(days(1), text)
    with pytest.raises(SpecError, match="division by zero"):
        over(days(2), text)


def test_variables_macros_and_steps_make_other_queries() -> None:
    compiler = Compiler(Macros(), "duckdb")
    file = SqlFile("p.sql", "SELECT {{ var('x', 0) }}")

    def text(x: Any) -> str:
        return compiler.compile("prepare", file, replace(FACTS, variables={"x": x}), VALUES).text

    assert [text(1), text("1"), text(1.0), text(True), text([1])] == [
        "SELECT 1",
        "SELECT '1'",
        "SELECT 1.0e0",
        "SELECT TRUE",
        "SELECT (1)",
    ]
