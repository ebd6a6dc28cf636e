"""Does SQL that somebody broke give a message, never a traceback?"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial

import pytest

from augury.errors import Problem, SpecError
from augury.sql.bigquery import Translated, from_duckdb, to_duckdb
from augury.testing.bigquery_queries import cases
from tests.contract.bigquery_dialect.room import Known

_WORD = re.compile(r"\w+|'[^']*'|`[^`]*`|\s+|.", re.DOTALL)
CASES = list(cases())
WORDS = [word for case in CASES for word in _WORD.findall(case.sql) if not word.isspace()]


def _damaged(sql: str, chance: random.Random) -> str:
    words = _WORD.findall(sql)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(words))
        match chance.choice(("drop", "replace", "insert")):
            case "drop":
                del words[at]
            case "replace":
                words[at] = chance.choice(WORDS)
            case "insert":
                words.insert(at, chance.choice(WORDS) + " ")
    return "".join(words)


def _problem(translate: Callable[[str], Translated], sql: str) -> Problem | None:
    try:
        translate(sql)
    except SpecError as error:
        return error.problems[0]
    return None


@pytest.mark.parametrize("seed", range(4))
def test_damaged_queries_are_translated_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    refused = 0
    for _ in range(150):
        case = chance.choice(CASES)
        sql = _damaged(case.sql, chance)
        forth = _problem(partial(to_duckdb, tables=Known(tuple(case.tables)), now=case.now), sql)
        back = _problem(from_duckdb, sql)
        refused += forth is not None
        assert all(problem is None or problem.line is not None for problem in (forth, back)), sql
    assert 0 < refused < 150
