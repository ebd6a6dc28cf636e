"""Rows of a query, however many."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from augury.cli.render.rows import print_rows, unique
from augury.cli.streams import Streams


def endless() -> Iterator[tuple[int, str]]:
    at = 0
    while True:
        yield at, "x"
        at += 1


def test_text_shows_a_thousand_rows_and_says_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(Streams({}), "text", ("n", "word"), endless(), None)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1001
    assert err == "The first 1,000 rows. All of them: --output csv; more of them: --limit N\n"


def test_a_limit_counts_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(Streams({}), "csv", ("n", "word"), endless(), 2)
    assert capsys.readouterr().out == "n,word\n0,x\n1,x\n"
    print_rows(Streams({}), "ndjson", ("n", "word"), endless(), 1)
    assert capsys.readouterr().out == '{"n": 0, "word": "x"}\n'


@pytest.mark.parametrize("number", [0, 1, 3])
def test_json_is_one_document_of_any_length(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(at, None) for at in range(number)]
    print_rows(Streams({}), "json", ("n", "n"), rows, None)
    read = json.loads(capsys.readouterr().out)
    assert read == {
        "version": 1,
        "columns": ["n", "n_2"],
        "rows": [{"n": at, "n_2": None} for at in range(number)],
    }


def test_an_engine_that_fails_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> Iterator[tuple[int]]:
        yield from ((1 // at,) for at in (0,))

    streams = Streams({})
    with pytest.raises(ZeroDivisionError):
        print_rows(streams, "json", ("n",), failing(), None)
    assert capsys.readouterr().out == ""
    assert not streams.began


def test_columns_of_one_name_are_told_apart() -> None:
    assert unique(["a", "a", "a_2", "b"]) == ("a", "a_2", "a_2_2", "b")


def test_columns_of_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(Streams({}), "text", ("id", "spent", "name"), [(1, 10.5, "a"), (20, None, "b")], None)
    assert capsys.readouterr().out.splitlines() == ["id  spent  name", " 1   10.5  a", "20         b"]
