"""Which WITH clauses can a query inside a query see, and how does it take them along?

What an ML function is given runs by itself, so the common table expressions that it mentions are written in front of
it: at the very places where they stand in the file, with everything else blanked out, so that lines stay true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from augury.sql.bigquery_ml.lexer import Source, white

_WITH = re.compile(r"WITH\b(?P<recursive>\s+RECURSIVE\b)?", re.IGNORECASE)


@dataclass(frozen=True)
class _Common:
    """`name AS ( ... )` of one WITH."""

    name: str
    start: int
    end: int
    until: int
    """Index of the last token that can see it."""
    recursive: bool


class Scopes:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._commons = tuple(_commons(source))

    def query(self, at: int, span: tuple[int, int]) -> str:
        """The text of the query at `span`, which the token `at` begins, with what it needs of the queries around."""
        body = self._source.text[slice(*span)]
        own = _WITH.match(body)
        recursive = own is not None and own["recursive"] is not None
        before, any_needed = self._before(at, body, span[0], recursive)
        if own is not None and any_needed:
            # Two WITH clauses become one.
            body = f",{white(own[0][1:])}{body[own.end() :]}"
        return before + body

    def table(self, at: int, span: tuple[int, int]) -> str:
        """SELECT * of the table whose name stands at `span`."""
        name = self._source.text[slice(*span)]
        return f"{self._before(at, name, span[0], False)[0]}SELECT * FROM {name}"

    def _before(self, at: int, body: str, offset: int, recursive: bool) -> tuple[str, bool]:
        """The file up to `offset` with nothing in it but what `body` needs; whether that is anything."""
        text = self._source.text
        needed = self._needed(at, body, offset)
        recursive = recursive or any(common.recursive for common in needed)
        out: list[str] = []
        behind = 0
        for common in needed:
            opening = "," if out else ("WITH RECURSIVE " if recursive else "WITH ")
            gap = white(text[behind : common.start])
            # In place of as many spaces, so that columns stay true as well.
            out += [gap.removesuffix(" " * len(opening)), opening, text[common.start : common.end]]
            behind = common.end
        return "".join([*out, white(text[behind:offset])]), bool(needed)

    def _needed(self, at: int, body: str, offset: int) -> list[_Common]:
        """In the order of the file; an inner name hides an outer one."""
        visible: dict[str, _Common] = {}
        for common in self._commons:
            if common.end <= offset and at <= common.until:
                if common.name in visible and common.name in self._words(common):
                    message = f"{common.name} is built on another {common.name}: give one of them another name"
                    raise self._source.error(common.start, message)
                visible[common.name] = common
        out: dict[str, _Common] = {}
        waiting = [body]
        while waiting:
            words = _words(waiting.pop())
            for name in words & set(visible) - set(out):
                out[name] = visible[name]
                waiting.append(self._source.text[visible[name].start : visible[name].end])
        return sorted(out.values(), key=lambda common: common.start)

    def _words(self, common: _Common) -> set[str]:
        """Of what stands between its parentheses."""
        return _words(self._source.text[common.start : common.end].split("(", 1)[1])


def _words(sql: str) -> set[str]:
    return set(re.findall(r"\w+", sql.lower()))


def _commons(source: Source) -> list[_Common]:
    tokens, partner = source.tokens, source.partner
    opened_by = {close: opening for opening, close in partner.items()}
    out: list[_Common] = []
    enclosing: list[int] = []
    for at, token in enumerate(tokens):
        if at in partner:
            enclosing.append(at)
        elif at in opened_by:
            enclosing.pop()
        before = tokens[at - 1].text if at else "("
        if token.upper == "WITH" and before in ("(", ";"):
            until = partner[enclosing[-1]] if enclosing else len(tokens)
            out += _of_one_with(source, at + 1, until)
    return out


def _of_one_with(source: Source, at: int, until: int) -> list[_Common]:
    tokens = source.tokens
    recursive = at < until and tokens[at].upper == "RECURSIVE"
    at += recursive
    out: list[_Common] = []
    while at + 2 < until and tokens[at].kind in ("word", "quoted") and tokens[at + 1].upper == "AS":
        if at + 2 not in source.partner:
            break
        close = source.partner[at + 2]
        name = tokens[at].text.strip("`").lower()
        out.append(_Common(name, tokens[at].start, tokens[close].end, until, recursive))
        at = close + 1
        if at >= until or tokens[at].text != ",":
            break
        at += 1
    return out
