"""What is wrong in a template is told with its line and the nearest spelling, never as a traceback."""

from __future__ import annotations

import pytest

from augury.errors import SpecError
from augury.spec.files import SqlFile
from augury.sql.compiler import Compiler
from tests.unit.sql.room import FACTS, VALUES, bound, compiled, complaint, macros, problems


def test_all_mistakes_of_a_file_are_reported_at_once() -> None:
    found = problems(
        """SELECT {{ var('recencyy') }}
FROM {{ source('ordrs') }}
JOIN {{ ref('prepar') }} USING (k)
JOIN {{ reference('price') }} USING (k)
WHERE d < {{ runn_date }}""",
        step="filter",
        recency=1,
    )
    assert [(one.line, one.suggestion) for one in found] == [
        (1, "recency"),
        (2, "orders"),
        (3, "prepare"),
        (4, "prices"),
        (5, "run_date"),
    ]
    assert {one.file for one in found} == {"pipelines/ltv/filter.sql"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT\n{{ 1/0 }}", "prepare.sql:2  the template cannot be rendered: division by zero"),
        ("SELECT\n\n{{ var('x').foo }}", "prepare.sql:3  'str object' has no attribute 'foo'"),
        ("SELECT {{ x.__class__ }}", "prepare.sql:1  not allowed in a template"),
        ("SELECT {{ x | uper }}", "prepare.sql:1  No filter named 'uper'   did you mean 'upper'?"),
        ("SELECT {{ x | safe }}", "prepare.sql:1  No filter named 'safe'"),
        ("SELECT 1 {% if %}", "prepare.sql:1  Expected an expression"),
        ("SELECT 1\n{% fi %}", "prepare.sql:2  Encountered unknown tag 'fi'"),
        ("{% include '/etc/passwd' %}", "prepare.sql:1  not available in SQL: include"),
        ("{% import 'os' as os %}", "prepare.sql:1  not available in SQL: import"),
        ("SELECT {% for i in range(10**9) %}1{% endfor %}", "prepare.sql:1  range() gives at most 1,000,000"),
        (
            "SELECT {% for i in range(10**5) %}{% for j in range(10**5) %}{% endfor %}{% endfor %}1",
            "prepare.sql:1  range() gives at most 1,000,000",
        ),
        ("SELECT {{ 10 ** 10 ** 10 }}", "prepare.sql:1  the template cannot be rendered: a power that large"),
        ("SELECT {{ 'a' * 10 ** 12 }}", "prepare.sql:1  the template cannot be rendered: a repetition that"),
        (
            "{% macro m() %}{{ m() }}{% endmacro %}SELECT {{ m() }}",
            "prepare.sql:1  a macro calls itself without end",
        ),
        ("SELECT {{ source }}", "prepare.sql:1  a function without its arguments cannot be printed"),
        (
            "SELECT {{ source() }}",
            "prepare.sql:1  source() takes one name   did you mean \"source('orders')\"?",
        ),
        ("SELECT {{ source(3) }}", "prepare.sql:1  source() takes the name of a source in quotes"),
        (
            "SELECT {{ source('orders') ~ 'x' }}",
            "prepare.sql:1  the template cannot be rendered: SQL (a relation",
        ),
        ("SELECT {{ mapping }}", "prepare.sql:1  a mapping has no SQL literal: print one of its values"),
        ("SELECT {{ numbers.append(4) }}", "prepare.sql:1  not allowed in a template"),
        ("SELECT 1 FROM {{ history('filter', days=0) }}", "prepare.sql:1  history(): days is 0"),
        ("SELECT 1 FROM {{ history('filter', days='7') }}", "prepare.sql:1  history(): days is '7'"),
        (
            "SELECT 1 FROM {{ history('filter') }}",
            "prepare.sql:1  history() takes a step and a number of days",
        ),
        ("SELECT 1 FROM {{ ref('prepare') }}", "prepare.sql:1  ref('prepare'): a step cannot read its own"),
        (
            "SELECT 1 FROM {{ ref('validation') }}",
            "prepare.sql:1  ref('validation'): validation leaves no table",
        ),
        ("SELECT 1 FROM db.{{ source('orders') }}", "prepare.sql:1  a relation stands alone after FROM"),
        ("SELECT __augury_run_date", "prepare.sql:1  names that begin with __augury_ are reserved"),
        ("SELECT 1\x00", "prepare.sql:1  a NUL character in the file"),
    ],
)
def test_a_mistake_has_a_line_and_a_reason(text: str, expected: str) -> None:
    assert complaint(text, x="x", mapping={"a": 1}, numbers=[1]).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "prepare.sql:1  the file has no SQL"),
        ("-- nothing\n;", "prepare.sql:1  the file has no SQL"),
        ("SELECT 1;\nDROP TABLE orders", "prepare.sql:2  a second statement: a step is one SELECT"),
        ("-- x\nINSERT INTO t SELECT 1", "prepare.sql:2  a step is one SELECT, not INSERT"),
        ("ATTACH 'x.db'", "prepare.sql:1  a step is one SELECT, not ATTACH"),
        ("COPY t TO 'x'", "prepare.sql:1  a step is one SELECT, not COPY"),
        ("PRAGMA version", "prepare.sql:1  a step is one SELECT, not PRAGMA"),
        ("WITH a AS (SELECT 1)\nDELETE FROM t", "prepare.sql:2  a step is one SELECT, not DELETE"),
        # DuckDB 2.0 runs all four of these.
        ("WITH a AS (INSERT INTO t VALUES (1)) SELECT 1", "prepare.sql:1  a step is one SELECT, not INSERT"),
        ("WITH a AS (COPY t TO 'x.csv') SELECT 1", "prepare.sql:1  a step is one SELECT, not COPY"),
        (
            "WITH a AS NOT MATERIALIZED (TRUNCATE t) SELECT 1",
            "prepare.sql:1  a step is one SELECT, not TRUNCATE",
        ),
        (
            "SELECT * FROM (WITH a AS (WITH b AS (SELECT 1)\nDELETE FROM t RETURNING *) FROM a)",
            "prepare.sql:2  a step is one SELECT, not DELETE",
        ),
        ("SELECT\n(1", "prepare.sql:2  ( is never closed"),
        ("SELECT 1) TO 'x' (", "prepare.sql:1  ) closes nothing"),
        ("SELECT 1,\n'abc", "prepare.sql:2  what begins with ' here never ends"),
        ("SELECT 1 /* /* */", "prepare.sql:1  what begins with / here never ends"),
    ],
)
def test_a_step_is_one_select(text: str, expected: str) -> None:
    found = [str(one).removeprefix("pipelines/ltv/") for one in problems(text)]
    assert expected in found


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "VALUES (1), (2)",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH a(x) AS (SELECT 1), b AS MATERIALIZED (SELECT x FROM a) FROM b",
        'WITH a AS (SELECT 1 AS x) SELECT count("update"), max(copy) FROM (SELECT 1 AS "update", 2 AS copy)',
        "SELECT [1, 2][1], {'a': (1)}.a, $$;$$, ';', e'\\';' -- ; (\n",
    ],
)
def test_reading_statements_are_taken_as_they_are(text: str) -> None:
    assert bound(text) == text.rstrip("; -(\n")


