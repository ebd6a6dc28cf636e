"""Which tables does BigQuery SQL name behind FROM, JOIN and TABLE, told from its words before anything is compiled?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from augury.sql.named_tables import path_end
from augury.sql.tokens import RESERVED, Token, scan

_PRINTED = re.compile(r"\{\{-?\s*(\w+)\s*-?\}\}")
_SILENT = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_BEFORE = ("FROM", "JOIN", "TABLE")
_CLAUSES = ("SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "UNION", "INTERSECT", "EXCEPT")
"""What ends a FROM clause."""


def tables_in(text: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Dotted names without backticks, `*` and `{{ ... }}` included where they are part of one; each as often as it
    stands there. Variables are printed; of the branches of a template all count."""
    printed = _PRINTED.sub(lambda found: str(variables.get(found[1], found[0])), _SILENT.sub(" ", text))
    tokens = [token for token in scan(printed, "bigquery") if token.kind not in ("space", "comment")]
    aliases: set[str] = set()
    for at in _starts(tokens):
        end = _end(tokens, at)
        name = "".join(token.text for token in tokens[at:end]).replace("`", "")
        called = end < len(tokens) and tokens[end].text == "("
        if tokens[at].kind in ("word", "quoted") and not called:
            if "." in name and name.partition(".")[0] not in aliases:
                yield name
            aliases |= {name.rpartition(".")[2], *_alias(tokens, end)}


def _starts(tokens: Sequence[Token]) -> Iterator[int]:
    """Where a table may be named: behind FROM, JOIN and TABLE, and behind each comma of a FROM clause."""
    opened: list[str] = []
    listed = [False]
    for at, token in enumerate(tokens[:-1]):
        before = tokens[at - 1].upper if at else ""
        if token.text == "(":
            opened.append(before)
            listed.append(False)
        elif token.text == ")" and opened:
            opened.pop()
            listed.pop()
        elif token.upper in _CLAUSES:
            listed[-1] = False
        # `EXTRACT(DAY FROM x)` and `a IS DISTINCT FROM b` name no table.
        value = opened[-1:] == ["EXTRACT"] or (before == "DISTINCT" and tokens[at - 2].upper in ("IS", "NOT"))
        if token.upper in _BEFORE and not value:
            listed[-1] = listed[-1] or token.upper == "FROM"
            yield at + 1
        elif token.text == "," and listed[-1]:
            yield at + 1


def _end(tokens: Sequence[Token], at: int) -> int:
    """Behind a name, and behind the `*` of a wildcard that is not quoted."""
    end = path_end(tokens, at)
    last = tokens[end - 1]
    wild = end < len(tokens) and tokens[end].text == "*" and tokens[end].start == last.start + len(last.text)
    return end + 1 if wild else end


def _alias(tokens: Sequence[Token], at: int) -> set[str]:
    at += at < len(tokens) and tokens[at].upper == "AS"
    named = at < len(tokens) and (tokens[at].kind == "quoted" or tokens[at].upper not in (*RESERVED, ""))
    return {tokens[at].text.strip("`")} if named else set()
