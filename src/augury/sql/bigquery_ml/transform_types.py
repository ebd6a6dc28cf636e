"""Is what a function learns from of the type that BigQuery documents for it?

BigQuery refuses the rest; DuckDB would read the number out of a string.
"""

from __future__ import annotations

import re
from typing import Literal

Takes = Literal["numbers", "strings", "numbers or strings", "arrays of strings"]

_NUMBER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)")
_STRING = re.compile(r"VARCHAR|ENUM\(.*\)", re.DOTALL)
_ARRAY = re.compile(r"(?:VARCHAR|ENUM\(.*\))\[\d*\]", re.DOTALL)
_KNOWN: dict[Takes, tuple[re.Pattern[str], ...]] = {
    "numbers": (_NUMBER,),
    "strings": (_STRING,),
    "numbers or strings": (_NUMBER, _STRING),
    "arrays of strings": (_ARRAY,),
}
_SHOWN = {
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOL",
    "BIGINT": "INT64",
    "INTEGER": "INT64",
    "DOUBLE": "FLOAT64",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BYTES",
}
_UNTYPED = '"NULL"'


def complaint(takes: Takes, found: str) -> str | None:
    """What is wrong with an argument of the DuckDB type `found`; None where nothing is."""
    if found.startswith(_UNTYPED) or any(pattern.fullmatch(found) for pattern in _KNOWN[takes]):
        return None
    element = found.removesuffix("[]")
    shown = _SHOWN.get(element, element)
    shown = f"ARRAY<{shown}>" if found.endswith("[]") else shown
    return f"it takes {takes}, and its argument is {shown}: write a CAST, or another column"
