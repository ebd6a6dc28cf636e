"""How do columns of numbers, TIMESTAMPs and ARRAYs become numpy arrays?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.supervised import levels as categories
from augury.bigquery_ml.supervised.columns import Column
from augury.errors import ModelFailed
from augury.models.features import numbers

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Entries:
    """A sparse matrix: `values[k]` stands in row `rows[k]` at place `places[k]`."""

    rows: Positions
    places: Positions
    values: Vector
    count: int
    """Rows of the matrix."""

    def below(self, width: int) -> Entries:
        """Without the places that training did not have."""
        known = (self.places >= 0) & (self.places < width)
        if known.all():
            return self
        return Entries(self.rows[known], self.places[known], self.values[known], self.count)


def floats(array: Any, name: str = "") -> Vector:
    """A plain column of numbers, NULL as NaN. With a name, raises ModelFailed on infinities."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    whole = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    values = numbers(array if whole else array.cast(pa.float64(), safe=False))
    if name and pa.types.is_floating(array.type):
        refuse_infinite(values, name)
    return values


def moments(values: Vector, name: str) -> tuple[float, float]:
    """Mean and standard deviation of a training column; 0 where all is NULL. Raises ModelFailed on overflow.

    NULLs stand at the mean: they add nothing to the spread, but count as rows.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(known.mean())
        spread = float(np.sqrt(np.square(known - mean).sum() / len(values)))
    if not (np.isfinite(mean) and np.isfinite(spread)):
        raise ModelFailed(f"the feature {name} has values that are too large", fix="Scale them down in the query.")
    return mean, spread


def refuse_infinite(values: Vector, name: str) -> None:
    count = int(np.count_nonzero(np.isinf(values)))
    if count:
        raise ModelFailed(
            f"the feature {name} is infinite in {count:,} rows",
            fix="Guard the division or the logarithm in the query, e.g. with SAFE_DIVIDE.",
        )


def seconds(array: Any) -> Vector:
    """A TIMESTAMP as Unix seconds, NULL as NaN."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    micros = array.cast(pa.timestamp("us", array.type.tz)).cast(pa.int64())
    return numbers(micros) / MICROSECONDS


def vectors(array: Any, column: Column, width: int | None = None) -> Matrix:
    """An ARRAY of numbers as rows x elements; a NULL ARRAY is all 0. Raises ModelFailed where lengths differ."""
    if pa.types.is_null(array.type):
        return np.zeros((len(array), width or 0))
    there = array.is_valid().to_numpy(zero_copy_only=False).astype(bool)
    lengths = pc.list_value_length(array).fill_null(0).to_numpy()
    wanted = width if width is not None else int(lengths.max(initial=0))
    odd = int(np.count_nonzero(lengths[there] != wanted))
    if odd:
        raise ModelFailed(
            f"the feature {column.name} has ARRAYs of other lengths than {wanted} in {odd:,} rows",
            fix="All ARRAYs of numbers of a feature must have one length.",
        )
    out = np.zeros((len(array), wanted))
    flat = floats(array.flatten(), column.name)
    out[there] = np.where(np.isnan(flat), 0.0, flat).reshape(int(there.sum()), wanted)
    return out


def elements(array: Any, column: Column, known: Any) -> Entries:
    """The entries of an ARRAY of categories (`known` holds them), or of an ARRAY<STRUCT<index, value>>."""
    count = len(array)
    if pa.types.is_null(array.type):
        nothing = np.empty(0, dtype=np.int64)
        at = np.arange(count) if known is not None else nothing
        return Entries(at, np.full(len(at), len(known or ())), np.ones(len(at)), count)
    lengths = pc.list_value_length(array).fill_null(0).to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(count), lengths)
    flat = array.flatten()
    if known is None:
        places = pc.struct_field(flat, indices=0).cast(pa.int64()).fill_null(-1).to_numpy()
        values = floats(pc.struct_field(flat, indices=1), column.name)
        return Entries(rows, places, np.where(np.isnan(values), 0.0, values), count)
    places = categories.positions(categories.keys(flat, column.kind), known)
    missing = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))
    rows, places = np.concatenate([rows, missing]), np.concatenate([places, np.full(len(missing), len(known))])
    # Multi-hot: how often a value stands in an ARRAY does not matter.
    pairs = np.unique(rows * (len(known) + 2) + places)
    return Entries(pairs // (len(known) + 2), pairs % (len(known) + 2), np.ones(len(pairs)), count)
