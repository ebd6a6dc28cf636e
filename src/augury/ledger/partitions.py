"""Which partitions are there, what was each built from, and how did each date end?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select

from augury.fences import Fence
from augury.ledger import tables
from augury.ledger.database import CHUNK, Database, columns_of, records, row_of, rows_of
from augury.ledger.leases import check_fence
from augury.ledger.part import Part
from augury.ledger.records import DateRecord, Definition, PartitionRecord
from augury.ledger.verbs import once, repeatable


class Partitions(Part):
    @repeatable
    def partitions(
        self, pipeline: str, version: str, day: date | None = None
    ) -> dict[tuple[str, date], PartitionRecord]:
        """By table and run date, in no order; all dates unless one is named. A partition of a shared table belongs to
        its last writer."""
        of = tables.partitions.c
        query = columns_of(PartitionRecord, tables.partitions).where(of.pipeline == pipeline, of.version == version)
        if day is not None:
            query = query.where(of.run_date == day)
        with self._database.read() as connection:
            found = records(connection, PartitionRecord, query)
        return {(record.table, record.run_date): record for record in found}

    @repeatable
    def partitions_of(
        self, names: Collection[str], first: date | None = None, last: date | None = None
    ) -> dict[tuple[str, date], PartitionRecord]:
        """Those of some tables, by table and run date, from `first` to `last`, both included."""
        of = tables.partitions.c
        query = columns_of(PartitionRecord, tables.partitions).where(of.table.in_(sorted(names)))
        if first is not None:
            query = query.where(of.run_date >= first)
        if last is not None:
            query = query.where(of.run_date <= last)
        with self._database.read() as connection:
            found = records(connection, PartitionRecord, query)
        return {(record.table, record.run_date): record for record in found}

    @repeatable
    def date_records(
        self, pipeline: str, version: str, first: date | None = None, last: date | None = None
    ) -> dict[date, DateRecord]:
        """The latest outcome per run date, ascending, from `first` to `last`, both included."""
        query = columns_of(DateRecord, tables.dates).where(_asked(tables.dates, pipeline, version, first, last))
        with self._database.read() as connection:
            found = records(connection, DateRecord, query.order_by(tables.dates.c.run_date))
        return {record.run_date: record for record in found}

    @repeatable
    def record_partitions(
        self,
        partitions: Sequence[PartitionRecord] = (),
        removed: Collection[tuple[str, date]] = (),
        dates: Sequence[DateRecord] = (),
        *,
        forgotten: Collection[tuple[str, str, date]] = (),
        fence: Fence | None = None,
    ) -> None:
        """Record what lies in the warehouse without a task: recovery, `clean` and the doctor.

        `forgotten` are (pipeline, version, run date) whose outcome is no longer true, as nothing of it is left.
        Raises Fenced, and records nothing.
        """
        with self._database.write() as connection:
            check_fence(connection, fence)
            remove_partitions(connection, removed)
            forget_dates(connection, forgotten)
            put_partitions(self._database, connection, partitions)
            put_dates(self._database, connection, dates)

    @repeatable
    def definitions(self, fingerprints: Iterable[str]) -> dict[str, Definition]:
        """The recorded texts by fingerprint; unknown fingerprints are absent."""
        of = tables.definitions.c
        wanted = iter(sorted(set(fingerprints)))
        found: dict[str, Definition] = {}
        with self._database.read() as connection:
            while some := list(islice(wanted, CHUNK)):
                query = columns_of(Definition, tables.definitions).where(of.fingerprint.in_(some))
                found.update((item.fingerprint, item) for item in records(connection, Definition, query))
        return found

    @once
    def forget(
        self,
        pipeline: str,
        version: str,
        first: date | None = None,
        last: date | None = None,
        *,
        steps: Collection[str] | None = None,
        fence: Fence | None = None,
    ) -> dict[str, int]:
        """Delete the records of partitions and dates from `first` to `last`, both included, so that they are
        built anew.

        With `steps` only the partitions of these steps go, and the outcomes of the dates stay. Returns what
        was deleted: `{"partitions": n, "dates": n}`. Raises Fenced, and deletes nothing.
        """
        with self._database.write() as connection:
            check_fence(connection, fence)
            return {
                table.name: connection.execute(table.delete().where(which)).rowcount
                for table, which in _forgettable(pipeline, version, first, last, steps)
            }

    @repeatable
    def count_forgettable(
        self,
        pipeline: str,
        version: str,
        first: date | None = None,
        last: date | None = None,
        *,
        steps: Collection[str] | None = None,
    ) -> dict[str, int]:
        """What `forget` would return. Nothing is deleted."""
        with self._database.read() as connection:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table).where(which)) or 0
                for table, which in _forgettable(pipeline, version, first, last, steps)
            }


def _asked(table: Table, pipeline: str, version: str, first: date | None, last: date | None) -> ColumnElement[bool]:
    parts = [table.c.pipeline == pipeline, table.c.version == version]
    if first is not None:
        parts.append(table.c.run_date >= first)
    if last is not None:
        parts.append(table.c.run_date <= last)
    return and_(*parts)


def _forgettable(
    pipeline: str, version: str, first: date | None, last: date | None, steps: Collection[str] | None
) -> list[tuple[Table, ColumnElement[bool]]]:
    partitions = _asked(tables.partitions, pipeline, version, first, last)
    if steps is not None:
        return [(tables.partitions, partitions & tables.partitions.c.step.in_(sorted(steps)))]
    return [
        (tables.partitions, partitions),
        (tables.dates, _asked(tables.dates, pipeline, version, first, last)),
    ]


_REMOVE = tables.partitions.delete().where(
    tables.partitions.c.table == bindparam("of_table"), tables.partitions.c.run_date == bindparam("of_date")
)


_FORGET = tables.dates.delete().where(
    tables.dates.c.pipeline == bindparam("of_pipeline"),
    tables.dates.c.version == bindparam("of_version"),
    tables.dates.c.run_date == bindparam("of_date"),
)


def put_partitions(database: Database, connection: Connection, partitions: Sequence[PartitionRecord]) -> None:
    if partitions:
        # In one order, here and below, so that two writers never wait for each other.
        connection.execute(database.upsert(tables.partitions), rows_of(sorted(partitions, key=_place)))


def _place(partition: PartitionRecord) -> tuple[str, date]:
    return partition.table, partition.run_date


def remove_partitions(connection: Connection, removed: Collection[tuple[str, date]]) -> None:
    if removed:
        connection.execute(_REMOVE, [{"of_table": table, "of_date": day} for table, day in sorted(removed)])


def forget_dates(connection: Connection, forgotten: Collection[tuple[str, str, date]]) -> None:
    if forgotten:
        keys = ("of_pipeline", "of_version", "of_date")
        connection.execute(_FORGET, [dict(zip(keys, each, strict=True)) for each in forgotten])


def put_dates(database: Database, connection: Connection, dates: Sequence[DateRecord]) -> None:
    if dates:
        connection.execute(database.upsert(tables.dates), rows_of(dates))


def put_definitions(database: Database, connection: Connection, definitions: Iterable[Definition]) -> None:
    """A fingerprint always stands for the same text, so the first one stays."""
    if rows := [row_of(item) for item in sorted(definitions, key=lambda item: item.fingerprint)]:
        connection.execute(database.insert_new(tables.definitions), rows)
