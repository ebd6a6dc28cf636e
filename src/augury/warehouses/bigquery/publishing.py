"""How does a staged partition become what people read? By a copy job, which replaces the whole partition at once.

BigQuery docs, 'Managing tables', 'Copy a table': a copy is free, and its destination is replaced atomically. Where the
two tables have different columns, or the partition is empty (an empty partition does not exist and cannot be copied),
a query does the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from augury.errors import DataRefused, Place, StorageFailed
from augury.fences import Fence
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names, types
from augury.warehouses.bigquery.commits import Change, Commits
from augury.warehouses.bigquery.datasets import same_location
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId, literal, quote
from augury.warehouses.bigquery.partitions import Partitions
from augury.warehouses.bigquery.projection import RUN_DATE
from augury.warehouses.bigquery.records import Entry
from augury.warehouses.bigquery.tables import Tables
from augury.warehouses.bigquery.types import Field
from augury.warehouses.contract import Partition, Write


class Publisher:
    """Publishes and removes partitions of one namespace."""

    def __init__(
        self,
        jobs: Jobs,
        tables: Tables,
        commits: Commits,
        found: Partitions,
        places: tuple[BigQueryPlace, BigQueryPlace],
    ) -> None:
        self._jobs = jobs
        self._tables = tables
        self._commits = commits
        self._partitions = found
        self._main, self._output = places

    def publish(self, from_table: str, day: date, write: Write) -> Partition:
        names.checked_run_id(write.run_id)
        names.checked_table(write.table)
        staged = self._partitions.live(names.checked_table(from_table), day)
        if staged is None:
            raise DataRefused(
                f"{from_table} has no partition of {day} to publish",
                where=Place(date=day.isoformat()),
                fix=f"Build it first: augury run PIPELINE --date {day}",
            )
        fields = self._fields(staged)
        target = self._tables.target(self._output, write.table, day)
        dated = replace(write, day=day, columns={}, unique=())
        columns = self._tables.ready(self._output, target, fields, dated)
        # A copy changes no columns.
        same = [(one.name, one.kind) for one in fields] == [(one.name, one.kind) for one in columns]
        intent = Entry(
            "intent",
            table=write.table,
            day=day,
            action="write",
            target=str(target),
            run_id=write.run_id,
            fingerprint=write.fingerprint,
            rows=staged.rows,
            bytes=staged.bytes,
            columns=staged.columns,
            facts=write.facts,
            description=write.description,
        )

        def begin(job_id: str, labels: Mapping[str, str]) -> Any:
            given = {**write.labels, **labels}
            if same and staged.rows:
                return self._copy(staged, target, day, job_id, given)
            return self._select(staged, columns, target, dated, job_id, given)

        done = self._commits.perform(
            Change(intent, begin, self._output, write.fence, partitioned=self._tables.partitioned(day))
        )
        self._tables.decorate(self._output, target, fields, dated)
        return done.partition()

    def _fields(self, staged: Entry) -> tuple[Field, ...]:
        """The columns of the staged table: a table that has them all in the same order can be copied into."""
        client = self._jobs.client(self._main)
        table: Any = self._jobs.asked(lambda: client.get_table(staged.target, retry=None), or_none=True)
        if table is None:
            raise StorageFailed(
                f"the table {staged.target} is not there any more",
                where=Place(date=str(staged.day)),
                fix=f"Rebuild it: augury run PIPELINE --date {staged.day} --refresh all",
            )
        return types.read(table.schema)

    def _copy(self, staged: Entry, target: TableId, day: date, job_id: str, labels: Mapping[str, str]) -> Any:
        from google.cloud.bigquery import CopyJobConfig

        source = staged.target if staged.sharded else f"{staged.target}${day:%Y%m%d}"
        config = CopyJobConfig(
            write_disposition="WRITE_TRUNCATE", create_disposition="CREATE_IF_NEEDED", labels=self._jobs.labels(labels)
        )
        return self._jobs.client(self._output).copy_table(
            source,
            self._tables.destination(target, day),
            job_id=job_id,
            location=self._output.location,
            project=self._output.project,
            job_config=config,
            retry=None,
        )

    def _select(
        self,
        staged: Entry,
        columns: tuple[Field, ...],
        target: TableId,
        write: Write,
        job_id: str,
        labels: Mapping[str, str],
    ) -> Any:
        from google.cloud.bigquery import QueryJobConfig

        if not same_location(self._main.location, self._output.location):
            raise DataRefused(
                f"{target} has other columns than {staged.target}, which lies in another region",
                why=f"{self._main.location} to {self._output.location} takes a copy, which changes no columns",
                fix="Begin a new version of the pipeline, so that its published table begins anew.",
            )
        own = {field.name.casefold() for field in self._fields(staged)}
        values = ", ".join(
            quote(one.name) if one.name.casefold() in own else f"CAST(NULL AS {one.kind}) AS {quote(one.name)}"
            for one in columns
        )
        where = "" if staged.sharded or write.day is None else f" WHERE {RUN_DATE} = {literal(write.day)}"
        config = QueryJobConfig(
            destination=self._tables.destination(target, write.day),
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
        )
        ask = Ask(labels, write.max_bytes)
        sql = f"SELECT {values} FROM {quote(staged.target)}{where}"
        return self._jobs.begin(self._output, sql, self._jobs.configured(ask, config), job_id)

    # -- removing --------------------------------------------------------------------------------------------

    def remove(self, table: str, day: date | None, fence: Fence | None = None) -> bool:
        found = self._partitions.live(names.checked_table(table), day)
        if found is None:
            self._commits.pass_fence(fence)
            return False
        place = self.place_of(found)
        # Rows of a whole partition go without being read ('Using data manipulation language (DML)').
        statement = f"DROP TABLE IF EXISTS {quote(found.target)}"
        if day is not None and not found.sharded:
            statement = f"DELETE FROM {quote(found.target)} WHERE {RUN_DATE} = {literal(day)}"
        intent = Entry(
            "intent", table=table, day=day, action="remove", target=found.target, run_id=found.run_id, rows=0
        )

        def begin(job_id: str, labels: Mapping[str, str]) -> Any:
            return self._jobs.begin(place, statement, self._jobs.configured(Ask(labels)), job_id)

        self._commits.perform(Change(intent, begin, place, fence, partitioned=self._tables.partitioned(day)))
        return True

    def drop(self, table: str) -> None:
        """Every partition of a table, and the table itself; readers lose it at once."""
        records = self._partitions.records()
        live = tuple(records.of_table(names.checked_table(table)).values())
        for target in dict.fromkeys(entry.target for entry in live if not entry.sharded):
            place = self.place_of(next(entry for entry in live if entry.target == target))
            self._tables.delete(place, TableId(*target.split(".", 2)))
        self._commits.forget(live)
        for entry in live:
            if entry.sharded:
                self._tables.delete(self.place_of(entry), TableId(*entry.target.split(".", 2)))

    def place_of(self, entry: Entry) -> BigQueryPlace:
        """Where the table of an entry lies."""
        output = self._output
        return output if entry.target.startswith(f"{output.project}.{output.dataset}.") else self._main
