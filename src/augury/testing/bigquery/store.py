"""How do readers see all of a change or nothing of it?

One DuckDB holds the rows; the catalogue is a value beside it. A change works in one transaction of DuckDB on a copy of
the catalogue, and both become visible under one lock. A reader takes its transaction and its catalogue under the same
lock, and keeps both for as long as it reads. Changes come one after the other, as jobs that write one table do in the
service.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augury.errors import StorageFailed
from augury.names import quote
from augury.sql.bigquery import functions
from augury.testing.bigquery.catalog import (
    Dataset,
    DatasetId,
    State,
    Table,
    TableId,
    dataset_from,
    table_from,
    written,
)
from augury.testing.bigquery.refusals import missing

ROWS = "data"
"""DuckDB's schema that holds every table, under numbered names: no name of a request gets into SQL."""

MOST_RESULTS = 500
"""Results of queries that are kept; the service keeps each for about 24 hours ("Using cached query results")."""


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Snapshot:
    """A transaction and the catalogue of the same instant."""

    cursor: Any
    state: State
    results: Mapping[TableId, Table]
    """Rows of queries without a destination: written once, never changed."""

    def dataset(self, found: DatasetId) -> Dataset:
        if found not in self.state.datasets:
            raise missing("Dataset", ":".join(found))
        return self.state.datasets[found]

    def table(self, found: TableId) -> Table:
        if found in self.results:
            return self.results[found]
        self.dataset(found.within)
        if found not in self.state.tables:
            raise missing("Table", str(found))
        return self.state.tables[found]


@dataclass
class Change(Snapshot):
    """A snapshot whose owner may replace parts of it; nobody else sees them before the end."""

    store: Store

    def put(self, found: Dataset | Table) -> None:
        datasets, tables = dict(self.state.datasets), dict(self.state.tables)
        if isinstance(found, Dataset):
            datasets[(found.project, found.dataset)] = found
        else:
            tables[found.id] = found
        self.state = State(datasets, tables)

    def remove(self, found: DatasetId | TableId) -> None:
        """Forget a dataset or a table, and drop the rows that nothing else holds."""
        if isinstance(found, TableId):
            gone = self.state.tables[found]
            kept = {key: value for key, value in self.state.tables.items() if key != found}
            self.state = replace(self.state, tables=kept)
            self.drop_rows(gone.physical)
        else:
            others = {key: value for key, value in self.state.datasets.items() if key != found}
            self.state = replace(self.state, datasets=others)

    def drop_rows(self, physical: str | None) -> None:
        if physical is not None and all(one.physical != physical for one in self.state.tables.values()):
            self.cursor.execute(f"DROP TABLE IF EXISTS {physical}")

    def new_rows(self) -> str:
        return self.store.new_rows()

    def next_version(self) -> int:
        return next(self.store.versions)


