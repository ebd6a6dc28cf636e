"""How do calls of preprocessing functions pass through a translation that does not know them?

In BigQuery's text each call becomes COALESCE over its expressions with numbered markers between them: all of it is
ordinary SQL, so that the translator sees each expression where it belongs. In DuckDB's text the COALESCE is found by
its markers, and the SQL of the function is put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from augury.errors import Problem, SpecError
from augury.sql.bigquery_ml.lexer import refused
from augury.sql.bigquery_ml.transform_functions import FUNCTIONS, Function, Given
from augury.sql.bigquery_ml.transform_learning import Learnt, Lesson
from augury.sql.literals import literal
from augury.sql.tokens import Token, scan

MARK = "__augury_ml_"
_MARK = re.compile(rf"{MARK}(\d+)_(\d+)")


@dataclass(frozen=True)
class Call:
    number: int
    name: str
    given: Given
    """Its expressions are BigQuery's still."""
    line: int
    file: str | None = None

    @property
    def function(self) -> Function:
        return FUNCTIONS[self.name]

    @property
    def shown(self) -> str:
        return f"ML.{self.name.upper()}"

    @cached_property
    def lessons(self) -> Mapping[str, Lesson]:
        """What it has to learn, by name."""
        return self.function.learn(self.given.values) if self.function.learn else {}

    def masked(self, expressions: Sequence[str]) -> str:
        """BigQuery SQL that carries the expressions."""
        marks = [f"{MARK}{self.number}_{at}" for at in range(len(expressions) + 1)]
        inner = "".join(f"{mark}, ({sql}), " for mark, sql in zip(marks, expressions, strict=False))
        return f"COALESCE({inner}{marks[-1]})"


Resolve = Callable[[Call, tuple[str, ...]], Mapping[str, Learnt]]
"""What a call learnt, given the DuckDB SQL of its expressions."""


def placeholders(calls: Sequence[Call]) -> dict[str, str]:
    """The markers, with the type that BigQuery documents for the call's result."""
    count = {call.number: len(call.given.sql) + 1 for call in calls}
    return {f"{MARK}{call.number}_{at}": call.function.result for call in calls for at in range(count[call.number])}


def from_window(call: Call, sql: tuple[str, ...]) -> Mapping[str, Learnt]:
    """Learnt from the rows of the query in which the call stands."""
    return {name: Learnt(lesson.window(sql[0])) for name, lesson in call.lessons.items()}


def restore(sql: str, calls: Sequence[Call], resolve: Resolve) -> str:
    """DuckDB SQL with each function in place of its markers; lines stay what they are."""
    return _Restorer(tuple(scan(sql)), calls, resolve).text(0)


class _Restorer:
    def __init__(self, tokens: tuple[Token, ...], calls: Sequence[Call], resolve: Resolve) -> None:
        self.tokens = tokens
        self.calls = calls
        self.resolve = resolve
        self.marks = {
            (int(found[1]), int(found[2])): at
            for at, token in enumerate(tokens)
            if token.kind in ("word", "quoted") and (found := _MARK.fullmatch(token.text.strip('"')))
        }
        self.opening = {self._before(at, "("): number for (number, mark), at in self.marks.items() if mark == 0}

    def text(self, start: int, end: int | None = None) -> str:
        out: list[str] = []
        at, stop = start, len(self.tokens) if end is None else end
        while at < stop:
            bracket = self._after(at) if self.tokens[at].upper == "COALESCE" else None
            number = self.opening.get(bracket) if bracket is not None else None
            if number is None:
                out.append(self.tokens[at].text)
                at += 1
            else:
                call = self.calls[number]
                out.append(self._rendered(call))
                last = self._after(self.marks[number, len(call.given.sql)])
                out.append("\n" * sum(token.text.count("\n") for token in self.tokens[at : last + 1]))
                at = last + 1
        return "".join(out)

    def _rendered(self, call: Call) -> str:
        expressions = []
        for at in range(len(call.given.sql)):
            first = self._after(self.marks[call.number, at]) + 1
            last = self._before(self.marks[call.number, at + 1], ",")
            expressions.append(one_line(self.text(first, last)))
        sql = tuple(expressions)
        given = Given(sql, call.given.values, call.given.fields)
        return call.function.render(given, self.resolve(call, sql))

    def _after(self, at: int) -> int:
        return next(after for after in range(at + 1, len(self.tokens)) if self.tokens[after].significant)

    def _before(self, at: int, sign: str) -> int:
        before = next(before for before in range(at - 1, -1, -1) if self.tokens[before].significant)
        if self.tokens[before].text != sign:
            raise refused([Problem("the translation took an ML function apart; put it in a subquery of its own")])
        return before


def one_line(sql: str) -> str:
    """The same DuckDB SQL without line breaks: it may be written out several times, or before text that has lines."""
    return "".join(_flat(token) for token in scan(sql)).strip()


def _flat(token: Token) -> str:
    if not token.significant:
        return " "
    if token.kind == "string" and "\n" in token.text and token.text.startswith("'"):
        return literal(token.text[1:-1].replace("''", "'"))
    return token.text


def located(error: SpecError, file: str | None) -> SpecError:
    """The error of a translator, which does not know which file it reads."""
    problems = [replace(problem, file=problem.file or file) for problem in error.problems]
    return SpecError(problems, what=error.what)


def check_kept(sql: str, calls: Sequence[Call]) -> None:
    """Raises SpecError where a translation did not keep every marker, once each."""
    found = [match[0] for match in _MARK.finditer(sql)]
    for call in calls:
        for at in range(len(call.given.sql) + 1):
            if found.count(f"{MARK}{call.number}_{at}") != 1:
                message = f"{call.shown} cannot stand here; put it in a subquery of its own"
                raise refused([Problem(message, call.file, call.line)])
