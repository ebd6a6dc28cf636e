"""What an error says, and which exit code a command ends with."""

from __future__ import annotations

import itertools

import pytest

from augury.errors import (
    AuguryError,
    DataRefused,
    ExitCode,
    Fenced,
    Held,
    HookFailed,
    LimitExceeded,
    Locked,
    ModelFailed,
    NamespaceError,
    Owner,
    Place,
    PluginError,
    Problem,
    QueryRefused,
    SpecError,
    StorageFailed,
    UsageError,
    first_that_applies,
    nearest,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (PluginError, 2),
        (NamespaceError, 2),
        (QueryRefused, 1),
        (DataRefused, 1),
        (StorageFailed, 1),
        (ModelFailed, 1),
        (HookFailed, 1),
        (Held, 3),
        (LimitExceeded, 4),
        (Fenced, 5),
    ],
)
def test_each_family_has_its_exit_code(kind: type[AuguryError], code: int) -> None:
    assert kind("no").exit_code == code
    assert (SpecError([]).exit_code, Locked("no", None).exit_code) == (2, 5)


@pytest.mark.parametrize(
    ("codes", "first"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 3], 3),
        ([3, 4], 4),
        ([3, 4, 1], 1),
        ([5, 0], 5),
        ([5, 3], 3),
        ([1, 2], 2),
    ],
)
def test_where_outcomes_mix_the_first_that_applies_decides(codes: list[int], first: int) -> None:
    for order in itertools.permutations(codes):
        assert first_that_applies(ExitCode(code) for code in order) == first


def test_an_error_says_what_where_why_and_what_to_do() -> None:
    error = QueryRefused(
        "DuckDB refused the query",
        where=Place(file="pipelines/ltv/prepare.sql", line=7),
        why='no column "totl"',
        fix="Fix the SQL.",
    ).at(Place("ltv", "2026-01-15", "prepare"))
    assert str(error).splitlines() == [
        "ltv / 2026-01-15 / prepare: DuckDB refused the query",
        '  pipelines/ltv/prepare.sql:7   no column "totl"',
        "  Fix the SQL.",
    ]
    assert error.as_dict() == {
        "code": "QueryRefused",
        "exit_code": 1,
        "what": "DuckDB refused the query",
        "where": {
            "pipeline": "ltv",
            "date": "2026-01-15",
            "step": "prepare",
            "file": "pipelines/ltv/prepare.sql",
            "line": 7,
        },
        "why": 'no column "totl"',
        "fix": "Fix the SQL.",
    }


def test_the_inner_place_is_kept_and_the_outer_one_fills_the_gaps() -> None:
    inner = Place(step="filter", file="filter.sql")
    assert inner.within(Place("ltv", "2026-01-15", "prepare", "x.sql", 3)) == Place(
        "ltv", "2026-01-15", "filter", "filter.sql", 3
    )
    assert str(Place()) == ""
    assert Place(file="a.sql").source == "a.sql"


def test_a_spec_error_holds_every_problem() -> None:
    error = SpecError(
        [
            Problem("unknown key", "pipeline.yml", 3, "modle", "model"),
            Problem("there is no prepare.sql"),
        ]
    )
    assert error.lines() == [
        "2 problems in the project",
        "  pipeline.yml:3  modle: unknown key   did you mean 'model'?",
        "  there is no prepare.sql",
    ]
    assert [problem["line"] for problem in error.as_dict()["problems"]] == [3, None]
    assert SpecError([Problem("x")]).what == "1 problem in the project"


def test_a_lock_names_its_owner() -> None:
    owner = Owner("mill", 42, "2026-01-15T06:00:00+00:00", "01J9X2")
    assert str(Locked("ltv is being run", owner)).splitlines()[1:] == [
        "  held by mill, pid 42, since 2026-01-15T06:00:00+00:00, run 01J9X2",
        "  Wait for it, or add --wait to start when it is released.",
    ]
    assert "held by another process" in str(Locked("ltv is being run", None))


def test_the_nearest_spelling() -> None:
    assert nearest("prepair", ["prepare", "filter"]) == "prepare"
    assert nearest("xyz", ["prepare", "filter"]) is None
    assert nearest("prepare", []) is None
