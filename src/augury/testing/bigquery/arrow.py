"""Which Arrow types do rows have that are read over the Storage Read API?

BigQuery docs: "Use the BigQuery Storage Read API to read table data", Arrow schema details.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from augury.names import quote
from augury.testing.bigquery.schema import Field

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 65_536
MOST_BYTES = 1 << 20
"""Of one message. A gRPC channel takes 4 MB unless its owner allows more."""


def type_of(field: Field) -> Any:
    import pyarrow as pa

    if field["mode"] == "REPEATED":
        return pa.list_(pa.field("item", type_of({**field, "mode": "NULLABLE"})))
    if field["type"] == "RECORD":
        return pa.struct([pa.field(one["name"], type_of(one)) for one in field["fields"]])
    return {
        "INTEGER": pa.int64(),
        "FLOAT": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "STRING": pa.string(),
        "JSON": pa.string(),
        "BYTES": pa.binary(),
        "DATE": pa.date32(),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", tz="UTC"),
        "TIME": pa.time64("us"),
        "NUMERIC": pa.decimal128(*_size(field, 38, 9)),
        "BIGNUMERIC": pa.decimal256(*_size(field, 76, 38)),
    }[field["type"]]


def _size(field: Field, precision: int, scale: int) -> tuple[int, int]:
    """(precision, scale) of NUMERIC(P, S), or of one that declares neither."""
    if "precision" not in field:
        return precision, scale
    return int(field["precision"]), int(field.get("scale", 0))


def schema_of(fields: Sequence[Field]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(one["name"], type_of(one), one["mode"] != "REQUIRED") for one in fields])


def selected(fields: Sequence[Field]) -> str:
    """DuckDB's columns in a form that casts to these types; a NULL array is an empty one (BigQuery docs: "Data types",
    NULLs and the ARRAY type)."""
    return ", ".join(f"{_column(one)} AS {quote(one['name'])}" for one in fields)


def _column(field: Field) -> str:
    name = quote(field["name"])
    if field["mode"] == "REPEATED":
        return f"coalesce({name}, [])"
    return f"CAST({name} AS VARCHAR)" if field["type"] == "JSON" else name


def messages(table: pa.Table, start: int, end: int) -> Iterator[pa.RecordBatch]:
    """Rows `start` to `end`, in batches that fit a message."""
    per_row = max(1, table.nbytes // max(1, table.num_rows))
    size = max(1, min(MOST_ROWS, MOST_BYTES // per_row))
    while start < end:
        part = table.slice(start, min(size, end - start)).combine_chunks()
        for batch in part.to_batches():
            yield from _fitting(batch)
        start += size


def _fitting(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Rows are not equally long: a batch that came out too long is halved."""
    if batch.nbytes <= 2 * MOST_BYTES or batch.num_rows == 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _fitting(batch.slice(0, half))
    yield from _fitting(batch.slice(half))
