"""How does a translation say that it cannot go on?"""

from __future__ import annotations

from bisect import bisect_right
from typing import NoReturn

from augury.errors import Problem, SpecError


class NotTranslated(SpecError):
    """SQL that one engine has and the other has not, or that is no SQL."""

    def __init__(self, problem: Problem, *, engine: str = "DuckDB") -> None:
        super().__init__([problem], what=f"this SQL cannot be translated for {engine}")


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
        at = f"line {self.line(offset)}, column {self.column(offset)}"
        problem = Problem(f"{message} ({at})", line=self.line(offset), suggestion=suggestion)
        raise NotTranslated(problem, engine=self.engine)
