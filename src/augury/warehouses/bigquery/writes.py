"""How does a partition become the result of a SELECT or of a stream? By one query or load job that replaces it.

Only where duplicates are dropped and counted, or the keys of a stream are compared, do the rows lie in a table of a
moment before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import QueryRefused
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import broken, names, types
from augury.warehouses.bigquery.commits import Change, Commits
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId
from augury.warehouses.bigquery.parquet_files import stored
from augury.warehouses.bigquery.projection import BROKEN, Projection, project
from augury.warehouses.bigquery.records import Entry
from augury.warehouses.bigquery.tables import Tables
from augury.warehouses.bigquery.types import Field, Kind
from augury.warehouses.contract import Write, Written

if TYPE_CHECKING:
    import pyarrow as pa


class Writer:
    """Writes partitions of one namespace."""

    def __init__(self, jobs: Jobs, tables: Tables, commits: Commits, place: BigQueryPlace) -> None:
        self._jobs = jobs
        self._tables = tables
        self._commits = commits
        self._place = place
        self._shapes: dict[Hashable, tuple[Field, ...]] = {}

    def create(self, write: Write, sql: str) -> Written:
        self._check(write)
        fields = self._described(write, sql)
        if write.drop_duplicates and write.unique:
            project(write, _found(fields))
            return self._by_way_of(write, fields, lambda table: self._fill(write, sql, table))
        return Written(self._select(write, sql, fields).partition())

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        self._check(write)
        found = [
            (name, types.of_arrow(kind) or str(kind))
            for name, kind in zip(batches.schema.names, batches.schema.types, strict=True)
        ]
        projection = project(write, found)
        if write.unique:
            fields = tuple(Field(name, kind) for name, kind in projection.found.items())
            whole = project(Write(write.table, None, write.run_id, write.fingerprint), _found(fields))
            with stored(write, whole, fields, batches) as path:
                return self._by_way_of(write, fields, lambda table: self._load_whole(write, path, fields, table))
        target = self._tables.target(self._place, write.table, write.day)
        columns = self._tables.ready(self._place, target, projection.fields, write)
        with stored(write, projection, columns, batches) as path:
            done = self._commit(
                write,
                target,
                projection,
                columns,
                lambda job_id, labels: self._upload(
                    write, path, columns, self._tables.destination(target, write.day), job_id, labels
                ),
            )
        return Written(done.partition())

    def _check(self, write: Write) -> None:
        names.checked_table(write.table)
        names.checked_run_id(write.run_id)

    # -- queries ---------------------------------------------------------------------------------------------

    def _described(self, write: Write, sql: str) -> tuple[Field, ...]:
        """The columns of a query, found out once per shape by a dry run."""
        key = (write.table, write.shape)
        if write.shape is None or key not in self._shapes:
            try:
                found = types.read(self._jobs.dry(self._place, sql, Ask(write.labels)).schema or ())
            except QueryRefused as error:
                raise broken.repeated(write, sql, error) or error from error
            if write.shape is None:
                return found
            self._shapes[key] = found
        return self._shapes[key]

    def _select(self, write: Write, sql: str, fields: tuple[Field, ...]) -> Entry:
        projection = project(write, _found(fields))
        target = self._tables.target(self._place, write.table, write.day)
        columns = self._tables.ready(self._place, target, projection.fields, write)
        statement = projection.select(write, sql, columns)
        try:
            return self._commit(
                write,
                target,
                projection,
                columns,
                lambda job_id, labels: self._replace(write, statement, target, job_id, labels),
            )
        except QueryRefused as error:
            if BROKEN in str(error):
                raise broken.promises(self._jobs, self._place, write, projection, sql) from error
            raise

    def _replace(self, write: Write, statement: str, target: TableId, job_id: str, labels: Mapping[str, str]) -> Any:
        from google.cloud.bigquery import QueryJobConfig, TimePartitioning

        config = QueryJobConfig(
            destination=self._tables.destination(target, write.day),
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
        )
        if self._tables.partitioned(write.day):
            config.time_partitioning = TimePartitioning(field="run_date")
        ask = Ask({**write.labels, **labels}, write.max_bytes)
        return self._jobs.begin(self._place, statement, self._jobs.configured(ask, config), job_id)

    # -- by way of a table of a moment -----------------------------------------------------------------------

    def _by_way_of(self, write: Write, fields: tuple[Field, ...], fill: Callable[[TableId], int]) -> Written:
        table = self._tables.temporary(self._place, fields)
        try:
            rows = fill(table)
            done = self._select(write, f"SELECT * FROM {table.sql}", fields)
        finally:
            self._tables.delete(self._place, table)
        return Written(done.partition(), rows - done.rows if write.drop_duplicates else 0)

    def _fill(self, write: Write, sql: str, table: TableId) -> int:
        from google.cloud.bigquery import QueryJobConfig

        config = QueryJobConfig(destination=str(table), write_disposition="WRITE_TRUNCATE")
        self._jobs.query(self._place, sql, Ask(write.labels, write.max_bytes), config=config)
        return self._tables.rows(self._place, table)

    def _load_whole(self, write: Write, path: Path, fields: tuple[Field, ...], table: TableId) -> int:
        job = self._jobs.load(self._place, lambda job_id: self._upload(write, path, fields, str(table), job_id, {}))
        return int(job.output_rows or 0)

    # -- loads -----------------------------------------------------------------------------------------------

    def _upload(
        self,
        write: Write,
        path: Path,
        fields: tuple[Field, ...],
        destination: str,
        job_id: str,
        labels: Mapping[str, str],
    ) -> Any:
        from google.cloud.bigquery import TimePartitioning

        partitioning = TimePartitioning(field="run_date") if "$" in destination else None
        return self._jobs.upload(
            self._place, path, types.written(fields), destination, job_id, {**write.labels, **labels}, partitioning
        )

    # -- the end ---------------------------------------------------------------------------------------------

    def _commit(
        self,
        write: Write,
        target: TableId,
        projection: Projection,
        columns: tuple[Field, ...],
        begin: Callable[[str, Mapping[str, str]], Any],
    ) -> Entry:
        kinds = {field.name.casefold(): field.kind for field in columns}
        fields = tuple(Field(one.name, kinds[one.name.casefold()], one.description) for one in projection.fields)
        intent = Entry(
            "intent",
            table=write.table,
            day=write.day,
            action="write",
            target=str(target),
            run_id=write.run_id,
            fingerprint=write.fingerprint,
            columns=types.columns(fields),
            facts=write.facts,
            description=write.description,
        )
        partitioned = self._tables.partitioned(write.day)
        try:
            done = self._commits.perform(
                Change(intent, begin, self._place, write.fence, write.max_bytes, partitioned=partitioned)
            )
        except QueryRefused:
            # Perhaps another process changed its columns, or removed it: the next write looks at it again.
            self._tables.forget(target)
            raise
        self._tables.decorate(self._place, target, fields, write)
        return done


def _found(fields: tuple[Field, ...]) -> list[tuple[str, Kind | str]]:
    return [(field.name, field.kind) for field in fields]
