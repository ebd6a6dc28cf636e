"""The warehouse contract on BigQuery: which room answers which verb?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from augury.errors import DataRefused, Place, StorageFailed, UsageError
from augury.fences import Fence
from augury.spec.project import SourceSpec, TargetSpec
from augury.warehouses.bigquery import names, relations, statements, types
from augury.warehouses.bigquery.connected import Connected, Opening, connect
from augury.warehouses.bigquery.jobs import Ask
from augury.warehouses.bigquery.records import Entry, Records
from augury.warehouses.bigquery.sweeping import sweep
from augury.warehouses.contract import (
    Bounds,
    Estimate,
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

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 65_536
_LEAST_BILLED = 10 * 2**20
"""Bytes that a query is billed at least, if it reads any (BigQuery's pricing page: 'On-demand compute pricing')."""
_READ = Ask({})


def _now() -> datetime:
    return datetime.now(UTC)


class BigQueryWarehouse:
    """One namespace: a dataset, and others for what is published and for models. Nothing is asked of Google before the
    first verb."""

    def __init__(self, opening: Opening) -> None:
        self.features = WarehouseFeatures(
            "bigquery",
            "bigquery",
            parallel_dates=opening.settings.max_parallel_jobs,
            bills=True,
            models="native",
        )
        self.namespace = opening.namespace
        self._opening = opening
        self._connected: Connected | None = None
        self._lock = threading.RLock()

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
    ) -> Self:
        """Open the namespace in the dataset that `settings.bigquery` names. Threads, memory and folders are a local
        engine's.

        Raises UsageError where the target has no `bigquery`; the first verb raises NamespaceError where the dataset
        belongs to another project, deployment or target.
        """
        names.checked_table(namespace)
        own = settings.bigquery if settings is not None else None
        if own is None:
            raise UsageError(
                f"the target {target} does not say where in BigQuery it lies",
                fix="Write `bigquery: {project: my-project, dataset: my_dataset}` in the target in augury.yml.",
            )
        owner = {"project": project, "deployment": deployment, "target": target}
        return cls(Opening(namespace, owner, project_root.absolute(), own, read_only, clock))

    @property
    def _rooms(self) -> Connected:
        with self._lock:
            if self._connected is None:
                self._connected = connect(self._opening)
            return self._connected

    # -- asking ----------------------------------------------------------------------------------------------

    def check_select(self, sql: str) -> None:
        statements.check_select(sql)

    def describe(self, sql: str) -> tuple[TableColumn, ...]:
        rooms = self._rooms
        return types.columns(types.read(rooms.jobs.dry(rooms.main, sql, _READ).schema or ()))

    @property
    def price_per_tib(self) -> float:
        return self._opening.settings.price_per_tib

    def charging(self, labels: Mapping[str, str], max_bytes: int | None) -> AbstractContextManager[None]:
        return self._rooms.jobs.charging(labels, max_bytes)

    def estimate(self, sql: str) -> Estimate | None:
        rooms = self._rooms
        found = int(rooms.jobs.dry(rooms.main, sql, _READ).total_bytes_processed or 0)
        return Estimate(max(found, _LEAST_BILLED) if found else 0)

    @contextmanager
    def read(
        self,
        sql: str,
        batch_rows: int = _BATCH_ROWS,
        streams: Mapping[str, pa.RecordBatchReader] = MappingProxyType({}),
    ) -> Iterator[pa.RecordBatchReader]:
        if streams:
            raise UsageError("BigQuery reads tables, not streams", fix="Load the rows into a table first.")
        with self._rooms.reader.stream(sql, batch_rows, _READ) as reader:
            yield reader

    def rows(self, sql: str, most: int) -> list[dict[str, Any]]:
        return self._rooms.reader.rows(sql, most, _READ)

    def query(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        return self._rooms.reader.query(sql, _BATCH_ROWS)

    # -- sources ---------------------------------------------------------------------------------------------

    def source_state(self, source: SourceSpec) -> SourceState | None:
        return self._rooms.sources.state(source)

    def source_sql(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> str:
        return self._rooms.sources.sql(source, state, bounds, zone)

    def nulls(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> tuple[Nulls, ...]:
        return self._rooms.sources.nulls(source, state, bounds, zone)

    def probe(self, source: SourceSpec, state: SourceState, zone: str) -> tuple[EventDay, ...]:
        return self._rooms.sources.probe(source, state, zone)

    def reference_sql(self, path: Path) -> str:
        return self._rooms.sources.reference(path)

    # -- partitions ------------------------------------------------------------------------------------------

    def partition_sql(self, table: str, days: Sequence[date], like: tuple[TableColumn, ...] | None = None) -> str:
        records = self._records(table)
        wanted = set(days)
        entries = records.of_table(table)
        chosen = [entry for day, entry in entries.items() if day in wanted]
        if chosen:
            return relations.select(chosen)
        recorded = relations.united(entries.values()) or like
        if recorded is None:
            raise DataRefused(
                f"{table} has no partition yet, so its columns are not known",
                where=Place(date=str(days[0]) if len(days) == 1 else None),
            )
        return relations.nothing(recorded)

    def create(self, write: Write, sql: str) -> Written:
        self._writable()
        return self._rooms.writer.create(write, sql)

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        self._writable()
        return self._rooms.writer.load(write, batches)

    def publish(self, from_table: str, day: date, write: Write) -> Partition:
        self._writable()
        return self._rooms.publisher.publish(from_table, day, write)

    def partition(self, table: str, day: date | None) -> Partition | None:
        found = self._records(table).live(table, day)
        return found.partition() if found is not None else None

    def partitions(self, table: str) -> dict[date, Partition]:
        found = self._records(table).of_table(table)
        return {day: entry.partition() for day, entry in found.items() if day is not None}

    def remove(self, table: str, day: date | None, *, fence: Fence | None = None) -> bool:
        self._writable()
        return self._rooms.publisher.remove(table, day, fence)

    def raise_fence(self, fence: Fence) -> None:
        self._writable()
        self._rooms.fences.raise_to(fence)

    def _records(self, table: str) -> Records:
        names.checked_table(table)
        return self._rooms.partitions.records()

    # -- tables ----------------------------------------------------------------------------------------------

    def tables(self) -> tuple[TableInfo, ...]:
        records = self._rooms.partitions.records()
        known = {name: _info(name, tuple(records.of_table(name).values())) for name in records.tables()}
        views = [_view_info(name, entry.target, known) for name in records.views() if (entry := records.view(name))]
        return tuple(sorted([*known.values(), *views], key=lambda info: info.name))

    def drop(self, table: str) -> None:
        self._writable()
        rooms = self._rooms
        names.checked_table(table)
        if not rooms.views.drop(table):
            rooms.publisher.drop(table)

    def set_view(self, name: str, table: str) -> None:
        self._writable()
        self._rooms.views.set(name, table)

    def view(self, name: str) -> str | None:
        return self._rooms.views.get(name)

    def sweep(self, older_than: datetime) -> int:
        self._writable()
        rooms = self._rooms
        return sweep(
            rooms.jobs, rooms.journal, rooms.partitions, rooms.fences, rooms.main, rooms.loads.used, older_than
        )

    # -- models ----------------------------------------------------------------------------------------------

    def model_sql(self, name: str) -> str:
        return self._rooms.models.sql(name)

    def create_model(self, name: str, sql: str, labels: Mapping[str, str], max_bytes: int | None = None) -> None:
        self._writable()
        self._rooms.models.create(name, sql, labels, max_bytes)

    def has_model(self, name: str) -> bool:
        return self._rooms.models.there(name)

    def drop_model(self, name: str) -> bool:
        self._writable()
        return self._rooms.models.drop(name)

    # -- the session -----------------------------------------------------------------------------------------

    def set_threads(self, threads: int | None) -> None:
        """BigQuery decides itself how many workers a query gets."""

    def interrupt(self) -> None:
        # Without the lock: whoever is interrupted may hold it.
        if self._connected is not None:
            self._connected.jobs.interrupt()

    def close(self) -> None:
        with self._lock:
            rooms, self._connected = self._connected, None
        if rooms is not None:
            try:
                if not self._opening.read_only:
                    rooms.journal.close()
            finally:
                rooms.clients.close()

    def _writable(self) -> None:
        if self._opening.read_only:
            raise StorageFailed(f"the namespace {self.namespace} was opened to be read only")


def _info(name: str, entries: tuple[Entry, ...]) -> TableInfo:
    newest = max(entries, key=lambda entry: entry.ended_at)
    days = [entry.day for entry in entries if entry.day is not None]
    return TableInfo(
        name=name,
        kind="partitioned" if days else "whole",
        partitions=len(entries),
        rows=sum(max(entry.rows, 0) for entry in entries),
        bytes=sum(entry.bytes for entry in entries),
        columns=relations.united(entries),
        description=newest.description,
        first_day=min(days, default=None),
        last_day=max(days, default=None),
    )


def _view_info(name: str, table: str, tables: Mapping[str, TableInfo]) -> TableInfo:
    shown = tables.get(table)
    if shown is None:
        return TableInfo(name, "view", 0, 0, 0, (), f"shows {table}")
    return TableInfo(**{**vars(shown), "name": name, "kind": "view", "description": f"shows {table}"})
