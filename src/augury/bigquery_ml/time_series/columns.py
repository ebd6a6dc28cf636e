"""Which columns make a time series, and what do they hold in some rows?

Names are found whatever their letter case, types as BigQuery documents them for each column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.errors import ModelFailed, nearest

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TIMESTAMP = pa.timestamp("us", tz="UTC")

TIMES = ("TIMESTAMP", "DATE", "DATETIME")
NUMBERS = ("INT64", "NUMERIC", "BIGNUMERIC", "FLOAT64")
IDS = ("STRING", "INT64", "ARRAY<STRING>", "ARRAY<INT64>")

ARROW: Mapping[str, pa.DataType] = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "ARRAY<STRING>": pa.list_(pa.string()),
    "ARRAY<INT64>": pa.list_(pa.int64()),
    "FLOAT64": pa.float64(),
    "DATE": pa.date32(),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": TIMESTAMP,
}

Key = tuple[Any, ...]
"""The values of the id columns; an array is a tuple."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    """BigQuery's name of it."""
    precision: tuple[int, int] | None = None
    """Of NUMERIC and BIGNUMERIC, as Arrow has it."""

    @property
    def arrow(self) -> pa.DataType:
        if self.precision is not None:
            wide = pa.decimal128 if self.type == "NUMERIC" else pa.decimal256
            return wide(*self.precision)
        return ARROW[self.type]


def bigquery_type(of: pa.DataType) -> str:
    """BigQuery's name of an Arrow type; Arrow's own where there is none."""
    if pa.types.is_dictionary(of):
        return bigquery_type(of.value_type)
    if pa.types.is_list(of) or pa.types.is_large_list(of):
        return f"ARRAY<{bigquery_type(of.value_type)}>"
    if pa.types.is_timestamp(of):
        return "TIMESTAMP" if of.tz else "DATETIME"
    known = (
        (pa.types.is_integer, "INT64"),
        (pa.types.is_floating, "FLOAT64"),
        (pa.types.is_decimal128, "NUMERIC"),
        (pa.types.is_decimal, "BIGNUMERIC"),
        (pa.types.is_string, "STRING"),
        (pa.types.is_large_string, "STRING"),
        (pa.types.is_string_view, "STRING"),
        (pa.types.is_boolean, "BOOL"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_time, "TIME"),
        (pa.types.is_struct, "STRUCT"),
    )
    return next((name for check, name in known if check(of)), str(of))


def place(name: str, names: Sequence[str], purpose: str) -> int:
    """Where `names` has `name`. Raises ModelFailed."""
    found = [at for at, other in enumerate(names) if other.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise ModelFailed(f"{purpose}: two columns are called {name}", fix="Name each column once in the query.")
    near = nearest(name, names)
    raise ModelFailed(
        f"{purpose}: there is no column {name}",
        why=f"the columns are {', '.join(names)}",
        fix=f"Did you mean {near}?" if near else f"Select {name} in the query.",
    )


def described(schema: pa.Schema, name: str, types: Sequence[str], purpose: str) -> Column:
    """The column of that name, if it is of one of these types. Raises ModelFailed."""
    field = schema.field(place(name, schema.names, purpose))
    kind = bigquery_type(field.type)
    if kind not in types:
        raise ModelFailed(
            f"{purpose}: column {field.name} is {kind}",
            why=f"it must be {', '.join(types[:-1])} or {types[-1]}",
            fix="Cast it in the query.",
        )
    precision = (field.type.precision, field.type.scale) if kind in {"NUMERIC", "BIGNUMERIC"} else None
    return Column(field.name, kind, precision)


def times(column: Any) -> tuple[npt.NDArray[np.int64], Flags]:
    """Microseconds since 1970, and which are there."""
    known = column.is_valid().to_numpy(zero_copy_only=False)
    instants = pc.cast(column, pa.timestamp("us", tz=column.type.tz) if pa.types.is_timestamp(column.type) else _DAY)
    filled = pc.fill_null(pc.cast(instants, pa.int64()), 0)
    return filled.to_numpy(zero_copy_only=False).astype(np.int64), np.asarray(known, dtype=np.bool_)


_DAY = pa.timestamp("us")


def numbers(column: Any) -> Vector:
    """As doubles, NaN where NULL."""
    return np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def finite(column: Any) -> Flags:
    """False where a value is infinite or NaN; a NULL is neither."""
    if not pa.types.is_floating(column.type):
        return np.ones(len(column), dtype=np.bool_)
    return np.asarray(pc.fill_null(pc.is_finite(column), True).to_numpy(zero_copy_only=False), dtype=np.bool_)


def keys(columns: Sequence[Any]) -> list[Key]:
    """One per row, of columns of ids."""
    plain = [[tuple(value) if isinstance(value, list) else value for value in column.to_pylist()] for column in columns]
    return list(zip(*plain, strict=True))


def order(key: Key) -> tuple[Any, ...]:
    """What series are sorted by: NULL first, then by value."""
    return tuple((part is not None, _nulls_first(part)) for part in key)


def _nulls_first(part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple((value is not None, value if value is not None else "") for value in part)
    return part if part is not None else ""


def id_array(column: Column, values: Sequence[Any]) -> Any:
    return pa.array([list(value) if isinstance(value, tuple) else value for value in values], column.arrow)


def said(columns: Sequence[Column], key: Key) -> str:
    """A series as an error names it."""
    return ", ".join(f"{column.name} = {part!r}" for column, part in zip(columns, key, strict=True)) or "the series"
