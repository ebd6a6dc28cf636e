"""From text to one tree of a BigQuery SELECT, with every function call marked.

A call `name(...)` is renamed to a mark before the parser sees it: the parser then keeps the arguments as they are
written instead of guessing what a function means, and the mark knows where the call stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from augury.errors import nearest
from augury.sql.bigquery.builders import BUILDERS
from augury.sql.bigquery.catalogue import REFUSED, SYNTAX, known
from augury.sql.bigquery.parts import DATE_PARTS, WEEKDAYS, part_position
from augury.sql.bigquery.refusals import Source
from augury.sql.bigquery.strings import bytes_of, text_of

if TYPE_CHECKING:
    from sqlglot import exp

DEEPEST = 40
"""Parentheses within parentheses: the parser needs some twenty frames of Python's thousand for each."""
LONGEST = 1_000_000
"""Characters; BigQuery's own limit of an unresolved query is 1 MB (docs: 'Quotas and limits')."""
MARK = "\0"


@dataclass(frozen=True)
class Call:
    """A function call as written."""

    name: str
    """Upper case, with its namespace."""
    offset: int
    line: int
    safe: bool
    """Written as SAFE.name(...)."""


@dataclass(frozen=True)
class Reading:
    tree: exp.Query
    calls: tuple[Call, ...]
    source: Source


@lru_cache(maxsize=1)
def _dialects() -> tuple[Any, Any]:
    from sqlglot.dialects.bigquery import BigQuery
    from sqlglot.tokenizer_core import TokenType

    return BigQuery(), TokenType


def read(sql: str) -> Reading:
    """Raises NotTranslated where `sql` is not one SELECT."""
    from sqlglot import exp
    from sqlglot.errors import ParseError

    dialect, _ = _dialects()
    source = Source(sql)
    tokens = _Tokens(source)
    marked = tokens.marked()
    try:
        trees = dialect.parser().parse(marked, sql)
    except ParseError as error:
        _not_parsed(source, error)
    except RecursionError:
        source.lacks(0, "this query is nested too deeply: name inner queries with WITH")
    tree = trees[0]
    if len(trees) != 1 or not isinstance(tree, exp.Query):
        source.refuse(tokens.first, "not one SELECT")
    return Reading(tree, tuple(tokens.calls), source)


def _not_parsed(source: Source, error: Any) -> None:
    found = error.errors[0] if error.errors else {}
    line, column = found.get("line") or 1, found.get("col") or 1
    offset = source.offset(line, max(column - len(found.get("highlight") or " ") + 1, 1))
    what, _, token = (found.get("description") or "not understood").replace(MARK, "").partition(" but got <")
    what = what.partition(" missing for <class")[0]
    if "SENTINEL" in token:
        offset, what = len(source.sql.rstrip()), "it ends too early"
    source.refuse(offset, f"not the SQL of a BigQuery SELECT: {what.rstrip('.')}")


