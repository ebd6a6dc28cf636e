"""Runs translated queries on DuckDB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb

from augury.names import quote
from augury.sql.bigquery import to_duckdb
from augury.sql.bigquery.functions import install
from augury.testing.bigquery_queries import Case


@dataclass(frozen=True)
class Known:
    """The tables of a case, whatever project and dataset a query names."""

    names: tuple[str, ...]

    def table(self, parts: tuple[str, ...]) -> str | None:
        return quote(parts[-1]) if parts[-1] in self.names else None

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return [
            (name.removeprefix(prefix[-1]), quote(name)) for name in sorted(self.names) if name.startswith(prefix[-1])
        ]


@dataclass(frozen=True)
class Answer:
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Room:
    """One database; the tables of a group of cases are made once."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        install(self._connection)
        self._made: set[str] = set()

    def close(self) -> None:
        self._connection.close()

    def answered(self, case: Case) -> Answer:
        """What DuckDB makes of the case."""
        parameters = {name: kind for name, (kind, _) in case.parameters.items()}
        tables = Known(tuple(case.tables))
        translated = to_duckdb(case.sql, tables=tables, parameters=parameters or None, now=case.now)
        self._enter(case)
        values = {name: value for name, (_, value) in case.parameters.items()}
        result = (
            self._connection.execute(translated.sql, values) if values else self._connection.execute(translated.sql)
        )
        columns = tuple(item[0] for item in result.description)
        types = tuple(str(item[1]) for item in result.description)
        rows = tuple(tuple(plain(value) for value in row) for row in result.fetchall())
        return Answer(columns, types, rows)

    def _enter(self, case: Case) -> None:
        if case.group not in self._made:
            self._made.add(case.group)
            self._connection.execute(f"CREATE SCHEMA {quote(case.group)}").fetchall()
            for name, sql in case.tables.items():
                table = f"{quote(case.group)}.{quote(name)}"
                self._connection.execute(f"CREATE TABLE {table} AS {sql}").fetchall()
        self._connection.execute(f"USE {quote(case.group)}").fetchall()


def plain(value: Any) -> Any:
    """As a case writes it."""
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Decimal():
            return format(value.normalize(), "f")
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
    return value


def same(first: Any, second: Any) -> bool:
    """Floats to 12 digits and NaN as NaN, everything else exactly; a whole number is no float and TRUE is no 1."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-12) or (math.isnan(first) and math.isnan(second))
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    return type(first) is type(second) and bool(first == second)
