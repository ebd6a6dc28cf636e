"""Small tables like those of Google's tutorials, and a session over them that types their statements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from augury.bigquery_ml.columns import bigquery_columns
from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.session import Session
from augury.bigquery_ml.store import ModelStore

TABLES = (
    "CREATE TABLE penguins AS SELECT i AS id, ['Adelie', 'Chinstrap', 'Gentoo'][1 + i % 3] AS species, "
    "['Biscoe', 'Dream', NULL][1 + i % 3] AS island, (40 + (i * 7) % 11)::DOUBLE AS culmen_length_mm, "
    "(15 + (i * 5) % 7)::DOUBLE AS culmen_depth_mm, 200 + (i * 3) % 13 AS flipper_length_mm, "
    "(3000 + ((i * 7) % 11) * 50 + (i % 3) * 100)::DOUBLE AS body_mass_g, if(i % 2 = 0, 'MALE', 'FEMALE') AS sex, "
    "i % 4 = 0 AS tagged FROM range(120) AS r(i)",
    "CREATE TABLE ratings AS SELECT u AS user_id, 'm' || m AS item_id, ((u * m) % 5 + 1)::DOUBLE AS rating "
    "FROM range(1, 16) AS a(u), range(1, 9) AS b(m) WHERE (u + m) % 3 < 2",
    "CREATE TABLE trips AS SELECT DATE '2024-01-01' + i::INT AS date, 's' || s AS station, "
    "100 + 10 * s + 10 * sin(i * 2 * pi() / 7) + i * 0.5 + ((i * 7919 + s * 13) % 11) AS num_trips, "
    "(i % 10)::DOUBLE AS temperature FROM range(90) AS r(i), range(1, 3) AS q(s)",
)


class Tables:
    """A table goes by its last name, whatever project and dataset stand before it."""

    def table(self, parts: tuple[str, ...]) -> str | None:
        return f'"{parts[-1]}"'

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return ()


class Room:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        for statement in TABLES:
            self.connection.execute(statement)
        self.session = Session(
            DuckDBEngine(self.connection), ModelStore(folder / "models"), tables=Tables(), root=folder
        )

    def run(self, sql: str) -> None:
        self.session.execute(sql)

    def table(self, sql: str) -> pa.Table:
        with self.session.read(sql) as reader:
            return reader.read_all()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.table(sql).to_pylist()
        return found

    def columns(self, sql: str) -> list[str]:
        """`name TYPE` of each column, in BigQuery's types; they are the same with rows and without."""
        schema = self.table(sql).schema
        assert self.session.describe(sql) == schema
        return [f"{name} {kind}" for name, kind in bigquery_columns(schema)]
