"""A definition is the same whatever its layout, and another one when its meaning is another."""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from augury.sql.fingerprint import changed_line, combine, hook_fingerprint
from tests.unit.sql.room import compiled

QUERY = """SELECT customer_id, sum(amount) AS total, CAST(x AS int) AS n
FROM {{ source('orders') }}
WHERE d >= {{ run_date }} AND kind = 'Web'
GROUP BY ALL"""


@pytest.mark.parametrize(
    "text",
    [
        QUERY + ";",
        QUERY + " -- the end\n;;",
        QUERY.replace("\n", "\n\n\t"),
        "/* new */ " + QUERY.replace("WHERE", "-- why\nWHERE"),
        QUERY.replace("SELECT", "{# note #}select").replace("sum(", "SUM ( ").replace(" AS ", " as "),
        QUERY.replace("int", "INT").replace("GROUP BY ALL", "group   by all"),
        QUERY.replace("{{ run_date }}", "{{run_date}}"),
        QUERY.replace("{{ run_date }}", "@run_date"),
    ],
)
def test_comments_layout_and_letter_case_of_keywords_change_nothing(text: str) -> None:
    assert compiled(text).fingerprint == compiled(QUERY).fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'Web'", "'web'"),
        ("'Web'", "'Web '"),
        ("AS total", "AS Total"),  # the name of a result column
        (">=", ">"),
        ("run_date", "cutoff"),
        ("source('orders')", "source('items')"),
        ("source('orders')", "window('orders')"),
        ("sum(", "avg("),
        ("AND", "OR"),
        ("sum(amount)", "sum(DISTINCT amount)"),
        ("customer_id", '"customer_id "'),
        ("d >=", "-d >="),
    ],
)
def test_every_difference_in_meaning_is_another_definition(old: str, new: str) -> None:
    assert compiled(QUERY.replace(old, new)).fingerprint != compiled(QUERY).fingerprint


def test_variables_and_macros_are_part_of_the_definition() -> None:
    text = "SELECT {{ scaled(x) }}"
    macro = "{% macro scaled(n) %}{{ n }} * 2{% endmacro %}"
    prints = [
        compiled(text, macro=macro, x=1).fingerprint,
        compiled(text, macro=macro, x="1").fingerprint,
        compiled(text, macro=macro.replace("* 2", "* 3"), x=1).fingerprint,
    ]
    assert len(set(prints)) == 3
    commented = macro.replace("{{ n }}", "/* n */ {{n}}\n")
    assert compiled(text, macro=commented, x=1).fingerprint == prints[0]


def test_history_of_other_days_is_another_definition() -> None:
    seven, eight = (compiled(f"FROM {{{{ history('filter', days={days}) }}}}") for days in (7, 8))
    assert seven.fingerprint != eight.fingerprint


HOOKS = '''
"""Hooks."""
import math

def prepare(rows):
    """Features."""
    # round them
    return helper(rows, 1)

def helper(rows, n):
    return rows
'''


def test_a_hook_is_the_whole_file_without_comments_layout_and_docstrings() -> None:
    same = (
        HOOKS.replace("    # round them\n", "\n\n")
        .replace("Features.", "Better words.")
        .replace("(rows, 1)", "( rows,1 )")
    )
    assert hook_fingerprint(same, "prepare") == hook_fingerprint(HOOKS, "prepare")
    for other in (HOOKS.replace("rows, 1", "rows, 2"), HOOKS.replace("return rows", "return None")):
        assert hook_fingerprint(other, "prepare") != hook_fingerprint(HOOKS, "prepare")
    assert hook_fingerprint(HOOKS, "helper") != hook_fingerprint(HOOKS, "prepare")


def test_a_hook_file_that_is_no_python_is_a_problem_with_its_line() -> None:
    with pytest.raises(SpecError, match=r"hooks.py:2  not valid Python"):
        hook_fingerprint("x = 1\ndef (", "prepare")


def test_parts_are_hashed_with_their_borders_and_types() -> None:
    prints = [
        combine("ab", "c"),
        combine("a", "bc"),
        combine("abc"),
        combine("1"),
        combine(1),
        combine(b"1"),
        combine(""),
        combine(None),
        combine(),
        combine("", ""),
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(one) == 32 for one in prints)


OLD = """SELECT
  customer_id,
  max(d) AS last_day, -- the last one
  date_diff('day', max(d), {{ run_date }}) AS recency,
  count(*) frequency, sum(a) AS monetary
FROM t"""


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (OLD.replace("date_diff('day'", "date_diff('week'"), (4, "recency")),
        (OLD.replace("sum(a)", "avg(a)"), (5, "monetary")),
        (OLD.replace("count(*)", "count(a)"), (5, "frequency")),
        ("-- new\n" + OLD.replace("max(d) AS", "min(d) AS"), (4, "last_day")),
        (OLD.replace("  customer_id,\n", "  customer_id,\n  country,\n"), (3, "country")),
        (OLD.replace("FROM t", "FROM t2"), (6, "t2")),
        (OLD.replace("\nFROM t", ""), (5, "")),
        (OLD.replace("the last one", "the very last one"), (3, "")),
    ],
)
def test_the_line_that_changed_is_named_with_its_alias(new: str, expected: tuple[int, str]) -> None:
    assert changed_line(OLD, new) == expected
