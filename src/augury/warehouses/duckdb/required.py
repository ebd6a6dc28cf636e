"""Are the REQUIRED columns of a source without NULL, in the rows that a date may see?

How many values a column has, files and tables know themselves: asking takes a millisecond for five million rows, once
per file or table of a run. Rows are read only where a value is missing somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from augury.names import quote
from augury.warehouses.contract import Nulls
from augury.warehouses.duckdb.connection import Engine
from augury.warehouses.duckdb.source_files import Part

Parts = tuple[Part, ...]
_SHOWN = 4
"""Columns of a row that is shown."""


class RequiredColumns:
    """What is known about the parts of all sources. Safe to use from several threads: at worst two ask the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._complete: dict[tuple[str, tuple[str, ...]], bool] = {}
        """Whether a part has no NULL in these columns, by its signature."""

    def broken(self, required: tuple[str, ...], parts: Parts, over: Callable[[Parts], str]) -> Parts:
        """Those of `parts` that have NULL in a column; `over` is a relation of some parts."""
        new = tuple(part for part in parts if (part.signature, required) not in self._complete)
        together = bool(new) and self._is_complete(required, over(new))
        for part in new:
            complete = together or (len(new) > 1 and self._is_complete(required, over((part,))))
            self._complete[part.signature, required] = complete
        return tuple(part for part in parts if not self._complete[part.signature, required])

    def _is_complete(self, required: tuple[str, ...], relation: str) -> bool:
        rows, *values = self._count(required, relation, ())
        return all(count == rows for count in values)

    def nulls(
        self, required: tuple[str, ...], declared: tuple[str, ...], relation: str, conditions: Sequence[str]
    ) -> tuple[Nulls, ...]:
        """NULLs in the rows of a relation that fulfil all conditions."""
        rows, *values = self._count(required, relation, conditions)
        return tuple(
            Nulls(name, rows - count, self._sample(name, declared, relation, conditions))
            for name, count in zip(required, values, strict=True)
            if count != rows
        )

    def _count(self, names: Sequence[str], relation: str, conditions: Sequence[str]) -> tuple[int, ...]:
        """Rows, then values of each column."""
        counts = ", ".join(f"count({quote(name)})" for name in names)
        return self._engine.rows(f"SELECT count(*), {counts} FROM {relation}{_where(conditions)}")[0]

    def _sample(self, name: str, declared: Sequence[str], relation: str, conditions: Sequence[str]) -> dict[str, Any]:
        """The first row in which a column is NULL, in the order of the other declared ones."""
        others = [other for other in declared if other != name][:_SHOWN]
        shown = ", ".join(map(quote, others)) or "NULL"
        where = _where([*conditions, f"{quote(name)} IS NULL"])
        found = self._engine.rows(f"SELECT {shown} FROM {relation}{where} ORDER BY ALL NULLS LAST LIMIT 1")
        return dict(zip(others, found[0], strict=False)) if found else {}


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
