"""Relations are functions; each call is a hole that the warehouse fills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from augury.sql.relations import History, Outcome, Published, Ref, Reference, Source, Staging, Window
from tests.unit.sql.room import VALUES, bound, compiled, complaint


def test_every_relation_is_read_in_order_of_appearance() -> None:
    query = compiled(
        """SELECT * FROM {{ source('orders') }} o, {{ window('items') }} w, {{ ref('extract') }} e,
        {{ history('filter', days=365) }} h, {{ reference('prices') }} p, {{ source('orders') }} again"""
    )
    orders = Source("orders")
    assert query.reads == (
        orders,
        Window("items"),
        Ref("extract"),
        History("filter", 365),
        Reference("prices"),
        orders,
    )
    assert compiled("SELECT * FROM {{ outcome('orders') }}", step="label").reads == (Outcome("orders"),)
    checks = compiled("SELECT true AS ok FROM {{ staging() }}, {{ published() }}", step="validation")
    assert checks.reads == (Staging(), Published())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM {{ source('orders') }}", 'FROM (Q) AS "orders"'),
        (
            "SELECT orders.a FROM {{ ref('prepare') }}, {{ source('orders') }}",
            'SELECT orders.a FROM (Q) AS "prepare", (Q) AS "orders"',
        ),
        ("FROM {{ source('orders') }} o", "FROM (Q) o"),
        ("FROM {{ source('orders') }} AS o", "FROM (Q) AS o"),
        ("FROM {{ source('orders') }} \"my o\"", 'FROM (Q) "my o"'),
        ("FROM o : {{ source('orders') }}", "FROM o : (Q)"),
        (
            "FROM {{ history('filter', days=9) }} LEFT JOIN {{ reference('prices') }} USING (k)",
            'FROM (Q) AS "filter" LEFT JOIN (Q) AS "prices" USING (k)',
        ),
        (
            "SELECT 1 FROM ({{ source('orders') }} JOIN {{ source('items') }} USING (k))",
            'SELECT 1 FROM ((Q) AS "orders" JOIN (Q) AS "items" USING (k))',
        ),
        ("SELECT 1 WHERE 1 IN {{ ref('extract') }}", "SELECT 1 WHERE 1 IN (Q)"),
        ("FROM {{ source('orders') }} -- all\nWHERE true", 'FROM (Q) AS "orders" -- all\nWHERE true'),
        ("PIVOT {{ source('orders') }} ON a USING sum(b)", 'PIVOT (Q) AS "orders" ON a USING sum(b)'),
    ],
)
def test_a_relation_without_an_alias_goes_by_its_own_name(text: str, expected: str) -> None:
    step = "filter" if "prepare" in text else "prepare"
    assert compiled(text, step=step).bind(VALUES, lambda _: "(Q)") == expected


def test_macros_read_relations_and_call_one_another_across_files() -> None:
    macro = """{% macro recent(n) %}(SELECT * FROM {{ source('orders') }} WHERE d > {{ t(n) }}){% endmacro %}
{% macro t(n) %}{{ run_date }} - {{ n }}{% endmacro %}"""
    query = compiled("SELECT * FROM {{ recent(30) }} r", macro=macro)
    assert query.reads == (Source("orders"),)
    assert query.bind(VALUES, lambda _: "(Q)") == (
        "SELECT * FROM (SELECT * FROM (Q) AS \"orders\" WHERE d > DATE '2026-01-15' - 30) r"
    )


def test_text_given_to_a_macro_stays_a_value() -> None:
    macro = "{% macro named(x) %}{{ x }} AS {{ ident(x) }}{% endmacro %}"
    assert bound("SELECT {{ named(s) }}", macro=macro, s="a'\"b") == "SELECT 'a''\"b' AS \"a'\"\"b\""


def test_sql_set_in_a_block_is_sql() -> None:
    assert bound("{% set total %}sum({{ ident(c) }}){% endset %}SELECT {{ total }}, -{{ total }}", c="x") == (
        'SELECT sum("x"), -sum("x")'
    )


def test_a_closing_semicolon_and_comment_are_cut_off_so_that_the_query_fits_into_another() -> None:
    assert bound("SELECT 1 -- one\n; -- done") == "SELECT 1"


@pytest.mark.parametrize("step", ["prepare", "filter", "extract", "validation", "post_process"])
def test_only_labels_know_what_happened_after_the_cutoff(step: str) -> None:
    assert "outcome() is what happened after the cutoff" in complaint(
        "SELECT * FROM {{ outcome('orders') }}", step=step
    )
    assert "cannot know the label" in complaint("SELECT * FROM {{ ref('label') }}", step=step)


def test_an_intermediate_step_may_prepare_the_label() -> None:
    assert compiled("SELECT * FROM {{ outcome('orders') }}", step="recent").reads == (Outcome("orders"),)


def test_outcomes_need_a_horizon() -> None:
    endless = replace(VALUES, horizon_end=None)
    for text in (
        "SELECT {{ horizon_end }}",
        "SELECT 1\n, @horizon_end",
        "SELECT * FROM {{ outcome('orders') }}",
    ):
        assert "the pipeline has no `horizon`" in complaint(text, step="label", values=endless)


@pytest.mark.parametrize("call", ["staging()", "published()"])
def test_candidates_are_read_by_validation_alone(call: str) -> None:
    assert "in validation.sql only" in complaint(f"SELECT * FROM {{{{ {call} }}}}")
