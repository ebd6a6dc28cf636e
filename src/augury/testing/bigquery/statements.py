"""Which statements is a text made of, and what is each of them?

Kinds are the values of `statistics.query.statementType` (BigQuery docs: REST "Job", JobStatistics2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from augury.testing.bigquery.refusals import Refusal, not_imitated

SKIPPED = {"OR", "REPLACE", "TEMP", "TEMPORARY"}
SIMPLE = {
    "SELECT": "SELECT",
    "WITH": "SELECT",
    "(": "SELECT",
    "INSERT": "INSERT",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
    "MERGE": "MERGE",
    "TRUNCATE": "TRUNCATE_TABLE",
    "BEGIN": "BEGIN_TRANSACTION",
    "COMMIT": "COMMIT_TRANSACTION",
    "ROLLBACK": "ROLLBACK_TRANSACTION",
}
OBJECTS = ("TABLE", "VIEW", "SCHEMA", "MODEL")
SCRIPTING = (
    "DECLARE",
    "SET",
    "IF",
    "LOOP",
    "WHILE",
    "FOR",
    "REPEAT",
    "CALL",
    "EXECUTE",
    "ASSERT",
    "RAISE",
    "RETURN",
    "CASE",
)
OTHERS = ("GRANT", "REVOKE", "LOAD", "EXPORT", "UNDROP", "EXPLAIN")
DML = ("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE")


@dataclass(frozen=True)
class Statement:
    text: str
    kind: str
    line: int
    """1-based line of the whole text on which it begins."""


def invalid_query(message: str, line: int = 1, column: int = 1) -> Refusal:
    return Refusal("invalidQuery", f"{message} at [{line}:{column}]", location="query")


def split(sql: str) -> tuple[Statement, ...]:
    """Statements of a text, at least one."""
    import sqlglot

    try:
        tokens = sqlglot.tokenize(sql, read="bigquery")
    except sqlglot.errors.SqlglotError as error:
        raise invalid_query(f"Syntax error: {str(error).splitlines()[0]}") from None
    groups: list[list[Any]] = [[]]
    for token in tokens:
        if token.token_type.name == "SEMICOLON":
            groups.append([])
        else:
            groups[-1].append(token)
    found = []
    for group in filter(None, groups):
        first = group[0]
        end = group[-1].end + 1
        # sqlglot counts a quoted token's line at its end; a statement never begins with one.
        found.append(Statement(sql[first.start : end], _kind(group), first.line))
    if not found:
        raise invalid_query("Syntax error: Unexpected end of statement")
    return tuple(found)


def _kind(tokens: list[Any]) -> str:
    # sqlglot makes one token of BEGIN TRANSACTION.
    words = " ".join(token.text.upper() for token in tokens[:8]).split() or [""]
    first, place = words[0], (tokens[0].line, tokens[0].col - len(tokens[0].text) + 1)
    if first == "BEGIN" and len(words) > 1 and words[1] != "TRANSACTION":
        raise not_imitated("scripts with BEGIN ... END blocks")
    if first in SIMPLE:
        return SIMPLE[first]
    if first in ("CREATE", "DROP", "ALTER", "EXPORT"):
        rest = [word for word in words[1:] if word not in SKIPPED]
        thing = rest[0] if rest else ""
        if thing in OBJECTS and (first != "EXPORT" or thing == "MODEL"):
            return f"{first}_{thing}"
        if not thing:
            raise invalid_query("Syntax error: Unexpected end of statement", *place)
        raise not_imitated(f"{first} {thing}")
    if first in SCRIPTING or first in OTHERS:
        raise not_imitated(f"the statement {first}")
    raise invalid_query(f"Syntax error: Unexpected identifier {tokens[0].text[:100]!r}".replace("'", '"'), *place)
