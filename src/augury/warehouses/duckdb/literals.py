"""How is a value written into DuckDB's SQL? Through here only, as a typed literal on one line.

Relations must not contain a line break: the engine's `LINE n` then still counts the lines of the user's own
text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from augury.names import quote

Value = str | int | bool | date | datetime | Path | None


def literal(value: Value) -> str:
    """`value` as a typed literal. Naive datetimes become TIMESTAMP, aware ones TIMESTAMPTZ in UTC."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return _text(str(value))


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain a NUL character")
    doubled = text.replace("'", "''")
    if "\n" in text or "\r" in text:
        escaped = doubled.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        return f"E'{escaped}'"
    return f"'{doubled}'"


def literals(values: Iterable[Value]) -> str:
    """A list literal."""
    return "[" + ", ".join(literal(value) for value in values) + "]"


def parquet(files: Iterable[Path | str], *, by_name: bool = False) -> str:
    """A table function over Parquet files.

    Folders called `run_date=...` would otherwise add a second `run_date`, so hive partitioning is always off.
    """
    paths = [str(file) for file in files]
    named = literal(paths[0]) if len(paths) == 1 else literals(paths)
    union = ", union_by_name = true" if by_name else ""
    return f"read_parquet({named}, hive_partitioning = false{union})"


def empty(columns: Iterable[tuple[str, str]]) -> str:
    """A parenthesised SELECT of no rows with these (name, engine type) columns."""
    listed = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns)
    return f"(SELECT {listed} WHERE false)"
