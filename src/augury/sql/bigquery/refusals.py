"""How does a translation say that it cannot go on?"""

from __future__ import annotations

from bisect import bisect_right
from typing import NoReturn

from augury.errors import Problem, SpecError


class NotTranslated(SpecError):
    """SQL that one engine has and the other has not, or that is no SQL."""

    def __init__(self, problem: Problem, *, engine: str = "DuckDB") -> None:
        super().__init__([problem], what=f"this SQL cannot be translated for {engine}")


class NoCounterpart(NotTranslated):
    """SQL that its own engine runs, and the other has nothing for."""


class Source:
    """The text being translated: from offsets to lines and columns."""

    def __init__(self, sql: str, *, engine: str = "DuckDB") -> None:
        self.sql = sql
        self.engine = engine
        self._starts = [0]
        self._starts += [at + 1 for at, character in enumerate(sql) if character == "\n"]

    def line(self, offset: int) -> int:
        """1-based."""
        return bisect_right(self._starts, offset)

    def offset(self, line: int, column: int) -> int:
        """Of a line and a column, both 1-based, as far as the text has them."""
        return min(self._starts[min(line, len(self._starts)) - 1] + column - 1, len(self.sql))

    def column(self, offset: int) -> int:
        """1-based."""
        return offset - self._starts[self.line(offset) - 1] + 1

    def refuse(self, offset: int, message: str, *, suggestion: str | None = None) -> NoReturn:
        """Raises NotTranslated that points at `offset`."""
        raise NotTranslated(self._problem(offset, message, suggestion), engine=self.engine)

    def lacks(self, offset: int, message: str) -> NoReturn:
        """Raises NoCounterpart that points at `offset`."""
        raise NoCounterpart(self._problem(offset, message), engine=self.engine)

    def _problem(self, offset: int, message: str, suggestion: str | None = None) -> Problem:
        line, column = self.line(offset), self.column(offset)
        return Problem(f"{message} (line {line}, column {column})", line=line, suggestion=suggestion)
