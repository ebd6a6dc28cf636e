"""What can be told about a query from its words alone, without a parser?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from augury.sql.tokens import RESERVED, Token, scan, words

_MOMENT = words("current_date current_time current_timestamp localtime localtimestamp current_localtimestamp")
"""Read the clock without parentheses."""
_CHANGING = _MOMENT | words(
    """
    NOW TODAY GET_CURRENT_TIME GET_CURRENT_TIMESTAMP TRANSACTION_TIMESTAMP STATEMENT_TIMESTAMP CLOCK_TIMESTAMP
    CURRENT_LOCALTIME CURRENT_DATETIME RANDOM RAND SETSEED UUID GEN_RANDOM_UUID GENERATE_UUID UUIDV4 UUIDV7
    NEXTVAL CURRVAL TXID_CURRENT GETENV
    """
)
_READS_BY_ITSELF = frozenset(
    ("PIVOT", "UNPIVOT", "TABLE", "DESCRIBE", "SUMMARIZE", "SHOW", "LATERAL", "GLOB", "QUERY", "WINDOW")
)
_ENDS_FROM = words(
    """
    SELECT WHERE GROUP HAVING QUALIFY ORDER LIMIT OFFSET UNION EXCEPT INTERSECT
    """
)


def volatile_functions(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Functions whose result is another one each time, in lower case; `tablesample` without a seed."""
    found: dict[str, None] = {}
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1].text if at else "", tokens[at + 1].text if at + 1 < len(tokens) else ""
        if before == "." or before.upper() == "AS" or after == ".":
            continue
        if token.upper in _CHANGING and (after == "(" or token.upper in _MOMENT):
            found[f"{token.text.lower()}()" if after == "(" else token.text.lower()] = None
        sampled = token.upper == "TABLESAMPLE" or (token.upper == "SAMPLE" and before.upper() == "USING")
        if sampled and not _seeded(tokens[at + 1 : at + 16]):
            found["tablesample"] = None
    return tuple(found)


def _seeded(tokens: Sequence[Token]) -> bool:
    """`REPEATABLE (42)` or `(bernoulli, 42)`."""
    pairs = pairwise(tokens)
    return any(token.upper == "REPEATABLE" for token in tokens) or any(
        comma.text == "," and seed.kind == "number" for comma, seed in pairs
    )


def reads_nothing_outside(text: str, dialect: str = "duckdb") -> bool:
    """True only where every FROM and JOIN of a symbolic text certainly names a relation or a CTE of its own.

    False means that a parser has to look.
    """
    from augury.sql.symbolic import PREFIX

    tokens = [token for token in scan(text, dialect) if token.significant]
    scope = _Scope(tokens, PREFIX)
    return all(scope.allows(at, token) for at, token in enumerate(tokens))


@dataclass
class _Scope:
    """Which names a FROM may use at the word that is looked at."""

    tokens: Sequence[Token]
    prefix: str
    depth: int = 0
    expects: bool = False
    """A table comes next."""
    listing: set[int] = field(default_factory=set)
    """Depths of parentheses at which a comma separates tables."""
    ctes: dict[str, int] = field(default_factory=dict)
    """Finished CTEs that can be seen, with their depths."""
    pending: list[tuple[str, int]] = field(default_factory=list)
    """CTEs whose query is not finished: `WITH orders AS (SELECT * FROM orders)` reads another table."""

    def allows(self, at: int, token: Token) -> bool:
        if self.expects and token.text != "(":
            self.expects = False
            if token.upper not in ("SELECT", "FROM", "WITH", "VALUES") and not self._is_known(at, token):
                return False
        if token.text == "(":
            self._open(at)
        elif token.text == ")":
            self._close()
        elif token.upper in ("FROM", "JOIN"):
            self.expects = True
            self.listing.add(self.depth)
        elif token.text == ",":
            self.expects = self.depth in self.listing
        elif token.upper in _ENDS_FROM:
            self.listing.discard(self.depth)
        return token.upper not in _READS_BY_ITSELF and not _opens_files(token, self.tokens, at)

    def _is_known(self, at: int, token: Token) -> bool:
        after = self.tokens[at + 1].text if at + 1 < len(self.tokens) else ""
        own = token.kind == "word" and token.text.lower() in self.ctes
        return (own or token.text.startswith(self.prefix)) and after not in (".", "(", ":")

    def _open(self, at: int) -> None:
        name = _cte_name(self.tokens, at)
        if name:
            self.pending.append((name, self.depth))
        self.depth += 1

    def _close(self) -> None:
        self.depth -= 1
        self.expects = False
        self.listing = {level for level in self.listing if level <= self.depth}
        self.ctes = {name: level for name, level in self.ctes.items() if level <= self.depth}
        if self.pending and self.pending[-1][1] == self.depth:
            name, level = self.pending.pop()
            self.ctes[name] = level


def _cte_name(tokens: Sequence[Token], at: int) -> str:
    """The name in `name AS (` where a WITH or a comma comes before it; empty elsewhere."""
    back = at - 1
    while back >= 0 and tokens[back].upper in ("MATERIALIZED", "NOT"):
        back -= 1
    if back < 2 or tokens[back].upper != "AS" or tokens[back - 1].kind != "word":
        return ""
    name = tokens[back - 1]
    before = tokens[back - 2]
    opened = before.upper == "WITH" or before.text == ","
    return name.text.lower() if opened and name.upper not in RESERVED else ""


def _opens_files(token: Token, tokens: Sequence[Token], at: int) -> bool:
    called = at + 1 < len(tokens) and tokens[at + 1].text == "("
    name = token.text.lower()
    return called and token.kind == "word" and (name.startswith(("read_", "query", "sniff_")) or name.endswith("_scan"))
