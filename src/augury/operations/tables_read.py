"""Which tables does SQL of BigQuery name behind FROM, JOIN and TABLE, told from its words before anything is compiled?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from augury.sql.named_tables import path_end
from augury.sql.tokens import Token, scan

_PRINTED = re.compile(r"\{\{-?\s*(\w+)\s*-?\}\}")
_SILENT = re.compile(r"\{#.*?#\}|\{%.*?%\}", re.DOTALL)
_BEFORE = ("FROM", "JOIN", "TABLE")
_NO_TABLE_IN = ("EXTRACT",)
"""Functions whose arguments have a FROM of their own."""


def tables_in(text: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Dotted names without backticks, `*` and `{{ ... }}` included where they are part of one; each as often as it
    stands there. Variables are printed; of the branches of a template all count."""
    printed = _PRINTED.sub(lambda found: str(variables.get(found[1], found[0])), _SILENT.sub(" ", text))
    tokens = [token for token in scan(printed, "bigquery") if token.kind not in ("space", "comment")]
    opened: list[str] = []
    aliases: set[str] = set()
    listed = False
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else token
        if token.text == "(":
            opened.append(before.upper)
        elif token.text == ")" and opened:
            opened.pop()
        asked = before.upper in _BEFORE and not _is_operand(tokens, at - 1, opened)
        if not asked and not (listed and before.text == ","):
            listed = listed and (token.text == "," or token.upper == "AS" or before.upper == "AS" or _named(before))
            continue
        end = _end(tokens, at)
        name = "".join(each.text for each in tokens[at:end]).replace("`", "")
        behind = tokens[end : end + 2]
        aliases |= {each.text for each in behind if each.kind == "word"}
        listed = _named(token)
        called = bool(behind) and behind[0].text == "("
        if "." in name and listed and not called and name.partition(".")[0] not in aliases:
            yield name


def _named(token: Token) -> bool:
    return token.kind in ("word", "quoted") or token.text in ("`", ".", "-", "*")


def _is_operand(tokens: Sequence[Token], at: int, opened: Sequence[str]) -> bool:
    """`EXTRACT(DAY FROM x)` and `a IS DISTINCT FROM b`."""
    distinct = at > 1 and tokens[at - 1].upper == "DISTINCT" and tokens[at - 2].upper in ("IS", "NOT")
    return distinct or (bool(opened) and opened[-1] in _NO_TABLE_IN)


def _end(tokens: Sequence[Token], at: int) -> int:
    end = path_end(tokens, at)
    while end < len(tokens) and tokens[end].text == "*" and tokens[end].start == _stop(tokens[end - 1]):
        end += 1
    return end


def _stop(token: Token) -> int:
    return token.start + len(token.text)
