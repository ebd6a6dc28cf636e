"""How does augury itself write SQL that the engine of the target takes?

Queries of the project are written in its dialect and translated; what augury adds around them is written here, in the
words that engines do not share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from augury.names import quote
from augury.sql.literals import literal


@dataclass(frozen=True)
class EngineSql:
    dialect: str
    """As in `WarehouseFeatures.dialect`."""

    def name(self, name: str) -> str:
        return quote(name, self.dialect)

    def names(self, names: Iterable[str], of: str = "") -> str:
        """Quoted and separated by commas; each of the relation `of` where one is given."""
        prefix = f"{of}." if of else ""
        return ", ".join(f"{prefix}{self.name(name)}" for name in names)

    def value(self, value: Any) -> str:
        return literal(value, self.dialect)

    def all_but(self, *names: str) -> str:
        """Every column except these, which must be there."""
        word = "EXCEPT" if self.dialect == "bigquery" else "EXCLUDE"
        return f"* {word} ({self.names(names)})"

    def same(self, left: str, right: str, keys: Sequence[str]) -> str:
        """The condition that two relations agree in all keys."""
        return " AND ".join(f"{left}.{self.name(key)} = {right}.{self.name(key)}" for key in keys)

    def without(self, left: str, right: str, keys: Sequence[str]) -> str:
        """FROM clause of the rows of `left`, called `l`, for which `right` has no row with the same keys."""
        return f"{left} l WHERE NOT EXISTS (SELECT 1 FROM {right} r WHERE {self.same('l', 'r', keys)})"

    def shuffled(self, keys: Sequence[str]) -> str:
        """An order that is the same every time and related to nothing that the rows say."""
        names = self.names(keys)
        if self.dialect == "bigquery":
            return f"FARM_FINGERPRINT(TO_JSON_STRING(STRUCT({names}))), {names}"
        return f"hash({names}), {names}"
