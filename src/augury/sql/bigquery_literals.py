"""How is a value written into BigQuery's SQL?

As everywhere in augury a literal holds no line break and never begins with a minus sign. Escapes are those of
BigQuery's string literals (its page "Lexical structure and syntax"), where a quote is written with a backslash.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

EMPTY_LIST = "UNNEST([])"
"""`x IN ()` is no SQL."""

_NEEDS_ESCAPE = re.compile(r"[\x00-\x1f\x7f'\\]")
_WIDEST_INTEGER = 2**63 - 1


def scalar(value: Any) -> str:
    """None, bool, int, float (FLOAT64), Decimal (NUMERIC or BIGNUMERIC), str, date and datetime (DATETIME, or TIMESTAMP
    where it has a zone). Raises ValueError for what has no literal."""
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
            return string(str(value))
        case datetime():
            if value.tzinfo is None:
                return f"DATETIME '{value.isoformat(sep=' ')}'"
            return f"TIMESTAMP '{value.astimezone(UTC).isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
    raise ValueError(f"a {type(value).__name__} has no SQL literal")


def string(text: str) -> str:
    """Text in single quotes."""
    return "'" + _NEEDS_ESCAPE.sub(_escaped, text) + "'"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in "'\\" else f"\\x{ord(character):02x}"


def _integer(value: int) -> str:
    if abs(value) > _WIDEST_INTEGER:
        raise ValueError("an integer of more than 64 bits has no literal in BigQuery: write it as a decimal")
    return str(value) if value >= 0 else f"({value})"


def _float(value: float) -> str:
    if not math.isfinite(value):
        name = "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
        return f"CAST('{name}' AS FLOAT64)"
    text = repr(value)
    return text if math.copysign(1, value) > 0 else f"({text})"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"the decimal {value} has no SQL literal")
    text = format(value, "f")
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole) <= 29 and len(fraction) <= 9:
        return f"NUMERIC '{text}'"
    if len(whole) > 38 or len(fraction) > 38:
        raise ValueError("a decimal of more than 38 digits before or behind the point has no SQL literal")
    return f"BIGNUMERIC '{text}'"
