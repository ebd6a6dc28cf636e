"""Which figures does a check compare? `avg(x) BETWEEN 40 AND 60` is computed from `avg(x)`.

A courtesy for people: where the SQL cannot be taken apart, there are no figures and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figures:
    expressions: tuple[tuple[str, str], ...]
    """(what people read, SQL) of each figure."""
    _select: Any

    def select(self, columns: str) -> str:
        """The validation's own SELECT with other columns."""
        query = self._select.copy()
        query.set("expressions", [])
        from sqlglot import parse_one

        parsed = parse_one(f"SELECT {columns}", dialect="duckdb")
        query.set("expressions", parsed.expressions)
        return str(query.sql(dialect="duckdb"))


def figures(sql: str, check: str) -> Figures | None:
    """The aggregates and columns that the column `check` of a SELECT compares with something."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        select = parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    if not isinstance(select, exp.Select):
        return None
    found = next((item for item in select.expressions if item.alias_or_name.lower() == check.lower()), None)
    if found is None:
        return None
    operands: dict[str, str] = {}
    for node in found.find_all(exp.Binary, exp.Between, exp.Is):
        operand = node.this
        if isinstance(operand, exp.Connector | exp.Predicate | exp.Literal) or operand.find(exp.Subquery):
            continue
        text = operand.sql(dialect="duckdb")
        operands.setdefault(text.lower(), text)
    if not operands:
        return None
    return Figures(tuple(operands.items()), select)
