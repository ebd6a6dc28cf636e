"""How does a partition become the result of a SELECT or of a stream, and what is refused on the way?

The rows go into a file under a temporary name, the promises are checked on that file, and only then does it
get its name and the pointer move to it. Whatever fails before leaves the partition as it was. Nothing is
synced here: a power cut may cost a table that can be built again; what is published is synced by
`publishing`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import QueryRefused
from augury.names import quote
from augury.warehouses.contract import Partition, TableColumn, Write, Written
from augury.warehouses.duckdb import arrow_files, layout, refusals, types
from augury.warehouses.duckdb.checks import FORMAT, check
from augury.warehouses.duckdb.connection import Engine, capturing
from augury.warehouses.duckdb.fences import Fences
from augury.warehouses.duckdb.layout import Layout
from augury.warehouses.duckdb.literals import literal
from augury.warehouses.duckdb.pointers import Pointers
from augury.warehouses.duckdb.projection import Projection, project, refused
from augury.warehouses.duckdb.sweeping import naming

if TYPE_CHECKING:
    import pyarrow as pa

_INCOMING = "augury_incoming"
_FIRST_LOADS = 4
"""Streams of a process that go through the engine, before it pays to import Arrow's own writer."""


class Writer:
    """Writes partitions of one namespace."""

    def __init__(
        self, engine: Engine, folders: Layout, pointers: Pointers, fences: Fences, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._layout = folders
        self._pointers = pointers
        self._fences = fences
        self._clock = clock
        self._shapes: dict[Hashable, list[tuple[str, Any]]] = {}
        self._loads = 0

    def create(self, write: Write, sql: str) -> Written:
        cursor = self._engine.cursor
        projection = project(write, self._bound(write, sql, cursor))
        before = f"COPY (SELECT {projection.select} FROM ("

        def copy(target: Path) -> int:
            statement = f"{before}{sql}\n)) TO {literal(target)} ({FORMAT})"
            try:
                return int(cursor.execute(statement).fetchall()[0][0])
            except self._engine.error as error:
                complaint = refusals.query_refused(error, statement, len(before))
                if isinstance(complaint, QueryRefused) and projection.overflowing:
                    self._explain_overflow(write, sql, projection)
                raise complaint from error

        return self._write(write, projection, copy)

    def _bound(self, write: Write, sql: str, cursor: Any) -> list[tuple[str, Any]]:
        """The columns of a query, found out once per shape: binding takes 2.5 ms for a query that opens a file."""
        if write.shape is None:
            return self._engine.bind(sql, cursor)
        key = (write.table, write.shape)
        if key not in self._shapes:
            self._shapes[key] = self._engine.bind(sql, cursor)
        return self._shapes[key]

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        self._loads += 1
        bound = arrow_files.engine_types(batches.schema) if self._loads > _FIRST_LOADS else None
        if bound is not None:
            projection = project(write, bound)
            if arrow_files.as_they_come(projection, bound):
                return self._write(write, projection, lambda target: arrow_files.store(batches, write.day, target))
        return self._load(write, batches)

    def _load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        import pyarrow as pa

        generate, raised = capturing(batches)
        stream = pa.RecordBatchReader.from_batches(batches.schema, generate())
        with self._engine.own_cursor() as cursor:
            cursor.register(_INCOMING, stream)
            projection = project(write, self._engine.bind(f"FROM {_INCOMING}", cursor))

            def copy(target: Path) -> int:
                statement = f"COPY (SELECT {projection.select} FROM {_INCOMING}) TO {literal(target)} ({FORMAT})"
                try:
                    return int(cursor.execute(statement).fetchall()[0][0])
                except self._engine.error as error:
                    if raised:
                        raise raised[0] from None
                    complaint = refusals.query_refused(error)
                    if isinstance(complaint, QueryRefused):
                        raise refused(write, "a value does not fit its column", [complaint.what]) from error
                    raise complaint from error

            return self._write(write, projection, copy)

    def _write(self, write: Write, projection: Projection, copy: Callable[[Path], int]) -> Written:
        layout.checked_run_id(write.run_id)
        folder = self._layout.partition(write.table, write.day)
        draft = layout.temporary(folder, write.run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refusals.of_system(error, folder) from error
        try:
            # Not under `except OSError`: what feeds the rows may raise one of its own.
            rows = copy(draft)
            dropped = check(self._engine, write, projection, draft, rows)
            partition = self._commit(write, projection.columns, folder, draft, rows - dropped)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        return Written(partition, dropped)

    def _explain_overflow(self, write: Write, sql: str, projection: Projection) -> None:
        """Raise the error that names the column whose values do not fit, if that was the cause."""
        for name, target in projection.overflowing:
            column = quote(name)
            with suppress(QueryRefused):
                found = self._engine.rows(
                    f"SELECT any_value({column})::VARCHAR FROM ({sql}\n) "
                    f"WHERE {column} IS NOT NULL AND TRY_CAST({column} AS {target}) IS NULL"
                )[0][0]
                if found is not None:
                    expected = types.canonical(target)
                    problem = f"column {name!r}: expected {expected}, got {found}, which does not fit"
                    raise refused(write, "a value does not fit its column", [problem])

    def _commit(
        self, write: Write, columns: tuple[TableColumn, ...], folder: Path, draft: Path, rows: int
    ) -> Partition:
        try:
            return self._name(write, columns, folder, draft, rows)
        except OSError as error:
            raise refusals.of_system(error, folder) from error

    def _name(self, write: Write, columns: tuple[TableColumn, ...], folder: Path, draft: Path, rows: int) -> Partition:
        size = os.path.getsize(draft)  # noqa: PTH202
        with naming(self._layout.main), self._fences.passing(write.fence):
            path = give_name(draft, folder, write.run_id)
            partition = Partition(
                table=write.table,
                day=write.day,
                run_id=write.run_id,
                fingerprint=write.fingerprint,
                rows=rows,
                bytes=size,
                columns=columns,
                created_at=self._clock(),
                path=str(path),
                facts=_frozen(write.facts),
            )
            self._pointers.write(folder, partition, path.name, write.description, durable=False)
        return partition


def give_name(source: Path, folder: Path, run_id: str) -> Path:
    """Link `source` as `<run_id>.parquet`, or with a number where the same run wrote that partition
    before."""
    attempt = 0
    while True:
        attempt += 1
        path = folder / (f"{run_id}.parquet" if attempt == 1 else f"{run_id}-{attempt}.parquet")
        with suppress(FileExistsError):
            layout.link(source, path)
            return path


def _frozen(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(facts)
