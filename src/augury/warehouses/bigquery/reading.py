"""How do the rows of a query come here? As Arrow, by the Storage Read API; by REST where that is not to be had."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from augury.errors import QueryRefused, nearest
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery import refusals, relations, statements, types
from augury.warehouses.bigquery.clients import Clients
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import quote
from augury.warehouses.bigquery.partitions import Partitions
from augury.warehouses.bigquery.records import Records

if TYPE_CHECKING:
    import pyarrow as pa


class Reader:
    """Runs the SELECTs of one namespace."""

    def __init__(self, jobs: Jobs, clients: Clients, found: Partitions, place: BigQueryPlace) -> None:
        self._jobs = jobs
        self._clients = clients
        self._partitions = found
        self._place = place

    @contextmanager
    def stream(self, sql: str, batch_rows: int, ask: Ask) -> Iterator[pa.RecordBatchReader]:
        """Rows of a SELECT as Arrow batches; an error in the middle comes out as one of ours."""
        import pyarrow as pa

        job = self._jobs.query(self._place, sql, ask)
        found: Any = self._jobs.asked(lambda: job.result(retry=None))
        fields = types.read(found.schema)
        schema = pa.schema([pa.field(field.name, types.arrow(field.kind)) for field in fields])
        batches = self._batches(job, found, schema, batch_rows)
        try:
            yield pa.RecordBatchReader.from_batches(schema, batches)
        finally:
            with suppress(ValueError):
                batches.close()

    def _batches(self, job: Any, found: Any, schema: pa.Schema, most: int) -> Generator[Any, None, None]:
        if not found.total_rows:
            return
        storage = self._clients.storage(self._place)
        began = False
        try:
            if storage is not None:
                for batch in _streamed(self._jobs, storage, self._place, job.destination):
                    began = True
                    yield from _shaped(batch, schema, most)
                return
        except refusals.ours() as error:
            if began or not refusals.unavailable_here(error):
                raise refusals.of(error, who=self._place.impersonate or "") from error
        try:
            for batch in found.to_arrow_iterable(bqstorage_client=None):
                yield from _shaped(batch, schema, most)
        except refusals.ours() as error:
            raise refusals.of(error) from error

    def rows(self, sql: str, most: int, ask: Ask) -> list[dict[str, Any]]:
        job = self._jobs.query(self._place, f"SELECT * FROM ({sql}\n) LIMIT {most:d}", ask)
        found: Any = self._jobs.asked(lambda: [dict(row.items()) for row in job.result(retry=None)])
        return list(found)

    @contextmanager
    def query(self, sql: str, batch_rows: int) -> Iterator[pa.RecordBatchReader]:
        """A person's SELECT over the tables and views of the namespace."""
        statements.check_select(sql)
        records = self._partitions.records()
        named = statements.with_tables(sql, lambda name: relation(records, name))
        ask = Ask({"augury_step": "query"}, dataset=f"{self._place.project}.{self._place.dataset}")
        try:
            with self.stream(named.strip().rstrip(";"), batch_rows, ask) as reader:
                yield reader
        except QueryRefused as error:
            raise _with_nearest(error, (*records.tables(), *records.views())) from error


def _streamed(jobs: Jobs, storage: Any, place: BigQueryPlace, table: Any) -> Iterator[Any]:
    """The rows of a result through one stream, which keeps the order of an ORDER BY (BigQuery docs: 'Use the BigQuery
    Storage Read API to read table data'). The client opens it again where the connection is lost, behind the last row.
    """
    import pyarrow as pa
    from google.cloud.bigquery_storage_v1 import types as storage_types

    named = f"projects/{table.project}/datasets/{table.dataset_id}/tables/{table.table_id}"
    wanted = storage_types.ReadSession(table=named, data_format=storage_types.DataFormat.ARROW)
    parent = f"projects/{place.project}"
    session = jobs.repeated(
        lambda: storage.create_read_session(parent=parent, read_session=wanted, max_stream_count=1, retry=None)
    )
    schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
    for stream in session.streams:
        for message in storage.read_rows(stream.name):
            raw = message.arrow_record_batch.serialized_record_batch
            if raw:
                yield pa.ipc.read_record_batch(pa.py_buffer(raw), schema)


def relation(records: Records, name: str) -> str | None:
    """What a plain name stands for: the live partitions of a table or of the table that a view shows.

    A partitioned table holds nothing but its live partitions, so no list of dates is needed.
    """
    shown = records.view(name)
    table = shown.target if shown is not None else name
    entries = list(records.of_table(table).values())
    if not entries:
        return None
    if len({entry.target for entry in entries}) == 1 and not entries[0].sharded:
        return quote(entries[0].target)
    return relations.select(entries)


def _shaped(batch: Any, schema: pa.Schema, most: int) -> Iterator[Any]:
    """A batch with the columns and types that were promised, in pieces."""
    import pyarrow as pa

    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    whole = pa.RecordBatch.from_arrays(columns, schema=schema)
    for start in range(0, whole.num_rows, most):
        yield whole.slice(start, most)


def _with_nearest(error: QueryRefused, known: tuple[str, ...]) -> QueryRefused:
    if "not found: table" in error.what.lower() and not error.fix:
        named = error.what.rpartition(".")[2] if "." in error.what else error.what
        word = named.split(" ", 1)[0].strip("`'\"")
        close = nearest(word, known)
        listed = ", ".join(known[:10]) or "no tables yet"
        error.fix = f"Did you mean {close!r}?" if close else f"There are: {listed}"
    return error
