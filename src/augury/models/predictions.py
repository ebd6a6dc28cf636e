"""Which columns does a prediction have?

Those of BigQuery ML: `predicted_<label>`, and for a classification `predicted_<label>_probs`, a list of
structs (label, prob) in the order of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.models.contract import FittedModel

Matrix = npt.NDArray[np.float64]


def regression(label: str, values: npt.NDArray[Any]) -> Any:
    """A record batch of one float64 column."""
    return pa.RecordBatch.from_arrays([_doubles(values)], names=[f"predicted_{label}"])


def _doubles(values: npt.NDArray[Any]) -> Any:
    """Values as Arrow, without a copy where they are float64. `pa.array` would import pandas for it: 150 ms."""
    given = np.ascontiguousarray(values, dtype=np.float64)
    return pa.Array.from_buffers(pa.float64(), len(given), [None, pa.py_buffer(given)])


def classification(label: str, classes: Sequence[Any], probabilities: Matrix) -> Any:
    """A record batch from rows x classes of probabilities. Of equal ones the first class is predicted."""
    rows, count = probabilities.shape
    names = pa.array(classes)
    best = np.argmax(probabilities, axis=1) if rows else np.empty(0, dtype=np.int64)
    probs = pa.StructArray.from_arrays(
        [
            names.take(pa.array(np.tile(np.arange(count), rows))),
            pa.array(np.ascontiguousarray(probabilities).ravel()),
        ],
        names=["label", "prob"],
    )
    offsets = pa.array(np.arange(0, rows * count + 1, count, dtype=np.int32))
    return pa.RecordBatch.from_arrays(
        [names.take(pa.array(best)), pa.ListArray.from_arrays(offsets, probs)],
        names=[f"predicted_{label}", f"predicted_{label}_probs"],
    )


def two_classes(positive: npt.NDArray[Any]) -> Matrix:
    """Rows x 2 from the probability of the second class."""
    second = positive.astype(np.float64)
    return np.column_stack([1.0 - second, second])


def probabilities(predicted: Any, label: str, classes: int) -> Matrix:
    """Rows x classes, back from a batch or table of predictions."""
    column = predicted.column(f"predicted_{label}_probs")
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    flat: Matrix = column.flatten().field("prob").to_numpy(zero_copy_only=False)
    return flat.reshape(-1, classes)


def no_rows(schema: Any) -> Any:
    """A record batch without rows."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in schema.types], schema=schema)


def of(fitted: FittedModel, table: Any) -> Any:
    """The predictions for a whole table, as a table."""
    batches = [fitted.predict(batch) for batch in table.combine_chunks().to_batches()]
    if not batches:
        batches = [fitted.predict(no_rows(table.schema))]
    return pa.Table.from_batches(batches)
