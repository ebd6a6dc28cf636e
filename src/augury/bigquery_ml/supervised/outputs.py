"""How do answers become Arrow tables and streams with BigQuery ML's column names and types?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.supervised.columns import plain
from augury.bigquery_ml.supervised.evaluation import predicted
from augury.errors import ModelFailed

Matrix = npt.NDArray[np.float64]

TRIAL = pa.field("trial_id", pa.int64())
KEPT_LABELS = 1_000_000
"""Labels in an array that is kept between batches."""


def table(fields: Sequence[tuple[str, Any]], rows: Sequence[Sequence[Any]]) -> Any:
    """A stream of one batch from rows of Python values."""
    schema = pa.schema(list(fields))
    columns = [
        pa.array([row[at] for row in rows], type=field.type, from_pandas=False) for at, field in enumerate(schema)
    ]
    return pa.RecordBatchReader.from_batches(schema, [pa.RecordBatch.from_arrays(columns, schema=schema)])


def beside(call: Call, added: Sequence[Any], compute: Callable[[Any], Sequence[Any]]) -> Any:
    """A stream of the fields `added`, which `compute` makes of each batch, and of the columns of the call's rows.

    Raises ModelFailed where a column has the name of an added one.
    """
    assert call.rows is not None
    given = call.rows.schema
    hidden = {name.lower() for name in call.hidden}
    seen = [at for at, name in enumerate(given.names) if name.lower() not in hidden]
    taken = {field.name.lower() for field in added} & {given.names[at].lower() for at in seen}
    if taken:
        raise ModelFailed(
            f"the rows have a column that ML.{call.function.upper()} adds: {', '.join(sorted(taken))}",
            fix="Rename it in the query, or leave it out with SELECT * EXCEPT.",
        )
    schema = pa.schema([*added, *(given.field(at) for at in seen)])

    def batches(rows: Any) -> Iterator[Any]:
        for batch in rows:
            new = compute(batch)
            yield pa.RecordBatch.from_arrays([*new, *(batch.column(at) for at in seen)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches(call.rows))


def class_type(classes: Sequence[Any]) -> Any:
    return pa.array(classes[:1]).type


def class_fields(label: str, classes: Sequence[Any]) -> list[Any]:
    kind = class_type(classes)
    probs = pa.list_(pa.struct([("label", kind), ("prob", pa.float64())]))
    return [pa.field(f"predicted_{label}", kind), pa.field(f"predicted_{label}_probs", probs)]


def class_columns(classes: tuple[Any, ...], chances: Matrix, threshold: float) -> list[Any]:
    """The predicted class, and the probabilities of all: of two classes the positive one stands first, as BigQuery ML
    returns them, so that `probs[OFFSET(0)].prob` is its probability.
    """
    rows, count = chances.shape
    kind = class_type(classes)
    best = pa.array(classes, kind).take(whole_numbers(predicted(chances, threshold)))
    flat = doubles(np.ascontiguousarray(chances[:, ::-1]).ravel())
    offsets = pa.array(np.arange(0, rows * count + 1, count, dtype=np.int32))
    probs = pa.StructArray.from_arrays([_labels(classes, rows), flat], names=["label", "prob"])
    return [best, pa.ListArray.from_arrays(offsets, probs)]


@lru_cache(maxsize=8)
def _kept(classes: tuple[Any, ...], types: tuple[type, ...], rows: int) -> Any:
    """`types` keeps the classes 0 and 1 apart from FALSE and TRUE, which are equal to Python."""
    del types
    return _repeated(classes, rows)


def _repeated(classes: tuple[Any, ...], rows: int) -> Any:
    descending = np.arange(len(classes) - 1, -1, -1)
    return pa.array(classes, class_type(classes)).take(whole_numbers(np.tile(descending, rows)))


def _labels(classes: tuple[Any, ...], rows: int) -> Any:
    """The classes of every row in descending order.

    One array, made once, serves all batches of up to the next power of two of rows, unless it were too large to keep.
    """
    size = 1 << max(rows - 1, 0).bit_length()
    if size * len(classes) > KEPT_LABELS:
        return _repeated(classes, rows)
    return _kept(classes, tuple(map(type, classes)), size).slice(0, rows * len(classes))


def doubles(values: npt.NDArray[Any]) -> Any:
    """As Arrow, without a copy where they are float64 already. `pa.array` would import pandas for it: 150 ms."""
    given = np.ascontiguousarray(values, dtype=np.float64)
    return pa.Array.from_buffers(pa.float64(), len(given), [None, pa.py_buffer(given)])


def whole_numbers(values: npt.NDArray[np.int64]) -> Any:
    given = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(given), [None, pa.py_buffer(given)])


def gathered(call: Call, place: int, compute: Callable[[Any], npt.NDArray[Any]]) -> tuple[Any, npt.NDArray[Any] | None]:
    """All of one column of the call's rows, and what `compute` makes of their batches; None without rows.

    Memory follows the rows by these two alone.
    """
    assert call.rows is not None
    labels, values = [], []
    for batch in call.rows:
        if batch.num_rows:
            labels.append(plain(batch.column(place)))
            values.append(compute(batch))
    kind = call.rows.schema.field(place).type
    return plain(pa.chunked_array(labels, labels[0].type if labels else kind)), np.concatenate(
        values
    ) if values else None
