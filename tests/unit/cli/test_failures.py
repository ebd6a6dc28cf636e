"""Errors for people, for programs, and the ones that nobody foresaw."""

from __future__ import annotations

import json

import pytest

from augury.cli.failures import answer, bug, tell
from augury.cli.reports import Form
from augury.cli.streams import Streams
from augury.errors import AuguryError, Held, LimitExceeded, Locked, Place, Problem, QueryRefused, SpecError

REFUSED = QueryRefused(
    'DuckDB refused the query: no column "totl" in orders',
    where=Place("ltv", "2026-01-15", "prepare", "pipelines/ltv/prepare.sql", 7),
    why='did you mean "total"?',
    fix="Nothing was published. Fix the SQL, then: augury run ltv --date 2026-01-15",
)


def test_an_error_says_what_where_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Streams({}), REFUSED)
    assert capsys.readouterr().err == (
        'error: ltv / 2026-01-15 / prepare: DuckDB refused the query: no column "totl" in orders\n'
        '  pipelines/ltv/prepare.sql:7   did you mean "total"?\n'
        "  Nothing was published. Fix the SQL, then: augury run ltv --date 2026-01-15\n"
    )


@pytest.mark.parametrize(
    ("error", "head"),
    [
        (Held("no"), "held: no\n"),
        (LimitExceeded("too slow"), "refused: too slow\n"),
        (Locked("busy", None), "locked: busy\n"),
        (REFUSED, "error: ltv"),
    ],
)
def test_an_expected_no_is_not_called_an_error(
    error: AuguryError, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(Streams({}), error)
    assert capsys.readouterr().err.startswith(head)


def test_all_problems_of_a_project_have_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("unknown key", "augury.yml", 3, "nam", "name"), Problem("missing", "augury.yml")]
    tell(Streams({}), SpecError(problems))
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 problems in the project",
        "  augury.yml:3  nam: unknown key   did you mean 'name'?",
        "  augury.yml  missing",
    ]


@pytest.mark.parametrize(("form", "on_stdout"), [("text", False), ("json", True), ("ndjson", True), ("csv", False)])
def test_programs_get_an_object(form: Form, on_stdout: bool, capsys: pytest.CaptureFixture[str]) -> None:
    answer(Streams({}), form, REFUSED)
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert bool(out) is on_stdout
    if on_stdout:
        error = json.loads(out)["error"]
        assert (error["code"], error["exit_code"], error["where"]["line"]) == ("QueryRefused", 1, 7)


def test_a_document_that_began_is_not_followed_by_another(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.raw('{"rows": [')
    answer(streams, "json", REFUSED)
    assert capsys.readouterr().out == '{"rows": ['


def test_an_error_as_a_log_line_keeps_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    streams = Streams({})
    streams.as_logs = True
    tell(streams, REFUSED)
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["pipeline"], line["date"], line["step"]) == ("error", "ltv", "2026-01-15", "prepare")


def test_what_nobody_foresaw_names_the_run_and_keeps_its_traceback() -> None:
    try:
        int("missing")
    except ValueError as error:
        short = bug(error, trace=False, run_id="01J9", log="/shop/_logs/01J9.ndjson")
        long = bug(error, trace=True, run_id=None, log=None)
    assert "This is a bug in augury" in short
    assert "run 01J9, log /shop/_logs/01J9.ndjson" in short
    assert "Traceback" not in short
    assert "Traceback" in long
