"""What does a translation take and give?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

PLACEHOLDER = "__augury_"
"""Names that begin so stand for what the caller puts in later."""


@dataclass(frozen=True)
class Translated:
    sql: str
    lines: tuple[int, ...]
    """For each line of `sql`, the 1-based line of the input that it was written on."""

    def line(self, line: int) -> int:
        """Where line `line` (1-based) of `sql` was written: the way back from an error of the engine."""
        return self.lines[min(max(line, 1), len(self.lines)) - 1]


class Tables(Protocol):
    """What the tables of a query are on DuckDB."""

    def table(self, parts: tuple[str, ...]) -> str | None:
        """SQL of a relation: parenthesised, or a quoted name; None leaves it as a quoted name."""
        ...

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        """(suffix, SQL of a relation) of each table whose name begins with the last part of `prefix`."""
        ...