def test_a_mistake_inside_a_macro_names_the_file_of_the_macro() -> None:
    (found,) = problems("SELECT {{ rate(1) }}", macro="{% macro rate(x) %}\n{{ x / 0 }}\n{% endmacro %}")
    assert (found.file, found.line) == ("macros/m0.sql", 2)
    (found,) = problems("SELECT {{ rate(1) }}", macro="{% macro rate(x) %}\n\n{{ cutof }}\n{% endmacro %}")
    assert (found.file, found.line, found.suggestion) == ("macros/m0.sql", 3, "cutoff")


def test_files_of_macros_are_checked_together() -> None:
    broken = macros("{% macro a() %}1{% endmacro %}", "{% macro a() %}2{% endmacro %}", "{% macro %}")
    with pytest.raises(SpecError) as caught:
        Compiler(broken, "duckdb").compile("prepare", SqlFile("p.sql", "SELECT 1"), FACTS, VALUES)
    assert [one.file for one in caught.value.problems] == ["macros/m1.sql", "macros/m2.sql"]


def test_a_macro_that_nobody_calls_may_belong_to_another_step() -> None:
    macro = "{% macro checks() %}{{ staging() }}{% endmacro %}"
    assert bound("SELECT 1", macro=macro) == "SELECT 1"


def test_templates_cannot_change_the_variables_of_others() -> None:
    numbers = [1]
    problems("SELECT {{ numbers.append(2) }}", numbers=numbers)
    problems("{% set _ = numbers.extend([2]) %}SELECT 1", numbers=numbers)
    assert numbers == [1]


def test_the_line_of_rendered_sql_leads_back_to_the_line_of_the_file() -> None:
    macro = "{% macro both() %}\n  first_of_macro,\n  second_of_macro\n{%- endmacro %}"
    text = """{# a comment
of two lines -#}
SELECT
{%- for n in [1, 2] %}
  col_{% if n == 1 %}a{% else %}b{% endif %},
{%- endfor %}
  'text
of two lines' AS words,
  {{ both() }},
  last_one -- {{ run_date }}
FROM t"""
    query = compiled(text, macro=macro)
    lines = query.bind(VALUES, str).split("\n")
    found = {line.strip(): query.place(number) for number, line in enumerate(lines, 1) if line.strip()}
    here, there = "pipelines/ltv/prepare.sql", "macros/m0.sql"
    assert found == {
        "SELECT": (here, 3),
        "col_a,": (here, 5),
        "col_b,": (here, 5),
        "'text": (here, 7),
        "of two lines' AS words,": (here, 8),
        "first_of_macro,": (there, 2),
        "second_of_macro,": (there, 3),
        "last_one -- ...": (here, 10),
        "FROM t": (here, 11),
    }


def test_a_plain_file_keeps_its_lines() -> None:
    text = "SELECT\n\n  {{ run_date }},\n  '{{ environment }}'\n\nFROM {{ source('orders') }}"
    query = compiled(text)
    lines = query.bind(VALUES, lambda _: "(Q)").split("\n")
    assert len(lines) == 6
    assert [query.place(number)[1] for number in (1, 3, 4, 6)] == [1, 3, 4, 6]
