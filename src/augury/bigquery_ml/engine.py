"""What does a session ask of the engine that runs its SQL?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class Stream(Protocol):
    """Rows from outside that a query reads by a name, through the Arrow PyCapsule interface.

    A stream of the session begins anew each time it is asked for, so an engine may scan it more than once. A pa.Table
    is a Stream, and so is a pa.RecordBatchReader (which can be scanned once).
    """

    @property
    def schema(self) -> pa.Schema: ...

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Engine(Protocol):
    """Runs SELECTs in DuckDB's dialect; safe to call from several threads, and within one another.

    Raises AuguryError, QueryRefused above all; `where.line` counts the lines of `sql`.
    """

    def read(self, sql: str, streams: Mapping[str, Stream]) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of a query; each name in `streams` is a relation that only this query sees."""

    def describe(self, sql: str, streams: Mapping[str, pa.Schema]) -> pa.Schema:
        """The columns of a query that is not run."""
