"""Where are the strings, comments, names and words in a piece of SQL?

A scanner of our own: it finds the places where a value may be put, cannot fail on syntax that a parser does
not know, and gives fingerprints that no release of a parser changes. It knows the lexical rules of DuckDB and
PostgreSQL, and those of BigQuery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Kind = Literal["space", "comment", "string", "quoted", "word", "number", "mark", "other", "unterminated"]


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int
    """Offset of the first character."""

    @property
    def significant(self) -> bool:
        return self.kind not in ("space", "comment")

    @property
    def upper(self) -> str:
        """The word in capitals; empty for everything that is not a bare word."""
        return self.text.upper() if self.kind == "word" else ""


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<mark>\x00[^\x00]*\x00)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*' | [xXbB]?'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*" | `(?:[^`]|``)*`)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<open>[eExXbB]?'|["`])
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d\w*(?:\.\w*)?|\.\d\w*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BIGQUERY_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>(?:--|\#)[^\n]* | /\*.*?\*/)
  | (?P<block>/\*)
  | (?P<mark>\x00[^\x00]*\x00)
  | (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:
        '''(?:[^\\]|\\.)*?''' | \"\"\"(?:[^\\]|\\.)*?\"\"\"
      | '(?!'')(?:[^'\\\n]|\\.)*' | "(?!"")(?:[^"\\\n]|\\.)*" | ''(?!') | ""(?!")))
  | (?P<quoted>`(?:[^`\\\n]|\\.)+`)
  | (?P<open>(?:[rR][bB]?|[bB][rR]?)?['"]|`)
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d\w*(?:\.\w*)?|\.\d\w*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Backslashes escape in every string, raw ones included, and comments do not nest."""
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def scan(text: str, dialect: str = "duckdb") -> Iterator[Token]:
    """Every character of `text`, in order, as part of exactly one token.

    A string, name or comment that never ends is one last token of kind `unterminated`. `\\x00...\\x00` is a
    mark that the renderer left; inside strings and comments it is part of them.
    """
    at, end = 0, len(text)
    pattern = _BIGQUERY_TOKEN if dialect == "bigquery" else _TOKEN
    while at < end:
        found = pattern.match(text, at)
        assert found is not None  # the last alternative takes any character
        kind, stop = found.lastgroup, found.end()
        match kind:
            case "block":
                stop = _end_of_block(text, at)
                kind = "comment" if stop else "unterminated"
            case "dollar":
                stop = text.find(found[0], stop)
                kind = "string" if stop >= 0 else "unterminated"
                stop = stop + len(found[0]) if stop >= 0 else 0
            case "open":
                kind, stop = "unterminated", 0
        stop = stop or end
        # The names of the groups are the kinds.
        yield Token(kind, text[at:stop], at)  # type: ignore[arg-type]
        at = stop


def _end_of_block(text: str, start: int) -> int:
    """The end of the comment that begins at `start`; comments nest. 0 where it never ends."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return 0


def words(text: str) -> frozenset[str]:
    """The words of a text, in capitals."""
    return frozenset(text.upper().split())


# Words that cannot be the alias of a table unless AS stands before them: DuckDB 2.0's reserved words and its
# words for types and functions (duckdb_keywords()).
RESERVED = words(
    """
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    default deferrable desc describe distinct do else end except false fetch for foreign from group having in
    initially intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer
    pivot_wider placing primary qualify references returning select show some summarize symmetric table then
    to trailing true union unique unpivot using variadic when where window with anti asof at authorization
    binary by collation columns concurrently cross freeze full generated glob ilike inner is isnull join left
    like map natural notnull outer overlaps positional right semi similar struct tablesample try_cast tuple
    unpack verbose
    """
)
_FOLDED = RESERVED | words(
    """
    between bigint bit blob bool boolean char character coalesce cube current date day days decimal dense desc
    double epoch escape excluded exclude filter first float float4 float8 following for groups hour hours
    hugeint ignore int int2 int4 int8 integer interval json last list materialized microseconds milliseconds
    minute minutes month months next no nulls numeric of others over overlay partition percent preceding
    precision quarter quarters range real recursive rename repeatable replace respect rollup row rows sample
    second seconds sets smallint substring text ties time timestamp timestamptz tinyint trim ubigint uinteger
    unbounded union utinyint uuid values varchar varying week weeks within without year years zone
    current_date current_time current_timestamp localtime localtimestamp
    """
)


_TYPES = words(
    """
    bigint bit blob bool boolean char character date decimal double float float4 float8 hugeint int int2 int4
    int8 integer interval json numeric real smallint text time timestamp timestamptz tinyint ubigint uinteger
    usmallint utinyint uuid varchar materialized not
    """
)
"""What AS is followed by where it names nothing: CAST(x AS int), WITH t AS MATERIALIZED (...)."""


def canonical(tokens: Sequence[Token]) -> Iterator[str]:
    """The significant tokens with the letter case of keywords and function names taken away.

    Names keep their case: it decides what a result column is called.
    """
    before = ""
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        text = token.text
        called = after is not None and after.text == "("
        named = before == "." or (before == "AS" and token.upper not in _TYPES)
        if token.kind == "word" and (called or (token.upper in _FOLDED and not named)):
            text = token.upper
        yield text
        before = token.upper or token.text
