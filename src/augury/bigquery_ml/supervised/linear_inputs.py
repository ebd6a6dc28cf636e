"""Which inputs does a linear model make of its features?

BigQuery docs: 'Automatic feature preprocessing'. Numbers are standardised and NULL stands at their mean; categories
get one input per value and one for NULL; a TIMESTAMP becomes its Unix seconds, standardised, and the parts of its UTC
clock time. An unseen category has weight 0. Arrays of numbers are taken as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.supervised import levels as categories
from augury.bigquery_ml.supervised.arrays import Entries, elements, floats, moments, seconds, vectors
from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.levels import PARTS, Level, Part, Positions

Vector = npt.NDArray[np.float64]


class Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    """As ML.WEIGHTS calls it."""
    column: int
    """Position among the features."""


class Number(Input):
    type: Literal["number"] = "number"
    element: int | None = None
    """Of an ARRAY."""
    mean: float = 0.0
    scale: float = 1.0
    """Standard deviation; 1 for a constant."""

    @property
    def width(self) -> int:
        return 1


class Values(Input):
    """One input per category, and a last one for NULL."""

    type: Literal["values"] = "values"
    part: Part = ""
    levels: tuple[Level, ...]
    without: int | None = None
    """Dummy encoding: the category, or NULL, that has no weight."""

    @property
    def width(self) -> int:
        return len(self.levels) + 1


class Elements(Input):
    """One input per value that an ARRAY may hold, and a last one for NULL."""

    type: Literal["elements"] = "elements"
    levels: tuple[Level, ...]

    @property
    def width(self) -> int:
        return len(self.levels) + 1


class Sparse(Input):
    """One input per index of an ARRAY<STRUCT<index, value>>."""

    type: Literal["sparse"] = "sparse"
    width: int


AnyInput = Number | Values | Elements | Sparse


@dataclass(frozen=True)
class Cells:
    """What an input reads of a batch: numbers, the position of each row's category, or entries of a sparse matrix."""

    numbers: Vector | None = None
    positions: Positions | None = None
    entries: Entries | None = None


def learn(columns: Sequence[Column], arrays: Sequence[Any], dummy: bool) -> tuple[AnyInput, ...]:
    """The inputs that training columns give."""
    inputs: list[AnyInput] = []
    for at, (column, array) in enumerate(zip(columns, arrays, strict=True)):
        if column.shape == "vector":
            width = vectors(array, column).shape[1]
            inputs += [Number(name=f"{column.name}[{element}]", column=at, element=element) for element in range(width)]
        elif column.shape == "set":
            inputs.append(
                Elements(name=column.name, column=at, levels=categories.learn(pc.list_flatten(array), column.kind))
            )
        elif column.shape == "sparse":
            found = elements(array, column, None)
            inputs.append(Sparse(name=column.name, column=at, width=int(found.places.max(initial=-1)) + 1))
        else:
            inputs += _scalar(at, column, array, dummy)
    return tuple(inputs)


def _scalar(at: int, column: Column, array: Any, dummy: bool) -> list[AnyInput]:
    if column.kind == "number":
        return [_standardised(at, column.name, floats(array))]
    if column.kind == "timestamp":
        out: list[AnyInput] = [_standardised(at, column.name, seconds(array))]
        return out + [_values(at, column, array, part, dummy) for part in PARTS]
    return [_values(at, column, array, "", dummy)]


def _standardised(at: int, name: str, values: Vector) -> Number:
    mean, scale = moments(values, name)
    # A constant leaves rounding noise of about 1e-16 of its value where 0 should be.
    return Number(name=name, column=at, mean=mean, scale=scale if scale > 1e-12 * abs(mean) else 1.0)


def _values(at: int, column: Column, array: Any, part: Part, dummy: bool) -> Values:
    found = categories.learn(array, column.kind, part)
    without = None
    if dummy:
        # The most frequent category has no weight; of equally frequent ones BigQuery takes any, and this the first.
        keys = categories.keys(array, column.kind, part)
        counts = np.bincount(categories.positions(keys, categories.value_set(found, column.kind)))
        without = int(np.argmax(counts))
    return Values(
        name=f"_TS_{part}_{column.name}" if part else column.name, column=at, part=part, levels=found, without=without
    )


class Reader:
    """Reads the inputs from batches; keeps what does not change between them."""

    def __init__(self, columns: Sequence[Column], inputs: Sequence[AnyInput]) -> None:
        self._columns = tuple(columns)
        self._inputs = tuple(inputs)
        self._sets = [
            categories.value_set(item.levels, columns[item.column].kind)
            if isinstance(item, Values | Elements)
            else None
            for item in inputs
        ]

    def read(self, arrays: Sequence[Any]) -> list[Cells]:
        """Raises ModelFailed on infinities, and on ARRAYs of another length."""
        wide = {
            at: vectors(arrays[at], column, self._length(at))
            for at, column in enumerate(self._columns)
            if column.shape == "vector"
        }
        out = []
        for item, known in zip(self._inputs, self._sets, strict=True):
            array, column = arrays[item.column], self._columns[item.column]
            if isinstance(item, Values):
                keys = categories.keys(array, column.kind, item.part)
                out.append(Cells(positions=categories.positions(keys, known)))
            elif isinstance(item, Number):
                out.append(Cells(numbers=_number(item, column, array, wide)))
            else:
                found = elements(array, column, known)
                out.append(Cells(entries=found.below(item.width)))
        return out

    def _length(self, at: int) -> int:
        return sum(isinstance(item, Number) and item.column == at for item in self._inputs)


def _number(item: Number, column: Column, array: Any, wide: dict[int, Vector]) -> Vector:
    if item.element is not None:
        return wide[item.column][:, item.element]
    values = seconds(array) if column.kind == "timestamp" else floats(array, column.name)
    values = (values - item.mean) / item.scale
    return np.where(np.isnan(values), 0.0, values) if pa.types.is_null(array.type) or np.isnan(values).any() else values
