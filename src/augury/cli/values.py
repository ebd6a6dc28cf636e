"""How does a value of augury or of a table appear in JSON, in CSV and in a cell of text?

JSON has no NaN, dates or decimals: `plain` says what stands for them. Numbers that are not finite become the
words `NaN`, `Infinity` and `-Infinity`, so that they differ from NULL.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from augury.cli.text import CONTROL, neutral
from augury.errors import AuguryError

Mask = Callable[[str], str]


def plain(value: Any, mask: Mask = str, advise: Mask = str) -> Any:
    """`value` as JSON can hold it. `mask` is called on every text, keys included; `advise` on the advice of errors."""
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value, mask, advise)
        case str():
            return mask(value)
        case int() | float() | Decimal():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Path():
            return mask(str(value))
        case AuguryError():
            facts = value.as_dict()
            return plain({**facts, "fix": advise(facts["fix"])} if facts["fix"] else facts, mask)
        case Mapping():
            return {mask(_key(key)): plain(item, mask, advise) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item, mask, advise) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return plain(fields, mask, advise)
    return mask(str(value))


def _key(key: Any) -> str:
    return str(key.value) if isinstance(key, Enum) else str(key)


def _number(value: float | Decimal) -> int | float | str:
    if isinstance(value, Decimal):
        return _decimal(value)
    return value if math.isfinite(value) else _unfinite(value)


def _unfinite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Decimal) -> int | float | str:
    """A number where JSON readers get the same digits back; text where they would not."""
    if not value.is_finite():
        return _unfinite(float(value))
    if value == value.to_integral_value() and value.as_tuple().exponent == 0:
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    """One line of JSON. Control characters are escaped, so no ESC byte can be in it."""
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, separators=(", ", ": "))
    # json leaves these as they are; a terminal would take some of them for the beginning of an escape code.
    return text if text.isascii() else CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def csv_cell(value: Any, mask: Mask = str) -> str:
    """A value as csv holds it: NULL is empty, nested values are JSON, controls are shown as escapes."""
    if type(value) is int:  # most cells, and nothing to think about
        return str(value)
    made = plain(value, mask)
    if made is None:
        return ""
    if isinstance(made, bool):
        return "true" if made else "false"
    if isinstance(made, dict | list):
        return to_json(made)
    return neutral(made) if isinstance(made, str) else str(made)


def text_cell(value: Any) -> str:
    """A value as a cell of a text table."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else _unfinite(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds" if value.microsecond else "seconds")
    return csv_cell(value)


def is_number(value: Any) -> bool:
    """Whether a column of such values is aligned to the right."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
