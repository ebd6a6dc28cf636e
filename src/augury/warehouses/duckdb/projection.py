"""What is written of the columns that a query returns, and which of them do not fit?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from augury.errors import DataRefused, Place, nearest
from augury.names import quote
from augury.warehouses.contract import TableColumn, Write
from augury.warehouses.duckdb import types
from augury.warehouses.duckdb.literals import literal

_RUN_DATE = "run_date"


@dataclass(frozen=True)
class Projection:
    """What is written of a query's columns."""

    select: str
    """The select list."""
    columns: tuple[TableColumn, ...]
    """As they will be recorded."""
    overflowing: tuple[tuple[str, str], ...]
    """(name, engine type) of casts that fail for values that do not fit."""
    rounding: tuple[str, ...]
    """Integers written as FLOAT64."""


def project(write: Write, bound: list[tuple[str, Any]]) -> Projection:
    """Decide what is written of `bound` (name, DuckDBPyType) columns.

    Raises DataRefused for repeated, missing and mistyped columns, all at once.
    """
    plan = _Plan(write)
    for name, kind in bound:
        plan.add(name, kind)
    plan.report_missing()
    if plan.problems:
        raise refused(write, "columns do not fit", plan.problems)
    return Projection(", ".join(plan.select), tuple(plan.columns), tuple(plan.overflowing), tuple(plan.rounding))


def refused(write: Write, what: str, problems: list[str], fix: str | None = None) -> DataRefused:
    """The error of a write whose columns or rows break a promise."""
    return DataRefused(
        f"{write.table}: {what}",
        where=Place(date=write.day.isoformat() if write.day else None),
        why="; ".join(problems),
        fix=fix or "Nothing was replaced. Correct the query or the declared columns, then run again.",
    )


@dataclass
class _Plan:
    """A projection in the making."""

    write: Write
    problems: list[str] = field(default_factory=list)
    select: list[str] = field(default_factory=list)
    columns: list[TableColumn] = field(default_factory=list)
    overflowing: list[tuple[str, str]] = field(default_factory=list)
    rounding: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    """Names of the query by what makes them equal to DuckDB, which ignores case."""

    def __post_init__(self) -> None:
        self.declared = {name.casefold(): (name, column) for name, column in self.write.columns.items()}
        self.dated = self.write.day is not None
        if self.dated:
            self.select.append(f"{literal(self.write.day)} AS {_RUN_DATE}")
            self.columns.append(TableColumn(_RUN_DATE, "DATE"))

    def add(self, name: str, kind: Any) -> None:
        key = name.casefold()
        if key in self.seen:
            other = f" and {name!r}" if name != self.seen[key] else ""
            self.problems.append(f"two columns are called {self.seen[key]!r}{other}")
            return
        self.seen[key] = name
        if self.dated and key == _RUN_DATE:
            return  # the partition's own takes its place
        written, target = self._as_declared(name, kind) if key in self.declared else (name, types.kept(kind))
        if target is None:
            if key not in self.declared:
                self.problems.append(f"column {name!r} has type {kind}, which a table cannot keep: CAST it")
            return
        if types.may_overflow(target, kind):
            self.overflowing.append((name, target))
        value = quote(name) if target == str(kind) else f"CAST({quote(name)} AS {target})"
        self.select.append(f"{value} AS {quote(written)}")
        self.columns.append(TableColumn(written, types.canonical(target)))

    def _as_declared(self, name: str, kind: Any) -> tuple[str, str | None]:
        """The declared name and engine type; None for a type that does not fit."""
        written, column = self.declared[name.casefold()]
        if not types.accepts(column.type, kind):
            got = types.canonical(str(kind))
            self.problems.append(f"column {written!r}: expected {column.type}, got {got}")
            return written, None
        if types.may_round(column.type, kind):
            self.rounding.append(written)
        return written, types.engine(column.type)

    def report_missing(self) -> None:
        there = {*self.seen, _RUN_DATE} if self.dated else set(self.seen)
        for key, (name, column) in self.declared.items():
            if key not in there:
                close = nearest(name, self.seen.values())
                hint = f", did you mean {close!r}?" if close else ""
                self.problems.append(f"column {name!r}: expected {column.type}, got no such column{hint}")
        keys = (name for name in self.write.unique if name.casefold() not in there)
        self.problems += [f"key column {name!r} is not there" for name in keys]
        if not self.columns and not self.problems:
            self.problems.append("the query returns no columns")
