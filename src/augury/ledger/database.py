"""How is the ledger's database read and written, whichever it is?

One transaction per verb. SQLite has one writer at a time: those of one process queue here, fairly and without
sleeping, those of several processes in the file. PostgreSQL has many at once: what a verb reads before it writes is
its own only under `alone`. What the driver raises becomes an augury error that names the place.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, Table, exc, select
from sqlalchemy.dialects.sqlite import Insert

from augury.errors import StorageFailed

Record = TypeVar("Record")
Row = dict[str, Any]

CHUNK = 500
"""Values in one IN list."""

_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


class ConnectionLost(StorageFailed):
    """The connection broke on the way: nobody knows whether the transaction was committed."""


class Undone(StorageFailed):
    """The database undid the transaction, because it met another one: it may simply be tried again."""


@dataclass(frozen=True)
class Trouble:
    """What the driver's complaint means to people."""

    what: str
    fix: str
    kind: type[StorageFailed] = StorageFailed
    why: str | None = None
    """The complaint, where it may not be shown as it is."""


def _nothing(connection: Connection, what: str) -> None:
    """The only writer there is has nobody to exclude."""


@dataclass(frozen=True)
class Database:
    engine: Engine
    place: str
    """The file or address, for messages."""
    explain: Callable[[BaseException], Trouble | None]
    """What a complaint of the driver means; None for a mistake of ours, which is raised as it is."""
    queue: AbstractContextManager[Any] = field(default_factory=Lock)
    """Where the writers of this process wait for one another."""
    one_connection: bool = False
    """Readers queue as well: all threads share one connection."""
    reading: Mapping[str, Any] = field(default_factory=dict)
    """Options of a reader's connection."""
    writing: Mapping[str, Any] = field(default_factory=lambda: {"writes": True})
    """Options of a writer's connection."""
    alone: Callable[[Connection, str], None] = _nothing
    """Keeps every other writer that names the same out until the end of this transaction. Called first."""
    clock: Callable[[Connection], datetime] | None = None
    """The time as the database knows it, where several hosts share it; None where everybody is on one host."""
    may_write: bool = True
    """This user has the right to."""

    @cached_property
    def _reader(self) -> Engine:
        return self.engine.execution_options(**self.reading)

    @cached_property
    def _writer(self) -> Engine:
        return self.engine.execution_options(**self.writing)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose statements all see one state of the database."""
        queue: AbstractContextManager[Any] = self.queue if self.one_connection else nullcontext()
        with queue, self._named_errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all or nothing."""
        with self.queue, self._named_errors(), self._writer.begin() as connection:
            yield connection

    def now(self, connection: Connection, otherwise: datetime) -> datetime:
        """The time that everybody who shares the database agrees on; `otherwise` where that is the host's."""
        return self.clock(connection) if self.clock else otherwise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            cause = error.orig or error
            trouble = self.explain(cause)
            if trouble is None:
                raise
            why = trouble.why or str(cause)
            raise trouble.kind(f"{trouble.what}: {self.place}", why=why, fix=trouble.fix) from error

    def upsert(self, table: Table) -> Insert:
        """INSERT that replaces the row with the same primary key."""
        return _upsert(table, self.engine.dialect.name)

    def insert_new(self, table: Table) -> Insert:
        """INSERT that leaves a row with the same primary key alone."""
        return self.insert(table).on_conflict_do_nothing()

    def insert(self, table: Table) -> Insert:
        """INSERT that may say what happens where the row is there already."""
        return _insert(table, self.engine.dialect.name)


def _insert(table: Table, dialect: str) -> Insert:
    # SQLite and PostgreSQL spell ON CONFLICT alike, and SQLAlchemy's two constructs have the same methods.
    made: Insert = importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    return made


@lru_cache(maxsize=64)
def _upsert(table: Table, dialect: str) -> Insert:
    statement = _insert(table, dialect)
    others = {name: statement.excluded[name] for name, column in table.columns.items() if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)


@lru_cache(maxsize=64)
def field_names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def storable(text: str) -> str:
    """Text that every database can hold: lone surrogates and NUL (in file names, in data) are spelled out."""
    if text.isprintable() or not _SURROGATE_OR_NUL.search(text):
        return text
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def row_of(record: Any) -> Row:
    """A record as a row: column to value."""
    row = {}
    kind: Any = type(record)
    for name in field_names(kind):
        value = getattr(record, name)
        row[name] = storable(value) if type(value) is str else value
    return row


def rows_of(records: Sequence[Any]) -> list[Row]:
    return [row_of(record) for record in records]


@lru_cache(maxsize=64)
def columns_of(kind: Any, table: Table) -> Select[Any]:
    """SELECT of exactly the record's fields, in its order."""
    return select(*(table.columns[name] for name in field_names(kind)))


def records(connection: Connection, kind: type[Record], query: Select[Any]) -> list[Record]:
    """The rows of `columns_of(kind, ...)`, possibly narrowed, as records."""
    return [kind(*row) for row in connection.execute(query)]
