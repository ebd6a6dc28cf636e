"""Which inputs do k-means and PCA make of each column, and how does a batch become them?

BigQuery docs: 'Automatic feature preprocessing'. A number is one input, its NULLs the mean of training. Anything else
that is no array is one input per value, NULL being a value of its own and an unseen value none at all. A TIMESTAMP is
both: Unix seconds, and the parts of its UTC clock time. The fields of a STRUCT count as columns `struct_field`. An
ARRAY of numbers, also a sparse one, is one untouched input per place.

Nothing is spread into a row of zeros and ones here: a category is kept as the position of its value, and whoever
computes looks it up. Memory follows rows x columns, not rows x values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.unsupervised import arrays
from augury.bigquery_ml.unsupervised.values import (
    CATEGORIES,
    NUMBERS,
    PARTS,
    Vector,
    bigquery_type,
    numbers,
    one_array,
    part,
    text,
    unusable,
)
from augury.errors import ModelFailed
from augury.models.features import codes

Positions = npt.NDArray[np.int64]
Encoded = list[Vector | Positions]

NULL = "_null_filler"
"""What BigQuery ML calls the category of NULL."""


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    """As ML.CENTROIDS shows it."""
    column: str
    field: str | None = None
    """Of a STRUCT."""


class Number(_Input):
    kind: Literal["number"] = "number"
    place: int | None = None
    """In an ARRAY, from 0."""
    mean: float
    """Of the training rows; stands in for NULL."""
    spread: float = 1.0
    """Standard deviation of the training rows; 1 for a constant."""
    center: float = 0.0
    scale: float = 1.0
    """What is used is (value - center) / scale."""

    @property
    def width(self) -> int:
        return 1

    def shown(self, used: float, *, standardized: bool) -> float:
        """What is used as the column has it, or as standard deviations from its mean."""
        value = used * self.scale + self.center
        return (value - self.mean) / self.spread if standardized else value


class Category(_Input):
    kind: Literal["category"] = "category"
    part: str = ""
    """Of a TIMESTAMP."""
    levels: tuple[str, ...]
    """Sorted."""
    null: bool
    """Whether training saw NULL, which is then the value behind the last level."""

    @property
    def width(self) -> int:
        return len(self.levels) + self.null

    @property
    def values(self) -> tuple[str, ...]:
        return (*self.levels, NULL) if self.null else self.levels


Input = Number | Category


@dataclass(frozen=True)
class _Leaf:
    """A column, or one field of a STRUCT."""

    name: str
    column: str
    field: str | None
    type: str


def learn(table: pa.Table, features: Sequence[str], *, standardize: bool) -> tuple[Input, ...]:
    """The inputs of training rows. Raises ModelFailed with every column that cannot be used."""
    problems: list[str] = []
    inputs: list[Input] = []
    for leaf in _leaves(table.schema, features, problems):
        column = _values(table.column(leaf.column), leaf.field)
        if leaf.type in CATEGORIES:
            inputs.append(_category(leaf, leaf.name, text(column), ""))
            continue
        if leaf.type.startswith("ARRAY"):
            inputs += _places(leaf, column, problems)
            continue
        inputs.append(_number(leaf, numbers(column), problems, standardize=standardize))
        if leaf.type == "TIMESTAMP":
            inputs += [_category(leaf, prefix + leaf.name, part(column, name), name) for prefix, name in PARTS]
    if not problems and not inputs:
        problems.append("the query returned no column to learn from")
    if problems:
        raise ModelFailed(
            f"{len(problems)} problem{'s' * (len(problems) != 1)} with the columns to learn from",
            why="; ".join(problems),
            fix="Cast, fill or leave out these columns in the query of CREATE MODEL.",
        )
    return tuple(inputs)


def encode(batch: Any, inputs: Sequence[Input], at: dict[str, int]) -> Encoded:
    """Per input: its values, or the position of each row's value, which is `width` for a value that training did not
    see. `at` says where each column is in the batch. Raises ModelFailed on infinities and arrays of another length.
    """
    widths = Counter(
        (item.column, item.field) for item in inputs if isinstance(item, Number) and item.place is not None
    )
    found: dict[tuple[str, str | None], Any] = {}
    out: Encoded = []
    for item in inputs:
        key = (item.column, item.field)
        if key not in found:
            column = _values(batch.column(at[item.column]), item.field)
            found[key] = _array(item.name, column, widths[key]) if key in widths else column
        if isinstance(item, Category):
            out.append(_positions(part(found[key], item.part) if item.part else _as_text(found[key]), item))
            continue
        values = numbers(found[key]) if item.place is None else found[key][:, item.place]
        if wrong := unusable(values):
            raise ModelFailed(
                f"{item.name}: {wrong}",
                fix="Guard the division or logarithm in the query, e.g. with SAFE_DIVIDE.",
            )
        out.append((np.where(np.isnan(values), item.mean, values) - item.center) / item.scale)
    return out


def _array(name: str, column: Any, width: int) -> Vector:
    try:
        return arrays.places(column, width)
    except ModelFailed as error:
        raise ModelFailed(f"{name.rsplit('[', 1)[0]}: {error.what}", why=error.why) from error


def chunks(encoded: Encoded, rows: int) -> Iterator[Encoded]:
    """The same inputs, at most `rows` rows at a time."""
    total = len(encoded[0]) if encoded else 0
    for start in range(0, total, rows):
        yield [values[start : start + rows] for values in encoded]


def dense(encoded: Encoded, inputs: Sequence[Input]) -> Vector:
    """Rows x inputs, categories spread into zeros and ones; for a few rows at a time."""
    rows = len(encoded[0]) if encoded else 0
    out = np.zeros((rows, sum(item.width for item in inputs)))
    start = 0
    for values, item in zip(encoded, inputs, strict=True):
        if isinstance(item, Number):
            out[:, start] = values
        else:
            known = np.flatnonzero(values < item.width)
            out[known, start + values[known].astype(np.int64)] = 1.0
        start += item.width
    return out


def starts(inputs: Sequence[Input]) -> list[int]:
    """The place of each input in a dense row."""
    return [sum(item.width for item in inputs[:at]) for at in range(len(inputs))]


def _leaves(schema: pa.Schema, features: Sequence[str], problems: list[str]) -> Iterator[_Leaf]:
    for name in features:
        arrow = schema.field(name).type
        if not pa.types.is_struct(arrow):
            yield from _leaf(name, name, None, bigquery_type(arrow), problems)
            continue
        for field in arrow:
            yield from _leaf(f"{name}_{field.name}", name, field.name, bigquery_type(field.type), problems)


def _leaf(name: str, column: str, field: str | None, kind: str, problems: list[str]) -> Iterator[_Leaf]:
    if kind in (*NUMBERS, *CATEGORIES, "TIMESTAMP") or arrays.is_dense(kind) or arrays.is_sparse(kind):
        yield _Leaf(name, column, field, kind)
    elif kind == "null":
        problems.append(f"{name}: it has no values, and no type either")
    else:
        problems.append(f"{name}: {kind} cannot be learned from here")


def _values(column: Any, field: str | None) -> Any:
    import pyarrow.compute as pc

    plain = one_array(column)
    if field is None or pa.types.is_null(plain.type):
        return plain
    return one_array(pc.struct_field(plain, field))  # unlike .field(), it is NULL where the STRUCT is


def _as_text(column: Any) -> Any:
    return pa.nulls(len(column), pa.string()) if pa.types.is_null(column.type) else text(column)


def _number(leaf: _Leaf, values: Vector, problems: list[str], *, standardize: bool) -> Number:
    known = values[~np.isnan(values)]
    if not len(known):
        problems.append(f"{leaf.name}: every value is NULL")
        return Number(name=leaf.name, column=leaf.column, field=leaf.field, mean=0.0)
    if wrong := unusable(known):
        problems.append(f"{leaf.name}: {wrong}")
        return Number(name=leaf.name, column=leaf.column, field=leaf.field, mean=0.0)
    mean = float(known.mean())
    # NULLs stand at the mean: they add nothing to the spread, but count as rows.
    spread = float(np.sqrt(np.square(known - mean).sum() / len(values)))
    # A constant leaves rounding noise of about 1e-16 of its value instead of 0.
    spread = spread if spread > 1e-12 * abs(mean) else 1.0
    return Number(
        name=leaf.name,
        column=leaf.column,
        field=leaf.field,
        mean=mean,
        spread=spread,
        center=mean if standardize else 0.0,
        scale=spread if standardize else 1.0,
    )


def _category(leaf: _Leaf, name: str, column: Any, of: str) -> Category:
    import pyarrow.compute as pc

    levels: list[str] = sorted(pc.unique(column).drop_null().to_pylist())
    return Category(
        name=name,
        column=leaf.column,
        field=leaf.field,
        part=of,
        levels=tuple(levels),
        null=bool(column.null_count),
    )


def _places(leaf: _Leaf, column: Any, problems: list[str]) -> Iterator[Number]:
    try:
        matrix = arrays.places(column, arrays.width(column))
    except ModelFailed as error:
        problems.append(f"{leaf.name}: {error.what}")
        return
    for place, values in enumerate(matrix.T):
        of_place = _Leaf(f"{leaf.name}[{place}]", leaf.column, leaf.field, leaf.type)
        yield _number(of_place, values, problems, standardize=False).model_copy(update={"place": place})


def _positions(column: Any, item: Category) -> Positions:
    found: Positions = codes(column, item.levels).fill_null(item.width).cast(pa.int64()).to_numpy(zero_copy_only=False)
    if item.null and column.null_count:
        found = np.where(column.is_null().to_numpy(zero_copy_only=False), len(item.levels), found)
    return found
