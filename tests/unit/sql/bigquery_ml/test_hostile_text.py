"""Whatever stands in a file, reading it ends in an answer or in advice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from augury.errors import SpecError
from augury.sql.bigquery_ml.lexer import Source, scan
from augury.sql.bigquery_ml.queries import is_ml, read_query
from augury.sql.bigquery_ml.statements import is_statement, read_statement

_PIECES = [
    *("CREATE MODEL ", "OR REPLACE ", "OPTIONS", "TRANSFORM", "INPUT", "AS ", "SELECT * FROM ", "ML.PREDICT", "ML."),
    *(
        "MODEL ",
        "TABLE ",
        "STRUCT",
        "WITH a AS ",
        "RECURSIVE ",
        "HPARAM_RANGE",
        "HPARAM_CANDIDATES",
        "a",
        "`a.b`",
        "@x",
    ),
    *("(", ")", "[", "]", "<", ">", ",", ";", "=", "'", '"', "`", "'''", "/*", "*/", "--", "\n", "\\", "1.5", "-", "."),
    *("\x00", "é"),
]
sql = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))


@given(sql)
def test_reading_never_fails_in_another_way(text: str) -> None:
    for read in (read_statement, read_query):
        lines: list[int | None]
        try:
            read(text)
        except SpecError as error:
            lines = [problem.line for problem in error.problems]
        else:
            lines = [1]
        assert lines
        assert all(line is not None and line >= 1 for line in lines)
    is_ml(text)
    is_statement(text)


@given(sql)
def test_every_character_is_part_of_one_token_or_of_white_space(text: str) -> None:
    behind = 0
    for token in scan(text):
        assert token.start >= behind
        assert text[token.start : token.end] == token.text
        behind = token.end
    assert behind <= len(text)


@given(st.text(alphabet="ab\n ", max_size=30), st.integers(0, 30))
def test_places_are_counted_from_one(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    line, column = Source.of(text).place(offset)
    before = text[:offset].split("\n")
    assert (line, column) == (len(before), len(before[-1]) + 1)
