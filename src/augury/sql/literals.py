"""How is a value or a name written into SQL? The only place that does it.

The notation is the one that DuckDB and PostgreSQL share; BigQuery's is in `bigquery_literals`. A literal never contains
a line break, so that line numbers in the engine's messages stay those of the file, and never begins with a minus sign,
which next to another one would begin a comment.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from augury.names import quote
from augury.sql import bigquery_literals

_WIDEST_INTEGER = 2**127 - 1
"""HUGEINT; beyond it an engine would silently continue with a float."""
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
_EMPTY_LIST = "(SELECT NULL WHERE FALSE)"
"""`x IN ()` is no SQL, and `x NOT IN (NULL)` would drop every row."""


def literal(value: Any, dialect: str = "duckdb") -> str:
    """A value as a typed SQL literal of a dialect.

    None, bool, int, float (DOUBLE), Decimal (DECIMAL), str, date, datetime (TIMESTAMP, or TIMESTAMPTZ in UTC
    where it has a zone), and lists of these as `(a, b)` for IN. Raises ValueError for what has no literal.
    """
    if isinstance(value, list | tuple):
        return _several(value, dialect)
    if isinstance(value, dict):
        raise ValueError("a mapping has no SQL literal: print one of its values")
    if isinstance(value, str):
        _encodable(value)
    return bigquery_literals.scalar(value) if dialect == "bigquery" else _scalar(value)


def _scalar(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return _integer(value)
        case float():
            return _float(value)
        case Decimal():
            return _decimal(value)
        case str():
            return _string(str(value))
        case datetime():
            return _instant(value)
        case date():
            return f"DATE '{value.isoformat()}'"
    raise ValueError(f"a {type(value).__name__} has no SQL literal")


def identifier(name: str, dialect: str = "duckdb") -> str:
    """A column or table name in quotes. Raises ValueError where no engine could have such a name."""
    if not name:
        raise ValueError("a name cannot be empty")
    _encodable(name)
    return quote(name, dialect)


def _several(values: list[Any] | tuple[Any, ...], dialect: str) -> str:
    if any(isinstance(value, list | tuple | dict) for value in values):
        raise ValueError("a list inside a list has no SQL literal")
    if not values:
        return bigquery_literals.EMPTY_LIST if dialect == "bigquery" else _EMPTY_LIST
    return f"({', '.join(literal(value, dialect) for value in values)})"


def _integer(value: int) -> str:
    if abs(value) > _WIDEST_INTEGER:
        raise ValueError("an integer of more than 128 bits has no SQL literal")
    return str(value) if value >= 0 else f"({value})"


def _float(value: float) -> str:
    if not math.isfinite(value):
        name = "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        return f"CAST('{name}' AS DOUBLE)"
    # Without an exponent 0.1 would be a DECIMAL.
    text = repr(value)
    text = text if "e" in text else f"{text}e0"
    return text if math.copysign(1, value) > 0 else f"({text})"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"the decimal {value} has no SQL literal")
    text = format(value, "f")
    digits = sum(character.isdigit() for character in text)
    if digits > 38:
        raise ValueError("a decimal of more than 38 digits has no SQL literal")
    scale = len(text.partition(".")[2])
    return f"CAST('{text}' AS DECIMAL({max(digits, 1)}, {scale}))"


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    return f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(sep=' ')}'"


def _string(text: str) -> str:
    if "\x00" in text:
        # No escape stands for NUL in a literal.
        return "(" + " || chr(0) || ".join(_string(part) for part in text.split("\x00")) + ")"
    quoted = text.replace("'", "''")
    if not _CONTROL.search(text):
        return f"'{quoted}'"
    escaped = quoted.replace("\\", "\\\\")
    return "E'" + _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", escaped) + "'"


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text with half a surrogate pair cannot be written as UTF-8") from error
