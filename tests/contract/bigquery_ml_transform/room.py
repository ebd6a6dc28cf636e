"""A place where a TRANSFORM clause learns from some rows on DuckDB and is applied to others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from augury.sql.bigquery_ml.transform import BoundTransform, read_transform
from augury.sql.bigquery_ml.transform_queries import translate

Row = dict[str, Any]


@dataclass(frozen=True)
class Room:
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[Row]:
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def columns(self, relation: str) -> list[str]:
        return [column[0] for column in self.connection.execute(f"SELECT * FROM {relation} LIMIT 0").description]

    def types(self, sql: str) -> dict[str, str]:
        return {row["column_name"]: row["column_type"] for row in self.rows(f"DESCRIBE {sql}")}

    def learn(self, clause: str, relation: str) -> BoundTransform:
        """What CREATE MODEL does, with a trip through JSON, as it is stored."""
        transform = read_transform(clause)
        sql = transform.fit_sql(relation)
        bound = transform.bind(self.rows(sql)[0] if sql else None, self.columns(relation))
        return BoundTransform.from_dict(json.loads(json.dumps(bound.as_dict())))

    def transformed(self, clause: str, relation: str, applied_to: str | None = None) -> list[Row]:
        """The outputs for `applied_to` of what was learnt from `relation`."""
        return self.rows(self.learn(clause, relation).select_sql(applied_to or relation))

    def column(self, expression: str, relation: str, applied_to: str | None = None) -> list[Any]:
        """One output, inside of TRANSFORM."""
        return [row["out"] for row in self.transformed(f"{expression} AS out", relation, applied_to)]

    def selected(self, expression: str, relation: str) -> list[Any]:
        """One column of a plain SELECT."""
        sql = translate(f"SELECT {expression} AS out FROM __augury_0_rows").sql
        return [row["out"] for row in self.rows(sql.replace("__augury_0_rows", relation))]

    def one(self, expression: str) -> Any:
        """The value of an expression that reads no rows."""
        return self.rows(translate(f"SELECT {expression} AS out").sql)[0]["out"]


@contextmanager
def a_room() -> Iterator[Room]:
    connection = duckdb.connect()
    try:
        yield Room(connection)
    finally:
        connection.close()


def values(column: str, given: Sequence[str]) -> str:
    """A relation of one column, in order."""
    return f"(SELECT unnest([{', '.join(given)}]) AS {column})"


def sparse(entries: Mapping[int, float]) -> list[dict[str, float]]:
    """What encoders give: index and value of each entry."""
    return [{"index": index, "value": value} for index, value in entries.items()]
