"""What does augury ask of a warehouse?

A warehouse stores tables of immutable partitions, one live version of each, inside one namespace, and runs
SELECTs. Readers see the old version of a partition or the new one, never neither and never a mix. Nothing
outside the namespace can be named in a write: the verbs take table names that the adapter resolves itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from augury.fences import Fence
from augury.spec.columns import Column
from augury.spec.project import SourceSpec

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class WarehouseFeatures:
    """What an engine is able to do; a value, never asked again."""

    dialect: str
    """sqlglot's name of the SQL dialect."""
    engine: str
    """Name and major version; part of every fingerprint, e.g. `duckdb-2`."""
    parallel_dates: int
    """How many dates may be worked on at once by default."""
    bills: bool = False
    """Queries cost money and can be estimated."""
    models: Literal["", "native"] = ""
    """`native`: the engine itself performs CREATE MODEL and ML functions; such a warehouse is a `NativeModels` too."""


@dataclass(frozen=True)
class TableColumn:
    name: str
    type: str
    """The canonical type of `augury.spec.columns`, or the engine's own name where there is none."""


@dataclass(frozen=True)
class Partition:
    """The live version of one partition, as its pointer records it."""

    table: str
    day: date | None
    """None for a table that is one whole."""
    run_id: str
    fingerprint: str
    rows: int
    bytes: int
    columns: tuple[TableColumn, ...]
    created_at: datetime
    path: str
    """Where the data lies, for people and other tools."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the writer wants to find again, e.g. the model version."""


@dataclass(frozen=True)
class Write:
    """What every write of a partition carries."""

    table: str
    day: date | None
    run_id: str
    fingerprint: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    """Declared columns, enforced: a missing one, another type or a NULL in a REQUIRED one refuses the
    write."""
    unique: tuple[str, ...] = ()
    """Key columns; duplicates refuse the write, or are dropped."""
    drop_duplicates: bool = False
    description: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    fence: Fence | None = None
    """The lock under which the partition is written, where its owner might be replaced: raises Fenced, and changes
    nothing, where it was. Compared at the very moment at which readers begin to see the write."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """pipeline, run, step, owner: put on jobs and tables where the engine has labels, in the form that it allows."""
    max_bytes: int | None = None
    """The write is refused with LimitExceeded where it would be billed for more; None is no limit."""
    shape: Hashable = None
    """Two writes of a table with the same shape come from queries with the same columns and types, so that these need
    to be found out once. None: nothing is known."""


@dataclass(frozen=True)
class Written:
    """A finished write."""

    partition: Partition
    duplicates_dropped: int = 0


@dataclass(frozen=True)
class Estimate:
    """What a query would cost, found out without running it."""

    bytes: int
    """That would be billed."""


@dataclass(frozen=True)
class SourceState:
    """A source as it lies there now. Taking it reads metadata only."""

    signature: str
    """Changes whenever a file or table of the source changed."""
    columns: tuple[TableColumn, ...]
    shards: tuple[date, ...] = ()
    """Days that have a shard, ascending; empty for a source that is not sharded."""
    typed: bool = True
    """False where it has no row and not all of its columns are declared: nobody knows their types."""


@dataclass(frozen=True)
class Nulls:
    """A REQUIRED column of a source that is not always there."""

    column: str
    rows: int
    """How many rows have no value."""
    sample: Mapping[str, Any] = field(default_factory=dict)
    """Some other columns of one of these rows."""


@dataclass(frozen=True)
class EventDay:
    """What a probe found about one day of a source."""

    day: date
    rows: int
    digest: str
    """Of the day's rows, independent of their order."""


@dataclass(frozen=True)
class Bounds:
    """Half-open limits on what a relation may see; None is no limit. Instants are aware, in UTC."""

    lower: datetime | None
    upper: datetime | None
    known_before: datetime | None


@dataclass(frozen=True)
class TableInfo:
    name: str
    kind: str
    """`partitioned`, `whole` or `view`."""
    partitions: int
    rows: int
    bytes: int
    columns: tuple[TableColumn, ...]
    description: str = ""
    first_day: date | None = None
    last_day: date | None = None


