"""Names and values never escape their quotes, whatever they hold (R: hostile names never escape quoting)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from augury.spec.files import Macros, SqlFile
from augury.sql.compiled import RunValues
from augury.sql.compiler import Compiler, TemplateFacts
from augury.sql.fingerprint import sql_fingerprint
from augury.sql.glance import reads_nothing_outside
from augury.sql.lineage import trace
from augury.sql.statement import statement_problems
from augury.sql.tokens import scan

VALUES = RunValues(date(2026, 1, 15), datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 1, 14, tzinfo=UTC), None)
MACROS = Macros(
    (
        SqlFile(
            "macros/m.sql",
            "{% macro same(v) %}{{ v }}{% endmacro %}{% macro named(n) %}{{ ident(n) }}{% endmacro %}",
        ),
    )
)
COMPILER = Compiler(MACROS, "duckdb")
CONNECTION = duckdb.connect()

PIECES = st.sampled_from(
    [
        "'",
        "''",
        '"',
        "`",
        "\\",
        "\\'",
        "\n",
        "\r\n",
        "\x00",
        "\x1a",
        "--",
        "/*",
        "*/",
        ";",
        "$$",
        "$a$",
        "{{",
        "}}",
        "{%",
        "{#",
        "%s",
        "E'",
        "); DROP TABLE t; --",
        "' OR 1=1 --",
        "\x000\x00",
        "\x00@1 x\x00",
        "__augury_run_date",
        "@run_date",
        "é",
        "雪",
        "\u2028",
        "\u202e",
        "🜚",
        "\ufeff",
        " ",
        "a",
        "run_date",
        "\\x00",
        "&#39;",
        "<b>",
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join)
NAMES = HOSTILE.map(lambda text: text.replace("\x00", "")).filter(bool)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**127) + 1, 2**127 - 1)
    | st.floats(allow_nan=False)
    | st.decimals(-(10**12), 10**12, places=4)
    | st.dates(date(1, 1, 1))
    | HOSTILE
)


def sql(text: str, **variables: Any) -> str:
    facts = TemplateFacts("p", "v1", "dev", "dev", variables)
    return COMPILER.compile("prepare", SqlFile("p.sql", text), facts, VALUES).bind(VALUES, str)


def rows(text: str) -> list[tuple[Any, ...]]:
    """The rows of a query that must be exactly one statement."""
    assert len(CONNECTION.extract_statements(text)) == 1
    return list(CONNECTION.execute(text).fetchall())


@given(HOSTILE)
def test_text_comes_back_as_it_went_in(text: str) -> None:
    query = sql("SELECT {{ var('x') }} AS a, {{ x }} AS b, {{ same(x) }} AS c /* {{ x }} */ -- {{ x }}", x=text)
    assert rows(query) == [(text, text, text)]
    assert "\n" not in query


@given(SCALARS, SCALARS)
def test_values_of_any_type_come_back_equal_and_never_touch_their_neighbours(left: Any, right: Any) -> None:
    assert rows(sql("SELECT {{ a }}, {{ b }}", a=left, b=right)) == [(left, right)]
    text = sql(
        "SELECT ({{ a }}) IS NOT DISTINCT FROM\n({{ a }}) AND ({{ b }}) IS NOT DISTINCT FROM({{ b }})",
        a=left,
        b=right,
    )
    assert rows(text) == [(True,)]


@given(st.lists(HOSTILE, max_size=4), HOSTILE)
def test_a_list_holds_exactly_its_members(members: list[str], other: str) -> None:
    query = sql(
        "SELECT x IN {{ members }}, x NOT IN {{ members }} FROM (SELECT {{ x }} AS x)",
        members=members,
        x=other,
    )
    assert rows(query) == [(other in members, other not in members)]


@given(NAMES)
def test_names_come_back_as_they_went_in(name: str) -> None:
    query = sql("SELECT {{ ident('t', n) }} FROM (SELECT 1 AS {{ ident(n) }}, 2 AS {{ named(n ~ 'x') }}) AS t", n=name)
    assert len(CONNECTION.extract_statements(query)) == 1
    result = CONNECTION.execute(query)
    assert [column[0] for column in result.description or []] == [name]
    assert result.fetchall() == [(1,)]


@given(
    st.lists(PIECES | st.sampled_from(["SELECT 1", "(", ")", "[", "e'", "U&'", "x'", "#", "$1", "$", "/"]), max_size=10)
)
def test_a_query_that_passes_is_one_statement_for_the_engine_too(pieces: list[str]) -> None:
    text = "SELECT 1 AS a " + "".join(pieces)
    if statement_problems(list(scan(text))):
        return
    # As it stands in a COPY: what the scanner lets pass can never close the parenthesis around it.
    text = text.rstrip("; \n\r")
    try:
        count = len(CONNECTION.extract_statements(f"SELECT * FROM ({text}\n) AS q"))
    except duckdb.Error:
        return
    assert count == 1


@given(HOSTILE)
def test_the_scanner_loses_nothing(text: str) -> None:
    assert "".join(token.text for token in scan(text)) == text


@given(HOSTILE, HOSTILE)
def test_other_values_have_other_fingerprints(one: str, other: str) -> None:
    def fingerprint(text: str) -> str:
        tokens = [token for token in scan(sql("SELECT {{ x }}", x=text)) if token.significant]
        return sql_fingerprint(tokens, "duckdb")

    assert (fingerprint(one) == fingerprint(other)) == (one == other)


FRAGMENTS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "JOIN",
        "WITH",
        "AS",
        "(",
        ")",
        ",",
        "a",
        "b",
        "secrets",
        "__augury_1_source_orders",
        "*",
        "1",
        "WHERE",
        "ON",
        "a.x = b.x",
        "UNION ALL",
        "GROUP BY",
        "WITH a AS (SELECT 1)",
        "WITH b AS (FROM a)",
        "SELECT * FROM a",
        "USING (k)",
    ]
)


@given(st.lists(FRAGMENTS, min_size=2, max_size=14).map(" ".join))
def test_the_quick_look_never_misses_a_table_outside(text: str) -> None:
    if reads_nothing_outside(text):
        assert trace(text, (), "duckdb").outside == ()
