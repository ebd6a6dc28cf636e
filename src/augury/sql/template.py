"""How does a template become SQL? Its public shape; see the functions' docstrings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from augury.sql.relations import Relation


@dataclass(frozen=True)
class RunValues:
    """What changes from date to date."""

    run_date: date
    cutoff: datetime
    """UTC."""
    previous_cutoff: datetime
    horizon_end: datetime | None


@dataclass(frozen=True)
class CompiledSql:
    """One template after rendering and parsing, good for every date that renders to the same text."""

    file: str
    text: str
    """SQL with a placeholder for each relation and each value of the run."""
    reads: tuple[Relation, ...]
    """Every relation read, in order of appearance, duplicates kept."""
    fingerprint: str
    """Of the parsed SQL: comments, white space and letter case of keywords do not count."""
    outside: tuple[str, ...]
    """Tables read without going through a relation function: where leaks come from."""
    columns_used: Mapping[Relation, tuple[str, ...] | None]
    """Columns taken from each relation, None for all of them."""

    def bind(self, values: RunValues, resolve: Callable[[Relation], str]) -> str:
        """Executable SQL. `resolve` gives a parenthesised SELECT for each relation."""
        raise AssertionError


def vars_of(text: str) -> tuple[str, ...]:
    raise AssertionError


Vars = Mapping[str, Any]
