"""Do rows come out over the Storage Read API, fast and as they are?"""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import GoogleAPICallError, InvalidArgument, NotFound, ServiceUnavailable
from google.cloud.bigquery_storage_v1 import types

from augury.testing.bigquery import BigQueryServer, Drop, Refuse
from tests.contract.bigquery_server.room import Room

pytestmark = pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")


def session(room: Room, name: str, *, streams: int = 1, **options: Any) -> Any:
    project, dataset, table = name.split(".")
    return room.storage.create_read_session(
        parent=f"projects/{room.project}",
        read_session=types.ReadSession(
            table=f"projects/{project}/datasets/{dataset}/tables/{table}",
            data_format=types.DataFormat.ARROW,
            read_options=types.ReadSession.TableReadOptions(**options),
        ),
        max_stream_count=streams,
    )


def read(room: Room, found: Any, stream: str, offset: int = 0) -> pa.Table:
    schema = pa.ipc.read_schema(pa.py_buffer(found.arrow_schema.serialized_schema))
    batches = [
        pa.ipc.read_record_batch(pa.py_buffer(one.arrow_record_batch.serialized_record_batch), schema)
        for one in room.storage.read_rows(stream, offset)
    ]
    return pa.Table.from_batches(batches, schema)


def test_columns_and_rows_can_be_chosen(room: Room) -> None:
    name = room.name("chosen")
    room.job(f"CREATE TABLE `{name}` AS SELECT x, CAST(x AS STRING) AS s, x / 2 AS h FROM UNNEST([1, 2, 3]) AS x")
    found = session(room, name, selected_fields=["h", "x"], row_restriction="x >= 2 AND s != '3' -- that's all")
    assert read(room, found, found.streams[0].name).to_pylist() == [{"x": 2, "h": 1.0}]
    with pytest.raises(InvalidArgument, match="nope"):
        session(room, name, selected_fields=["nope"])
    with pytest.raises(InvalidArgument):
        session(room, name, row_restriction="x = ) OR (TRUE")
    with pytest.raises(NotFound):
        session(room, room.name("absent"))
    room.job(f"CREATE VIEW `{room.name('view')}` AS SELECT x FROM `{name}`")
    with pytest.raises(InvalidArgument):
        session(room, room.name("view"))


def test_streams_together_have_every_row_once_and_split(own: Room) -> None:
    name, count = own.name("many"), 300_000
    own.load(pa.table({"x": pa.array(range(count), pa.int64())}), name)
    found = session(own, name, streams=3)
    parts = [read(own, found, one.name) for one in found.streams]
    assert len(parts) == 3
    assert pa.concat_tables(parts)["x"].to_pylist() == list(range(count))
    halves = own.storage.split_read_stream(types.SplitReadStreamRequest(name=found.streams[0].name, fraction=0.25))
    split = [read(own, found, one.name) for one in (halves.primary_stream, halves.remainder_stream)]
    assert pa.concat_tables(split)["x"].to_pylist() == parts[0]["x"].to_pylist()
    assert abs(split[0].num_rows - parts[0].num_rows / 4) < 2


def test_decimals_have_the_digits_that_their_column_declares(room: Room) -> None:
    name = room.name("decimals")
    room.job(f"CREATE TABLE `{name}` (n NUMERIC, m NUMERIC(10, 2), i NUMERIC(5))")
    room.job(f"INSERT INTO `{name}` (n, m, i) VALUES (1.5, 2.25, 3)")
    found = session(room, name)
    assert read(room, found, found.streams[0].name).schema.types == [
        pa.decimal128(38, 9),
        pa.decimal128(10, 2),
        pa.decimal128(5, 0),
    ]
    sql = f"SELECT m, i, CAST('1.5' AS BIGNUMERIC) AS b FROM `{name}`"
    table = room.job(sql).result().to_arrow(bqstorage_client=room.storage)
    assert table.schema.types == [pa.decimal128(38, 9), pa.decimal128(38, 9), pa.decimal256(76, 38)]
    assert table.to_pylist() == [{"m": Decimal("2.25"), "i": Decimal(3), "b": Decimal("1.5")}]


def test_a_session_keeps_what_it_saw(room: Room) -> None:
    name = room.name("before")
    room.job(f"CREATE TABLE `{name}` AS SELECT 1 AS a")
    found = session(room, name)
    room.job(f"CREATE OR REPLACE TABLE `{name}` AS SELECT 2 AS a")
    assert read(room, found, found.streams[0].name).to_pylist() == [{"a": 1}]


def test_an_empty_table_has_its_columns(room: Room) -> None:
    job = room.job("SELECT x AS a, 'x' AS b FROM UNNEST([1]) AS x WHERE x > 1")
    table = job.result().to_arrow(bqstorage_client=room.storage)
    assert (table.num_rows, table.schema.names) == (0, ["a", "b"])


def test_half_a_million_rows_come_in_less_than_a_second(own: Room) -> None:
    sql = "SELECT x, x / 3 AS y, CAST(x AS STRING) AS s FROM UNNEST(GENERATE_ARRAY(1, 500000)) AS x"
    job = own.job(sql)
    best = 0.0
    # What else the machine does is not the server's; the best of three says what it can.
    for _ in range(3):
        rows = job.result()
        began = time.perf_counter()
        table = rows.to_arrow(bqstorage_client=own.storage)
        best = max(best, table.num_rows / (time.perf_counter() - began))
    assert table.num_rows == 500_000
    assert best >= 500_000, f"{best:,.0f} rows a second"


def test_long_rows_fit_the_messages_of_an_ordinary_channel(own: Room) -> None:
    # A gRPC channel refuses messages of more than 4 MB.
    texts = ["x" * 3_000_000, *("short" for _ in range(50_000)), "y" * 3_000_000]
    own.load(pa.table({"s": texts}), own.name("long"))
    found = session(own, own.name("long"))
    assert read(own, found, found.streams[0].name)["s"].to_pylist() == texts


def test_avro_is_not_imitated(own: Room) -> None:
    project, dataset, _ = own.name("x").split(".")
    table = f"projects/{project}/datasets/{dataset}/tables/t"
    with pytest.raises(GoogleAPICallError, match="Avro"):
        own.storage.create_read_session(
            parent=f"projects/{project}",
            read_session=types.ReadSession(table=table, data_format=types.DataFormat.AVRO),
        )


def test_a_stream_that_breaks_off_goes_on_where_it_was(server: BigQueryServer, own: Room) -> None:
    own.load(pa.table({"x": pa.array(range(300_000), pa.int64())}), own.name("broken"))
    found = session(own, own.name("broken"))
    rule = server.faults.add(Drop("after"), method="GRPC", path="/ReadRows")
    # The client asks again from the offset that it has reached.
    assert read(own, found, found.streams[0].name)["x"].to_pylist() == list(range(300_000))
    assert rule.done == 1
    assert server.faults.counts()["GRPC /ReadRows"] == 2
    server.faults.add(Refuse("backendError"), method="GRPC", path="/CreateReadSession")
    with pytest.raises(ServiceUnavailable):
        own.storage.create_read_session(parent=f"projects/{own.project}", read_session=types.ReadSession(), retry=None)
