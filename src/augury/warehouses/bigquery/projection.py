"""What is written of the columns that a query returns, which of them do not fit, and how does the query itself refuse
rows that break a promise?

The promises are part of the one job that replaces the partition: where a row breaks one, ERROR() ends the job, and the
partition is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from augury.errors import DataRefused, Place, nearest
from augury.spec.columns import Column
from augury.warehouses.bigquery import types
from augury.warehouses.bigquery.names import column_problem, literal, quote
from augury.warehouses.bigquery.types import Field, Kind
from augury.warehouses.contract import Write

RUN_DATE = "run_date"
BROKEN = "augury: a promise is broken: "
"""How the message of a job begins that one of our checks ended."""
EXACT = 2**53
_ROWS = "augury_rows"


@dataclass(frozen=True)
class Projection:
    """What is written of a query's columns."""

    fields: tuple[Field, ...]
    """As they will be recorded."""
    sources: tuple[str, ...]
    """For each field the name of the query's column; empty for the partition's own run_date."""
    required: tuple[str, ...]
    """Columns, as the query calls them, without NULL: the REQUIRED ones and the keys."""
    keys: tuple[str, ...]
    rounding: tuple[str, ...]
    """Integers written as FLOAT64."""
    found: dict[str, Kind]
    """Types of the query's columns."""

    def select(self, write: Write, sql: str, columns: Sequence[Field]) -> str:
        """The statement whose rows are written into a table with these columns, in its order; the query begins on the
        first line, so that a position in an error is one in the query."""
        named = {one.name.casefold(): name for one, name in zip(self.fields, self.sources, strict=True)}
        values = ", ".join(self._value(write, one, named.get(one.name.casefold())) for one in columns)
        before = f"SELECT {values} FROM ("
        after = f"\n) AS {_ROWS}"
        if self.keys and write.drop_duplicates:
            order = ", ".join(self._ordering(name) for name in self.sources if name)
            after += f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {self._listed()} ORDER BY {order}) = 1"
        elif self.keys:
            broken = literal(f"{BROKEN}duplicate keys")
            after += f" QUALIFY IF(COUNT(*) OVER (PARTITION BY {self._listed()}) = 1, TRUE, ERROR({broken}))"
        return f"{before}{sql}{after}"

    def _value(self, write: Write, one: Field, name: str | None) -> str:
        if name is None:
            return f"CAST(NULL AS {one.kind}) AS {quote(one.name)}"
        if not name:
            assert write.day is not None
            return f"{literal(write.day)} AS {RUN_DATE}"
        value = quote(name)
        if name in self.required:
            value = f"IFNULL({value}, ERROR({literal(f'{BROKEN}NULL in {name}')}))"
        if one.kind != self.found[name]:
            value = f"CAST({value} AS {one.kind})"
        if name in self.rounding:
            broken = literal(f"{BROKEN}rounded integers in {name}")
            value = f"IF(ABS({quote(name)}) >= {EXACT}, ERROR({broken}), {value})"
        return f"{value} AS {quote(one.name)}"

    def _listed(self) -> str:
        # BigQuery does not partition by a FLOAT64 ('Window function calls').
        return ", ".join(
            f"CAST({quote(key)} AS STRING)" if self.found[key].name == "FLOAT64" else quote(key) for key in self.keys
        )

    def _ordering(self, name: str) -> str:
        return quote(name) if self.found[name].ordered else f"TO_JSON_STRING({quote(name)})"


def project(write: Write, found: Sequence[tuple[str, Kind | str]]) -> Projection:
    """Decide what is written of `found` columns; a type that no table can keep is a text.

    Raises DataRefused for repeated, missing and mistyped columns, all at once.
    """
    plan = _Plan(write)
    for name, kind in found:
        plan.add(name, kind)
    plan.report_missing()
    if plan.problems:
        raise refused(write, "columns do not fit", plan.problems)
    names = plan.seen
    keys = tuple(dict.fromkeys(names[key.casefold()] for key in write.unique if key.casefold() in names))
    required = [
        names[name.casefold()] for name, one in write.columns.items() if one.required and name.casefold() in names
    ]
    return Projection(
        tuple(plan.fields),
        tuple(plan.sources),
        tuple(dict.fromkeys([*required, *keys])),
        keys,
        tuple(plan.rounding),
        plan.kinds,
    )


def refused(write: Write, what: str, problems: list[str], fix: str | None = None) -> DataRefused:
    """The error of a write whose columns or rows break a promise."""
    return DataRefused(
        f"{write.table}: {what}",
        where=Place(date=write.day.isoformat() if write.day else None),
        why="; ".join(problems),
        fix=fix or "Nothing was replaced. Correct the query or the declared columns, then run again.",
    )


def repeated_columns(write: Write, names: Sequence[str]) -> DataRefused | None:
    """The error of a query that returns two columns of one name, which BigQuery refuses to describe."""
    seen: dict[str, str] = {}
    for name in names:
        if name.casefold() in seen:
            return refused(write, "columns do not fit", [f"two columns are called {seen[name.casefold()]!r}"])
        seen[name.casefold()] = name
    return None


@dataclass
class _Plan:
    """A projection in the making."""

    write: Write
    problems: list[str] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    rounding: list[str] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """Names of the query by what makes them equal to BigQuery, which ignores case."""

    def __post_init__(self) -> None:
        self.declared = {name.casefold(): (name, column) for name, column in self.write.columns.items()}
        self.dated = self.write.day is not None
        if self.dated:
            self._take("", Field(RUN_DATE, Kind("DATE"), self._described(RUN_DATE)))

    def add(self, name: str, kind: Kind | str) -> None:
        key = name.casefold()
        if key in self.seen:
            other = f" and {name!r}" if name != self.seen[key] else ""
            self.problems.append(f"two columns are called {self.seen[key]!r}{other}")
            return
        self.seen[key] = name
        if self.dated and key == RUN_DATE:
            return  # the partition's own takes its place
        if isinstance(kind, str):
            self.problems.append(f"column {name!r} has type {kind}, which a table cannot keep: CAST it")
            return
        if problem := column_problem(name):
            self.problems.append(problem)
            return
        self.kinds[name] = kind
        self._take(
            name, self._as_declared(name, kind, *self.declared[key]) if key in self.declared else Field(name, kind)
        )

    def _take(self, source: str, one: Field) -> None:
        self.sources.append(source)
        self.fields.append(one)

    def _described(self, name: str) -> str:
        column = self.declared.get(name.casefold())
        return column[1].description if column else ""

    def _as_declared(self, name: str, kind: Kind, written: str, column: Column) -> Field:
        wanted = types.declared_kind(column)
        if not types.accepts(wanted, kind):
            self.problems.append(f"column {written!r}: expected {column.type}, got {kind}")
        if wanted == Kind("FLOAT64") and kind.name == "INT64":
            self.rounding.append(name)
        return Field(written, wanted, column.description)

    def report_missing(self) -> None:
        there = {*self.seen, RUN_DATE} if self.dated else set(self.seen)
        for key, (name, column) in self.declared.items():
            if key not in there:
                close = nearest(name, self.seen.values())
                hint = f", did you mean {close!r}?" if close else ""
                self.problems.append(f"column {name!r}: expected {column.type}, got no such column{hint}")
        keys = (name for name in self.write.unique if name.casefold() not in there)
        self.problems += [f"key column {name!r} is not there" for name in keys]
        if not self.fields and not self.problems:
            self.problems.append("the query returns no columns")
