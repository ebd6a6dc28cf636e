"""The Storage Read API over gRPC: BigQuery docs, "Storage Read API", google.cloud.bigquery.storage.v1.BigQueryRead.

A session is one snapshot; its rows wait in memory until newer sessions push it out.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery import arrow, names, selects
from augury.testing.bigquery.catalog import RESULTS, Table
from augury.testing.bigquery.faults import Drop, Refuse, Seen
from augury.testing.bigquery.refusals import Refusal, invalid, missing, not_imitated
from augury.testing.bigquery.resolving import Scope
from augury.testing.bigquery.schema import Field, named, unsized
from augury.testing.bigquery.store import Snapshot
from augury.testing.bigquery.tables import id_of

if TYPE_CHECKING:
    import pyarrow as pa

    from augury.testing.bigquery.service import Service

NAME = "google.cloud.bigquery.storage.v1.BigQueryRead"
MOST_SESSIONS = 16
USUAL_STREAMS = 2
MOST_STREAMS = 1_000
"""BigQuery docs: CreateReadSessionRequest, maxStreamCount."""


@dataclass(frozen=True)
class Stream:
    """Rows `start` to `end` of a session."""

    rows: pa.Table
    start: int
    end: int


class Reads:
    """The methods of the service. Safe to use from several threads."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._sessions: dict[str, dict[str, Stream]] = {}

    def create_read_session(self, request: Any, context: Any) -> Any:
        from google.cloud.bigquery_storage_v1 import types

        fault = self._meet("/CreateReadSession", context)
        asked = request.read_session
        try:
            if asked.data_format != types.DataFormat.ARROW:
                raise not_imitated("reading rows as Avro (ask for ARROW)")
            if asked.table_modifiers.snapshot_time:
                raise not_imitated("reading the past of a table (snapshot_time)")
            project = names.project(request.parent.removeprefix("projects/"))
            rows, location = self._rows(project, asked)
        except Refusal as refusal:
            _abort(context, refusal)
        name = f"projects/{project}/locations/{location.lower()}/sessions/{secrets.token_urlsafe(16)}"
        wanted = request.max_stream_count or max(request.preferred_min_stream_count, USUAL_STREAMS)
        count = max(1, min(wanted, MOST_STREAMS, -(-rows.num_rows // arrow.MOST_ROWS)))
        edges = [rows.num_rows * number // count for number in range(count + 1)]
        streams = {
            f"{name}/streams/{number}": Stream(rows, edges[number], edges[number + 1]) for number in range(count)
        }
        with self._lock:
            self._sessions[name] = streams
            while len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        if fault == Drop("after"):
            _unavailable(context)
        return types.ReadSession(
            name=name,
            table=asked.table,
            data_format=types.DataFormat.ARROW,
            read_options=asked.read_options,
            arrow_schema=types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes()),
            streams=[types.ReadStream(name=one) for one in streams],
            estimated_row_count=rows.num_rows,
            estimated_total_bytes_scanned=rows.nbytes,
        )

    def read_rows(self, request: Any, context: Any) -> Iterator[Any]:
        from google.cloud.bigquery_storage_v1 import types

        fault = self._meet("/ReadRows", context)
        try:
            stream = self._stream(request.read_stream)
            if not 0 <= request.offset <= stream.end - stream.start:
                raise invalid(f"Offset {request.offset} is outside of the stream.")
        except Refusal as refusal:
            _abort(context, refusal)
        done = request.offset
        for number, batch in enumerate(arrow.messages(stream.rows, stream.start + done, stream.end)):
            if number and fault == Drop("after"):
                _unavailable(context)
            done += batch.num_rows
            progress = types.StreamStats.Progress(at_response_end=done / max(1, stream.end - stream.start))
            # The first message says the schema once more, for whoever has not kept that of the session.
            first = {"arrow_schema": _schema(stream.rows)} if number == 0 else {}
            yield types.ReadRowsResponse(
                arrow_record_batch=types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes()),
                row_count=batch.num_rows,
                stats=types.StreamStats(progress=progress),
                **first,
            )
        if fault == Drop("after"):
            _unavailable(context)

    def split_read_stream(self, request: Any, context: Any) -> Any:
        """Both halves are new streams; a stream that is too short is not split, as the answer then says."""
        from google.cloud.bigquery_storage_v1 import types

        self._meet("/SplitReadStream", context)
        try:
            stream = self._stream(request.name)
        except Refusal as refusal:
            _abort(context, refusal)
        rows = stream.end - stream.start
        first = int(rows * (request.fraction or 0.5))
        if not 0 < first < rows:
            return types.SplitReadStreamResponse()
        session = request.name.rpartition("/streams/")[0]
        made = [f"{session}/streams/{secrets.token_urlsafe(8)}" for _ in range(2)]
        middle = stream.start + first
        with self._lock:
            self._sessions[session] |= {
                made[0]: Stream(stream.rows, stream.start, middle),
                made[1]: Stream(stream.rows, middle, stream.end),
            }
        return types.SplitReadStreamResponse(
            primary_stream=types.ReadStream(name=made[0]), remainder_stream=types.ReadStream(name=made[1])
        )

    def _rows(self, project: str, asked: Any) -> tuple[pa.Table, str]:
        """The rows of a session as they are now, and where they are."""
        parts = asked.table.split("/")
        if len(parts) != 6 or parts[::2] != ["projects", "datasets", "tables"]:
            raise invalid(f"Invalid table {asked.table[:200]!r}: projects/.../datasets/.../tables/...")
        found, decorator = id_of(*parts[1::2])
        if decorator is not None:
            raise invalid("Partition decorators are not supported: use a row restriction.")
        with self._service.store.snapshot() as now:
            table = now.table(found)
            if table.view is not None:
                raise invalid(f"Table {found} is a VIEW, which the Storage Read API does not read.")
            dataset = now.state.datasets.get(found.within)
            location = dataset.location if dataset else found.dataset.removeprefix(f"{RESULTS}_")
            fields = _chosen(table, list(asked.read_options.selected_fields))
            if dataset is None:
                # The columns of a query have no precision of their own.
                fields = unsized(fields)
            sql = self._restricted(project, now, table, asked.read_options.row_restriction)
            read = now.cursor.sql(f"SELECT {arrow.selected(fields)} FROM {sql}").to_arrow_table()
        return read.cast(arrow.schema_of(fields)), location

    def _restricted(self, project: str, now: Snapshot, table: Table, restriction: str) -> str:
        """The rows for which a condition in BigQuery's SQL holds."""
        assert table.physical is not None
        if not restriction.strip():
            return table.physical
        columns = ", ".join(quote(one["name"], "bigquery") for one in table.fields)
        path = quote(".".join(table.id), "bigquery")
        sql = f"SELECT {columns} FROM {path} WHERE (\n{restriction}\n)"
        return f"({selects.prepare(sql, Scope(self._service, now, project)).sql})"

    def _stream(self, name: str) -> Stream:
        session = name.rpartition("/streams/")[0]
        with self._lock:
            if name not in self._sessions.get(session, {}):
                raise missing("Stream", name[:200])
            return self._sessions[session][name]

    def _meet(self, path: str, context: Any) -> Refuse | Drop | None:
        fault = self._service.faults.meet(Seen("GRPC", path, None))
        if fault == Drop("before"):
            _unavailable(context)
        if isinstance(fault, Refuse):
            _abort(context, fault.refusal())
        return fault


def _schema(rows: pa.Table) -> Any:
    from google.cloud.bigquery_storage_v1 import types

    return types.ArrowSchema(serialized_schema=rows.schema.serialize().to_pybytes())


def _chosen(table: Table, wanted: Sequence[str]) -> list[Field]:
    if not wanted:
        return list(table.fields)
    found = []
    for name in wanted:
        if "." in name:
            raise not_imitated("selected_fields inside of a RECORD")
        one = named(table.fields, name)
        if one is None:
            raise invalid(f"request failed: The following selected fields do not exist in the table schema: {name}")
        found.append(one)
    # Columns come in the order of the table, whatever the order in which they were asked for.
    return [one for one in table.fields if one in found]


def _abort(context: Any, refusal: Refusal) -> Any:
    import grpc

    code = {
        403: grpc.StatusCode.PERMISSION_DENIED,
        404: grpc.StatusCode.NOT_FOUND,
        500: grpc.StatusCode.INTERNAL,
        501: grpc.StatusCode.UNIMPLEMENTED,
        503: grpc.StatusCode.UNAVAILABLE,
    }.get(refusal.status, grpc.StatusCode.INVALID_ARGUMENT)
    if refusal.reason in ("quotaExceeded", "rateLimitExceeded"):
        code = grpc.StatusCode.RESOURCE_EXHAUSTED
    context.abort(code, refusal.message)


def _unavailable(context: Any) -> None:
    import grpc

    context.abort(grpc.StatusCode.UNAVAILABLE, "the connection was lost")


def started(service: Service, address: str) -> tuple[Any, int]:
    """The running gRPC server, and its port."""
    import grpc
    from google.cloud.bigquery_storage_v1 import types

    reads = Reads(service)
    asked, answered = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
    handlers = {
        "CreateReadSession": asked(
            reads.create_read_session,
            types.CreateReadSessionRequest.deserialize,
            types.ReadSession.serialize,
        ),
        "ReadRows": answered(reads.read_rows, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize),
        "SplitReadStream": asked(
            reads.split_read_stream,
            types.SplitReadStreamRequest.deserialize,
            types.SplitReadStreamResponse.serialize,
        ),
    }
    # Else two servers would share a port, and each get some of the requests.
    options = (("grpc.so_reuseport", 0),)
    server = grpc.server(ThreadPoolExecutor(8, thread_name_prefix="BigQuery Storage"), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))
    port = server.add_insecure_port(address)
    server.start()
    return server, port
