"""Do files that a client sends become the rows of a table?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from tests.contract.bigquery_server.room import Room, parquet

EVERY_TYPE = pa.table(
    {
        "i": pa.array([1, None], pa.int64()),
        "f": pa.array([0.1, None], pa.float64()),
        "b": pa.array([True, None], pa.bool_()),
        "s": pa.array(["žluť'\"\n", None], pa.string()),
        "y": pa.array([b"\x00\xff", None], pa.binary()),
        "d": pa.array([date(2026, 1, 15), None], pa.date32()),
        "at": pa.array([datetime(2026, 1, 15, 10, 30, 0, 25, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
        "local": pa.array([datetime(2026, 1, 15, 10, 30, tzinfo=UTC).replace(tzinfo=None), None], pa.timestamp("us")),
        "t": pa.array([time(10, 30, 0, 25), None], pa.time64("us")),
        "n": pa.array([Decimal("-1.500000000"), None], pa.decimal128(38, 9)),
        "l": pa.array([[1, 2], []], pa.list_(pa.int64())),
        "st": pa.array([{"a": 1, "b": "x"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())])),
        "ls": pa.array([[{"k": "a", "v": 1}], []], pa.list_(pa.struct([("k", pa.string()), ("v", pa.int64())]))),
    }
)


@pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
def test_every_type_comes_back_as_it_went_in_over_both_ways_out(room: Room) -> None:
    name = room.name("types")
    room.load(EVERY_TYPE, name)
    job = room.job(f"SELECT * FROM `{name}` ORDER BY i DESC")
    kinds = {field.name: (field.field_type, field.mode) for field in room.client.get_table(name).schema}
    assert [kind for kind, _ in kinds.values()] == [
        *("INTEGER", "FLOAT", "BOOLEAN", "STRING", "BYTES", "DATE", "TIMESTAMP", "DATETIME", "TIME", "NUMERIC"),
        *("INTEGER", "RECORD", "RECORD"),
    ]
    assert {name for name, (_, mode) in kinds.items() if mode == "REPEATED"} == {"l", "ls"}
    expected = EVERY_TYPE.to_pylist()
    over_rest = job.result().to_arrow(create_bqstorage_client=False)
    over_grpc = job.result().to_arrow(bqstorage_client=room.storage)
    assert over_rest.to_pylist() == expected
    assert over_grpc.to_pylist() == expected
    assert next(tuple(row.values()) for row in job.result()) == tuple(expected[0].values())


@pytest.mark.parametrize("rows", [0, 10, 400_000])
def test_small_files_come_at_once_and_long_ones_in_pieces(room: Room, rows: int) -> None:
    # The client sends what is longer than 5 MB as a resumable upload.
    table = pa.table(
        {"a": pa.array(range(rows), pa.int64()), "b": [f"row {number} {'x' * 20}" for number in range(rows)]}
    )
    job = room.load(table.cast(pa.schema([("a", pa.int64()), ("b", pa.string())])), room.name("sized"))
    assert job.output_rows == rows
    assert room.rows(f"SELECT COUNT(*), MAX(a) FROM `{room.name('sized')}`") == [(rows, rows - 1 if rows else None)]


def test_a_resumable_upload_in_several_pieces(room: Room) -> None:
    name = room.name("pieces")
    table = pa.table({"a": list(range(100_000)), "b": [str(number * 7919) for number in range(100_000)]})
    file = parquet(table)
    settings = bigquery.LoadJobConfig(source_format="PARQUET")
    room.client._DEFAULT_CHUNKSIZE = 256 * 1024
    upload, transport = room.client._initiate_resumable_upload(
        file, _metadata(room, name, settings), num_retries=0, timeout=30, project=room.project
    )
    upload._chunk_size = 256 * 1024
    pieces = 0
    while not upload.finished:
        response = upload.transmit_next_chunk(transport)
        pieces += 1
    assert pieces > 2
    room.client.get_job(response.json()["jobReference"]["jobId"]).result()
    assert room.rows(f"SELECT COUNT(*) FROM `{name}`") == [(100_000,)]


def _metadata(room: Room, name: str, settings: Any) -> dict[str, Any]:
    project, dataset, table = name.split(".")
    load = settings.to_api_repr()["load"]
    load["destinationTable"] = {"projectId": project, "datasetId": dataset, "tableId": table}
    return {"configuration": {"load": load}, "jobReference": {"projectId": room.project, "jobId": f"{room.prefix}up"}}


def test_csv_by_declared_columns(room: Room) -> None:
    name = room.name("csv")
    schema = [
        SchemaField("id", "INTEGER", "REQUIRED", description="who"),
        SchemaField("name", "STRING"),
        SchemaField("d", "DATE"),
    ]
    text = 'id,name,d\n1,"a, ""b""",2026-01-15\n2,,\n'
    config = bigquery.LoadJobConfig(source_format="CSV", schema=schema, skip_leading_rows=1)
    room.client.load_table_from_file(BytesIO(text.encode()), name, job_config=config).result()
    assert room.rows(f"SELECT * FROM `{name}` ORDER BY id") == [(1, 'a, "b"', date(2026, 1, 15)), (2, None, None)]
    assert room.client.get_table(name).schema == schema
    config = bigquery.LoadJobConfig(source_format="CSV")
    with pytest.raises(BadRequest, match="Error while reading data"):
        room.client.load_table_from_file(BytesIO(b"x,y,z\n"), name, job_config=config).result()
    with pytest.raises(BadRequest, match=r"cannot be null|Required"):
        room.client.load_table_from_file(BytesIO(b",y,\n"), name, job_config=config).result()
    assert room.rows(f"SELECT COUNT(*) FROM `{name}`") == [(2,)]


