"""How does a column of arrays become rows x places of numbers?

An ARRAY of numbers has one length in all rows, such as an embedding. An ARRAY<STRUCT<index, value>>, which
ML.ONE_HOT_ENCODER and its like make, is a sparse row: what is not listed is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.unsupervised.values import NUMBERS, Vector, bigquery_type, numbers, one_array
from augury.errors import ModelFailed

WIDEST = 10_000
"""Places of an array; each is an input."""


def is_dense(kind: str) -> bool:
    return kind.startswith("ARRAY<") and kind[6:-1] in NUMBERS


def is_sparse(kind: str) -> bool:
    if not kind.startswith("ARRAY<STRUCT<"):
        return False
    fields = [field.split(" ", 1)[1] for field in kind[13:-2].split(", ") if " " in field]
    return len(fields) == 2 and fields[0] == "INT64" and fields[1] in NUMBERS


def width(column: Any) -> int:
    """How many places training rows have. Raises ModelFailed where that cannot be said."""
    import pyarrow.compute as pc

    if is_sparse(bigquery_type(column.type)):
        largest = pc.max(pc.struct_field(one_array(column.flatten()), indices=0)).as_py()
        found = int(largest) + 1 if largest is not None else 0
    else:
        lengths = _lengths(column)
        found = lengths[0] if len(lengths) == 1 else 0
        if len(lengths) > 1:
            raise ModelFailed(f"its arrays have different lengths: {', '.join(map(str, lengths[:5]))}")
    if not 0 < found <= WIDEST:
        raise ModelFailed(f"its arrays have {found:,} places" if found else "its arrays are empty")
    return found


def places(column: Any, count: int) -> Vector:
    """Rows x `count`; NULL is NaN, also that of a whole array. Raises ModelFailed on arrays of another length."""
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        return np.full((len(column), count), np.nan)
    there = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    out = np.full((len(column), count), np.nan)
    flat = one_array(column.flatten())  # leaves NULL arrays out
    if not is_sparse(bigquery_type(column.type)):
        lengths = _lengths(column)
        if lengths not in ([], [count]):
            raise ModelFailed(
                f"the model was trained with arrays of {count}", why=f"found {', '.join(map(str, lengths[:5]))}"
            )
        out[there] = numbers(flat).reshape(len(there), count)
        return out
    out[there] = 0.0
    lengths = pc.list_value_length(column).drop_null().to_numpy()
    rows = np.repeat(there, lengths)
    at = numbers(pc.struct_field(flat, indices=0))
    values = numbers(pc.struct_field(flat, indices=1))
    known = (at >= 0) & (at < count)  # an index that training did not see has no input, and NaN is neither
    out[rows[known], at[known].astype(np.int64)] = values[known]
    return out


def _lengths(column: Any) -> list[int]:
    import pyarrow.compute as pc

    return sorted(pc.unique(pc.list_value_length(column)).drop_null().to_pylist())
