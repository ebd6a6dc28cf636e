"""What becomes of a verb whose connection broke, or whose transaction the database undid?

A server may be restarted, and of two transactions that wait for each other it undoes one. What may be done twice is
done once more; what may not is done again only where it is certain that nothing of it was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from augury.ledger.database import ConnectionLost, Undone

MOST_TIMES = 5
"""Of two that meet, one always goes through, so nobody comes close to this."""

P = ParamSpec("P")
T = TypeVar("T")


def repeatable(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that only asks, or that leaves the same where it is done twice."""
    return _performed(verb, again=1)


def once(verb: Callable[P, T]) -> Callable[P, T]:
    """A verb that appends, counts or moves something: done twice it would be done twice."""
    return _performed(verb, again=0)


def _performed(verb: Callable[P, T], again: int) -> Callable[P, T]:
    @wraps(verb)
    def performed(*arguments: P.args, **named: P.kwargs) -> T:
        lost = 0
        # An iterator can be gone through once: it is kept for the second time.
        kept: Any = [list(value) if isinstance(value, Iterator) else value for value in arguments]
        more: Any = {name: list(value) if isinstance(value, Iterator) else value for name, value in named.items()}
        for attempt in range(MOST_TIMES):
            try:
                return verb(*kept, **more)
            except ConnectionLost:
                lost += 1
                if lost > again:
                    raise
            except Undone:
                if attempt == MOST_TIMES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    return performed
