"""What are the categories of a column, and which one does each row have?

A category is kept as text or as an integer: days of a DATE, microseconds of a DATETIME or TIME, 0 and 1 of a BOOL, a
part of a TIMESTAMP's UTC clock time. BYTES are kept as base64.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.supervised.columns import Kind

Level = int | str
Positions = npt.NDArray[np.int64]

Part = Literal["", "DOM", "DOW", "MOY", "HOD", "MOH", "WOY", "YEAR"]
PARTS: Mapping[Part, Callable[[Any], Any]] = {
    "DOM": pc.day,
    # Sunday is 1, as in EXTRACT(DAYOFWEEK FROM ...).
    "DOW": lambda at: pc.day_of_week(at, count_from_zero=False, week_start=7),
    "MOY": pc.month,
    "HOD": pc.hour,
    "MOH": pc.minute,
    # Weeks begin on Sunday; days before the first Sunday are in week 0, as in EXTRACT(WEEK FROM ...).
    "WOY": lambda at: pc.floor(
        pc.divide(
            pc.cast(
                pc.subtract(pc.add(pc.day_of_year(at), 6), pc.day_of_week(at, count_from_zero=True, week_start=7)),
                pa.float64(),
            ),
            7.0,
        )
    ),
    "YEAR": pc.year,
}
"""Parts of a TIMESTAMP in the order of the documentation's table; `_TS_DOM_column` and so on are their names."""

NULL = "_null_filler"
"""How ML.WEIGHTS calls the category of NULL."""


def keys(column: Any, kind: Kind, part: Part = "") -> Any:
    """A plain array as the text, bytes or int64 that its categories are made of; NULL stays NULL."""
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), _stored(kind))
    if kind == "timestamp":
        utc = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()).cast(pa.timestamp("us"))
        return PARTS[part](utc).cast(pa.int64())
    if kind == "datetime":
        return column.cast(pa.timestamp("us")).cast(pa.int64())
    if kind == "time":
        return column.cast(pa.time64("us")).cast(pa.int64())
    if kind == "date":
        return column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    return column.cast(_stored(kind))


def _stored(kind: Kind) -> Any:
    return {"string": pa.string(), "bytes": pa.binary()}.get(kind, pa.int64())


def learn(column: Any, kind: Kind, part: Part = "") -> tuple[Level, ...]:
    """The categories of a training column, in ascending order."""
    found = sorted(pc.unique(keys(column, kind, part)).drop_null().to_pylist())
    return tuple(base64.b64encode(level).decode() for level in found) if kind == "bytes" else tuple(found)


def value_set(levels: Sequence[Level], kind: Kind) -> Any:
    """For `positions`; made once per model, as a column may have many categories."""
    if kind == "bytes":
        return pa.array([base64.b64decode(str(level)) for level in levels], pa.binary())
    return pa.array(levels, _stored(kind))


def positions(found: Any, known: Any) -> Positions:
    """The position of each key among the known ones; their number for NULL, and one more for an unseen key."""
    count = len(known)
    out: Positions = pc.index_in(found, value_set=known).fill_null(count + 1).to_numpy().astype(np.int64)
    if found.null_count:
        out[found.is_null().to_numpy(zero_copy_only=False)] = count
    return out


def text(level: Level, kind: Kind) -> str:
    """A category as BigQuery casts it to STRING."""
    if isinstance(level, str):
        return level
    if kind == "bool":
        return "true" if level else "false"
    if kind == "date":
        return (date(1970, 1, 1) + timedelta(days=level)).isoformat()
    if kind == "datetime":
        return (datetime(1970, 1, 1) + timedelta(microseconds=level)).isoformat(" ")  # noqa: DTZ001
    if kind == "time":
        return (datetime.combine(date(1970, 1, 1), time()) + timedelta(microseconds=level)).time().isoformat()
    return str(level)