class Store:
    """Safe to use from several threads."""

    def __init__(self, file: Path | None = None) -> None:
        self.uploads = tempfile.TemporaryDirectory(prefix="augury-bigquery-")
        """Files that clients send, and nothing else that SQL may read."""
        self._keeps = file is not None
        self.results: dict[TableId, Table] = {}
        self._writing = threading.Lock()
        self._swapping = threading.Lock()
        try:
            self._connection = _opened(file, self.uploads.name)
        except BaseException:
            self.uploads.cleanup()
            raise
        self.state: State = self._read()
        taken = [one.version for one in self.state.tables.values()]
        taken += [one.version for one in self.state.datasets.values()]
        self.versions = itertools.count(max(taken, default=0) + 1)
        self._numbers = itertools.count(int(time.time() * 1000))

    def close(self) -> None:
        self._connection.close()
        self.uploads.cleanup()

    def new_rows(self) -> str:
        return f"{ROWS}.r_{next(self._numbers)}"

    def cursor(self) -> Any:
        return self._connection.cursor()

    def keep_result(self, table: Table) -> None:
        """Remember the rows of a query, and forget the oldest of too many."""
        with self._swapping:
            self.results[table.id] = table
            old = list(itertools.islice(self.results, max(0, len(self.results) - MOST_RESULTS)))
            gone = [self.results.pop(one).physical for one in old]
        for physical in gone:
            cursor = self.cursor()
            cursor.execute(f"DROP TABLE IF EXISTS {physical}")
            cursor.close()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """What is committed now, for as long as the block lasts. What the block itself creates is kept."""
        cursor = self.cursor()
        try:
            with self._swapping:
                state = self.state
                # DuckDB begins to see the world at the first statement that reads it.
                cursor.execute("BEGIN")
                cursor.execute(f"SELECT 1 FROM {ROWS}.origin").fetchall()
            try:
                yield Snapshot(cursor, state, self.results)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        finally:
            cursor.close()

    @contextmanager
    def together(self, count: int) -> Iterator[list[Any]]:
        """Cursors that all see what is committed now, for reading."""
        with ExitStack() as stack:
            cursors = [stack.enter_context(closing(self.cursor())) for _ in range(count)]
            with self._swapping:
                for cursor in cursors:
                    cursor.execute("BEGIN")
                    cursor.execute(f"SELECT 1 FROM {ROWS}.origin").fetchall()
            yield list(cursors)

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One change at a time; kept where the block ends without an exception."""
        with self._writing:
            cursor = self.cursor()
            try:
                cursor.execute("BEGIN")
                change = Change(cursor, self.state, self.results, self)
                try:
                    yield change
                    self._record(cursor, change.state)
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                with self._swapping:
                    cursor.execute("COMMIT")
                    self.state = change.state
            finally:
                cursor.close()

    def _read(self) -> State:
        run = self._connection.execute
        run(f"CREATE SCHEMA IF NOT EXISTS {ROWS}")
        run(f"CREATE TABLE IF NOT EXISTS {ROWS}.origin AS SELECT 1 AS one")
        run(f"CREATE TABLE IF NOT EXISTS {ROWS}.catalog (kind VARCHAR, name VARCHAR, body VARCHAR)")
        datasets = [dataset_from(body) for (body,) in self._kept("dataset")]
        tables = [table_from(body) for (body,) in self._kept("table")]
        known = {"origin", "catalog", *(str(one.physical).rpartition(".")[2] for one in tables)}
        sql = "SELECT table_name FROM duckdb_tables() WHERE schema_name = $schema"
        for (name,) in run(sql, {"schema": ROWS}).fetchall():
            # Results of queries end with the server that ran them.
            if name not in known:
                run(f"DROP TABLE {ROWS}.{quote(name)}")
        return State(
            {(one.project, one.dataset): one for one in datasets},
            {one.id: one for one in tables},
        )

    def _kept(self, kind: str) -> list[tuple[str]]:
        sql = f"SELECT body FROM {ROWS}.catalog WHERE kind = $kind ORDER BY name"
        found: list[tuple[str]] = self._connection.execute(sql, {"kind": kind}).fetchall()
        return found

    def _record(self, cursor: Any, state: State) -> None:
        """Write what changed of the catalogue into the file, in the same transaction as the rows."""
        if not self._keeps:
            return
        for kind, before, after in (
            ("dataset", self.state.datasets, state.datasets),
            ("table", self.state.tables, state.tables),
        ):
            for key in {*before, *after}:
                if before.get(key) is after.get(key):
                    continue
                named = {"kind": kind, "name": "\x1f".join(key)}
                cursor.execute(f"DELETE FROM {ROWS}.catalog WHERE kind = $kind AND name = $name", named)
                if key in after:
                    sql = f"INSERT INTO {ROWS}.catalog VALUES ($kind, $name, $body)"
                    cursor.execute(sql, {**named, "body": written(after[key])})


def _opened(file: Path | None, folder: str) -> Any:
    """A connection whose SQL reads no file outside of `folder`."""
    import duckdb

    try:
        connection = duckdb.connect(str(file) if file else ":memory:")
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET GLOBAL autoinstall_known_extensions = false")
        connection.execute("SET GLOBAL allowed_directories = $folders", {"folders": [folder]})
        connection.execute("SET GLOBAL enable_external_access = false")
        functions.install(connection)
    except duckdb.Error as error:
        raise StorageFailed(
            f"{file} cannot be opened", why=str(error), fix="Another server may hold it: give another folder."
        ) from error
    return connection
