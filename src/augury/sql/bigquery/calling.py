"""What does a function's builder see, and what does it give back?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, NoReturn

from augury.sql.bigquery.places import offset_of
from augury.sql.bigquery.refusals import Source

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.generators.duckdb import DuckDBGenerator

    from augury.sql.bigquery.reading import Call

_HOLE = re.compile(r"\{(\d)\}")
_COSTLY = re.compile(r"\bSELECT\b|__augury_|random\(|gen_random_uuid")
"""What must not stand twice: subqueries, what the caller puts in, chance."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A finished expression of DuckDB that can stand beside any operator."""

    text: str
    kind: str | None = None
    """BigQuery type, where it is known."""
    length: int | None = None
    """Of an array: it has at least so many elements, or is NULL."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate or window function: OVER (...) comes between the call and what is done with its result."""

    call: str
    wrap: str = "{0}"
    kind: str | None = None
    length: int | None = None


Built = Sql | Aggregate
Builder = Callable[["Arguments"], Built]


@dataclass(slots=True)
class Context:
    """One translation: its text, its calls, and the values that are known."""

    source: Source
    calls: Sequence[Call]
    generator: DuckDBGenerator
    kinds: dict[str, str]
    """BigQuery types of placeholders, and of parameters with @ before the name."""
    now: str | None = None
    """ISO time with its offset, in UTC."""
    lambdas: count[int] = field(default_factory=lambda: count(1))

    def call_of(self, node: exp.Anonymous) -> Call:
        """The call as written. Words of the grammar that stand where a function should have no mark."""
        name = node.name
        if not name.startswith("\0"):
            self.source.refuse(offset_of(node), f"{name.upper()[:60]}() is no function of BigQuery")
        return self.calls[int(name[1:])]

    def fill(self, template: str, *texts: str) -> str:
        """`template` with `{0}`, `{1}` filled; what must not stand twice is named by a lambda first."""
        uses = [int(found) for found in _HOLE.findall(template)]
        named: list[tuple[str, str]] = []
        filled = list(texts)
        for at, text in enumerate(texts):
            if uses.count(at) > 1 and _COSTLY.search(text):
                name = f"_v{next(self.lambdas)}"
                named.append((name, text))
                filled[at] = name
        out = _HOLE.sub(lambda found: filled[int(found[1])], template)
        for name, text in named:
            out = f"list_transform([{text}], lambda {name}: {out})[1]"
        return out


@dataclass(slots=True)
class Arguments:
    """The arguments of one call, finished; builders see no tree but what they ask for."""

    call: Call
    nodes: list[exp.Expr]
    context: Context
    windowed: bool = False

    def __len__(self) -> int:
        return len(self.nodes)

    def sql(self, at: int) -> str:
        from augury.sql.bigquery.writing import text

        return text(self.nodes[at], self.context)

    def value(self, at: int) -> str:
        """The same, with whole numbers as the INT64 that they are."""
        from augury.sql.bigquery.writing import value

        return value(self.nodes[at], self.context)

    def all(self) -> list[str]:
        return [self.sql(at) for at in range(len(self.nodes))]

    def kind(self, at: int) -> str | None:
        from augury.sql.bigquery.kinds import kind_of

        return kind_of(self.nodes[at], self.context)

    def literal(self, at: int) -> str | None:
        """The value of a string literal."""
        from sqlglot import exp

        if at >= len(self.nodes):
            return None
        node = self.nodes[at]
        return node.this if isinstance(node, exp.Literal) and node.is_string else None

    def number(self, at: int) -> int | None:
        """The value of a whole number written as a literal."""
        from sqlglot import exp

        node = self.nodes[at] if at < len(self.nodes) else None
        sign = 1
        if isinstance(node, exp.Neg):
            sign, node = -1, node.this
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            return sign * int(node.this)
        return None

    def integer(self, at: int) -> str:
        """For parameters of DuckDB's functions that are INTEGER."""
        number = self.number(at)
        return str(number) if number is not None else f"CAST({self.sql(at)} AS INTEGER)"

    def part(self, at: int) -> str:
        """A part of a date such as DAY or WEEK(MONDAY)."""
        written = self.literal(at) or ""
        if not written.startswith("\0"):
            self.refuse(f"{self.call.name}() needs a part such as DAY or MONTH as its argument {at + 1}")
        return written[1:]

    def date(self, at: int) -> str:
        """A DATE: text is taken for one, as BigQuery takes string literals."""
        return f"CAST({self.sql(at)} AS DATE)" if self.literal(at) is not None else self.sql(at)

    def certain_date(self, at: int) -> str:
        """The same, which the engine refuses where a column turns out to have a time of day: only a DATE takes + 0."""
        unknown = self.literal(at) is None and self.kind(at) is None
        return f"({self.sql(at)} + 0)" if unknown else self.date(at)

    def moment(self, at: int) -> str:
        """A TIMESTAMP, or a DATETIME: text is taken for a moment in UTC."""
        text = self.literal(at)
        if text is None:
            return self.sql(at)
        return f"CAST({self.sql(at)} AS TIMESTAMP{' WITH TIME ZONE' if self.call.name.startswith('TIMESTAMP') else ''})"

    def error(self, message: str) -> str:
        """Stops the query; NULL where the call is SAFE."""
        return "NULL" if self.call.safe else f"error({string_literal(message)})"

    def fill(self, template: str, *texts: str) -> str:
        return self.context.fill(template, *texts)

    def refuse(self, message: str) -> NoReturn:
        """For what BigQuery refuses too."""
        self.context.source.refuse(self.call.offset, message)

    def lacks(self, message: str) -> NoReturn:
        """For what only BigQuery can do."""
        self.context.source.lacks(self.call.offset, message)

    def count(self, fewest: int, most: int | None = None) -> None:
        """Refuses another number of arguments."""
        most = fewest if most is None else most
        if not fewest <= len(self.nodes) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            given = len(self.nodes)
            self.refuse(f"{self.call.name}() takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}")


def template(pattern: str, kind: str | None = None) -> Builder:
    """A builder that fills a pattern: its highest hole is the number of arguments."""
    holes = max((int(found) for found in _HOLE.findall(pattern)), default=-1) + 1

    def build(a: Arguments) -> Sql:
        a.count(holes)
        return Sql(a.fill(pattern, *(a.value(at) for at in range(holes))), kind)

    return build


def variants(*patterns: str, kind: str | None = None) -> Builder:
    """A builder with one pattern for each number of arguments."""
    by_count = {max((int(found) for found in _HOLE.findall(item)), default=-1) + 1: item for item in patterns}

    def build(a: Arguments) -> Sql:
        a.count(min(by_count), max(by_count))
        return Sql(a.fill(by_count[len(a)], *(a.value(at) for at in range(len(a)))), kind)

    return build


def string_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
