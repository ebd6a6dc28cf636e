"""Which partitions are there, what was each built from, and how did each date end?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select

from augury.ledger import tables
from augury.ledger.database import CHUNK, Database, columns_of, records, row_of, rows_of
from augury.ledger.part import Part
from augury.ledger.records import DateRecord, Definition, PartitionRecord


class Partitions(Part):
    def partitions(self, pipeline: str, version: str) -> dict[tuple[str, date], PartitionRecord]:
        """By table and run date, in no order. A partition of a shared table belongs to its last writer."""
        of = tables.partitions.c
        query = columns_of(PartitionRecord, tables.partitions).where(of.pipeline == pipeline, of.version == version)
        with self._database.read() as connection:
            found = records(connection, PartitionRecord, query)
        return {(record.table, record.run_date): record for record in found}

    def date_records(
        self, pipeline: str, version: str, first: date | None = None, last: date | None = None
    ) -> dict[date, DateRecord]:
        """The latest outcome per run date, ascending, from `first` to `last`, both included."""
        query = columns_of(DateRecord, tables.dates).where(_asked(tables.dates, pipeline, version, first, last))
        with self._database.read() as connection:
            found = records(connection, DateRecord, query.order_by(tables.dates.c.run_date))
        return {record.run_date: record for record in found}

    def record_partitions(
        self,
        partitions: Sequence[PartitionRecord] = (),
        removed: Collection[tuple[str, date]] = (),
        dates: Sequence[DateRecord] = (),
        *,
        forgotten: Collection[tuple[str, str, date]] = (),
    ) -> None:
        """Record what lies in the warehouse without a task: recovery, `clean` and the doctor.

        `forgotten` are (pipeline, version, run date) whose outcome is no longer true, as nothing of it is left.
        """
        with self._database.write() as connection:
            remove_partitions(connection, removed)
            forget_dates(connection, forgotten)
            put_partitions(self._database, connection, partitions)
            put_dates(self._database, connection, dates)

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

    def forget(
        self,
        pipeline: str,
        version: str,
        first: date | None = None,
        last: date | None = None,
        *,
        steps: Collection[str] | None = None,
    ) -> dict[str, int]:
        """Delete the records of partitions and dates from `first` to `last`, both included, so that they are
        built anew.

        With `steps` only the partitions of these steps go, and the outcomes of the dates stay. Returns what
        was deleted: `{"partitions": n, "dates": n}`.
        """
        with self._database.write() as connection:
            return {
                table.name: connection.execute(table.delete().where(which)).rowcount
                for table, which in _forgettable(pipeline, version, first, last, steps)
            }

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
        connection.execute(database.upsert(tables.partitions), rows_of(partitions))


def remove_partitions(connection: Connection, removed: Collection[tuple[str, date]]) -> None:
    if removed:
        connection.execute(_REMOVE, [{"of_table": table, "of_date": day} for table, day in removed])


def forget_dates(connection: Connection, forgotten: Collection[tuple[str, str, date]]) -> None:
    if forgotten:
        keys = ("of_pipeline", "of_version", "of_date")
        connection.execute(_FORGET, [dict(zip(keys, each, strict=True)) for each in forgotten])


def put_dates(database: Database, connection: Connection, dates: Sequence[DateRecord]) -> None:
    if dates:
        connection.execute(database.upsert(tables.dates), rows_of(dates))


def put_definitions(database: Database, connection: Connection, definitions: Iterable[Definition]) -> None:
    """A fingerprint always stands for the same text, so the first one stays."""
    if rows := [row_of(item) for item in definitions]:
        connection.execute(database.insert_new(tables.definitions), rows)
