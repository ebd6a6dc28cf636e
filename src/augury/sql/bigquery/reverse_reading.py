"""Which functions does a SELECT of DuckDB call, and where?"""

from __future__ import annotations

from typing import Any

from augury.errors import nearest
from augury.sql.bigquery.refusals import Source
from augury.sql.bigquery.reverse_functions import FUNCTIONS

_SYNTAX = frozenset(
    (
        *("all", "and", "any", "as", "between", "by", "case", "cast", "cube", "distinct", "else", "except", "exclude"),
        *(
            "exists",
            "extract",
            "filter",
            "from",
            "having",
            "in",
            "intersect",
            "interval",
            "is",
            "join",
            "like",
            "limit",
        ),
        *("not", "offset", "on", "or", "over", "qualify", "replace", "rollup", "select", "then", "try_cast", "union"),
        *("using", "values", "when", "where", "with"),
    )
)
"""Words before a parenthesis that are no functions."""


class Calls:
    """The function calls of a text, each renamed to a mark with its number."""

    def __init__(self, source: Source, tokens: list[Any]) -> None:
        from sqlglot.tokenizer_core import TokenType

        self.tokens = tokens
        self.names: list[tuple[str, int]] = []
        if "\0" in source.sql:
            source.refuse(source.sql.index("\0"), "a NUL character")
        if not tokens:
            source.refuse(0, "there is no SQL")
        self.second = next((token.start for token in tokens if token.token_type == TokenType.SEMICOLON), 0)
        """Where another statement may begin."""
        for at, token in enumerate(tokens):
            token.comments = []
            called = at + 1 < len(tokens) and tokens[at + 1].token_type == TokenType.L_PAREN
            word = token.text.lower()
            if not called or not word[:1].isalpha() or token.token_type == TokenType.IDENTIFIER:
                continue
            before = tokens[at - 1].token_type if at else None
            function = word == "replace" and before not in (TokenType.STAR, TokenType.R_PAREN)
            if (word in _SYNTAX and not function) or before == TokenType.ALIAS:
                continue
            if word not in FUNCTIONS:
                close = nearest(word, FUNCTIONS)
                source.refuse(token.start, f"{word[:60]}() is not known on BigQuery", suggestion=close)
            self.names.append((word, token.start))
            token.token_type, token.text = TokenType.VAR, f"\0{len(self.names) - 1}"
