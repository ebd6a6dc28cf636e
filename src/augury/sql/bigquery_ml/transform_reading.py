"""Which preprocessing functions does a text call, with which arguments, and is each call right?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from augury.errors import Problem, nearest
from augury.sql.bigquery_ml.cursor import Cursor
from augury.sql.bigquery_ml.lexer import Source, Token
from augury.sql.bigquery_ml.transform_calls import MARK, Call
from augury.sql.bigquery_ml.transform_functions import FUNCTIONS, REFUSED, Function, Given
from augury.sql.bigquery_ml.transform_parameters import Parameter
from augury.sql.bigquery_ml.values import Expression

_MOST_FEATURES = 10


class Span(NamedTuple):
    """Tokens from `start` up to `end`."""

    start: int
    end: int


class _Wrong(Exception):
    """One thing wrong with one call."""

    def __init__(self, offset: int, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.message = message
        self.suggestion = suggestion


class Reader:
    """Reads the calls of one text; problems and calls gather as it goes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.calls: list[Call] = []
        self.problems: list[Problem] = []
        for token in source.tokens:
            if token.text.strip("`").lower().startswith(MARK):
                self.problems.append(source.problem(token.start, f"names that begin with {MARK} are taken"))

    def masked(self, span: Span, *, analytic: bool = False) -> str:
        """The SQL of a span with every call masked. `analytic`: it is an argument of a function with OVER ()."""
        tokens, text = self.source.tokens, self.source.text
        if span.start >= span.end:
            return ""
        out: list[str] = []
        at, done = span.start, tokens[span.start].start
        while at < span.end:
            if not self._calls(at):
                at += 1
                continue
            end = self._end(at)
            out += [text[done : tokens[at].start], self._one(at, end, analytic)]
            done, at = tokens[end - 1].end, end
        return "".join((*out, text[done : tokens[span.end - 1].end]))

    def _calls(self, at: int) -> bool:
        """Whether ML.name( begins here."""
        tokens = self.source.tokens
        if tokens[at].upper != "ML" or len(tokens) < at + 4 or (at and tokens[at - 1].text == "."):
            return False
        return tokens[at + 1].text == "." and tokens[at + 2].kind == "word" and tokens[at + 3].text == "("

    def _end(self, at: int) -> int:
        """Behind the call, with OVER ( ... ) where it has one."""
        end = self.source.partner[at + 3] + 1
        if self._token(end).upper != "OVER":
            return end
        return self.source.partner.get(end + 1, end + 1) + 1

    def _token(self, at: int) -> Token:
        return self.source.tokens[at] if at < len(self.source.tokens) else Token("other", "", -1, -1)

    def _one(self, at: int, end: int, analytic: bool) -> str:
        name = self.source.tokens[at + 2].text.lower()
        number = len(self.calls)
        try:
            function = self._function(at, name)
            self._over(at, end, name, function, analytic)
            spans = split(self.source, Span(at + 4, self.source.partner[at + 3]))
            given = self._given(at, name, function, spans)
        except _Wrong as wrong:
            self.problems.append(self.source.problem(wrong.offset, wrong.message, wrong.suggestion))
            return "NULL"
        line, _ = self.source.place(self.source.tokens[at].start)
        call = Call(number, name, given, line, self.source.file)
        self.calls.append(call)
        inner = analytic or function.analytic
        masked = [self.masked(span, analytic=inner) for span in self._expressions(function, spans)]
        sql = call.masked(masked)
        whole = self.source.text[self.source.tokens[at].start : self.source.tokens[end - 1].end]
        # What follows stays on its line.
        return sql + "\n" * (whole.count("\n") - sql.count("\n"))

    def _function(self, at: int, name: str) -> Function:
        offset = self.source.tokens[at].start
        if name in REFUSED:
            raise _Wrong(offset, f"ML.{name.upper()} is not available: {REFUSED[name]}")
        if name not in FUNCTIONS:
            close = nearest(name, FUNCTIONS)
            message = f"BigQuery ML has no preprocessing function ML.{name.upper()}"
            raise _Wrong(offset, message, f"ML.{close.upper()}" if close else None)
        return FUNCTIONS[name]

    def _over(self, at: int, end: int, name: str, function: Function, analytic: bool) -> None:
        """BigQuery docs: 'Manual feature preprocessing': analytic functions are written with an empty OVER ()."""
        behind = self.source.partner[at + 3] + 1
        shown = f"ML.{name.upper()}"
        offset = self.source.tokens[at].start
        if not function.analytic:
            if end > behind:
                raise _Wrong(self._token(behind).start, f"{shown} looks at one row only: leave out OVER")
            return
        if end == behind:
            raise _Wrong(offset, f"{shown} looks at all rows: write {shown}(...) OVER ()")
        if end != behind + 3 or self._token(behind + 1).text != "(":
            raise _Wrong(self._token(behind).start, f"{shown} takes an empty OVER () only")
        if analytic:
            raise _Wrong(offset, f"{shown} cannot be an argument of another function with OVER ()")

    def _given(self, at: int, name: str, function: Function, spans: list[Span]) -> Given:
        shown, offset = f"ML.{name.upper()}", self.source.tokens[at].start
        parameters = function.parameters
        needed = sum(parameter.required for parameter in parameters)
        if not needed <= len(spans) <= len(parameters):
            count = f"{needed}" if needed == len(parameters) else f"{needed} to {len(parameters)}"
            taken = ", ".join(parameter.name for parameter in parameters)
            plural = "s" if len(parameters) > 1 else ""
            raise _Wrong(offset, f"{shown} takes {count} argument{plural} ({taken}), not {len(spans)}")
        values = {each.name: each.default for each in parameters if each.kind == "constant" and not each.required}
        fields: tuple[str, ...] = ()
        for parameter, span in zip(parameters, spans, strict=False):
            if span.start >= span.end:
                raise _Wrong(offset, f"an argument of {shown} is empty")
            if parameter.kind == "constant":
                values[parameter.name] = self._constant(shown, parameter, span)
            elif parameter.kind == "features":
                fields = tuple(self._features(shown, span))
        sql = tuple("" for _ in self._expressions(function, spans))
        return Given(sql, values, fields)

    def _constant(self, shown: str, parameter: Parameter, span: Span) -> Any:
        offset = self.source.tokens[span.start].start
        value = Cursor(self.source, span.start, span.end).value()
        try:
            if isinstance(value, Expression):
                value = Expression(self.source.text[offset : self.source.tokens[span.end - 1].end])
            return parameter.read(value)
        except ValueError as error:
            raise _Wrong(offset, f"{parameter.name} of {shown} {error}") from error

    def _features(self, shown: str, span: Span) -> Iterator[str]:
        """The names of the fields of STRUCT(a, b AS c)."""
        tokens = self.source.tokens
        offset = tokens[span.start].start
        spans = self._fields(span)
        if not spans:
            raise _Wrong(offset, f"{shown} takes its features as STRUCT(a, b + 1 AS c)")
        if len(spans) > _MOST_FEATURES:
            raise _Wrong(offset, f"{shown} takes at most {_MOST_FEATURES} features, not {len(spans)}")
        seen: set[str] = set()
        for field in spans:
            name = column_name(self.source, field) or alias(self.source, field)[0]
            if name is None:
                raise _Wrong(tokens[field.start].start, f"every feature of {shown} needs a name: write ... AS name")
            if name.lower() in seen:
                raise _Wrong(tokens[field.start].start, f"{shown} has two features called {name}")
            seen.add(name.lower())
            yield name

    def _fields(self, span: Span) -> list[Span]:
        tokens = self.source.tokens
        opened = span.start + 1
        if tokens[span.start].upper != "STRUCT" or self._token(opened).text != "(":
            return []
        closed = self.source.partner[opened]
        if closed != span.end - 1:
            return []
        return [field for field in split(self.source, Span(opened + 1, closed)) if field.start < field.end]

    def _expressions(self, function: Function, spans: list[Span]) -> list[Span]:
        out: list[Span] = []
        for parameter, span in zip(function.parameters, spans, strict=False):
            if parameter.kind == "expression":
                out.append(span)
            elif parameter.kind == "features":
                out += [alias(self.source, field)[1] for field in self._fields(span)]
        return out


