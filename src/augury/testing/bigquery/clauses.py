"""Which clauses does a DDL statement have? Read from tokens, so that each keeps its place in the text.

BigQuery docs: "Data definition language (DDL) statements in GoogleSQL".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from augury.testing.bigquery.statements import Statement, invalid_query

OPEN = ("L_PAREN", "L_BRACKET", "L_BRACE")
CLOSE = ("R_PAREN", "R_BRACKET", "R_BRACE")


@dataclass
class Reader:
    """Walks over the tokens of one statement."""

    statement: Statement
    tokens: list[Any]
    place: int = 0

    @property
    def word(self) -> str:
        """The next token in capitals; nothing at the end."""
        return self.tokens[self.place].text.upper() if self.place < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over these words, if they are next."""
        found = [token.text.upper() for token in self.tokens[self.place :]]
        wanted = " ".join(words)
        # sqlglot makes one token of some pairs, such as PARTITION BY.
        for count in range(1, len(words) + 1):
            if " ".join(found[:count]) == wanted:
                self.place += count
                return True
        return False

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise self.wrong(f"Expected {' '.join(words)}")

    def wrong(self, what: str) -> Exception:
        if self.place >= len(self.tokens):
            return invalid_query(f"Syntax error: {what} but got end of statement", self.statement.line)
        token = self.tokens[self.place]
        shown = token.text[:100]
        return invalid_query(
            f'Syntax error: {what} but got "{shown}"', self.line(token), token.col - len(token.text) + 1
        )

    def line(self, token: Any) -> int:
        """1-based line of the whole text."""
        return self.statement.line + self.statement.text.count("\n", 0, int(token.start))

    def path(self) -> tuple[str, ...]:
        """A name of up to three parts; projects may have dashes without backticks."""
        start = self.place
        pieces, text = [], ""
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            apart = self.place > start and token.start != self.tokens[self.place - 1].end + 1
            if apart or token.token_type.name in (*OPEN, *CLOSE, "COMMA", "SEMICOLON"):
                break
            if token.token_type.name == "DOT":
                pieces.append(text)
                text = ""
            else:
                text += token.text
            self.place += 1
        pieces.append(text)
        out = tuple(piece for part in pieces for piece in part.split("."))
        if not all(out) or len(out) > 4:
            self.place = start
            raise self.wrong("Expected a name")
        return out

    def group(self) -> str:
        """The text between a parenthesis and its partner."""
        if self.place >= len(self.tokens) or self.tokens[self.place].token_type.name != "L_PAREN":
            raise self.wrong('Expected "("')
        start = self.tokens[self.place].end + 1
        depth = 0
        while self.place < len(self.tokens):
            kind = self.tokens[self.place].token_type.name
            depth += (kind in OPEN) - (kind in CLOSE)
            self.place += 1
            if depth == 0:
                return self.statement.text[start : self.tokens[self.place - 1].start]
        raise self.wrong('Expected ")"')

    def until(self, *stops: str) -> str:
        """The text before the next of these words outside of parentheses."""
        first, depth = self.place, 0
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            kind = token.token_type.name
            if depth == 0 and token.text.upper() in stops and kind not in ("STRING", "IDENTIFIER"):
                break
            depth += (kind in OPEN) - (kind in CLOSE)
            self.place += 1
        if first == self.place:
            raise self.wrong("Expected an expression")
        return self.statement.text[self.tokens[first].start : self.tokens[self.place - 1].end + 1]

    def rest(self) -> str:
        """Everything that follows, on the lines that it has in the whole text."""
        if self.place >= len(self.tokens):
            raise self.wrong("Expected a query")
        token = self.tokens[self.place]
        self.place = len(self.tokens)
        return "\n" * (self.line(token) - 1) + self.statement.text[token.start :]

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise self.wrong("Expected end of statement")


def reader_of(statement: Statement) -> Reader:
    import sqlglot

    return Reader(statement, sqlglot.tokenize(statement.text, read="bigquery"))
