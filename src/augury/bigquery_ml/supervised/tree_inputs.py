"""Which columns of numbers does a tree model make of its features?

BigQuery docs: 'Automatic feature preprocessing'. Numbers are not standardised, and NULL stands at their mean.
Categories are label encoded (the alphabetical position from 1; NULL and unseen categories are 0), one-hot encoded, or
replaced by what the label is on average in their training rows. A TIMESTAMP is its Unix seconds: the parts of its
clock time are documented for linear models only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.supervised import levels as categories
from augury.bigquery_ml.supervised.arrays import Entries, elements, floats, moments, refuse_infinite, seconds, vectors
from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.fitting import Target
from augury.bigquery_ml.supervised.levels import Level, Positions
from augury.bigquery_ml.supervised.split import Rows
from augury.errors import ModelFailed

Matrix = npt.NDArray[np.float32]

MAX_BYTES = 4_000_000_000
"""Of the matrix that XGBoost trains on."""


class TreeInput(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    width: int = 1
    """Columns of the matrix."""


class Number(TreeInput):
    type: Literal["number"] = "number"
    mean: float = 0.0


class Vector(TreeInput):
    type: Literal["vector"] = "vector"


class Label(TreeInput):
    type: Literal["label"] = "label"
    levels: tuple[Level, ...]


class OneHot(TreeInput):
    """One column per category, and a last one for NULL."""

    type: Literal["one_hot"] = "one_hot"
    levels: tuple[Level, ...]


class Means(TreeInput):
    """Target encoding: one column, or one per class where there are more than two."""

    type: Literal["means"] = "means"
    levels: tuple[Level, ...]
    means: tuple[tuple[float, ...], ...]
    """Per column: one per category, one for NULL, and one for categories without training rows."""


class Set(TreeInput):
    """An ARRAY of categories: one column per category, and a last one for NULL."""

    type: Literal["set"] = "set"
    levels: tuple[Level, ...]


class Sparse(TreeInput):
    type: Literal["sparse"] = "sparse"


AnyTreeInput = Number | Vector | Label | OneHot | Means | Set | Sparse


def learn(
    columns: Sequence[Column], arrays: Sequence[Any], method: str, target: Target, train: Rows
) -> tuple[AnyTreeInput, ...]:
    """One input per feature. Only target encoding depends on which rows train."""
    return tuple(_learn(column, array, method, target, train) for column, array in zip(columns, arrays, strict=True))


def _learn(column: Column, array: Any, method: str, target: Target, train: Rows) -> AnyTreeInput:
    if column.shape == "vector":
        return Vector(width=vectors(array, column).shape[1])
    if column.shape == "sparse":
        return Sparse(width=int(elements(array, column, None).places.max(initial=-1)) + 1)
    if column.shape == "set":
        found = categories.learn(pc.list_flatten(array), column.kind)
        return Set(levels=found, width=len(found) + 1)
    if column.kind in ("number", "timestamp"):
        return Number(mean=moments(_values(column, array), column.name)[0])
    found = categories.learn(array, column.kind)
    if method == "one_hot_encoding":
        return OneHot(levels=found, width=len(found) + 1)
    if method == "target_encoding":
        means = _means(column, array, found, target, train)
        return Means(levels=found, means=means, width=len(means))
    return Label(levels=found)


def _means(
    column: Column, array: Any, found: Sequence[Level], target: Target, train: Rows
) -> tuple[tuple[float, ...], ...]:
    places = _places(column, array, categories.value_set(found, column.kind))[train]
    if target.task == "regression":
        wanted = [target.values[train]]
    else:
        judged = range(target.classes) if target.classes > 2 else (1,)
        wanted = [(target.values[train] == at).astype(np.float64) for at in judged]
    counts = np.bincount(places, minlength=len(found) + 1)
    out = []
    for values in wanted:
        overall = float(values.mean())
        sums = np.bincount(places, weights=values, minlength=len(found) + 1)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), overall)
        out.append((*map(float, means), overall))
    return tuple(out)


class Encoder:
    """Turns the features of a batch into a matrix; keeps what does not change between batches."""

    def __init__(self, columns: Sequence[Column], inputs: Sequence[AnyTreeInput]) -> None:
        self._columns = tuple(columns)
        self._inputs = tuple(inputs)
        self._sets = [
            categories.value_set(item.levels, column.kind) if isinstance(item, Label | OneHot | Means | Set) else None
            for column, item in zip(columns, inputs, strict=True)
        ]
        self._means = [np.array(item.means) if isinstance(item, Means) else None for item in inputs]
        self.width = sum(item.width for item in inputs)
        self.features = tuple(at for at, item in enumerate(inputs) for _ in range(item.width))
        """The feature of each column of the matrix."""

    def encode(self, arrays: Sequence[Any], count: int) -> Matrix:
        """Rows x columns as XGBoost keeps them, in 32 bits. Raises ModelFailed on infinities."""
        if count * self.width * 4 > MAX_BYTES:
            raise ModelFailed(
                f"{count:,} rows with {self.width:,} columns do not fit in memory for a tree model",
                fix="Use category_encoding_method='LABEL_ENCODING', or group categories.",
            )
        out: Matrix = np.zeros((count, self.width), dtype=np.float32, order="F")
        # What 32 bits cannot hold becomes infinite. One pass over everything; only where its sum is not finite, each
        # column is looked at.
        with np.errstate(over="ignore", invalid="ignore"):
            start = 0
            for at, item in enumerate(self._inputs):
                self._fill(out[:, start : start + item.width], at, arrays[at])
                start += item.width
            if not np.isfinite(out.sum()):
                for column, array in zip(self._columns, arrays, strict=True):
                    if column.shape == "one" and column.kind == "number":
                        refuse_infinite(_values(column, array).astype(np.float32), column.name)
        return out

    def _fill(self, out: Matrix, at: int, array: Any) -> None:
        item, column, known = self._inputs[at], self._columns[at], self._sets[at]
        if isinstance(item, Number):
            values = _values(column, array)
            out[:, 0] = values
            missing = np.isnan(values) if _may_lack(array) else None
            if missing is not None and missing.any():
                out[missing, 0] = item.mean
        elif isinstance(item, Vector):
            out[:] = vectors(array, column, item.width)
        elif isinstance(item, Set | Sparse):
            _scatter(out, elements(array, column, known).below(item.width))
        else:
            assert known is not None
            self._categories(out, at, _places(column, array, known), len(known))

    def _categories(self, out: Matrix, at: int, places: Positions, count: int) -> None:
        item = self._inputs[at]
        if isinstance(item, Label):
            out[:, 0] = np.where(places < count, places + 1, 0)
        elif isinstance(item, OneHot):
            known = np.flatnonzero(places <= count)
            out[known, places[known]] = 1.0
        else:
            means = self._means[at]
            assert means is not None
            for column, row in enumerate(means):
                out[:, column] = row[places]


def _scatter(out: Matrix, found: Entries) -> None:
    np.add.at(out, (found.rows, found.places), found.values.astype(np.float32))


def _places(column: Column, array: Any, known: Any) -> Positions:
    return categories.positions(categories.keys(array, column.kind), known)


def _values(column: Column, array: Any) -> npt.NDArray[np.float64]:
    return seconds(array) if column.kind == "timestamp" else floats(array)


def _may_lack(array: Any) -> bool:
    return bool(array.null_count or pa.types.is_floating(array.type) or pa.types.is_null(array.type))
