"""How is DuckDB run? One in-memory database per warehouse, one cursor per thread, one per open stream.

The database holds no data: tables are files, sources are attached read-only. Two habits of DuckDB 2.0 decide
the shape: a result that was not fetched to its end blocks its cursor, so streams get one of their own; and
only `execute` says at which character a statement failed, so that is asked after `sql` has failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import AuguryError, QueryRefused, StorageFailed
from augury.machine import cores
from augury.names import quote
from augury.plugins import missing_library
from augury.warehouses.contract import TableColumn
from augury.warehouses.duckdb import refusals, types
from augury.warehouses.duckdb.literals import literal

if TYPE_CHECKING:
    import pyarrow as pa

_SETTINGS = {
    # Nothing is fetched from the network behind the user's back.
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # The host's zone is never read: casts between TIMESTAMPTZ and the others happen in UTC.
    "TimeZone": "UTC",
    # `FROM rows` must not find a Python variable of ours.
    "python_enable_replacements": False,
    # Positions and candidates of an error as data.
    "errors_as_json": True,
    # With asynchronous I/O a COPY that meets a full disk waits for ever, about one time in ten
    # (https://github.com/duckdb/duckdb/issues/23885). Doing without costs nothing: 5M rows on two idle cores, written,
    # aggregated, scanned or streamed, take 8 to 12 % less time, 8 to 14 % less CPU and 24 to 32 MB less. With one
    # thread beside an idle core a COPY takes 3 to 6 % longer, with 4 % less CPU; dates side by side leave no core idle.
    "async_threads": 0,
}


class Engine:
    """A DuckDB and its cursors."""

    def __init__(
        self,
        spill: Path | None,
        threads: int | None,
        memory: int | None,
        prepare: Callable[[Any], None] | None = None,
    ) -> None:
        """`prepare` gets the connection before its first query: functions of another dialect, for instance."""
        if find_spec("duckdb") is None:
            raise missing_library("duckdb", ImportError(name="duckdb"))
        self._settings: dict[str, Any] = {**_SETTINGS, "temp_directory": str(spill) if spill else ""}
        if memory is not None:
            self._settings["memory_limit"] = f"{memory}B"
        self._prepare = prepare
        self._default_threads = self._threads = threads
        self._database: Any = None
        self._local = threading.local()
        self._cursors: list[Any] = []
        """Cursors that may be at work; a list's own operations are atomic."""
        self._lock = threading.RLock()
        self._attached: dict[str, str] = {}

    @property
    def _root(self) -> Any:
        """The database, made when it is first needed: importing and starting DuckDB takes 0.1 s, and what only the
        ledger is asked for does without.
        """
        with self._lock:
            if self._database is None:
                database = self._duckdb.connect(":memory:")
                for name, value in {**self._settings, "threads": self._wanted_threads}.items():
                    # GLOBAL: a plain SET stays with this cursor, and the others would take the host's time zone.
                    database.execute(f"SET GLOBAL {name} = {literal(value)}")
                if self._prepare is not None:
                    self._prepare(database)
                self._database = database
        return self._database

    @cached_property
    def _duckdb(self) -> Any:
        try:
            import duckdb
        except ImportError as error:
            raise missing_library("duckdb", error) from error
        return duckdb

    # -- cursors ---------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> Any:
        """This thread's cursor, for statements that are fetched at once."""
        found = getattr(self._local, "cursor", None)
        if found is None:
            found = self._local.cursor = self._root.cursor()
            self._cursors.append(found)
        return found

    @contextmanager
    def own_cursor(self) -> Iterator[Any]:
        """A cursor for one stream."""
        cursor = self._root.cursor()
        self._cursors.append(cursor)
        try:
            yield cursor
        finally:
            self._cursors.remove(cursor)
            cursor.close()

    def set_threads(self, threads: int | None) -> None:
        self._threads = threads or self._default_threads
        if self._database is not None:
            self._root.execute(f"SET GLOBAL threads = {self._wanted_threads}")

    @property
    def _wanted_threads(self) -> int:
        return self._threads or cores()

    def interrupt(self) -> None:
        """Stop the statement of every cursor, from another thread."""
        # Without the lock: whoever is interrupted may hold it.
        for cursor in (self._database, *self._cursors):
            if cursor is not None:
                cursor.interrupt()

    def close(self) -> None:
        self._cursors.clear()
        if self._database is not None:
            self._database.close()

    # -- statements ------------------------------------------------------------------------------------------

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows of one of our own statements; small ones only."""
        try:
            found: list[tuple[Any, ...]] = self.cursor.execute(statement).fetchall()
        except self.error as error:
            raise refusals.query_refused(error, statement) from error
        return found

    def first(self, sql: str, most: int) -> list[dict[str, Any]]:
        """The first rows of a user's SELECT by column; a stream would bind it once more."""
        cursor = self.cursor
        try:
            found = cursor.execute(f"FROM ({sql}\n) LIMIT {most:d}").fetchall()
        except self.error as error:
            raise self.explained(error, sql, cursor) from error
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def bind(self, sql: str, cursor: Any = None) -> list[tuple[str, Any]]:
        """(name, DuckDBPyType) of the columns that a SELECT returns, without running it. Names may repeat."""
        chosen = self.cursor if cursor is None else cursor
        try:
            found = chosen.sql(sql)
            if found is None:
                raise QueryRefused("this statement returns no rows")
            return list(zip(found.columns, found.types, strict=True))
        except self.error as error:
            raise self.explained(error, sql, chosen) from error

    def describe(self, sql: str) -> tuple[TableColumn, ...]:
        """Columns as a table would keep them."""
        return tuple(TableColumn(name, types.canonical(types.kept(kind) or str(kind))) for name, kind in self.bind(sql))

    def explained(self, error: BaseException, sql: str, cursor: Any = None) -> AuguryError:
        """The error of a user's SELECT, with the line of his text in it where DuckDB knows it."""
        if isinstance(error, AuguryError):
            return error
        before = "DESCRIBE ("
        try:
            (self.cursor if cursor is None else cursor).execute(f"{before}{sql}\n)").fetchall()
        except self.error as again:
            # Inside a transaction the first error is the only one that says something.
            if refusals.read(again).kind not in ("Parser", "TransactionContext"):
                return refusals.query_refused(again, f"{before}{sql}", len(before))
        return refusals.query_refused(error, sql)

    @contextmanager
    def stream(self, sql: str, batch_rows: int, cursor: Any) -> Iterator[pa.RecordBatchReader]:
        """Rows of a SELECT as Arrow batches; an error in the middle comes out as one of ours."""
        import pyarrow as pa

        try:
            found = cursor.sql(sql)
            if found is None:
                raise QueryRefused("this statement returns no rows")
            reader = found.to_arrow_reader(batch_rows)
        except self.error as error:
            raise self.explained(error, sql, cursor) from error

        def batches() -> Generator[Any, None, None]:
            try:
                yield from reader
            except (OSError, pa.ArrowException, *self.error) as error:
                raise refusals.query_refused(error, sql) from error

        # Closing the generator first ends the engine's query; only then may its cursor be closed.
        generator = batches()
        try:
            yield pa.RecordBatchReader.from_batches(reader.schema, generator)
        finally:
            with contextlib.suppress(ValueError):
                generator.close()
            reader.close()

    @property
    def error(self) -> tuple[type[BaseException], ...]:
        """What a statement may raise: DuckDB's own errors, and what it makes of a signal in the main thread."""
        return (self._duckdb.Error, RuntimeError)

    def statements(self, sql: str) -> list[Any]:
        """The statements of a text, parsed. Raises QueryRefused."""
        try:
            found: list[Any] = self.cursor.extract_statements(sql)
        except self.error as error:
            raise refusals.query_refused(error, sql) from error
        return found

    def tokens(self, sql: str) -> list[tuple[int, Any]]:
        found: list[tuple[int, Any]] = self._duckdb.tokenize(sql)
        return found

    # -- other databases -------------------------------------------------------------------------------------

    def attach(self, path: Path, signature: str) -> str:
        """The alias of a .duckdb file, attached read-only once per process, and again once it was
        replaced."""
        alias = f"source_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        with self._lock:
            if self._attached.get(alias) == signature:
                return alias
            try:
                if alias in self._attached:
                    self._root.execute(f"DETACH {quote(alias)}")
                    del self._attached[alias]
                self._root.execute(f"ATTACH {literal(path)} AS {quote(alias)} (READ_ONLY)")
            except self.error as error:
                raise _not_opened(path, refusals.read(error)) from error
            self._attached[alias] = signature
        return alias


def _not_opened(path: Path, found: refusals.Complaint) -> StorageFailed:
    if "lock" in found.message:
        return StorageFailed(
            f"{path} is open for writing in another process",
            why=found.sentence,
            fix="Close that process, or let it export the table to Parquet and use `path` for the source.",
        )
    return StorageFailed(f"{path} cannot be opened as a DuckDB database", why=found.sentence)


def capturing(batches: Any) -> tuple[Callable[[], Iterator[Any]], list[BaseException]]:
    """A generator over `batches`, and a list that will hold the exception it raised.

    DuckDB turns an exception of a Python stream into text; whoever feeds a table wants his own exception
    back.
    """
    raised: list[BaseException] = []

    def generate() -> Iterator[Any]:
        try:
            yield from batches
        except BaseException as error:
            raised.append(error)
            raise

    return generate, raised
