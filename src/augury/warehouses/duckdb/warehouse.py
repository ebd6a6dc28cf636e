"""The warehouse contract on a folder of Parquet: which room answers which verb?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from augury import machine
from augury.errors import DataRefused, Place, StorageFailed
from augury.fences import Fence
from augury.spec.project import SourceSpec, TargetSpec
from augury.warehouses.contract import (
    Bounds,
    EventDay,
    Nulls,
    Partition,
    SourceState,
    TableColumn,
    TableInfo,
    WarehouseFeatures,
    Write,
    Written,
)
from augury.warehouses.duckdb import layout, reading, refusals, relations, sweeping
from augury.warehouses.duckdb.connection import Engine
from augury.warehouses.duckdb.csv_files import scan
from augury.warehouses.duckdb.fences import Fences
from augury.warehouses.duckdb.layout import Layout
from augury.warehouses.duckdb.pointers import Pointer, Pointers
from augury.warehouses.duckdb.publishing import Publisher
from augury.warehouses.duckdb.reading import Reader
from augury.warehouses.duckdb.sources import Sources
from augury.warehouses.duckdb.views import Views
from augury.warehouses.duckdb.writes import Writer

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 65_536
MOST_DATES = 8
"""Dates worked on at once by default, where there are as many cores."""
SHARE = 500_000_000
"""Bytes of the engine's memory for each of them: they share it, and whoever finds it used up writes to disk. Five
million rows in 200,000 groups take 150 MB."""


def _now() -> datetime:
    return datetime.now(UTC)


class DuckDBWarehouse:
    """One namespace in a folder. Several threads and several processes may use it at once."""

    def __init__(
        self,
        folders: Layout,
        engine: Engine,
        *,
        namespace: str,
        project_root: Path,
        parallel_dates: int,
        clock: Callable[[], datetime],
        read_only: bool,
    ) -> None:
        self.features = WarehouseFeatures("duckdb", "duckdb-2", parallel_dates=parallel_dates)
        self.namespace = namespace
        self._read_only = read_only
        self._layout = folders
        self._engine = engine
        self._pointers = Pointers()
        self._views = Views(folders)
        self._reader = Reader(engine, folders, self._pointers, self._views)
        self._fences = Fences(folders)
        self._writer = Writer(engine, folders, self._pointers, self._fences, clock)
        self._publisher = Publisher(folders, self._pointers, self._fences, clock)
        self._sources = Sources(engine, project_root, None if read_only else folders.sources)

    @classmethod
    def open(
        cls,
        root: Path,
        namespace: str,
        *,
        project: str,
        deployment: str,
        target: str,
        project_root: Path,
        output_root: Path | None,
        threads: int | None,
        memory: int | None,
        read_only: bool = False,
        clock: Callable[[], datetime] = _now,
        settings: TargetSpec | None = None,
        prepare: Callable[[Any], None] | None = None,
    ) -> Self:
        """Open the namespace `root/namespace`, making it where it is new.

        `output_root` holds published tables and the archive instead, under the same namespace. `memory` is in
        bytes; `settings` says nothing more to this warehouse; `prepare` gets the database before its first
        query. With `read_only` nothing is created or written, and a namespace that does not exist is empty.
        Raises NamespaceError where the folder belongs to another project, deployment or target.
        """
        layout.checked_table(namespace)
        main = root.absolute() / namespace
        output = output_root.absolute() / namespace if output_root is not None else None
        folders = Layout(main, None if output == main else output)
        owner = {"project": project, "deployment": deployment, "target": target}
        layout.claim(folders.roots, owner, read_only=read_only)
        engine = Engine(None if read_only else folders.spill, threads, memory, prepare)
        return cls(
            folders,
            engine,
            namespace=namespace,
            project_root=project_root.absolute(),
            parallel_dates=_parallel_dates(threads, memory),
            clock=clock,
            read_only=read_only,
        )

    # -- asking ----------------------------------------------------------------------------------------------

    def check_select(self, sql: str) -> None:
        reading.check_select(self._engine, sql)

    def describe(self, sql: str) -> tuple[TableColumn, ...]:
        return self._engine.describe(sql)

    @contextmanager
    def read(
        self,
        sql: str,
        batch_rows: int = _BATCH_ROWS,
        streams: Mapping[str, pa.RecordBatchReader] = MappingProxyType({}),
    ) -> Iterator[pa.RecordBatchReader]:
        with self._engine.own_cursor() as cursor:
            for name, stream in streams.items():
                cursor.register(name, stream)
            with self._engine.stream(sql, batch_rows, cursor) as reader:
                yield reader

    def rows(self, sql: str, most: int) -> list[dict[str, Any]]:
        return self._engine.first(sql, most)

    def query(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        return self._reader.query(sql, _BATCH_ROWS)

    # -- sources ---------------------------------------------------------------------------------------------

    def source_state(self, source: SourceSpec) -> SourceState | None:
        return self._sources.state(source)

    def source_sql(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> str:
        return self._sources.sql(source, state, bounds, zone)

    def nulls(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> tuple[Nulls, ...]:
        return self._sources.nulls(source, state, bounds, zone)

    def probe(self, source: SourceSpec, state: SourceState, zone: str) -> tuple[EventDay, ...]:
        return self._sources.probe(source, state, zone)

    def reference_sql(self, path: Path) -> str:
        if not path.is_file():
            raise StorageFailed(f"the reference file {path} is not there")
        return f"(SELECT * FROM {scan([path.absolute()], {})})"

    # -- partitions ------------------------------------------------------------------------------------------

    def partition_sql(self, table: str, days: Sequence[date], like: tuple[TableColumn, ...] | None = None) -> str:
        """Raises StorageFailed, besides what the contract says, where a pointer of these days cannot be
        read."""
        found = self._pointers.of_days(self._layout.folders(table), days)
        if found:
            return relations.select(found)
        recorded = relations.united(self.partitions(table).values()) or like
        if recorded is None:
            raise DataRefused(
                f"{table} has no partition yet, so its columns are not known",
                where=Place(date=str(days[0]) if len(days) == 1 else None),
            )
        return relations.nothing(recorded)

    def create(self, write: Write, sql: str) -> Written:
        self._writable()
        return self._writer.create(write, sql)

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        self._writable()
        return self._writer.load(write, batches)

    def publish(self, from_table: str, day: date, write: Write) -> Partition:
        self._writable()
        return self._publisher.publish(from_table, day, write)

    def partition(self, table: str, day: date | None) -> Partition | None:
        """None also where the pointer cannot be read: such a partition has to be built again."""
        with suppress(StorageFailed):
            pointer = self._pointer(table, day)
            return pointer.partition if pointer else None
        return None

    def partitions(self, table: str) -> dict[date, Partition]:
        live = self._pointers.of_table(self._layout.folders(table))
        return {day: pointer.partition for day, pointer in live.items()}

    def remove(self, table: str, day: date | None, *, fence: Fence | None = None) -> bool:
        self._writable()
        return self._publisher.remove(table, day, fence)

    def raise_fence(self, fence: Fence) -> None:
        self._writable()
        self._fences.raise_to(fence)

    def _pointer(self, table: str, day: date | None) -> Pointer | None:
        return self._pointers.read(self._layout.partition(table, day))

    # -- tables ----------------------------------------------------------------------------------------------

    def tables(self) -> tuple[TableInfo, ...]:
        tables = [info for name in self._layout.tables() if (info := self._info(name)) is not None]
        known = {info.name: info for info in tables}
        views = [self._view_info(name, known) for name in self._views.names()]
        return tuple(sorted([*tables, *views], key=lambda info: info.name))

    def _info(self, table: str) -> TableInfo | None:
        folders = self._layout.folders(table)
        whole = self._pointers.whole(folders)
        live = self._pointers.of_table(folders)
        pointers = [whole] if whole is not None else list(live.values())
        if not pointers:
            return None
        newest = max(pointers, key=lambda pointer: pointer.partition.created_at)
        return TableInfo(
            name=table,
            kind="whole" if whole is not None else "partitioned",
            partitions=len(pointers),
            rows=sum(pointer.partition.rows for pointer in pointers),
            bytes=sum(pointer.partition.bytes for pointer in pointers),
            columns=relations.united(pointer.partition for pointer in pointers),
            description=newest.description,
            first_day=None if whole is not None else min(live),
            last_day=None if whole is not None else max(live),
        )

    def _view_info(self, name: str, tables: dict[str, TableInfo]) -> TableInfo:
        table = self._views.get(name) or ""
        shown = tables.get(table)
        if shown is None:
            return TableInfo(name, "view", 0, 0, 0, (), f"shows {table}")
        return TableInfo(**{**vars(shown), "name": name, "kind": "view", "description": f"shows {table}"})

    def drop(self, table: str) -> None:
        self._writable()
        if self._views.drop(table):
            return
        folders = self._layout.folders(table)
        fixed = self._layout.latest(table, date.min).parent
        try:
            for path in (*folders, fixed):
                # Renamed first: readers that list the folder lose the table at once, not file by file.
                gone = layout.temporary(path.parent, table)
                with suppress(FileNotFoundError):
                    path.rename(gone)
                    shutil.rmtree(gone)
        except OSError as error:
            raise refusals.of_system(error, folders[0]) from error

    def copy_table(self, table: str, target: DuckDBWarehouse, name: str) -> int:
        """Copy the live partitions of `table` into the table `name` of another namespace; how many.

        Data files are linked where the disk allows it. What `name` holds for other days stays.
        """
        target._writable()
        return self._publisher.copy_table(table, target._layout, name)

    def set_view(self, name: str, table: str) -> None:
        self._writable()
        self._views.set(name, table)

    def view(self, name: str) -> str | None:
        return self._views.get(name)

    def sweep(self, older_than: datetime) -> int:
        self._writable()
        try:
            return sweeping.sweep(self._layout, self._pointers, older_than)
        except OSError as error:
            raise refusals.of_system(error, self._layout.main) from error

    # -- the session -----------------------------------------------------------------------------------------

    def set_threads(self, threads: int | None) -> None:
        self._engine.set_threads(threads)

    def interrupt(self) -> None:
        self._engine.interrupt()

    def close(self) -> None:
        self._engine.close()

    def _writable(self) -> None:
        if self._read_only:
            raise StorageFailed(f"the namespace {self.namespace} was opened to be read only")


def _parallel_dates(threads: int | None, memory: int | None) -> int:
    """As many as there are threads to work with, one for each, and memory for."""
    # Left to itself, the engine takes four fifths of what there is.
    shares = (memory or machine.memory() * 4 // 5) // SHARE
    return max(1, min(threads or machine.cores(), MOST_DATES, shares))
