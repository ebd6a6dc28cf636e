"""Which table does a view show? A view of BigQuery's, replaced by one statement, and written down like any change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.errors import UsageError
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import names
from augury.warehouses.bigquery.commits import Change, Commits
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId, literal
from augury.warehouses.bigquery.partitions import Partitions
from augury.warehouses.bigquery.publishing import Publisher
from augury.warehouses.bigquery.records import Entry, Records
from augury.warehouses.bigquery.tables import Tables


class Views:
    """The views of one namespace."""

    def __init__(
        self,
        jobs: Jobs,
        tables: Tables,
        commits: Commits,
        found: Partitions,
        publisher: Publisher,
        places: tuple[BigQueryPlace, BigQueryPlace],
    ) -> None:
        self._jobs = jobs
        self._tables = tables
        self._commits = commits
        self._partitions = found
        self._publisher = publisher
        self._main, self._output = places

    def set(self, name: str, table: str) -> None:
        names.checked_table(name)
        names.checked_table(table)
        records = self._partitions.records()
        if records.of_table(name):
            raise UsageError(f"{name} is a table and cannot become a view")
        place = self._place(records, table)
        view = self._tables.table(place, name)
        sql = f"CREATE OR REPLACE VIEW {view.sql} OPTIONS (description = {literal(f'Shows {table}.')}) AS "
        self._perform(name, "view", table, place, sql + self._select(records, place, table))

    def get(self, name: str) -> str | None:
        names.checked_table(name)
        found = self._partitions.records().view(name)
        return found.target if found is not None else None

    def drop(self, name: str) -> bool:
        records = self._partitions.records()
        found = records.view(name)
        if found is None:
            return False
        place = self._place(records, found.target)
        view = self._tables.table(place, name)
        self._perform(name, "unview", found.target, place, f"DROP VIEW IF EXISTS {view.sql}")
        return True

    def _place(self, records: Records, table: str) -> BigQueryPlace:
        """Beside the table that it shows."""
        entries = list(records.of_table(table).values())
        newest = max(entries, key=lambda entry: entry.ended_at, default=None)
        return self._publisher.place_of(newest) if newest is not None else self._output

    def _select(self, records: Records, place: BigQueryPlace, table: str) -> str:
        """Everything that the table holds, and will hold when the view is asked."""
        base = self._tables.table(place, table)
        entries = list(records.of_table(table).values())
        if entries and entries[0].day is None:
            return f"SELECT * FROM {base.sql}"
        if not self._tables.sharded:
            if not entries:
                self._tables.dated(place, base)
            return f"SELECT * FROM {base.sql}"
        if not entries:
            return "SELECT CAST(NULL AS DATE) AS run_date FROM (SELECT 1 AS augury_nothing) WHERE FALSE"
        # The longer prefix keeps tables out whose names only begin alike; days of this century have eight digits.
        prefix = TableId(base.project, base.dataset, f"{base.table}_20*")
        return f"SELECT * FROM {prefix.sql} WHERE REGEXP_CONTAINS(_TABLE_SUFFIX, {literal('^[0-9]{6}$')})"

    def _perform(self, name: str, action: Any, table: str, place: BigQueryPlace, statement: str) -> None:
        intent = Entry("intent", table=name, action=action, target=table, run_id="view", fingerprint=table, rows=0)

        def begin(job_id: str, labels: Mapping[str, str]) -> Any:
            return self._jobs.begin(place, statement, self._jobs.configured(Ask(labels)), job_id)

        self._commits.perform(Change(intent, begin, place, partitioned=False))
