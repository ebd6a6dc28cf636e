"""A session, its engine and its clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.session import Session
from augury.bigquery_ml.store import ModelStore
from augury.bigquery_ml.types import BUILT_IN, Types

TYPES = {**BUILT_IN, "linear_reg": "tests.contract.bigquery_ml.totals:Totals"}
TRAIN = "CREATE OR REPLACE MODEL d.m OPTIONS(model_type='linear_reg', input_label_cols=['y']) AS SELECT a, b, y FROM t"

SCALED = (
    "CREATE OR REPLACE MODEL d.m TRANSFORM(ML.MIN_MAX_SCALER(a) OVER() AS a, b + 1 AS c, y)\n"
    "OPTIONS(model_type='linear_reg', input_label_cols=['y']) AS SELECT a, b, y, id FROM d.t"
)


class Tables:
    """`d.t` and `t` are the table t of DuckDB."""

    def table(self, parts: tuple[str, ...]) -> str | None:
        assert not parts[-1].startswith("__augury"), "relations of the session are nobody's tables"
        return f'"{parts[-1]}"'

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return ()


class Room:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)
        self.connection = duckdb.connect()
        self.connection.execute(
            "CREATE TABLE t AS SELECT i AS id, (i % 10)::DOUBLE AS a, (i % 7)::BIGINT AS b, "
            "(i % 10 + i % 7 + 5)::DOUBLE AS y FROM range(100) AS r(i)"
        )
        self.store = ModelStore(folder / "models")
        self.session = self.opened()

    def opened(self, root: Path | None = None) -> Session:
        return Session(
            DuckDBEngine(self.connection, batch_rows=7),
            self.store,
            tables=Tables(),
            clock=lambda: self.now,
            types=Types(TYPES),
            root=root,
        )

    def table(self, sql: str) -> pa.Table:
        with self.session.read(sql) as reader:
            return reader.read_all()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.table(sql).to_pylist()
        return found
