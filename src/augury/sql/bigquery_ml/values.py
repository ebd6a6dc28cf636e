"""What can the value of an option or a setting be?

Literals become Python values: str, int, float, bool, None, list, dict (a STRUCT; unnamed fields are called `_1`,
`_2`, ...), date and datetime. The rest has a type of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """HPARAM_RANGE(low, high): any value between the two, both included."""

    low: float
    high: float


@dataclass(frozen=True)
class Candidates:
    """HPARAM_CANDIDATES([...]): one of these."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Expression:
    """SQL that is no literal; the few options that take one have it evaluated."""

    sql: str


@dataclass(frozen=True)
class Given:
    """One `name = value` of OPTIONS, or one `value AS name` of a STRUCT."""

    name: str
    """In lower case."""
    value: Any
    line: int
    column: int


@dataclass(frozen=True)
class Clause:
    """A part of a statement that is SQL itself: the whole file with everything else blanked out.

    Lines and columns stay those of the file, so whoever complains about the part points into the file.
    """

    sql: str
    line: int
    """Where the part begins."""

    @property
    def text(self) -> str:
        return self.sql.strip()


@dataclass(frozen=True)
class Name:
    """The name of a model, from the outside in: project, dataset, model; what is not written is not there."""

    parts: tuple[str, ...]
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return ".".join(self.parts)
