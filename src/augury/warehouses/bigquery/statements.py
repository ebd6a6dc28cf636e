"""Does a statement only read, and how does a person name tables by their plain names?

Names are replaced where they stand, on their own line, so that a position in an error stays one in the person's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from augury.errors import UsageError
from augury.warehouses.bigquery.names import quote

_READS = ("SELECT", "WITH", "FROM", "(")
_MODEL = re.compile(r"CREATE (?:OR REPLACE )?MODEL (?:IF NOT EXISTS )?(.+)")


def check_select(sql: str) -> None:
    """Raise UsageError unless `sql` is exactly one statement that only reads.

    In BigQuery nothing that writes can stand inside a SELECT, so its first word decides.
    """
    words = _tokens(sql)
    while words and words[-1] == ";":
        words.pop()
    if not words:
        raise _not_allowed("no statement")
    if ";" in words:
        raise _not_allowed("more than one statement")
    first = next((word for word in words if word != "("), "(")
    if first not in _READS:
        raise _not_allowed(first)


def created_model(sql: str) -> str | None:
    """The model that one CREATE MODEL statement makes, in backticks as it is written; None for any other text."""
    words = _tokens(sql)
    while words and words[-1] == ";":
        words.pop()
    if ";" in words:
        return None
    try:
        end = next(at for at, word in enumerate(words) if word in ("OPTIONS", "TRANSFORM", "AS", "INPUT", "REMOTE"))
    except StopIteration:
        return None
    head = " ".join(words[:end]).replace(" . ", ".")
    found = _MODEL.fullmatch(head)
    return found[1] if found else None


def _tokens(sql: str) -> list[str]:
    """Words without comments: names in backticks, other words in upper case, texts as two quotes. Raises UsageError
    for text that never ends."""
    import sqlglot

    try:
        return [_word(token) for token in sqlglot.tokenize(sql, dialect="bigquery")]
    except sqlglot.errors.SqlglotError as error:
        raise UsageError("this is not a statement", why=str(error).split("\n", 1)[0]) from error


def _word(token: Any) -> str:
    kind = token.token_type.name
    if kind == "STRING":
        return "''"
    return f"`{token.text}`" if kind == "IDENTIFIER" else str(token.text).upper()


def _not_allowed(what: str) -> UsageError:
    return UsageError(
        f"this is {what}: only one statement that reads is allowed",
        fix="Write one SELECT. Tables are written by `augury run`.",
    )


def with_tables(sql: str, relation: Callable[[str], str | None]) -> str:
    """`sql` with every plain name of a table replaced by what `relation` says; None leaves it as it is.

    A name of a WITH is the query's own.
    """
    import sqlglot
    from sqlglot import exp

    try:
        parsed: Any = sqlglot.parse_one(sql, dialect="bigquery")
    except sqlglot.errors.SqlglotError:
        # BigQuery itself says what is wrong.
        return sql
    own = {cte.alias.casefold() for cte in parsed.find_all(exp.CTE)}
    found: list[tuple[int, int, str]] = []
    for table in parsed.find_all(exp.Table):
        name = table.this
        if table.db or not isinstance(name, exp.Identifier) or name.name.casefold() in own or "start" not in name.meta:
            continue
        stands_for = relation(name.name)
        if stands_for is not None:
            alias = "" if table.alias else f" AS {quote(name.name)}"
            found.append((name.meta["start"], name.meta["end"] + 1, stands_for + alias))
    for start, end, text in sorted(found, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
