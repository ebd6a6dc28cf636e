"""Where are the words, names, strings and parentheses of a BigQuery statement?

A scanner of BigQuery's lexical rules (BigQuery docs: 'Lexical structure and syntax'). It cannot fail on syntax that
sqlglot does not know, and keeps the offset of everything.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from augury.errors import Problem, SpecError

Kind = Literal["space", "string", "quoted", "word", "number", "parameter", "other", "unterminated"]
CLOSES = {")": "(", "]": "["}


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int
    end: int
    """Offset behind the last character."""

    @property
    def upper(self) -> str:
        """The bare word in capitals, or the sign; empty for strings and quoted names."""
        return self.text.upper() if self.kind in ("word", "other") else ""


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)
  | (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:
        \"\"\"(?:[^\\]|\\.)*?\"\"\" | '''(?:[^\\]|\\.)*?'''
      | (?!\"\"\")"(?:[^"\\\n]|\\.)*" | (?!''')'(?:[^'\\\n]|\\.)*'))
  | (?P<quoted>`(?:[^`\\\n]|\\.)*`)
  | (?P<unterminated>/\*|["'`])
  | (?P<word>[^\W\d]\w*)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.\d+|\d+(?:\.(?![\w.]))?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<parameter>@@?\w+|\?)
  | (?P<other>=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def scan(text: str) -> Iterator[Token]:
    """Every token but white space and comments."""
    at, end = 0, len(text)
    while at < end:
        found = _TOKEN.match(text, at)
        assert found is not None  # the last alternative takes any character
        kind, stop = found.lastgroup, found.end()
        if kind == "unterminated":
            stop = end
        if kind != "space":
            # The names of the groups are the kinds.
            yield Token(kind, text[at:stop], at, stop)  # type: ignore[arg-type]
        at = stop


@dataclass(frozen=True)
class Source:
    """One SQL file and its tokens; every parenthesis knows its partner."""

    text: str
    tokens: tuple[Token, ...]
    partner: dict[int, int]
    """Index of an opening token to that of its closing one."""
    file: str | None = None
    lines: tuple[int, ...] = field(default=(), repr=False)
    """Offset of the beginning of each line."""

    @classmethod
    def of(cls, text: str, file: str | None = None) -> Source:
        """Raises SpecError with the place of what is never closed."""
        tokens = tuple(scan(text))
        starts = (0, *(found.end() for found in re.finditer("\n", text)))
        source = cls(text, tokens, {}, file, starts)
        for token in tokens:
            if token.kind == "unterminated":
                shown = token.text[:2] if token.text.startswith("/*") else token.text[:1]
                raise source.error(token.start, f"what begins with {shown} here never ends")
        source.partner.update(_partners(source))
        return source

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column), both from 1."""
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def problem(self, offset: int, message: str, suggestion: str | None = None) -> Problem:
        line, column = self.place(offset)
        return Problem(f"{message} (column {column})", self.file, line, suggestion=suggestion)

    def error(self, offset: int, message: str, suggestion: str | None = None) -> SpecError:
        return refused([self.problem(offset, message, suggestion)])

    def blank(self, kept: Sequence[tuple[int, int]]) -> str:
        """The file with white space in place of everything outside of the spans, which are in order."""
        out: list[str] = []
        at = 0
        for start, end in kept:
            out += [white(self.text[at:start]), self.text[start:end]]
            at = end
        return "".join(out).rstrip()


def white(text: str) -> str:
    """White space of the same size that keeps the lines."""
    return re.sub(r"[^\n]", " ", text)


def refused(problems: Sequence[Problem]) -> SpecError:
    count = len(problems)
    return SpecError(problems, what=f"{count} problem{'s' if count != 1 else ''} in a BigQuery ML statement")


def _partners(source: Source) -> dict[int, int]:
    opened: list[int] = []
    out: dict[int, int] = {}
    for at, token in enumerate(source.tokens):
        if token.kind != "other":
            continue
        if token.text in ("(", "["):
            opened.append(at)
        elif token.text in CLOSES:
            before = opened.pop() if opened else None
            if before is None or source.tokens[before].text != CLOSES[token.text]:
                raise source.error(token.start, f"{token.text} closes nothing")
            out[before] = at
    if opened:
        token = source.tokens[opened[-1]]
        raise source.error(token.start, f"{token.text} is never closed")
    return out
