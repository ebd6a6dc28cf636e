"""What does a function learn from rows, with which SQL, and how does what it learnt stand in SQL?

The same lesson has two forms: over the training rows, once (TRANSFORM), and over the rows of the query itself (a
plain SELECT with OVER ()). In the first the answer becomes a constant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from augury.sql.bigquery_ml.transform_types import Takes
from augury.sql.literals import literal

LEARNING = "__augury_learning"
"""The relation that `fit` reads: one column per argument."""


@dataclass(frozen=True)
class Learnt:
    """What was learnt, as SQL, and as a value where it is a constant."""

    sql: str
    value: Any = None
    constant: bool = False


class Lesson(Protocol):
    @property
    def takes(self) -> Takes: ...

    def fit(self, column: str) -> str:
        """One value of a query over LEARNING that may aggregate."""

    def window(self, x: str) -> str:
        """The same, of the rows of the query in which it stands."""

    def constant(self, value: Any) -> Learnt:
        """What the query gave. Raises ValueError where it is of no use."""


@dataclass(frozen=True)
class Aggregate:
    """One aggregate that gives a number or a list of numbers."""

    template: str
    """With {x} for the argument as a DOUBLE."""
    takes: ClassVar[Takes] = "numbers"

    def fit(self, column: str) -> str:
        return self.template.format(x=number(column))

    def window(self, x: str) -> str:
        return f"{self.template.format(x=f'CAST({x} AS DOUBLE)')} OVER ()"

    def constant(self, value: Any) -> Learnt:
        if isinstance(value, Sequence):
            return constant(tuple(_number(each) for each in value))
        return constant(_number(value))


@dataclass(frozen=True)
class Commonest:
    """The most frequent value that is not NULL; the smallest of those that are as frequent."""

    takes: ClassVar[Takes] = "numbers or strings"

    def fit(self, column: str) -> str:
        rows = f"FROM {LEARNING} WHERE {column} IS NOT NULL"
        return f"(SELECT {column} {rows} GROUP BY {column} ORDER BY count(*) DESC, {column} LIMIT 1)"

    def window(self, x: str) -> str:
        return f"{_ranked(f'histogram({x}) OVER ()')}[1].v"

    def constant(self, value: Any) -> Learnt:
        return constant(value if isinstance(value, str) else _number(value))


@dataclass(frozen=True)
class Vocabulary:
    """The values, or the terms of documents, that are frequent enough, in alphabetical order.

    Among equally frequent ones at the limit the first by alphabet come in, as in the example of 'The ML.LABEL_ENCODER
    function'; a term counts once per document, as in that of 'The ML.MULTI_HOT_ENCODER function'.
    """

    top: int
    threshold: int
    documents: bool = False

    @property
    def takes(self) -> Takes:
        return "arrays of strings" if self.documents else "strings"

    def fit(self, column: str) -> str:
        return f"(SELECT list(v ORDER BY v) FROM ({self.counted(column)}))"

    def counted(self, column: str) -> str:
        """A query of the words and how many rows have each."""
        word = f"unnest(list_distinct({document(column)}))" if self.documents else column
        words = f"SELECT v, count(*) AS n FROM (SELECT {word} AS v FROM {LEARNING}) WHERE v IS NOT NULL GROUP BY v"
        return f"{words} HAVING n >= {self.threshold} ORDER BY n DESC, v LIMIT {self.top}"

    def window(self, x: str) -> str:
        frequent = f"list_filter({_ranked(self.histogram(x))}, lambda __e: __e.n <= -{self.threshold})"
        return f"list_sort(list_transform(list_slice({frequent}, 1, {self.top}), lambda __e: __e.v))"

    def histogram(self, x: str) -> str:
        if not self.documents:
            return f"histogram({x}) OVER ()"
        return f"list_aggregate(flatten(list(list_distinct({x})) OVER ()), 'histogram')"

    def constant(self, value: Any) -> Learnt:
        return constant(_words(value))


@dataclass(frozen=True)
class Frequencies:
    """A vocabulary of terms, how many documents have each, how many have one outside of it, and how many there are."""

    words: Vocabulary
    takes: ClassVar[Takes] = "arrays of strings"

    def fit(self, column: str) -> str:
        counted = self.words.counted(column)
        terms = f"SELECT row_number() OVER () AS d, unnest({document(column)}) AS v FROM {LEARNING}"
        unknown = f"SELECT count(DISTINCT d) FROM ({terms}) WHERE v IS NULL OR v NOT IN (SELECT v FROM ({counted}))"
        every = f"SELECT count({column}) FROM {LEARNING}"
        fields = (
            f"'terms': list(v ORDER BY v), 'counts': list(n ORDER BY v), 'unknown': ({unknown}), 'every': ({every})"
        )
        return f"(SELECT {{{fields}}} FROM ({counted}))"

    def window(self, x: str) -> str:
        outside = "len(list_filter(__d, lambda __t: __t IS NULL OR NOT list_contains(__s.v, __t))) > 0"
        fields = {
            "terms": "__s.v",
            "counts": "list_transform(__s.v, lambda __t: CAST(map_extract(__s.h, __t)[1] AS BIGINT))",
            "unknown": f"len(list_filter(__s.d, lambda __d: {outside}))",
            "every": "len(list_filter(__s.d, lambda __d: __d IS NOT NULL))",
        }
        given = {"v": self.words.window(x), "h": self.words.histogram(x), "d": f"list({x}) OVER ()"}
        return let(given, record(fields))

    def constant(self, value: Any) -> Learnt:
        given = value if isinstance(value, Mapping) else {}
        counts = tuple(int(count) for count in given.get("counts") or ())
        unknown, every = int(given.get("unknown") or 0), int(given.get("every") or 0)
        terms = {"terms": _words(given.get("terms")), "counts": counts, "unknown": unknown, "every": every}
        return Learnt("NULL", terms, constant=True)


def number(column: str) -> str:
    """A column to learn from, as a DOUBLE. What is no number is not met with an error of the engine's: its type is
    refused when the statistics are read."""
    return f"TRY_CAST({column} AS DOUBLE)"


def document(column: str) -> str:
    """The same for an array of strings."""
    return f"TRY_CAST({column} AS VARCHAR[])"


def constant(value: Any) -> Learnt:
    """A value that stands in SQL as a literal."""
    return Learnt(listed(value) if isinstance(value, tuple) else literal(value), value, constant=True)


def listed(values: Sequence[Any]) -> str:
    """A list as DuckDB writes it."""
    return f"[{', '.join(literal(value) for value in values)}]"


def record(fields: Mapping[str, str]) -> str:
    """A struct of SQL expressions; the names are our own."""
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in fields.items()) + "}"


def let(given: Mapping[str, str], body: str) -> str:
    """`body` with each expression of `given` evaluated once, as __s.name.

    A lambda may hold no window function. Its names begin with __ because columns of the same name would win.
    """
    return f"list_transform([{record(given)}], lambda __s: {body})[1]"


def _ranked(histogram: str) -> str:
    """Entries {n, v} of a map from value to count, the most frequent first; n is negative."""
    entry = "{'n': -CAST(__e.value AS BIGINT), 'v': __e.key}"
    return f"list_sort(list_transform(map_entries({histogram}), lambda __e: {entry}))"


def _number(value: float | Decimal | None) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError("the column holds an infinity or NaN: leave those rows out, or put NULL in their place")
    return float(value)


def _words(value: Any) -> tuple[str, ...]:
    return tuple(value or ())
