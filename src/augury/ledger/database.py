"""How is the ledger's database read and written, whichever it is?

One transaction per verb. Writers of one process queue here, fairly and without sleeping; writers of several
processes queue in the database. What the driver raises becomes an augury error that names the place.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
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


@dataclass(frozen=True)
class Database:
    engine: Engine
    place: str
    """The file or address, for messages."""
    explain: Callable[[str], tuple[str, str]]
    """Turns the driver's message into what happened and what to do."""
    writing: Lock = field(default_factory=Lock)
    one_connection: bool = False
    """Readers queue as well: all threads share one connection."""

    @cached_property
    def _writer(self) -> Engine:
        return self.engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose statements all see one state of the database."""
        queue: AbstractContextManager[Any] = self.writing if self.one_connection else nullcontext()
        with queue, self._named_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is the only writer from its first statement on; all or nothing."""
        with self.writing, self._named_errors(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (exc.IntegrityError, exc.ProgrammingError):
            raise  # a mistake of ours, not of the storage
        except exc.DBAPIError as error:
            what, fix = self.explain(str(error.orig))
            raise StorageFailed(f"{what}: {self.place}", why=str(error.orig), fix=fix) from error

    def upsert(self, table: Table) -> Insert:
        """INSERT that replaces the row with the same primary key."""
        return _upsert(table, self.engine.dialect.name)

    def insert_new(self, table: Table) -> Insert:
        """INSERT that leaves a row with the same primary key alone."""
        return _insert(table, self.engine.dialect.name).on_conflict_do_nothing()


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
