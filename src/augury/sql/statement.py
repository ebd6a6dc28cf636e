"""Is a piece of SQL exactly one statement that only reads, or one that creates a model?"""

from __future__ import annotations

from itertools import pairwise

from augury.sql.tokens import Token

_READS = ("SELECT", "FROM", "VALUES", "WITH", "TABLE", "PIVOT", "UNPIVOT", "(")
_VERBS = ("SELECT", "FROM", "VALUES", "PIVOT", "UNPIVOT")
_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "COPY")
_CLOSES = {")": "(", "]": "[", "}": "{"}


def statement_problems(tokens: list[Token]) -> list[tuple[int, str]]:
    """(offset, message) of everything that keeps the tokens from being one SELECT."""
    significant = [token for token in tokens if token.significant]
    while significant and significant[-1].text == ";":
        significant.pop()
    if not significant:
        return [(0, "the file has no SQL")]
    problems = _unfinished(significant)
    written = _not_a_select(significant)
    if written is not None:
        problems.append((written.start, f"a step is one SELECT, not {_shown(written)}"))
    return problems


def model_problems(tokens: list[Token]) -> list[tuple[int, str]]:
    """(offset, message) of everything that keeps the tokens from being one CREATE MODEL."""
    significant = [token for token in tokens if token.significant]
    while significant and significant[-1].text == ";":
        significant.pop()
    if not significant:
        return [(0, "the file has no SQL")]
    words = [token.upper for token in significant[:4]]
    if words[0] != "CREATE" or "MODEL" not in words:
        return [(significant[0].start, f"train_model is one CREATE MODEL, not {_shown(significant[0])}")]
    return _unfinished(significant, "a second statement: train_model is one CREATE MODEL")


def _unfinished(tokens: list[Token], second: str = "a second statement: a step is one SELECT") -> list[tuple[int, str]]:
    """What never ends, and what begins after the end."""
    problems = [
        (token.start, f"what begins with {token.text.strip()[:1]} here never ends")
        for token in tokens
        if token.kind == "unterminated"
    ]
    problems += _unbalanced(tokens)
    semicolon = next((at for at, token in enumerate(tokens) if token.text == ";"), None)
    if semicolon is not None:
        problems.append((tokens[semicolon + 1].start, second))
    return problems


def _unbalanced(tokens: list[Token]) -> list[tuple[int, str]]:
    """Parentheses decide what a statement is made part of, so they must close inside it."""
    opened: list[Token] = []
    for token in tokens:
        if token.kind == "other" and token.text in "([{":
            opened.append(token)
        elif token.kind == "other" and token.text in _CLOSES:
            before = opened.pop().text if opened else ""
            if before != _CLOSES[token.text]:
                return [(token.start, f"{token.text} closes nothing")]
    return [(opened[-1].start, f"{opened[-1].text} is never closed")] if opened else []


def _not_a_select(tokens: list[Token]) -> Token | None:
    """The word that makes it another statement.

    The body of a common table expression counts: in DuckDB 2.0 it may be an INSERT or a COPY TO.
    """
    first = tokens[0]
    if (first.upper or first.text) not in _READS:
        return first
    bodies = [tokens[at + 1 :] for at, token in enumerate(tokens) if token.text == "(" and _after_as(tokens, at)]
    return next((verb for body in (tokens, *bodies) if (verb := _writing_verb(body)) is not None), None)


def _after_as(tokens: list[Token], at: int) -> bool:
    back = at - 1
    while back >= 0 and tokens[back].upper in ("MATERIALIZED", "NOT"):
        back -= 1
    return back >= 0 and tokens[back].upper == "AS"


def _writing_verb(tokens: list[Token]) -> Token | None:
    """The verb of the statement that begins here, past its WITH, where it writes."""
    first = tokens[0] if tokens else None
    if first is None or first.upper in _WRITES:
        return first
    depth = 0
    for before, token in pairwise(tokens if first.upper == "WITH" else ()):
        depth += (before.text == "(") - (before.text == ")")
        if depth < 0 or (depth == 0 and token.upper in _VERBS):
            return None
        if depth == 0 and before.text == ")" and token.upper in _WRITES:
            return token
    return None


def _shown(token: Token) -> str:
    return token.upper or repr(token.text[:20])
