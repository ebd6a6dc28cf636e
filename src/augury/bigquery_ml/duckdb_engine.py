"""How does a session run its SQL on a DuckDB connection?"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from augury.bigquery_ml.engine import Stream
from augury.errors import Place, QueryRefused
from augury.sql.bigquery.functions import FARM_FINGERPRINT, install

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)


class DuckDBEngine:
    """Queries run on cursors of their own, so that one may feed another."""

    def __init__(self, connection: Any, *, batch_rows: int = BATCH_ROWS) -> None:
        self._connection = connection
        self._batch_rows = batch_rows

    @contextmanager
    def read(self, sql: str, streams: Mapping[str, Stream]) -> Iterator[pa.RecordBatchReader]:
        import pyarrow as pa

        with self._cursor(sql, streams) as cursor:
            with _explained(sql, cursor):
                reader = cursor.sql(sql).to_arrow_reader(self._batch_rows)

            def batches() -> Generator[pa.RecordBatch, None, None]:
                with _explained(sql):
                    yield from reader

            # Closing the generator first ends the engine's query; only then may its cursor be closed.
            generator = batches()
            try:
                yield pa.RecordBatchReader.from_batches(reader.schema, generator)
            finally:
                with suppress(ValueError):
                    generator.close()
                reader.close()

    def describe(self, sql: str, streams: Mapping[str, pa.Schema]) -> pa.Schema:
        empty = {name: schema.empty_table() for name, schema in streams.items()}
        with self._cursor(sql, empty) as cursor, _explained(sql, cursor):
            schema: pa.Schema = cursor.sql(f"SELECT * FROM (\n{sql}\n) LIMIT 0").to_arrow_table().schema
            return schema

    @contextmanager
    def _cursor(self, sql: str, streams: Mapping[str, Stream]) -> Iterator[Any]:
        cursor = self._connection.cursor()
        try:
            # BigQuery's zone is UTC. The function in Python comes only with a query that calls it: it keeps a
            # connection alive that nobody closes.
            cursor.execute("SET TimeZone = 'UTC'")
            if FARM_FINGERPRINT in sql:
                install(cursor)
            # A table that is not there must not turn out to be a variable of whoever calls.
            cursor.execute("SET python_enable_replacements = false")
            for name, stream in streams.items():
                cursor.register(name, stream)
            yield cursor
        finally:
            cursor.close()


@contextmanager
def _explained(sql: str, cursor: Any = None) -> Iterator[None]:
    """DuckDB's errors as one of ours, with the line of the statement where DuckDB knows it."""
    import duckdb
    import pyarrow as pa

    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        line = None
        if cursor is not None:
            try:
                cursor.execute(f"DESCRIBE (\n{sql}\n)")
            except duckdb.Error as again:
                # Relations say what is wrong, statements also where: on a line counted from DESCRIBE.
                found = _LINE.search(str(again))
                line = int(found[1]) - 1 if found else None
        text = str(error).split("\n\nLINE ")[0].strip()
        raise QueryRefused(text, where=Place(line=line)) from error
