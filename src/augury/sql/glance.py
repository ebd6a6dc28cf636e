"""What can be told about a query from its words alone, without a parser?"""

from __future__ import annotations

from collections.abc import Sequence
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


def reads_nothing_outside(text: str) -> bool:
    """True only where every FROM and JOIN of a symbolic text certainly names a relation or a CTE of its own.

    False means that a parser has to look.
    """
    from augury.sql.symbolic import PREFIX

    tokens = [token for token in scan(text) if token.significant]
    depth = 0
    expects = False
    listing: set[int] = set()
    ctes: dict[str, int] = {}
    pending: list[tuple[str, int]] = []
    for at, token in enumerate(tokens):
        word = token.upper
        if expects and token.text != "(":
            known = token.text.startswith(PREFIX) or (token.kind == "word" and token.text.lower() in ctes)
            dotted = at + 1 < len(tokens) and tokens[at + 1].text in (".", "(", ":")
            if word not in ("SELECT", "FROM", "WITH", "VALUES") and (not known or dotted):
                return False
            expects = False
        if token.text == "(":
            if at and _is_cte(tokens, at):
                pending.append((_cte_name(tokens, at), depth))
            depth += 1
        elif token.text == ")":
            depth -= 1
            expects = False
            listing = {level for level in listing if level <= depth}
            ctes = {name: level for name, level in ctes.items() if level <= depth}
            if pending and pending[-1][1] == depth:
                name, level = pending.pop()
                ctes[name] = level
        elif word in ("FROM", "JOIN"):
            expects = True
            listing.add(depth)
        elif token.text == "," and depth in listing:
            expects = True
        elif word in _ENDS_FROM:
            listing.discard(depth)
        elif word in _READS_BY_ITSELF or _opens_files(token, tokens, at):
            return False
    return True


def _is_cte(tokens: Sequence[Token], at: int) -> bool:
    return bool(_cte_name(tokens, at))


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
