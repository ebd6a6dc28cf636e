"""What does ML.FEATURE_INFO say about the columns that a model was trained on?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def feature_info(rows: pa.Table, names: Sequence[str], *, categories: bool = False) -> tuple[dict[str, Any], ...]:
    """One row per column (BigQuery docs: 'The ML.FEATURE_INFO function').

    `categories` says that all columns are: the users and items of a matrix factorization are, numbers or not.
    """
    return tuple(_of_column(name, rows.column(name), categories) for name in names)


def _of_column(name: str, column: pa.ChunkedArray, category: bool) -> dict[str, Any]:
    import pyarrow.compute as pc
    import pyarrow.types as t

    if t.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    row: dict[str, Any] = {"input": name, "null_count": column.null_count}
    number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)
    if t.is_list(kind) or t.is_large_list(kind):
        if t.is_struct(kind.value_type):
            # A sparse vector, ARRAY<STRUCT<index, value>>, is as long as its largest index says.
            largest = pc.max(pc.struct_field(pc.list_flatten(column.combine_chunks()), [0])).as_py()
            row["dimension"] = largest + 1 if isinstance(largest, int) else None
    elif number and not category:
        numbers = column.cast("float64")
        row |= {
            "min": pc.min(numbers).as_py(),
            "max": pc.max(numbers).as_py(),
            "mean": pc.mean(numbers).as_py(),
            "median": pc.quantile(numbers, 0.5)[0].as_py(),
            "stddev": pc.stddev(numbers, ddof=1).as_py(),
        }
    elif not t.is_struct(kind) and not (t.is_timestamp(kind) and kind.tz):
        # A TIMESTAMP is taken apart into numbers and parts, every other column is one category per value
        # (BigQuery docs: 'Automatic feature preprocessing').
        row["category_count"] = pc.count_distinct(column).as_py()
    return row
