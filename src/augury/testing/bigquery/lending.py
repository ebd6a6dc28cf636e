"""How do the nested queries of one ML statement all see the same instant?

Cursors that began together are lent to `augury.bigquery_ml.duckdb_engine.DuckDBEngine` and taken back, in the place of
a connection of which it would make cursors of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from augury.testing.bigquery.parameters import Parameters
from augury.testing.bigquery.refusals import not_imitated
from augury.testing.bigquery.selects import used
from augury.testing.bigquery.store import Store

CURSORS = 12
"""A statement that nests ML functions deeper than this many queries is refused."""


class Lent:
    """A cursor in somebody's hands, with the values of the query's parameters."""

    def __init__(self, lender: Lender, cursor: Any) -> None:
        self._lender = lender
        self._cursor = cursor
        self._registered: list[str] = []

    def register(self, name: str, rows: Any) -> None:
        self._cursor.register(name, rows)
        self._registered.append(name)

    def sql(self, sql: str) -> Any:
        values = used(sql, self._lender.parameters)
        return self._cursor.sql(sql, params=values) if values else self._cursor.sql(sql)

    def execute(self, sql: str) -> Any:
        return self._cursor.execute(sql, used(sql, self._lender.parameters) or None)

    def close(self) -> None:
        for name in self._registered:
            self._cursor.unregister(name)
        self._lender.back(self._cursor)


class Lender:
    """Safe to use from several threads."""

    def __init__(self, cursors: list[Any], parameters: Parameters, given: Mapping[str, Any]) -> None:
        self.parameters = parameters
        self.cursors = tuple(cursors)
        self._free = cursors
        self._given = given
        self._lock = threading.Lock()

    def cursor(self) -> Lent:
        with self._lock:
            if not self._free:
                raise not_imitated(f"more than {CURSORS} ML functions inside of one another")
            lent = Lent(self, self._free.pop())
        for name, rows in self._given.items():
            lent.register(name, rows)
        return lent

    def back(self, cursor: Any) -> None:
        with self._lock:
            self._free.append(cursor)


@contextmanager
def lending(store: Store, parameters: Parameters, given: Mapping[str, Any]) -> Iterator[Lender]:
    """`given` are relations that every cursor knows."""
    with store.together(CURSORS) as cursors:
        yield Lender(cursors, parameters, given)
