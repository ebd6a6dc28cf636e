"""What does a column hold: numbers, categories as text, or neither?

Text is what BigQuery's CAST to STRING gives, so that categories read the same in ML.CENTROIDS here and there.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.models.features import numbers as plain_numbers

Vector = npt.NDArray[np.float64]

NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")
CATEGORIES = ("BOOL", "STRING", "BYTES", "DATE", "DATETIME", "TIME")
LARGEST = 1e100
"""Numbers beyond this cannot be squared and added up."""
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

PARTS: tuple[tuple[str, str], ...] = (
    ("_TS_DOM_", "day"),
    ("_TS_DOW_", "day_of_week"),
    ("_TS_MOY_", "month"),
    ("_TS_HOD_", "hour"),
    ("_TS_MOH_", "minute"),
    ("_TS_WOY_", "week"),
    ("_TS_YEAR_", "year"),
)
"""BigQuery docs: 'Automatic feature preprocessing', TIMESTAMP feature transformation."""


def bigquery_type(arrow: Any) -> str:
    """The name of BigQuery's type for a column; Arrow's own name where BigQuery has none."""
    types = pa.types
    if types.is_dictionary(arrow):
        return bigquery_type(arrow.value_type)
    if types.is_struct(arrow):
        return f"STRUCT<{', '.join(f'{field.name} {bigquery_type(field.type)}' for field in arrow)}>"
    if types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow):
        return f"ARRAY<{bigquery_type(arrow.value_type)}>"
    if types.is_decimal(arrow):
        return "NUMERIC" if arrow.scale <= 9 and arrow.precision - arrow.scale <= 29 else "BIGNUMERIC"
    if types.is_timestamp(arrow):
        return "TIMESTAMP" if arrow.tz else "DATETIME"
    tests: tuple[tuple[str, tuple[Callable[[Any], bool], ...]], ...] = (
        ("BOOL", (types.is_boolean,)),
        ("INT64", (types.is_integer,)),
        ("FLOAT64", (types.is_floating,)),
        ("STRING", (types.is_string, types.is_large_string, types.is_string_view)),
        ("BYTES", (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)),
        ("DATE", (types.is_date,)),
        ("TIME", (types.is_time,)),
    )
    return next((name for name, checks in tests if any(check(arrow) for check in checks)), str(arrow))


def compatible(trained: str, given: str) -> bool:
    """Whether a column of one type may stand where another was trained on: any number for any number."""

    def kind(name: str) -> str:
        return re.sub(r"\b(INT64|FLOAT64|NUMERIC|BIGNUMERIC)\b", "number", name)

    return kind(trained) == kind(given) or given == "null"


def one_array(column: Any) -> Any:
    """One chunk, without dictionaries and views."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def numbers(column: Any) -> Vector:
    """Numbers as float64, NULL as NaN; a TIMESTAMP as Unix seconds."""
    arrow = column.type
    if pa.types.is_null(arrow):
        return np.full(len(column), np.nan)
    if pa.types.is_timestamp(arrow):
        return plain_numbers(column.cast(pa.int64())) / UNITS[arrow.unit]
    if not (pa.types.is_integer(arrow) or pa.types.is_floating(arrow)):
        column = column.cast(pa.float64(), safe=False)
    return plain_numbers(column)


def unusable(values: Vector) -> str:
    """What is wrong with some numbers; nothing where they can be computed with. NaN is missing, not wrong."""
    count = int(np.count_nonzero(np.abs(values) > LARGEST))
    return f"{count:,} value{'s' * (count != 1)} infinite or beyond {LARGEST:g}" if count else ""


def text(column: Any) -> Any:
    """Categories as a string array; NULL stays NULL."""
    import pyarrow.compute as pc

    arrow = column.type
    if pa.types.is_boolean(arrow):
        return pc.if_else(column, "true", "false").cast(pa.string())
    if bigquery_type(arrow) == "BYTES":
        return pa.array(
            [None if value is None else base64.b64encode(value).decode() for value in column.to_pylist()], pa.string()
        )
    shown = column.cast(pa.string())
    if pa.types.is_timestamp(arrow) or pa.types.is_time(arrow):
        # BigQuery shows no fraction, thousandths or millionths, whichever is enough.
        shown = pc.replace_substring_regex(shown, r"\.0+$", "")
        shown = pc.replace_substring_regex(shown, r"(\.\d{3}(?:\d{3})?)0+$", r"\1")
        return pc.replace_substring_regex(shown, r"(\.\d{3})000$", r"\1")
    return shown


def part(column: Any, name: str) -> Any:
    """One part of a TIMESTAMP's UTC clock time as text: `week` begins on Sunday, `day_of_week` is 1 for Sunday."""
    import pyarrow.compute as pc

    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    clock = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
    if name == "week":
        # As EXTRACT(WEEK) has it: days before the year's first Sunday are in week 0.
        past = pc.day_of_week(clock, count_from_zero=True, week_start=7)
        found = pc.divide(pc.add(pc.subtract(pc.day_of_year(clock), pc.add(past, 1)), 7), 7)
    elif name == "day_of_week":
        found = pc.day_of_week(clock, count_from_zero=False, week_start=7)
    else:
        found = getattr(pc, name)(clock)
    return found.cast(pa.string())
