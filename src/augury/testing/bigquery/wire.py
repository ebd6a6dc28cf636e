"""How do rows look in JSON?

BigQuery docs: REST "tabledata.list" and "jobs.getQueryResults": each row is `{"f": [{"v": ...}]}`; numbers, booleans
and times are strings, BYTES are base64, TIMESTAMP is seconds since 1970 or, with `formatOptions.useInt64Timestamp`,
microseconds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from augury.testing.bigquery.schema import Field

if TYPE_CHECKING:
    import pyarrow as pa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Shown = Callable[[Any], Any]


def rows(table: pa.Table, fields: Sequence[Field], *, microseconds: bool) -> list[dict[str, Any]]:
    """Rows of an Arrow table whose columns are those of `fields`, in their order."""
    cells = [_cell(field, microseconds) for field in fields]
    columns = [[show(value) for value in _values(column)] for show, column in zip(cells, table.columns, strict=True)]
    return [{"f": [{"v": value} for value in row]} for row in zip(*columns, strict=True)]


def _values(column: Any) -> list[Any]:
    """Python values; times as integers where Arrow would ask for a library of time zones."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        unit: list[Any] = column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()).to_pylist()
        return unit
    found: list[Any] = column.to_pylist()
    return found


def _cell(field: Field, microseconds: bool) -> Shown:
    if field["mode"] == "REPEATED":
        one = _cell({**field, "mode": "NULLABLE"}, microseconds)
        return lambda value: [{"v": one(item)} for item in value or ()]
    if field["type"] == "RECORD":
        inner = [(sub["name"], _cell(sub, microseconds)) for sub in field["fields"]]
        return lambda value: None if value is None else {"f": [{"v": show(value[name])} for name, show in inner]}
    if field["type"] == "TIMESTAMP":
        return _whole_timestamp if microseconds else _timestamp
    show = SHOWN.get(field["type"], str)
    return lambda value: None if value is None else show(value)


def _micros(value: Any) -> int:
    if isinstance(value, datetime):
        past = (value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH
        return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
    return int(value)


def _whole_timestamp(value: Any) -> str | None:
    return None if value is None else str(_micros(value))


def _timestamp(value: Any) -> str | None:
    return None if value is None else repr(_micros(value) / 1_000_000)


def _datetime(value: Any) -> str:
    return (EPOCH + timedelta(microseconds=_micros(value))).replace(tzinfo=None).isoformat()


def _float(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _decimal(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(value: time) -> str:
    return value.isoformat()


def _date(value: date) -> str:
    return value.isoformat()


SHOWN: dict[str, Shown] = {
    "BOOLEAN": lambda value: "true" if value else "false",
    "BYTES": lambda value: base64.b64encode(value).decode(),
    "DATE": _date,
    "DATETIME": _datetime,
    "FLOAT": _float,
    "NUMERIC": _decimal,
    "BIGNUMERIC": _decimal,
    "TIME": _time,
    "JSON": lambda value: json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False),
}
