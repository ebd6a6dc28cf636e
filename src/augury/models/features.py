"""Which columns does a model learn from, and how does a batch become a matrix of numbers?

The list of features is fixed when a model is trained: name, type and, for a category, its levels. Whatever
is scored later is held against that list, and every difference is reported at once. Codes come from the
stored levels, never from the batch: encoding a category per batch gave wrong codes in every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.errors import ModelFailed, nearest
from augury.models.contract import Feature, FeatureType, TrainingSet

Matrix = npt.NDArray[np.float64]
SECONDS_PER_DAY = 86_400
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
NO_TYPE = "use numbers, booleans, text, dates or timestamps"


def type_of(arrow: Any) -> FeatureType | None:
    """The feature type of an Arrow type; None where a model cannot use it."""
    types = pa.types
    if types.is_dictionary(arrow):
        return type_of(arrow.value_type)
    tests: tuple[tuple[FeatureType, tuple[Any, ...]], ...] = (
        ("boolean", (types.is_boolean,)),
        ("number", (types.is_integer, types.is_floating, types.is_decimal, types.is_null)),
        ("category", (types.is_string, types.is_large_string, types.is_string_view)),
        ("date", (types.is_date,)),
        ("timestamp", (types.is_timestamp,)),
    )
    return next((name for name, checks in tests if any(check(arrow) for check in checks)), None)


def infer(
    schema: Any,
    *,
    entity: Sequence[str],
    label: str,
    features: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    date: str = "run_date",
) -> tuple[Feature, ...]:
    """The features of a table, without levels, in the order of `features` or else of `schema`.

    By default every column but the entity, the label, the date and `exclude`. Raises ModelFailed with every
    column that does not exist or whose type cannot be used.
    """
    never = {*entity, label, date, *exclude}
    wanted = list(features) if features is not None else [name for name in schema.names if name not in never]
    problems = [_missing(name, schema.names) for name in exclude if name not in schema.names]
    found: list[Feature] = []
    for name in wanted:
        if schema.names.count(name) != 1:
            problems.append(_missing(name, schema.names))
        elif name == label:
            problems.append(f"{name}: the label cannot be a feature")
        elif (type_ := type_of(schema.field(name).type)) is None:
            problems.append(f"{name}: {schema.field(name).type} cannot be a feature, {NO_TYPE}")
        else:
            found.append(Feature(name, type_))
    problems += [f"{name}: listed twice" for name in sorted({n for n in wanted if wanted.count(n) > 1})]
    if not problems and not found:
        problems.append("no column is left to learn from")
    if problems:
        raise ModelFailed(
            f"{_count(problems)} with the features",
            why="; ".join(problems),
            fix="Cast or drop the column in prepare.sql, or name it under model.exclude.",
        )
    return tuple(found)


def with_levels(features: Iterable[Feature], table: Any) -> tuple[Feature, ...]:
    """The features with the levels that `table` has, sorted; its columns are those of the features."""
    import pyarrow.compute as pc

    return tuple(
        replace(feature, levels=tuple(sorted(pc.unique(_plain(table[feature.name])).drop_null().to_pylist())))
        if feature.type == "category"
        else feature
        for feature in features
    )


def learned(training: TrainingSet) -> tuple[Feature, ...]:
    """The features of a training set, with levels. Raises ModelFailed."""
    table = training.features
    return with_levels(infer(table.schema, entity=(), label="", features=table.schema.names), table)


def select(batch: Any, features: Sequence[Feature]) -> list[Any]:
    """One plain Arrow array per feature, from a record batch or table with at least these columns.

    Raises ModelFailed with every column that is missing, doubled or of another type.
    """
    names = batch.schema.names
    problems: list[str] = []
    for feature in features:
        if names.count(feature.name) != 1:
            problems.append(_missing(feature.name, names))
            continue
        arrow = batch.schema.field(feature.name).type
        if type_of(arrow) != feature.type and not pa.types.is_null(arrow):
            problems.append(f"{feature.name}: expected {feature.type}, got {arrow}")
    if problems:
        raise ModelFailed(
            f"{_count(problems)} with the columns that the model expects",
            why="; ".join(problems),
            fix="Return the columns that the model was trained with, or train a new one.",
        )
    return [_plain(batch.column(feature.name)) for feature in features]


def encode(batch: Any, features: Sequence[Feature]) -> Matrix:
    """Rows x features as float64 in column order. NaN is missing: NULL, NaN, or a category that is not a
    level.

    Booleans are 0 and 1, categories the position of their level, dates and timestamps Unix seconds (UTC).
    Raises ModelFailed on columns that differ from the features, and on infinities, naming columns and counts.
    """
    columns = select(batch, features)
    matrix: Matrix = np.empty((batch.num_rows, len(features)), dtype=np.float64, order="F")
    infinite: dict[str, int] = {}
    for at, (feature, column) in enumerate(zip(features, columns, strict=True)):
        matrix[:, at] = as_numbers(column, feature)
        if pa.types.is_floating(column.type):
            infinite[feature.name] = int(np.count_nonzero(np.isinf(matrix[:, at])))
    refuse_infinite(infinite)
    return matrix


def as_numbers(column: Any, feature: Feature) -> Matrix:
    """One column as float64; see `encode`. Infinities pass."""
    if feature.type == "category":
        return _floats(codes(column, feature.levels))
    if pa.types.is_date32(column.type):
        return _floats(column.cast(pa.int32())) * SECONDS_PER_DAY
    if pa.types.is_date64(column.type):
        return _floats(column.cast(pa.int64())) / UNITS["ms"]
    if pa.types.is_timestamp(column.type):
        return _floats(column.cast(pa.int64())) / UNITS[column.type.unit]
    return _floats(column)


def codes(column: Any, levels: Sequence[Any]) -> Any:
    """The position of each value among `levels` as int32; null for NULL and for values outside them."""
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.int32())
    if pa.types.is_dictionary(column.type):
        return codes(_plain(column.dictionary), levels).take(column.indices)
    import pyarrow.compute as pc

    return pc.index_in(column, value_set=pa.array(levels, type=column.type))


def by_feature(features: Sequence[Feature], found: Iterable[tuple[int, float]]) -> dict[str, list[float]]:
    """(column, value) pairs as the distinct finite values of each feature, ascending; of categories none."""
    values: dict[int, set[float]] = {}
    for column, value in found:
        values.setdefault(column, set()).add(value)
    return {
        feature.name: sorted(value for value in values[at] if np.isfinite(value))
        for at, feature in enumerate(features)
        if at in values and feature.type != "category"
    }


def refuse_infinite(counts: Mapping[str, int]) -> None:
    """Raises ModelFailed where a column has infinite values; `counts` says how many each has."""
    bad = [f"{name}: {count:,} infinite value{'s' * (count != 1)}" for name, count in counts.items() if count]
    if bad:
        raise ModelFailed(
            "a feature is infinite",
            why="; ".join(bad),
            fix="Guard the division or logarithm in prepare.sql, e.g. with nullif(x, 0).",
        )


def _floats(column: Any) -> Matrix:
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return numbers(column)


def numbers(column: Any) -> Matrix:
    """A plain array of integers or floats as float64, NULL as NaN; read-only where nothing had to change.

    `cast` and `to_numpy` would do, but they import pyarrow.compute and, where it is installed, pandas: 0.2 s.
    """
    there, values = column.buffers()
    if values is None:
        return np.full(len(column), np.nan)
    whole = pa.Array.from_buffers(column.type, len(column), [None, values], offset=column.offset)
    out: Matrix = np.from_dlpack(whole).astype(np.float64, copy=column.null_count > 0)
    if column.null_count:
        bits = np.unpackbits(np.frombuffer(there, dtype=np.uint8), bitorder="little")
        out[bits[column.offset : column.offset + len(column)] == 0] = np.nan
    return out


def _plain(column: Any) -> Any:
    """One array whose type is simple: one chunk, text as string, dictionaries only of text."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    arrow = column.type
    if pa.types.is_dictionary(arrow):
        return column if type_of(arrow) == "category" else _plain(column.dictionary_decode())
    return column.cast(pa.string()) if pa.types.is_string_view(arrow) else column


def _missing(name: str, names: Sequence[str]) -> str:
    if name in names:
        return f"{name}: there are {list(names).count(name)} columns of that name"
    close = nearest(name, names)
    return f"{name}: there is no such column" + (f", did you mean {close}?" if close else "")


def _count(problems: Sequence[str]) -> str:
    return f"{len(problems)} problem{'s' * (len(problems) != 1)}"