@runtime_checkable
class Warehouse(Protocol):
    """One namespace of one engine. Safe to use from several threads and several processes at once."""

    features: WarehouseFeatures
    namespace: str

    # -- asking ----------------------------------------------------------------------------------------------

    def check_select(self, sql: str) -> None:
        """Raise UsageError unless `sql` is exactly one statement that only reads."""

    def describe(self, sql: str) -> tuple[TableColumn, ...]:
        """The columns that a SELECT would return, without running it. Raises QueryRefused."""

    def read(
        self, sql: str, batch_rows: int = 65_536, streams: Mapping[str, pa.RecordBatchReader] = MappingProxyType({})
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """Stream the rows of a SELECT. `streams` are relations that it reads by name, once, as they come; an engine
        that has models of its own needs none and refuses them. Raises QueryRefused."""

    def rows(self, sql: str, most: int) -> list[dict[str, Any]]:
        """The first `most` rows of a SELECT that returns few: verdicts, counts, samples. Raises QueryRefused."""

    # -- sources ---------------------------------------------------------------------------------------------

    def source_state(self, source: SourceSpec) -> SourceState | None:
        """The source as it is now; None where none of its files or tables exists. Raises StorageFailed where
        what is there cannot be read, and DataRefused where its declared columns are not there with their
        types."""

    def source_sql(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> str:
        """A parenthesised SELECT of the rows of a source inside `bounds`; `zone` is for naive times and
        DATEs.

        DATE values count as known when their day is over; see `augury.dates`.
        """

    def nulls(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> tuple[Nulls, ...]:
        """Declared columns of a source that are REQUIRED and NULL in rows inside `bounds`.

        A row whose time is REQUIRED and NULL counts as inside: nobody can say that it is not. Asked before every read
        of the source, so it must cost next to nothing where there are none.
        """

    def probe(self, source: SourceSpec, state: SourceState, zone: str) -> tuple[EventDay, ...]:
        """Rows and a digest per event day of the whole source."""

    def reference_sql(self, path: Path) -> str:
        """A parenthesised SELECT of a CSV file of reference data."""

    # -- partitions ------------------------------------------------------------------------------------------

    def partition_sql(self, table: str, days: Sequence[date], like: tuple[TableColumn, ...] | None = None) -> str:
        """A parenthesised SELECT over the live partitions of `days` that exist, `run_date` included.

        Where none exists it is an empty relation with the table's recorded schema, or with `like`.
        Raises DataRefused where neither is known.
        """

    def create(self, write: Write, sql: str) -> Written:
        """Replace a partition by the result of a SELECT; no row leaves the engine.

        Raises QueryRefused, DataRefused, StorageFailed; the partition is then as it was.
        """

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        """Replace a partition by Arrow batches, streamed. Raises like `create`."""

    def publish(self, from_table: str, day: date, write: Write) -> Partition:
        """Make the live partition of `from_table` the live partition of `write.table`, without copying its
        rows.

        Synced before the swap: once readers can see it, a crash cannot take it back.
        """

    def partition(self, table: str, day: date | None) -> Partition | None: ...

    def partitions(self, table: str) -> dict[date, Partition]:
        """The live partitions of a table by day, ascending."""

    def remove(self, table: str, day: date | None, *, fence: Fence | None = None) -> bool:
        """Remove a partition; True if there was one. Raises Fenced as a write does."""

    def raise_fence(self, fence: Fence) -> None:
        """A new owner of the lock: once this returns, writes that carry a lower token of that name are refused.

        A write that is under way ends first. Raises Locked where it does not end.
        """

    # -- tables ----------------------------------------------------------------------------------------------

    def tables(self) -> tuple[TableInfo, ...]: ...

    def drop(self, table: str) -> None:
        """Remove a table or a view and everything in it."""

    def set_view(self, name: str, table: str) -> None:
        """Make the view `name` show the table `table`, atomically."""

    def view(self, name: str) -> str | None:
        """The table that a view shows."""

    def query(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """Stream a person's SELECT over the tables and views of the namespace by their plain names."""

    def sweep(self, older_than: datetime) -> int:
        """Remove superseded files last live before `older_than` and leftovers of dead writers; how many."""

    # -- the session -----------------------------------------------------------------------------------------

    def set_threads(self, threads: int | None) -> None:
        """How many threads one query may use; None for all cores."""

    def interrupt(self) -> None:
        """Stop what runs now, from another thread; the calls that wait for it raise KeyboardInterrupt."""

    def close(self) -> None: ...


@runtime_checkable
class Billed(Protocol):
    """A warehouse whose queries cost money: `features.bills`."""

    @property
    def price_per_tib(self) -> float:
        """US dollars for 2**40 bytes that queries read."""

    def estimate(self, sql: str) -> Estimate | None:
        """What a SELECT would be billed for, found out without running it; None where it is free. Raises
        QueryRefused."""

    def charging(self, labels: Mapping[str, str], max_bytes: int | None) -> AbstractContextManager[None]:
        """What this thread asks inside carries these labels; a query that would be billed for more bytes is refused
        with LimitExceeded."""


@runtime_checkable
class NativeModels(Protocol):
    """A warehouse that trains models itself: `features.models` is `native`. Models lie in the namespace."""

    def model_sql(self, name: str) -> str:
        """How a model is written in a statement: quoted, with everything before it. Raises NamespaceError."""

    def create_model(self, name: str, sql: str, labels: Mapping[str, str], max_bytes: int | None = None) -> None:
        """Run one CREATE MODEL statement that makes the model `name`. The old one of that name stays until the new one
        is trained. Raises UsageError for any other statement, QueryRefused and LimitExceeded."""

    def has_model(self, name: str) -> bool: ...

    def drop_model(self, name: str) -> bool:
        """True if there was one."""
