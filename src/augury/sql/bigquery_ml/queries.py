"""Which ML functions does a SELECT call, and what is left of it without them?

Each call becomes the name of a relation that the session puts in. A call that stands inside the query argument of
another belongs to that argument. A WITH of the surrounding query that an argument mentions goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from augury.errors import Problem, SpecError
from augury.sql.bigquery_ml.cursor import DEEPEST, Cursor
from augury.sql.bigquery_ml.functions import SCALARS, TABLE_FUNCTIONS, TableFunction, advice
from augury.sql.bigquery_ml.lexer import Source, Token, refused, white
from augury.sql.bigquery_ml.scopes import Scopes
from augury.sql.bigquery_ml.statements import is_statement, select
from augury.sql.bigquery_ml.values import Expression, Given, Name

_QUICK = re.compile(r"\b(?:ML|AI)\s*\.\s*\w+\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class MlCall:
    """One ML function in a FROM."""

    placeholder: str
    """What the relation is called in the text."""
    function: str
    """In lower case without `ML.`."""
    model: Name
    rows: MlQuery | None
    """The query argument; TABLE t is SELECT * FROM t."""
    settings: tuple[Given, ...]
    line: int
    column: int

    @property
    def shown(self) -> str:
        return f"ML.{self.function.upper()}"


@dataclass(frozen=True)
class MlQuery:
    text: str
    """BigQuery SQL; lines are those of the file. Functions of values, such as ML.BUCKETIZE, are still in it."""
    calls: tuple[MlCall, ...] = ()


def is_ml(sql: str) -> bool:
    """Whether a text has anything of BigQuery ML, outside of strings and comments."""
    if is_statement(sql):
        return True
    if not _QUICK.search(sql):
        return False
    try:
        return any(True for _ in _functions(Source.of(sql)))
    except SpecError:
        return True


def read_query(sql: str, file: str | None = None) -> MlQuery:
    """Raises SpecError with every call that cannot be used, by line and column."""
    if not _QUICK.search(sql):
        return MlQuery(sql)
    return _Reader(file).query(sql)


def _functions(source: Source) -> Iterator[tuple[int, str, str]]:
    """(index of the first token, family, name) of each `ML.name(`."""
    tokens = source.tokens
    for at, token in enumerate(tokens[:-3]):
        if token.upper not in ("ML", "AI") or tokens[at + 1].text != "." or tokens[at + 3].text != "(":
            continue
        if tokens[at + 2].kind == "word" and (at == 0 or tokens[at - 1].text != "."):
            yield at, token.text.lower(), tokens[at + 2].text.lower()


@dataclass(frozen=True)
class _Reader:
    file: str | None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    depth: int = 0

    def query(self, sql: str) -> MlQuery:
        source = Source.of(sql, self.file)
        scopes: Scopes | None = None
        calls: list[MlCall] = []
        pieces: list[str] = []
        problems: list[Problem] = []
        behind = 0
        for at, family, name in _functions(source):
            token = source.tokens[at]
            if token.start < behind:
                continue
            if family == "ml" and name in SCALARS:
                continue
            end = source.tokens[source.partner[at + 3]].end
            try:
                scopes = scopes or Scopes(source)
                call = self._call(source, scopes, at, family, name)
                covered = white(source.text[token.start : end])
                pieces += [source.text[behind : token.start], call.placeholder, "\n" * covered.count("\n")]
                calls.append(call)
            except SpecError as error:
                problems += error.problems
            behind = end
        if problems:
            raise refused(problems)
        return MlQuery("".join([*pieces, source.text[behind:]]), tuple(calls))

    def _call(self, source: Source, scopes: Scopes, at: int, family: str, name: str) -> MlCall:
        token = source.tokens[at]
        function = TABLE_FUNCTIONS.get(name) if family == "ml" else None
        if function is None:
            raise source.error(token.start, *advice(family, name))
        if not _in_from(source, at):
            raise source.error(token.start, f"ML.{name.upper()} gives a table: it stands behind FROM or JOIN")
        inside = Cursor(source, at + 3).inside()
        arguments = _Arguments(inside, scopes, function, name)
        placeholder = f"__augury_{next(self.numbers)}_{name}"
        if self.depth == DEEPEST:
            raise source.error(token.start, f"ML functions are nested more than {DEEPEST} deep")
        within = replace(self, depth=self.depth + 1)
        rows = within.query(arguments.rows) if arguments.rows is not None else None
        line, column = source.place(token.start)
        return MlCall(placeholder, name, arguments.model, rows, arguments.settings, line, column)


def _in_from(source: Source, at: int) -> bool:
    """Whether a relation may stand here: behind FROM, JOIN, or a comma of such a list."""
    if at and source.tokens[at - 1].text != ",":
        return source.tokens[at - 1].upper in ("FROM", "JOIN")
    opened_by = {close: opening for opening, close in source.partner.items()}
    at -= 1
    while at > 0 and at not in source.partner:
        word = source.tokens[at].upper
        if word in ("FROM", "JOIN", "SELECT", "WHERE", "BY", "HAVING", "QUALIFY", "LIMIT"):
            return word in ("FROM", "JOIN")
        at = opened_by.get(at, at) - 1
    return False


class _Arguments:
    """What stands between the parentheses of one call."""

    rows: str | None = None
    settings: tuple[Given, ...] = ()

    def __init__(self, inside: Cursor, scopes: Scopes, function: TableFunction, name: str) -> None:
        self.shown = f"ML.{name.upper()}"
        self.function = function
        self.source = inside.source
        self.scopes = scopes
        if not inside.accept("MODEL"):
            raise self.source.error(inside.offset, f"{self.shown} begins with MODEL and a name, not {inside.shown()}")
        self.model = inside.name()
        problems: list[Problem] = []
        while not inside.done():
            inside.expect(",")
            try:
                self._argument(inside)
            except SpecError as error:
                problems += error.problems
                inside.skip_to(",")
        if self.rows is None and function.rows == "needed" and not problems:
            message = f"{self.shown} needs rows: TABLE `name`, or a query in parentheses"
            problems.append(self.source.problem(inside.offset, message))
        if problems:
            raise refused(problems)

    def _argument(self, inside: Cursor) -> None:
        start = inside.offset
        first = inside.token
        if first.upper == "STRUCT":
            self._settings(inside)
        elif first.upper == "TABLE":
            inside.take()
            at, named = inside.at, inside.offset
            self._set_rows(start, self.scopes.table(at, (named, named + len(inside.path()))))
        elif first.text == "(" and first.kind == "other":
            clause = inside.at
            within = inside.inside()
            span = _span(within)
            select(within)
            self._set_rows(start, self.scopes.query(clause, span))
        elif self.function.array is not None:
            self._array(inside, self.function.array)
        else:
            message = f"{self.shown} takes TABLE `name`, a query in parentheses, and STRUCT(value AS name)"
            raise self.source.error(start, f"{message}, not {inside.shown()}")

    def _set_rows(self, start: int, rows: str) -> None:
        if self.function.rows == "none":
            raise self.source.error(start, f"{self.shown} is asked of the model alone: it takes no rows")
        if self.rows is not None:
            raise self.source.error(start, f"{self.shown} takes one table or query")
        self.rows = rows

    def _settings(self, inside: Cursor) -> None:
        start = inside.offset
        inside.take()
        settings = inside.inside().settings()
        problems = [self.source.problem(start, message) for given in settings if (message := _unusable(given))]
        if self.settings:
            problems.append(self.source.problem(start, f"{self.shown} takes one STRUCT"))
        if problems:
            raise refused(problems)
        self.settings = settings

    def _array(self, inside: Cursor, name: str) -> None:
        start = inside.offset
        value = generated(inside) if inside.token.upper == "GENERATE_ARRAY" else inside.value()
        if not isinstance(value, list):
            message = f"{self.shown} takes thresholds as an array of literals or GENERATE_ARRAY(first, last, step)"
            raise self.source.error(start, message)
        self.settings = (*self.settings, Given(name, value, *self.source.place(start)))


def _unusable(given: Given) -> str | None:
    if given.name.startswith("_"):
        return "each value of the STRUCT needs a name: STRUCT(0.5 AS threshold)"
    if isinstance(given.value, Expression):
        return f"{given.name} is a literal, not {given.value.sql[:40]!r}"
    return None


def generated(cursor: Cursor) -> list[Any]:
    """GENERATE_ARRAY(first, last [, step]) of numbers."""
    start = cursor.offset
    cursor.take()
    bounds = cursor.inside().values()
    numbers = all(type(bound) in (int, float) for bound in bounds)
    first, last, step = (*bounds, 1)[:3] if numbers and len(bounds) in (2, 3) else (0, 0, 0)
    if not step:
        raise cursor.source.error(start, "GENERATE_ARRAY is written GENERATE_ARRAY(first, last, step), three numbers")
    steps = int((last - first) / step + 1e-9)
    if steps > 100_000:
        raise cursor.source.error(start, "GENERATE_ARRAY gives more than 100000 values here")
    return [first + step * number for number in range(steps + 1)]


def _span(within: Cursor) -> tuple[int, int]:
    tokens: tuple[Token, ...] = within.source.tokens
    return (within.offset, tokens[within.end - 1].end if within.end > within.at else within.offset)
