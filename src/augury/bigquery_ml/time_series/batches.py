"""How do answers become Arrow batches?

Each series gives its rows; batches are filled with series until they are worth sending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.time_series.columns import Column, id_array
from augury.errors import ModelFailed

ROWS = 16_384

Vector = npt.NDArray[np.float64]


def reader(schema: pa.Schema, parts: Iterable[Mapping[str, Any]]) -> Any:
    """Of parts that each hold an array per column. Raises ModelFailed where two columns would have one name."""
    names = [name.lower() for name in schema.names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ModelFailed(
            f"two columns of the answer would be called {', '.join(repeated)}",
            why="one is a column of yours, one that of the function",
            fix="Rename yours in the query.",
        )
    return pa.RecordBatchReader.from_batches(schema, _batches(schema, parts))


def _batches(schema: pa.Schema, parts: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    waiting: list[Any] = []
    rows = 0
    for part in parts:
        batch = pa.record_batch([part[name] for name in schema.names], schema=schema)
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield pa.concat_batches(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_batches(waiting)


def fields(columns: Sequence[Column]) -> list[pa.Field]:
    return [pa.field(column.name, column.arrow) for column in columns]


def repeated(columns: Sequence[Column], key: Sequence[Any], rows: int) -> dict[str, Any]:
    """The ids of one series in each of its rows."""
    return {column.name: id_array(column, [part] * rows) for column, part in zip(columns, key, strict=True)}


def ids_of(columns: Sequence[Column], names: Sequence[str], batch: Any) -> dict[str, Any]:
    """The ids of rows that were given, under the names and types of the model."""
    return {column.name: batch.column(name).cast(column.arrow) for column, name in zip(columns, names, strict=True)}


def doubles(values: Vector) -> Any:
    """NaN is NULL."""
    return pa.array(values, pa.float64(), from_pandas=True)


def constant(value: float, rows: int) -> Any:
    return pa.array(np.full(rows, value), pa.float64())


def nulls(rows: int) -> Any:
    return pa.nulls(rows, pa.float64())
