"""What becomes of a verb whose connection broke? Every one of the ledger says it; here is what the two words mean."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

import pytest

from augury.errors import StorageFailed
from augury.ledger.database import ConnectionLost, Undone
from augury.ledger.store import Ledger
from augury.ledger.verbs import MOST_TIMES, once, repeatable

BUILT_OF_OTHERS = {"close", "renew", "holder", "unfinished_runs"}


def test_every_verb_of_the_ledger_says_whether_it_may_be_done_twice() -> None:
    verbs = dict(inspect.getmembers(Ledger, inspect.isfunction))
    silent = {name for name, verb in verbs.items() if name[0] != "_" and not hasattr(verb, "__wrapped__")}
    assert silent == BUILT_OF_OTHERS, "mark it with @repeatable or @once of augury.ledger.verbs"


class Work:
    """A verb that fails with each of some errors in turn, and then answers."""

    def __init__(self, *errors: type[StorageFailed]) -> None:
        self._errors = list(errors)
        self.done: list[list[int]] = []

    def __call__(self, numbers: Iterable[int], *, more: Iterable[int] = ()) -> str:
        self.done.append([*numbers, *more])
        if self._errors:
            raise self._errors.pop(0)("it went wrong")
        return "answer"


@pytest.mark.parametrize("kind", [repeatable, once])
def test_what_the_database_undid_is_done_again(kind: Callable[[Work], Work]) -> None:
    work = Work(Undone, Undone)
    assert kind(work)([1]) == "answer"
    assert work.done == [[1]] * 3


@pytest.mark.parametrize("kind", [repeatable, once])
def test_nothing_is_tried_for_ever(kind: Callable[[Work], Work]) -> None:
    work = Work(*[Undone] * 10)
    with pytest.raises(Undone):
        kind(work)([1])
    assert len(work.done) == MOST_TIMES


def test_a_lost_connection_is_made_up_for_once_where_it_does_no_harm() -> None:
    work = Work(ConnectionLost)
    assert repeatable(work)([1]) == "answer"
    again = Work(ConnectionLost, ConnectionLost)
    with pytest.raises(ConnectionLost):
        repeatable(again)([1])
    harmful = Work(ConnectionLost)
    with pytest.raises(ConnectionLost):
        once(harmful)([1])
    assert [len(each.done) for each in (work, again, harmful)] == [2, 2, 1]


def test_other_errors_are_not_tried_again() -> None:
    work = Work(StorageFailed)
    with pytest.raises(StorageFailed):
        repeatable(work)([1])
    assert len(work.done) == 1


def test_what_can_be_gone_through_once_is_there_the_second_time_too() -> None:
    work = Work(ConnectionLost)
    repeatable(work)(iter([1, 2]), more=(number for number in [3]))
    assert work.done == [[1, 2, 3]] * 2
