"""Which table holds a partition, and how does it get the columns of a new one?

A partitioned table has one schema for all of its dates, so a new column is added, and a type widened, before the job
that needs it; every job then writes all columns in the table's order. A shard, and a table that is one whole, is
replaced with its schema.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from augury.errors import DataRefused
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names, refusals, types
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import OWN, TableId
from augury.warehouses.bigquery.projection import RUN_DATE
from augury.warehouses.bigquery.types import Field, Kind
from augury.warehouses.contract import Write

_TEMPORARY = timedelta(days=1)
"""How long rows on their way may lie in a table of their own, where the writer dies."""


@dataclass(frozen=True)
class Described:
    """What a table says about itself."""

    fields: tuple[Field, ...]
    description: str
    labels: Mapping[str, str]


class Tables:
    """The tables of one target. Safe to use from several threads."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        layout: Literal["partitioned", "sharded"],
        labels: Mapping[str, str],
        expiration: int | None,
    ) -> None:
        self._jobs = jobs
        self._layout = layout
        self._labels = labels
        self._expiration = expiration
        self._known: dict[str, Described] = {}
        self._lock = threading.RLock()

    def table(self, place: BigQueryPlace, table: str) -> TableId:
        return TableId(place.project or "", place.dataset or "", names.checked_table(table))

    def target(self, place: BigQueryPlace, table: str, day: date | None) -> TableId:
        """The table that a partition lies in: of all dates, or its own."""
        base = self.table(place, table)
        return base.shard(day) if day is not None and self._layout == "sharded" else base

    def partitioned(self, day: date | None) -> bool:
        return day is not None and self._layout == "partitioned"

    @property
    def sharded(self) -> bool:
        return self._layout == "sharded"

    def dated(self, place: BigQueryPlace, target: TableId) -> None:
        """Make a partitioned table of which nothing is known but that it has dates, so that a view can show it."""
        if self._look(place, target) is None:
            self._make(place, target, Described((Field(RUN_DATE, Kind("DATE")),), "", dict(self._labels)))

    def destination(self, target: TableId, day: date | None) -> str:
        """What a job replaces: one partition, or the table (BigQuery docs: 'Managing partitioned table data')."""
        return f"{target}${day:%Y%m%d}" if day is not None and self.partitioned(day) else str(target)

    # -- before a job ----------------------------------------------------------------------------------------

    def ready(
        self, place: BigQueryPlace, target: TableId, fields: tuple[Field, ...], write: Write
    ) -> tuple[Field, ...]:
        """The columns that the job writes, in order, with the types that they have in the table."""
        if not self.partitioned(write.day):
            return fields
        with self._lock:
            wanted = self._wanted(fields, write)
            known = self._known.get(str(target)) or self._look(place, target) or self._make(place, target, wanted)
            merged = self._merged(target, known, wanted)
            if merged != known:
                merged = self._change(place, target, known, merged)
            self._known[str(target)] = merged
            return merged.fields

    def _wanted(self, fields: tuple[Field, ...], write: Write) -> Described:
        return Described(fields, write.description, names.labels(self._labels, write.labels))

    def _look(self, place: BigQueryPlace, target: TableId) -> Described | None:
        client = self._jobs.client(place)
        table: Any = self._jobs.asked(lambda: client.get_table(str(target), retry=None), or_none=True)
        if table is None:
            return None
        partitioning = table.time_partitioning
        if partitioning is None or (partitioning.field or "").casefold() != RUN_DATE:
            raise DataRefused(
                f"the table {target} is not partitioned by {RUN_DATE}",
                why="it was not made by augury, or with another layout",
                fix="Move it away, or set `layout: sharded` in the target's `bigquery`.",
            )
        return Described(types.read(table.schema), table.description or "", dict(table.labels))

    def _make(self, place: BigQueryPlace, target: TableId, wanted: Described) -> Described:
        from google.cloud.bigquery import Table, TimePartitioning

        table = Table(str(target), schema=types.written(wanted.fields))
        kept = None if self._expiration is None else int(timedelta(days=self._expiration).total_seconds() * 1000)
        table.time_partitioning = TimePartitioning(field=RUN_DATE, expiration_ms=kept)
        table.description = wanted.description or None
        table.labels = dict(wanted.labels)
        client = self._jobs.client(place)
        self._jobs.asked(lambda: client.create_table(table, exists_ok=True, retry=None))
        # Another process may have been first, with other columns.
        return self._look(place, target) or wanted

    def _merged(self, target: TableId, known: Described, wanted: Described) -> Described:
        """The table as it has to be. Raises DataRefused for a type that it cannot change to."""
        new = {field.name.casefold(): field for field in wanted.fields}
        problems: list[str] = []
        fields: list[Field] = []
        for field in known.fields:
            other = new.pop(field.name.casefold(), None)
            kind, description = field.kind, field.description
            if other is not None:
                description = other.description or description
                if types.widens(kind, other.kind):
                    kind = other.kind
                elif kind != other.kind and not types.widens(other.kind, kind):
                    problems.append(
                        f"column {field.name!r} is {kind} for the other dates, and {other.kind} for this one"
                    )
            fields.append(Field(field.name, kind, description))
        if problems:
            raise DataRefused(
                f"the columns of {target} cannot be changed",
                why="; ".join(problems),
                fix="A table has one type per column: CAST it, give it another name, or begin a new version.",
            )
        labels = {**known.labels, **wanted.labels}
        return Described((*fields, *new.values()), wanted.description or known.description, labels)

    def _change(self, place: BigQueryPlace, target: TableId, known: Described, merged: Described) -> Described:
        """Columns are added and described by the API, types are widened by a statement."""
        client = self._jobs.client(place)
        before = {field.name: field for field in known.fields}
        widened = [field for field in merged.fields if field.name in before and field.kind != before[field.name].kind]
        for field in widened:
            self._jobs.query(
                place,
                f"ALTER TABLE {target.sql} ALTER COLUMN {names.quote(field.name)} SET DATA TYPE {field.kind}",
                Ask(merged.labels),
            )
        described = {field.name.casefold(): field.description for field in merged.fields}

        def update() -> None:
            table: Any = client.get_table(str(target), retry=None)
            there = types.read(table.schema)
            named = {field.name.casefold() for field in there}
            kept = [replace(one, description=described.get(one.name.casefold(), "")) for one in there]
            added = [field for field in merged.fields if field.name.casefold() not in named]
            table.schema = types.written((*kept, *added))
            table.description = merged.description or None
            table.labels = dict(merged.labels)
            client.update_table(table, ["schema", "description", "labels"], retry=None)

        self._updated(update)
        return self._look(place, target) or merged

    def _updated(self, update: Callable[[], None]) -> None:
        """Look and change, again where another process changed the table in between."""
        try:
            self._jobs.repeated(update, also=refusals.overtaken)
        except refusals.ours() as error:
            raise refusals.of(error) from error

    # -- after a job -----------------------------------------------------------------------------------------

    def decorate(self, place: BigQueryPlace, target: TableId, fields: tuple[Field, ...], write: Write) -> None:
        """Say what a table is that a job made or replaced with its schema: that took its descriptions away."""
        if self.partitioned(write.day):
            return
        client = self._jobs.client(place)
        wanted = self._wanted(fields, write)
        described = {field.name: field.description for field in fields if field.description}

        def update() -> None:
            table: Any = client.get_table(str(target), retry=None)
            table.schema = types.written(
                replace(one, description=described.get(one.name, one.description)) for one in types.read(table.schema)
            )
            table.description = wanted.description or None
            table.labels = {**table.labels, **wanted.labels}
            changes = ["schema", "description", "labels"]
            if self._expiration is not None:
                table.expires = datetime.now(UTC) + timedelta(days=self._expiration)
                changes.append("expires")
            client.update_table(table, changes, retry=None)

        self._updated(update)

    # -- tables of a moment ----------------------------------------------------------------------------------

    def temporary(self, place: BigQueryPlace, fields: tuple[Field, ...]) -> TableId:
        """An empty table for rows on their way; BigQuery removes it after a day where nobody did."""
        from google.cloud.bigquery import Table

        found = TableId(place.project or "", place.dataset or "", f"{OWN}tmp_{names.fresh_id()}")
        table = Table(str(found), schema=types.written(fields))
        table.expires = datetime.now(UTC) + _TEMPORARY
        client = self._jobs.client(place)
        self._jobs.asked(lambda: client.create_table(table, exists_ok=True, retry=None))
        return found

    def rows(self, place: BigQueryPlace, target: TableId) -> int:
        client = self._jobs.client(place)
        table: Any = self._jobs.asked(lambda: client.get_table(str(target), retry=None))
        return int(table.num_rows or 0)

    def delete(self, place: BigQueryPlace, target: TableId) -> None:
        client = self._jobs.client(place)
        self._jobs.asked(lambda: client.delete_table(str(target), not_found_ok=True, retry=None))
        self.forget(target)

    def forget(self, target: TableId) -> None:
        with self._lock:
            self._known.pop(str(target), None)
