"""Does a value or a name ever end the literal that it stands in, in BigQuery's SQL?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlglot
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from augury.names import quote
from augury.sql.literals import literal
from augury.sql.model_names import with_model
from augury.sql.tokens import scan

NASTY = ["'", "''", "\\", "\\'", "a\nb", '"""', "'''", "` ; drop", "--", "/*", "#", "\t\x07\x7f", "é ☃ 😀"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40) | st.sampled_from(
    NASTY
)


def said(sql: str) -> str:
    """The text of the one string literal that BigQuery's reader finds."""
    (token,) = sqlglot.tokenize(sql, read="bigquery")
    assert token.token_type.name == "STRING"
    out, at = [], 0
    while at < len(token.text):
        if token.text[at : at + 2] == "\\x":
            out.append(chr(int(token.text[at + 2 : at + 4], 16)))
            at += 4
        else:
            out.append(token.text[at])
            at += 1
    return "".join(out)


@given(TEXT)
@example("'); DROP TABLE x; --")
def test_text_is_one_literal_and_one_token(text: str) -> None:
    written = literal(text, "bigquery")
    assert [(token.kind, token.text) for token in scan(written, "bigquery")] == [("string", written)]
    assert "\n" not in written
    if "\\" not in text:
        assert said(written) == text


@given(TEXT.filter(bool))
@example("a`b\\")
def test_a_name_is_one_identifier(name: str) -> None:
    written = quote(name, "bigquery")
    assert [(token.kind, token.text) for token in scan(written, "bigquery")] == [("quoted", written)]


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(),
        st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20),
        st.dates(),
        st.datetimes(),
        st.datetimes(timezones=st.just(UTC)),
    )
)
def test_every_value_is_one_expression_that_no_minus_begins(value: Any) -> None:
    written = literal(value, "bigquery")
    assert not written.startswith("-")
    (tree,) = sqlglot.parse(f"SELECT {written}", read="bigquery")
    assert isinstance(tree, exp.Select)
    assert len(tree.expressions) == 1


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 1, 15), "DATE '2026-01-15'"),
        (datetime.fromisoformat("2026-01-15T06:00"), "DATETIME '2026-01-15 06:00:00'"),
        (datetime(2026, 1, 15, 6, tzinfo=UTC), "TIMESTAMP '2026-01-15 06:00:00+00:00'"),
        (Decimal("1.5"), "NUMERIC '1.5'"),
        (Decimal("1.0000000001"), "BIGNUMERIC '1.0000000001'"),
        (0.1, "0.1"),
        (-2, "(-2)"),
        ([1, "a"], "(1, 'a')"),
        ([], "UNNEST([])"),
    ],
)
def test_literals_have_bigquerys_types(value: Any, written: str) -> None:
    assert literal(value, "bigquery") == written


@pytest.mark.parametrize("value", [2**63, Decimal("1e40"), {"a": 1}, object(), [[1]]])
def test_what_has_no_literal_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"literal|decimal"):
        literal(value, "bigquery")


@given(TEXT)
def test_only_the_name_behind_model_becomes_another(text: str) -> None:
    sql = f"SELECT {literal(text, 'bigquery')} AS x, `d.m` FROM ML.PREDICT(MODEL `d.m`, TABLE d.m) -- MODEL d.m"
    changed, found = with_model(sql, ("d.m", "m"), "`p.d.m_1`")
    assert found
    assert changed == sql.replace("MODEL `d.m`,", "MODEL `p.d.m_1`,")


def test_a_model_is_found_however_it_is_created() -> None:
    for words in ("CREATE MODEL", "create or replace model", "CREATE MODEL IF NOT EXISTS"):
        changed, found = with_model(f"{words} d.m OPTIONS(model_type='pca') AS SELECT 1", ("d.m",), "`x`")
        assert (changed, found) == (f"{words} `x` OPTIONS(model_type='pca') AS SELECT 1", True)
    assert with_model("CREATE MODEL d.other AS SELECT 1", ("d.m",), "`x`")[1] is False
