"""Which streams become a Parquet file without passing through the engine?

Those whose columns are all stored as they come, such as the rows that a model scored. Arrow's own writer needs
a third of the engine's time for them, but 18 ms to be imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.warehouses.contract import TableColumn
from augury.warehouses.duckdb import refusals, types
from augury.warehouses.duckdb.projection import Projection

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 65_536
"""Rows that are written at once at least: a group per small batch would make a file slow to read."""
_EPOCH = date(1970, 1, 1)
_PLAIN = {
    **{f"{sign}int{bits}": name for sign, bits, name in (
        ("", 8, "TINYINT"), ("", 16, "SMALLINT"), ("", 32, "INTEGER"), ("", 64, "BIGINT"),
        ("u", 8, "UTINYINT"), ("u", 16, "USMALLINT"), ("u", 32, "UINTEGER"), ("u", 64, "UBIGINT"),
    )},
    "float": "FLOAT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "string": "VARCHAR",
    "date32[day]": "DATE",
    "timestamp[us]": "TIMESTAMP",
    "timestamp[us, tz=UTC]": "TIMESTAMP WITH TIME ZONE",
}  # fmt: skip
"""Arrow types that come back from Parquet as the engine itself would have stored them."""


def engine_types(schema: pa.Schema) -> list[tuple[str, Any]] | None:
    """(name, DuckDBPyType) of the columns; None where the engine has to look at them."""
    found = [(field.name, _PLAIN.get(str(field.type))) for field in schema]
    if any(kind is None for _, kind in found):
        return None
    return [(name, _type(str(kind))) for name, kind in found]


@cache
def _type(name: str) -> Any:
    import duckdb

    return duckdb.sqltype(name)


def as_they_come(projection: Projection, bound: Iterable[tuple[str, Any]]) -> bool:
    """Whether a projection stores exactly the columns of the stream, after the partition's own day."""
    same = tuple(TableColumn(name, types.canonical(str(kind))) for name, kind in bound)
    return projection.columns[-len(same) :] == same and len(projection.columns) - len(same) in (0, 1)


def store(batches: pa.RecordBatchReader, day: date | None, path: Path) -> int:
    """Write a stream, with the day before its columns where there is one; how many rows there were."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = batches.schema if day is None else pa.schema([("run_date", pa.date32()), *batches.schema])
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    rows = 0
    with _named(path):
        writer = pq.ParquetWriter(path, schema, compression="snappy", use_dictionary=texts or False)
    try:
        for group in _groups(batches):
            rows += group.num_rows
            with _named(path):
                writer.write_table(group if day is None else _dated(group, day, schema))
    finally:
        with _named(path):
            writer.close()
    return rows


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors of the file, and of nothing else: what feeds the rows may raise one of its own."""
    try:
        yield
    except OSError as error:
        raise refusals.of_system(error, path.parent) from error


def _groups(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= ROW_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _dated(group: pa.Table, day: date, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    # By hand: `pa.array` and `pa.scalar` import pandas where it is installed.
    values = (day - _EPOCH).days.to_bytes(4, "little", signed=True) * group.num_rows
    days = pa.Array.from_buffers(pa.date32(), group.num_rows, [None, pa.py_buffer(values)])
    return pa.Table.from_arrays([days, *group.columns], schema=schema)
