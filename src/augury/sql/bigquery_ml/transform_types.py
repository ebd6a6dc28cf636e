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
_SHOWN = (
    (re.compile(r"VARCHAR"), "STRING"),
    (re.compile(r"BOOLEAN"), "BOOL"),
    (re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?"), "INT64"),
    (re.compile(r"FLOAT|DOUBLE"), "FLOAT64"),
    (re.compile(r"DECIMAL\(.*\)"), "NUMERIC"),
    (re.compile(r"TIMESTAMP WITH TIME ZONE"), "TIMESTAMP"),
    (re.compile(r"TIMESTAMP.*"), "DATETIME"),
    (re.compile(r"BLOB"), "BYTES"),
)
"""DuckDB's types as BigQuery calls them; the first that fits."""
_UNTYPED = '"NULL"'


def complaint(takes: Takes, found: str) -> str | None:
    """What is wrong with an argument of the DuckDB type `found`; None where nothing is."""
    if found.startswith(_UNTYPED) or any(pattern.fullmatch(found) for pattern in _KNOWN[takes]):
        return None
    element = found.removesuffix("[]")
    shown = next((name for pattern, name in _SHOWN if pattern.fullmatch(element)), element)
    shown = f"ARRAY<{shown}>" if found.endswith("[]") else shown
    return f"it takes {takes}, and its argument is {shown}: write a CAST, or another column"
