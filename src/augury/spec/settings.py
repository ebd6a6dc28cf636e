"""Which words do all YAML files share: periods, sizes, names, variables?"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from augury.dates import check_cron, parse_period
from augury.names import is_name


class Settings(BaseModel):
    """Base of everything read from YAML: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _period(value: Any) -> Any:
    if isinstance(value, str):
        return parse_period(value)
    raise ValueError("write a number of days or weeks, such as 90d or 4w")


Period = Annotated[
    int,
    BeforeValidator(_period),
    PlainSerializer(lambda days: f"{days}d", return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*[dw]$"}),
]
"""Days, written `90d` or `4w`."""


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    # Strict, because pydantic takes a bare number such as 19970101 for seconds since 1970.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
        raise ValueError(f"{value!r} is not a date: write YYYY-MM-DD")
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(f"{value} is not a date that exists: {error}") from error


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""A calendar day, written `2026-01-15`."""


def parse_seconds(value: Any) -> float:
    """Seconds of a duration such as `60s`, `5m` or `2h`. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)", str(value).strip())
    if not found:
        raise ValueError(f"{value!r} is not a duration: write 60s, 5m or 2h")
    return float(found[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]


Seconds = Annotated[
    float,
    BeforeValidator(parse_seconds),
    PlainSerializer(lambda seconds: f"{seconds:.12g}s", return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(s|m|min|h)$"}),
]
"""A duration in seconds, written `60s`, `5m` or `2h`."""


def _size(value: Any) -> Any:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)", str(value).strip().upper())
    if not found:
        raise ValueError(f"{value!r} is not a size: write 500MB or 4GB")
    return int(float(found[1]) * 1000 ** ("B", "KB", "MB", "GB", "TB").index(found[2]))


Bytes = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(lambda size: f"{size}B", return_type=str, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*([KMGT]?B)$"}),
]
"""A size in bytes, written `500MB` or `4GB` (powers of 1000)."""


def _name(value: str) -> str:
    if not is_name(value):
        raise ValueError(f"{value!r} is not a name: lower-case letters, digits and _, beginning with a letter")
    return value


Name = Annotated[str, AfterValidator(_name)]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone: write an IANA name such as Europe/Madrid") from error
    return value


Zone = Annotated[str, AfterValidator(_zone)]


def _cron(value: str) -> str:
    check_cron(value)
    return value


Cron = Annotated[str, AfterValidator(_cron)]


def _entity(value: Any) -> Any:
    return value if value == [] else _columns(value)


def _columns(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("write a column name, or a list of column names")
    if not names or not all(name.strip() for name in names):
        raise ValueError("a column name is empty")
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise ValueError(f"the column {twice[0]!r} stands twice")
    return value


Key = Annotated[str | list[str], BeforeValidator(_columns)]
"""A column name, or several that are a key together."""

Entity = Annotated[str | list[str], BeforeValidator(_entity)]
"""A key; or none, for a model in SQL whose rows have no key that is known."""

Dialect = Literal["duckdb", "bigquery"]
"""A dialect of SQL that projects are written in."""

Scalar = str | int | float | bool | None


def _variable(value: Any) -> Any:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, str | int | float | bool) for item in below):
        raise ValueError("a variable is text, a number, true, false, or a flat list or mapping of these")
    return value


Var = Annotated[Scalar | list[Scalar] | dict[str, Scalar], BeforeValidator(_variable)]
"""What a variable may be."""
