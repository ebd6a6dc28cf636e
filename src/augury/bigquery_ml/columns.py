"""What are the columns of a query called in BigQuery's types, and do they fit a model?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from augury.errors import ModelFailed, nearest

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC")


def bigquery_type(kind: pa.DataType) -> str:
    """BigQuery's name of an Arrow type (BigQuery docs: 'Data types')."""
    import pyarrow.types as t

    if t.is_decimal(kind):
        return "NUMERIC" if kind.precision <= 38 and kind.scale <= 9 else "BIGNUMERIC"
    if t.is_timestamp(kind):
        return "TIMESTAMP" if kind.tz else "DATETIME"
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        return f"ARRAY<{bigquery_type(kind.value_type)}>"
    if t.is_struct(kind):
        return f"STRUCT<{', '.join(f'{part.name} {bigquery_type(part.type)}' for part in kind)}>"
    if t.is_dictionary(kind):
        return bigquery_type(kind.value_type)
    tests = (
        (t.is_boolean, "BOOL"),
        (t.is_integer, "INT64"),
        (t.is_floating, "FLOAT64"),
        (t.is_string, "STRING"),
        (t.is_large_string, "STRING"),
        (t.is_binary, "BYTES"),
        (t.is_large_binary, "BYTES"),
        (t.is_date, "DATE"),
        (t.is_time, "TIME"),
    )
    return next((name for test, name in tests if test(kind)), str(kind).upper())


def bigquery_columns(schema: pa.Schema) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, bigquery_type(column.type)) for column in schema)


def check(schema: pa.Schema, needed: Iterable[tuple[str, str]], model: str) -> None:
    """Raises ModelFailed with every column that is missing or of another type than in training."""
    given = {column.name.lower(): bigquery_type(column.type) for column in schema}
    problems: list[str] = []
    for name, wanted in needed:
        found = given.get(name.lower())
        if found is None:
            close = nearest(name.lower(), given)
            problems.append(f"{name} ({wanted}) is missing" + (f": is it called {close}?" if close else ""))
        elif _family(found) != _family(wanted):
            problems.append(f"{name} is {found}, and was {wanted} in training: write CAST({name} AS {wanted})")
    if problems:
        raise ModelFailed(
            f"the rows do not fit the model {model}: {'; '.join(problems)}",
            fix="Give the model the columns that its training query gave, under the same names.",
        )


def _family(kind: str) -> str:
    """Types that stand in for one another: BigQuery coerces numbers."""
    head = kind.split("<")[0]
    return "NUMBER" if head in _NUMBERS else head


def find(columns: Sequence[str], name: str) -> str | None:
    """A column whatever its letter case."""
    return next((column for column in columns if column.lower() == name.lower()), None)
