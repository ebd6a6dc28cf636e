"""Does each query give the answer that BigQuery's documentation promises?"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from augury.errors import SpecError
from augury.testing.bigquery_queries import Case, cases
from tests.contract.bigquery_dialect.room import Room, same

CASES = list(cases())


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.close()


def _parameter(case: Case) -> object:
    marks = [pytest.mark.xfail(strict=True, reason=case.gap)] if case.gap else []
    return pytest.param(case, id=case.id, marks=marks)


def test_there_are_at_least_eighty_answers() -> None:
    assert sum(case.answer is not None and not case.gap for case in CASES) >= 80


@pytest.mark.parametrize("case", [_parameter(case) for case in CASES if case.answer is not None])
def test_answer(room: Room, case: Case) -> None:
    found = room.answered(case)
    assert case.answer is not None
    rows, wanted = list(found.rows), list(case.answer)
    if not case.ordered:
        rows, wanted = sorted(rows, key=repr), sorted(wanted, key=repr)
    assert same(rows, wanted), found
    assert case.columns in (None, found.columns)
    assert case.types in (None, found.types)


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=lambda case: case.id)
def test_refused_with_its_position(room: Room, case: Case) -> None:
    with pytest.raises(SpecError) as refusal:
        room.answered(case)
    (problem,) = refusal.value.problems
    assert case.refused is not None
    assert case.refused in str(problem)
    assert problem.line == 1
    assert "column" in problem.message


@pytest.mark.parametrize("case", [case for case in CASES if case.fails], ids=lambda case: case.id)
def test_fails_as_bigquery_does(room: Room, case: Case) -> None:
    with pytest.raises(duckdb.Error, match=case.fails):
        room.answered(case)
