"""Which inputs does a linear model make of each feature?

BigQuery ML's automatic preprocessing: numbers standardised, NULL becoming the training mean; text, booleans
and dates one input per value, NULL being a value of its own and an unseen value having no weight;
timestamps both: Unix seconds standardised, and the parts of their UTC clock time one input per value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from augury.models.contract import Feature
from augury.models.features import as_numbers, codes, refuse_infinite, select

Vector = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

Part = Literal["", "year", "month", "day", "day_of_week", "week", "hour", "minute"]
PARTS: dict[Part, Callable[[Any], Any]] = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "day_of_week": pc.day_of_week,
    "week": lambda at: pc.week(at, week_starts_monday=False),
    "hour": pc.hour,
    "minute": pc.minute,
}


class Number(BaseModel):
    """One standardised input."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    mean: float
    """Of the training set; stands in for NULL."""
    scale: float
    """Standard deviation of the training set; 1 for a constant."""
    weights: tuple[float, ...] = ()
    """One per output."""


class Values(BaseModel):
    """One input per value of a category."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature: str
    part: Part = ""
    """Of a timestamp."""
    levels: tuple[int | str, ...]
    """Sorted; text, or integers: 0 and 1 of a boolean, days since 1970 of a date, a part of a timestamp."""
    without: int | None = None
    """Position that has no input of its own (dummy encoding); len(levels) is NULL."""
    null: bool = False
    """Whether training saw NULL."""
    weights: tuple[tuple[float, ...], ...] = ()
    """Per output: one per level, then NULL."""


Input = Number | Values


def learn(table: Any, features: Sequence[Feature], dummy: bool) -> list[Input]:
    """The inputs of a training table, without weights. Raises ModelFailed on infinities."""
    inputs: list[Input] = []
    infinite: dict[str, int] = {}
    for feature, column in zip(features, select(table, features), strict=True):
        if feature.type in ("number", "timestamp"):
            values = as_numbers(column, feature)
            infinite[feature.name] = int(np.count_nonzero(np.isinf(values)))
            inputs.append(_standardised(feature.name, values))
        if feature.type == "timestamp":
            inputs += [_levels(feature, keys(column, feature, part), part, dummy) for part in PARTS]
        elif feature.type != "number":
            inputs.append(_levels(feature, keys(column, feature, ""), "", dummy))
    refuse_infinite(infinite)
    return inputs


def _standardised(name: str, values: Vector) -> Number:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else 0.0
    # NULLs stand at the mean, so they add nothing to the spread but count as rows.
    scale = float(np.sqrt(np.square(known - mean).sum() / len(values))) if len(known) else 0.0
    # A constant column leaves rounding noise of about 1e-16 of its value instead of 0.
    return Number(feature=name, mean=mean, scale=scale if scale > 1e-12 * abs(mean) else 1.0)


def _levels(feature: Feature, column: Any, part: Part, dummy: bool) -> Values:
    found: list[Any] = sorted(pc.unique(column).drop_null().to_pylist())
    has_null = bool(column.null_count)
    without = None
    if dummy:
        counts = np.bincount(positions(column, found), minlength=len(found) + 1)
        without = int(np.argmax(counts[: len(found) + 1]))
    return Values(feature=feature.name, part=part, levels=tuple(found), without=without, null=has_null)


def keys(column: Any, feature: Feature, part: Part) -> Any:
    """A column as the text or integers that levels are made of."""
    if feature.type == "category":
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.int64())
    if feature.type == "timestamp":
        column = PARTS[part](column.cast(pa.int64()).cast(pa.timestamp(column.type.unit)))
    elif feature.type == "date":
        column = column.cast(pa.date32()).cast(pa.int32())
    return column.cast(pa.int64())


def positions(column: Any, levels: Sequence[int | str]) -> Positions:
    """Position of each key among the levels; len(levels) for NULL, len(levels) + 1 for a value outside
    them.
    """
    out: Positions = codes(column, levels).fill_null(len(levels) + 1).cast(pa.int64()).to_numpy()
    if column.null_count:
        out = np.where(column.is_null().to_numpy(zero_copy_only=False), len(levels), out)
    return out


def read(batch: Any, features: Sequence[Feature], inputs: Sequence[Input]) -> list[Vector | Positions]:
    """Per input: its standardised values, or the position of each row's value. Raises ModelFailed as
    `encode` does.
    """
    columns = dict(zip((feature.name for feature in features), select(batch, features), strict=True))
    known = {feature.name: feature for feature in features}
    infinite: dict[str, int] = {}
    out: list[Vector | Positions] = []
    for item in inputs:
        column, feature = columns[item.feature], known[item.feature]
        if isinstance(item, Values):
            out.append(positions(keys(column, feature, item.part), item.levels))
            continue
        values = as_numbers(column, feature)
        infinite[feature.name] = int(np.count_nonzero(np.isinf(values)))
        values = (values - item.mean) / item.scale
        out.append(np.where(np.isnan(values), 0.0, values))
    refuse_infinite(infinite)
    return out
