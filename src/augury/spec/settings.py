"""Which words do all YAML files share: periods, sizes, names, variables?"""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

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
    int, BeforeValidator(_period), WithJsonSchema({"type": "string", "pattern": r"^\d+\s*[dw]$"})
]
"""Days, written `90d` or `4w`."""


def _seconds(value: Any) -> Any:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)", str(value).strip())
    if not found:
        raise ValueError(f"{value!r} is not a duration: write 60s, 5m or 2h")
    return float(found[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600}[found[2]]


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
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
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*([KMGT]?B)$"}),
]
"""A size in bytes, written `500MB` or `4GB` (powers of 1000)."""


def _name(value: str) -> str:
    if not is_name(value):
        raise ValueError(
            f"{value!r} is not a name: lower-case letters, digits and _, beginning with a letter"
        )
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

Scalar = str | int | float | bool | None
Var = Scalar | list[Scalar] | dict[str, Scalar]
"""What a variable may be."""