def test_json_lines(room: Room) -> None:
    name = room.name("json")
    schema = [
        SchemaField("id", "INTEGER"),
        SchemaField("tags", "STRING", "REPEATED"),
        SchemaField("at", "RECORD", fields=[SchemaField("x", "FLOAT")]),
    ]
    config = bigquery.LoadJobConfig(schema=schema)
    room.client.load_table_from_json(
        [{"id": 1, "tags": ["a", "b"], "at": {"x": 1.5}}, {"id": 2}], name, job_config=config
    ).result()
    assert room.rows(f"SELECT * FROM `{name}` ORDER BY id") == [(1, ["a", "b"], {"x": 1.5}), (2, [], None)]
    with pytest.raises(BadRequest, match="No such field: other"):
        room.client.load_table_from_json([{"other": 1}], name, job_config=config).result()


def test_dispositions_and_new_columns(room: Room) -> None:
    name = room.name("growing")
    room.load(pa.table({"a": [1]}), name)
    with pytest.raises(Conflict):
        room.load(pa.table({"a": [2]}), name, write_disposition="WRITE_EMPTY")
    room.load(pa.table({"a": [2]}), name, write_disposition="WRITE_APPEND")
    wider = pa.table({"a": [3], "b": ["x"]})
    with pytest.raises(BadRequest, match="Cannot add fields"):
        room.load(wider, name, write_disposition="WRITE_APPEND")
    room.load(wider, name, write_disposition="WRITE_APPEND", schema_update_options=["ALLOW_FIELD_ADDITION"])
    assert sorted(room.rows(f"SELECT * FROM `{name}`"), key=str) == [(1, None), (2, None), (3, "x")]
    with pytest.raises(BadRequest, match="has changed type"):
        room.load(pa.table({"a": ["text"]}), name, write_disposition="WRITE_APPEND")
    room.load(pa.table({"c": [9]}), name, write_disposition="WRITE_TRUNCATE")
    assert room.rows(f"SELECT * FROM `{name}`") == [(9,)]
    with pytest.raises(NotFound):
        room.load(wider, room.name("never"), create_disposition="CREATE_NEVER")


def test_required_columns_are_enforced_and_nothing_is_half_loaded(room: Room) -> None:
    name = room.name("strict")
    table = bigquery.Table(name, schema=[SchemaField("a", "INTEGER", "REQUIRED"), SchemaField("b", "STRING")])
    room.client.create_table(table)
    with pytest.raises(BadRequest):
        room.load(pa.table({"a": pa.array([1, None], pa.int64()), "b": ["x", "y"]}), name)
    with pytest.raises(BadRequest):
        room.load(pa.table({"b": ["x"]}), name)
    assert room.rows(f"SELECT COUNT(*) FROM `{name}`") == [(0,)]


def test_a_broken_file_is_refused(own: Room) -> None:
    config = bigquery.LoadJobConfig(source_format="PARQUET")
    with pytest.raises(BadRequest, match="Error while reading data"):
        own.client.load_table_from_file(BytesIO(b"no parquet"), own.name("broken"), job_config=config).result()
    with pytest.raises(NotFound):
        own.client.get_table(own.name("broken"))


def test_a_copy_has_the_rows_and_the_shape_of_its_source(room: Room) -> None:
    source, copy = room.name("source"), room.name("copy")
    room.job(f"CREATE TABLE `{source}` (d DATE, x INT64) PARTITION BY d OPTIONS(description='days')")
    room.job(f"INSERT INTO `{source}` (d, x) VALUES ('2026-01-01', 1), ('2026-01-02', 2)")
    room.client.copy_table(source, copy).result()
    made = room.client.get_table(copy)
    assert (made.num_rows, made.time_partitioning.field) == (2, "d")
    with pytest.raises(Conflict):
        room.client.copy_table(source, copy).result()
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    room.job(f"UPDATE `{source}` SET x = 20 WHERE d = '2026-01-02'")
    room.client.copy_table(f"{source}$20260102", f"{copy}$20260102", job_config=config).result()
    assert room.rows(f"SELECT x FROM `{copy}` ORDER BY d") == [(1,), (20,)]


def test_streamed_rows_are_all_checked_before_any_is_kept(room: Room) -> None:
    name = room.name("streamed")
    schema = [SchemaField("a", "INTEGER"), SchemaField("s", "STRING"), SchemaField("l", "INTEGER", "REPEATED")]
    table = room.client.create_table(bigquery.Table(name, schema=schema))
    errors = room.client.insert_rows_json(table, [{"a": 1}, {"a": "no number"}, {"other": 1}])
    found = {one["index"]: one["errors"][0]["reason"] for one in errors}
    assert found == {0: "stopped", 1: "invalid", 2: "invalid"}
    assert room.client.insert_rows_json(table, [{"a": 1, "s": "x", "l": [1, 2]}, {"a": None}]) == []
    assert sorted(room.rows(f"SELECT * FROM `{name}`"), key=str) == [(1, "x", [1, 2]), (None, None, [])]
