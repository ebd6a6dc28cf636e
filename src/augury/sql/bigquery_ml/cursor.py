"""How are words, names and literals read off the tokens of a statement?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from augury.sql.bigquery_ml.lexer import Source, Token
from augury.sql.bigquery_ml.values import Candidates, Expression, Given, Name, Range

PART = re.compile(r"(?=.{1,1024}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
"""BigQuery allows letters, digits and underscores in the name of a model, and dashes in that of a project."""
DEEPEST = 50
"""How deep values, and ML functions in the rows of ML functions, may be nested: the interpreter's stack has an end."""
_END = Token("other", "", -1, -1)
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Cursor:
    """A place among the tokens of a file that moves forward."""

    def __init__(self, source: Source, at: int = 0, end: int | None = None, depth: int = 0) -> None:
        self.source = source
        self.at = at
        self.end = len(source.tokens) if end is None else end
        self.depth = depth
        """Parentheses around it."""

    @property
    def token(self) -> Token:
        """The next token; an empty one at the end."""
        return self.ahead(0)

    def ahead(self, steps: int) -> Token:
        at = self.at + steps
        return self.source.tokens[at] if at < self.end else _END._replace(start=self.offset, end=self.offset)

    @property
    def offset(self) -> int:
        """Where a complaint about what stands here points to."""
        tokens = self.source.tokens
        if self.at < self.end:
            return tokens[self.at].start
        return tokens[self.end - 1].end if self.end else 0

    def done(self) -> bool:
        return self.at >= self.end

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Step over these words where they come next."""
        if all(self.ahead(steps).upper == word for steps, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.source.error(self.offset, f"{' '.join(words)} is expected here, not {self.shown()}")

    def shown(self) -> str:
        text = self.token.text
        return repr(text if len(text) < 30 else text[:30] + "...") if text else "the end"

    def inside(self) -> Cursor:
        """A cursor over what the parenthesis here holds; this one steps behind it."""
        if self.token.text not in ("(", "[") or self.token.kind != "other":
            raise self.source.error(self.offset, f"( is expected here, not {self.shown()}")
        if self.depth == DEEPEST:
            raise self.source.error(self.offset, f"values are nested more than {DEEPEST} deep")
        close = self.source.partner[self.at]
        within = Cursor(self.source, self.at + 1, close, self.depth + 1)
        self.at = close + 1
        return within

    def skip_to(self, sign: str) -> None:
        """To the next `sign` outside of parentheses, or to the end."""
        while not self.done() and self.token.upper != sign:
            self.at = self.source.partner.get(self.at, self.at) + 1

    # -- names -------------------------------------------------------------------------------------------------

    def path(self) -> str:
        """A dotted name as it is written: backticks, and dashes within a project."""
        start = self.offset
        if self.token.kind not in ("word", "quoted"):
            raise self.source.error(start, f"a name is expected here, not {self.shown()}")
        last = self.take()
        while self.token.start == last.end and (
            self.token.kind in ("word", "quoted", "number") or self.token.text in (".", "-")
        ):
            last = self.take()
        if last.text in (".", "-"):
            raise self.source.error(last.start, f"a name is expected behind {last.text}, not {self.shown()}")
        return self.source.text[start : last.end]

    def name(self) -> Name:
        """The name of a model, checked: it becomes a name of files and of results."""
        start = self.offset
        parts = tuple(self.path().replace("`", "").split("."))
        if len(parts) > 3:
            raise self.source.error(start, "a model is called model, dataset.model or project.dataset.model")
        for part in parts:
            if not PART.fullmatch(part):
                message = f"{part[:40]!r} cannot be part of a model's name: letters, digits and underscores only"
                raise self.source.error(start, message)
        return Name(parts, *self.source.place(start))

    # -- values ------------------------------------------------------------------------------------------------

    def value(self) -> Any:
        """The literal that stands here; an Expression where it is something else."""
        start, at = self.offset, self.at
        value = self._literal()
        if value is not _NONE and (self.done() or self.token.upper in (",", ")", "]", "AS")):
            return value
        if value is not _NONE and self.token.kind in ("word", "quoted", "string", "number"):
            raise self.source.error(self.offset, f"a comma is expected here, not {self.shown()}")
        self.at = at
        while not self.done() and self.token.upper not in (",", "AS"):
            self.at = self.source.partner.get(self.at, self.at) + 1
        if self.at == at:
            raise self.source.error(start, f"a value is expected here, not {self.shown()}")
        return Expression(self.source.text[start : self.source.tokens[self.at - 1].end])

    def _literal(self) -> Any:
        token = self.token
        if token.kind == "string":
            return _text(self.take().text)
        if token.kind == "number" or token.text in ("-", "+"):
            return self._number()
        if token.upper in _WORDS:
            return _WORDS[self.take().upper]
        if token.text == "[":
            return self.inside().values()
        if token.text == "(":
            return self.inside().fields()
        return _FORMS[token.upper](self) if token.upper in _FORMS else _NONE

    def _number(self) -> Any:
        sign = -1 if self.token.text == "-" else 1
        if self.token.kind == "other":
            self.take()
        if self.token.kind != "number":
            return _NONE
        text = self.take().text.lower()
        if text.startswith("0x"):
            return sign * int(text, 16)
        return sign * (int(text) if text.isdigit() else float(text))

    def values(self) -> list[Any]:
        """Values with commas between them, to the end."""
        out: list[Any] = []
        while not self.done():
            out.append(self.value())
            if not self.done():
                self.expect(",")
        return out

    def fields(self) -> dict[str, Any]:
        """What STRUCT( ... ) holds."""
        return {given.name: given.value for given in self.settings()}

    def settings(self) -> tuple[Given, ...]:
        """`value AS name` with commas between them, to the end."""
        out: list[Given] = []
        while not self.done():
            start = self.offset
            value = self.value()
            name = self.word() if self.accept("AS") else f"_{len(out) + 1}"
            if name in {given.name for given in out}:
                raise self.source.error(start, f"{name} is given twice")
            out.append(Given(name, value, *self.source.place(start)))
            if not self.done():
                self.expect(",")
        return tuple(out)

    def word(self) -> str:
        """One name without dots, in lower case."""
        return self.spelled().lower()

    def spelled(self) -> str:
        """One name without dots."""
        if self.token.kind not in ("word", "quoted"):
            raise self.source.error(self.offset, f"a name is expected here, not {self.shown()}")
        return self.take().text.strip("`")

    # -- the forms that begin with a word -----------------------------------------------------------------------

    def _array(self) -> Any:
        self.take()
        self._type()
        return self.inside().values() if self.token.text == "[" else _NONE

    def _struct(self) -> Any:
        self.take()
        self._type()
        return self.inside().fields() if self.token.text == "(" else _NONE

    def _type(self) -> None:
        """`<STRING, FLOAT64>`: what the literal holds says it again."""
        depth = 0
        while not self.done() and (depth or self.token.text == "<"):
            depth += {"<": 1, ">": -1}.get(self.take().text, 0)

    def _moment(self) -> Any:
        kind = self.take().upper
        if self.token.kind != "string":
            return _NONE
        start = self.offset
        text = _text(self.take().text)
        try:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            raise self.source.error(start, f"{text[:40]!r} is no {kind}") from None
        if kind == "DATE":
            return date(moment.year, moment.month, moment.day)
        return moment if moment.tzinfo or kind == "DATETIME" else moment.replace(tzinfo=UTC)

    def _range(self) -> Any:
        start = self.offset
        self.take()
        bounds = self.inside().values()
        if len(bounds) != 2 or any(type(bound) not in (int, float) for bound in bounds) or bounds[0] > bounds[1]:
            raise self.source.error(start, "HPARAM_RANGE is written HPARAM_RANGE(smallest, largest), two numbers")
        return Range(*bounds)

    def _candidates(self) -> Any:
        start = self.offset
        self.take()
        inside = self.inside().values()
        if len(inside) != 1 or not isinstance(inside[0], list) or not inside[0]:
            raise self.source.error(start, "HPARAM_CANDIDATES is written HPARAM_CANDIDATES([value, ...])")
        return Candidates(tuple(inside[0]))


_NONE = object()
"""No literal stands here; None is NULL."""
_WORDS: dict[str, Any] = {"TRUE": True, "FALSE": False, "NULL": None}
_FORMS: dict[str, Callable[[Cursor], Any]] = {
    "ARRAY": Cursor._array,
    "STRUCT": Cursor._struct,
    "DATE": Cursor._moment,
    "DATETIME": Cursor._moment,
    "TIMESTAMP": Cursor._moment,
    "HPARAM_RANGE": Cursor._range,
    "HPARAM_CANDIDATES": Cursor._candidates,
}


def _text(literal: str) -> str:
    """What a string literal says (BigQuery docs: 'String and bytes literals')."""
    prefix = re.match(r"[rRbB]*", literal)
    assert prefix is not None
    body = literal[prefix.end() :]
    body = body[3:-3] if len(body) >= 6 and body[:3] in ('"""', "'''") else body[1:-1]
    return body if "r" in prefix[0].lower() else _ESCAPE.sub(_unescaped, body)


def _unescaped(found: re.Match[str]) -> str:
    octal, byte, short, long, letter = found.groups()
    if letter is not None:
        return _LETTERS.get(letter, letter)
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    return chr(code) if code < 0x110000 else found[0]