class _Tokens:
    """One pass over the words of a query."""

    def __init__(self, source: Source) -> None:
        from sqlglot.errors import TokenError

        dialect, self.types = _dialects()
        self.source = source
        self.calls: list[Call] = []
        sql = source.sql
        if "\0" in sql:
            source.refuse(sql.index("\0"), "a NUL character")
        if len(sql) > LONGEST:
            source.refuse(0, f"a query of {len(sql):,} characters; BigQuery takes {LONGEST:,}")
        try:
            self.tokens = dialect.tokenize(sql)
        except TokenError as error:
            source.refuse(
                _last_quote(sql), f"a string, name or comment that does not end: {str(error).split(chr(10))[0]}"
            )
        while self.tokens and self.tokens[-1].token_type == self.types.SEMICOLON:
            self.tokens.pop()
        if not self.tokens:
            source.refuse(0, "there is no SQL")
        self.first = self.tokens[0].start
        self._check_statement()

    def _check_statement(self) -> None:
        types = self.types
        first = next((token for token in self.tokens if token.token_type != types.L_PAREN), self.tokens[0])
        if first.token_type not in (types.SELECT, types.WITH):
            self.source.refuse(first.start, f"{first.text[:40]!r}: only a SELECT can be translated, or WITH ... SELECT")
        self._check_writes()
        depth: list[Any] = []
        foreign = {types.DCOLON, types.ARROW, types.DARROW, types.L_BRACE, types.COLON, types.ILIKE, types.DOLLAR}
        before = None
        pairs = {types.R_PAREN: types.L_PAREN, types.R_BRACKET: types.L_BRACKET}
        for token in self.tokens:
            kind = token.token_type
            if kind in pairs.values():
                depth.append(token)
                if len(depth) > DEEPEST:
                    self.source.lacks(token.start, "nested too deeply: name inner queries with WITH")
            elif kind in pairs:
                if not depth or depth.pop().token_type != pairs[kind]:
                    self.source.refuse(token.start, f"{token.text!r} closes nothing")
            elif kind == types.SEMICOLON:
                self.source.refuse(token.start, "more than one statement: only one SELECT can be translated")
            elif kind == types.PIPE_GT:
                self.source.lacks(token.start, "pipe syntax: write SELECT ... FROM ... WHERE ...")
            elif kind in foreign:
                self.source.refuse(token.start, f"{token.text} is not of BigQuery")
            elif kind == types.STRING and before in (types.FROM, types.JOIN):
                self.source.refuse(token.start, "a string is no table: names stand in backticks")
            elif kind == before == types.PARAMETER:
                self.source.lacks(token.start - 1, "@@: system variables belong to scripts")
            # IS DISTINCT FROM 'x' reads nothing.
            before = None if kind == types.FROM and before == types.DISTINCT else kind
        if depth:
            self.source.refuse(depth[-1].start, f"{depth[-1].text!r} is never closed")

    def _check_writes(self) -> None:
        """DuckDB would perform them: there a WITH may delete."""
        types = self.types
        writes = (types.DELETE, types.INSERT, types.UPDATE, types.MERGE)
        for before, token in pairwise(self.tokens):
            if before.token_type == types.L_PAREN and token.token_type in writes:
                self.source.refuse(token.start, f"{token.text.upper()} in a SELECT: only a SELECT can be translated")

    def marked(self) -> list[Any]:
        types = self.types
        out: list[Any] = []
        tokens = self.tokens
        positional = 0
        for at, token in enumerate(tokens):
            token.comments = []
            kind = token.token_type
            if kind == types.PLACEHOLDER:
                positional += 1
                out += [self._token(types.PARAMETER, "@", token), self._token(types.VAR, str(positional), token)]
            elif kind in (types.STRING, types.RAW_STRING, types.BYTE_STRING):
                out.append(self._literal(token))
            elif kind == types.IDENTIFIER:
                if at + 1 < len(tokens) and tokens[at + 1].token_type == types.L_PAREN:
                    self.source.lacks(token.start, f"{token.text[:60]}() is a function of your own: write it out")
                token.text = self._decoded(token)
                out.append(token)
            elif kind == types.FORMAT and at + 1 < len(tokens) and tokens[at + 1].token_type == types.STRING:
                self.source.lacks(token.start, "CAST(... FORMAT ...): use PARSE_DATE, FORMAT_DATE and their like")
            elif not self._is_call(at):
                out.append(token)
            else:
                out.append(self._call(at, out))
        gone: set[int] = set()
        for at, text, end in self._date_parts(out):
            out[at].token_type, out[at].text = types.STRING, text
            gone |= set(range(at + 1, end))
        return [token for at, token in enumerate(out) if at not in gone] if gone else out

    def _token(self, kind: Any, text: str, at: Any) -> Any:
        return type(at)(kind, text, at.line, at.col, at.start, at.end)

    def _literal(self, token: Any) -> Any:
        source = self.source.sql[token.start : token.end + 1]
        if token.token_type == self.types.BYTE_STRING or source[:2].lower() in ("rb", "br"):
            token.text = MARK + "b" + self._decoded(token, data=True)
        elif "\\" in source or token.token_type == self.types.RAW_STRING:
            token.text = self._decoded(token)
        token.token_type = self.types.STRING
        return token

    def _decoded(self, token: Any, *, data: bool = False) -> str:
        source = self.source.sql[token.start : token.end + 1]
        try:
            text = bytes_of(source).hex() if data else text_of(source)
        except ValueError as error:
            self.source.refuse(token.start, str(error))
        if MARK in text:
            self.source.refuse(token.start, "a NUL character")
        return text

    def _is_call(self, at: int) -> bool:
        tokens, types = self.tokens, self.types
        token = tokens[at]
        if at + 1 == len(tokens) or tokens[at + 1].token_type != types.L_PAREN:
            return False
        if not token.text[:1].isalpha() and token.text[:1] != "_":
            return False
        upper = token.text.upper()
        before = tokens[at - 1].token_type if at else None
        if upper == "EXTRACT":
            return True
        if upper in SYNTAX:
            return False
        if upper == "REPLACE" and before in (types.STAR, types.R_PAREN):
            return False  # * REPLACE (...)
        if upper == "WEEK" and at + 2 < len(tokens) and tokens[at + 2].text.upper() in WEEKDAYS:
            return False
        return bool(before != types.ALIAS)  # CAST(x AS STRING(10)), WINDOW w AS (...)

    def _call(self, at: int, out: list[Any]) -> Any:
        token = self.tokens[at]
        name, offset, safe = token.text.upper(), token.start, False
        while len(out) >= 2 and out[-1].token_type == self.types.DOT and out[-2].end + 1 == out[-1].start:
            namespace = out[-2].text.upper()
            out[-2:] = []
            if namespace == "SAFE":
                safe = True
            else:
                name = f"{namespace}.{name}"
        self._check_name(name, offset)
        self.calls.append(Call(name, offset, self.source.line(offset), safe))
        token.token_type = self.types.VAR
        token.text = f"{MARK}{len(self.calls) - 1}"
        return token

    def _check_name(self, name: str, offset: int) -> None:
        if name in BUILDERS:
            return
        if name in REFUSED:
            self.source.lacks(offset, f"{name}() has no counterpart on DuckDB: {REFUSED[name]}")
        if name.startswith("ST_"):
            self.source.lacks(offset, f"{name}(): geography functions have no counterpart on DuckDB")
        close = nearest(name, known())
        self.source.refuse(offset, f"{name[:60]}() is no function of BigQuery that is known here", suggestion=close)

    def _date_parts(self, out: list[Any]) -> list[tuple[int, str, int]]:
        """Words that are parts of dates, such as DAY or WEEK(MONDAY), become strings; EXTRACT's FROM a comma.

        Gives the place of each, its text, and the place after it.
        """
        found: list[tuple[int, str, int]] = []
        for at, token in enumerate(out):
            if not token.text.startswith(MARK) or token.token_type != self.types.VAR:
                continue
            call = self.calls[int(token.text[1:])]
            position = part_position(call.name)
            start = _argument(out, at + 1, position, self.types) if position is not None else None
            if start is None or out[start].token_type == self.types.STRING:
                continue
            word, end = out[start].text.upper(), start + 1
            if call.name != "EXTRACT" and word not in DATE_PARTS:
                continue
            if word == "WEEK" and out[end].token_type == self.types.L_PAREN:
                word, end = f"WEEK({out[end + 1].text.upper()})", end + 3
            if call.name == "EXTRACT":
                if end >= len(out) or out[end].token_type != self.types.FROM:
                    self.source.refuse(call.offset, "EXTRACT(part FROM x) is what can be extracted")
                out[end].token_type, out[end].text = self.types.COMMA, ","
            found.append((start, f"{MARK}{word}", end))
        return found


def _argument(tokens: list[Any], opening: int, position: int, types: Any) -> int | None:
    """Where the argument number `position` (0-based, -1 for the last) of a call begins."""
    starts = [opening + 1]
    depth = 0
    for at in range(opening, len(tokens)):
        kind = tokens[at].token_type
        if kind in (types.L_PAREN, types.L_BRACKET):
            depth += 1
        elif kind in (types.R_PAREN, types.R_BRACKET):
            depth -= 1
            if not depth:
                break
        elif kind == types.COMMA and depth == 1:
            starts.append(at + 1)
    if position >= len(starts):
        return None
    return starts[position]


def _last_quote(sql: str) -> int:
    return max((sql.rfind(quote) for quote in ("'", '"', "`", "/*")), default=0)