def split(source: Source, span: Span) -> list[Span]:
    """The parts between the commas outside of parentheses; none where there is nothing."""
    out: list[Span] = []
    at = start = span.start
    while at < span.end:
        if source.tokens[at].text == "," and source.tokens[at].kind == "other":
            out.append(Span(start, at))
            start = at + 1
        at = source.partner.get(at, at) + 1
    return [*out, Span(start, span.end)] if out or start < span.end else []


def name_of(token: Token) -> str | None:
    """The name that a token is, without backticks."""
    if token.kind == "quoted":
        return token.text[1:-1].replace("\\`", "`")
    return token.text if token.kind == "word" else None


def alias(source: Source, span: Span) -> tuple[str | None, Span]:
    """The name behind AS, and the tokens before it."""
    tokens = source.tokens
    if span.end - span.start >= 3 and tokens[span.end - 2].upper == "AS":
        name = name_of(tokens[span.end - 1])
        if name is not None:
            return name, Span(span.start, span.end - 2)
    return None, span


def column_name(source: Source, span: Span) -> str | None:
    """The last name where the span is a column or a path of fields and nothing else."""
    tokens = source.tokens[span.start : span.end]
    names = [name_of(token) for token in tokens[::2]]
    if len(tokens) % 2 and all(names) and all(token.text == "." for token in tokens[1::2]):
        return None if tokens[0].upper in ("NULL", "TRUE", "FALSE") else names[-1]
    return None
