"""Which parts has a date, and how are they taken, cut off and counted on DuckDB?

BigQuery docs: 'Date functions', 'Timestamp functions', 'Datetime functions': WEEK begins on Sunday, ISOWEEK on Monday,
WEEK(day) on that day; differences of dates count boundaries.
"""

from __future__ import annotations

WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
DATE_PARTS = frozenset(
    [
        "MICROSECOND",
        "MILLISECOND",
        "SECOND",
        "MINUTE",
        "HOUR",
        "DAY",
        "DAYOFWEEK",
        "DAYOFYEAR",
        "WEEK",
        "ISOWEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
        "ISOYEAR",
        "DATE",
        "TIME",
        "DATETIME",
    ]
)
PLAIN = ("DAY", "MONTH", "QUARTER", "YEAR", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
"""Parts that both engines cut at the same places."""
SUB_DAY = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
MICROSECONDS = {
    "MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}  # fmt: skip

_PART_AT = {
    "EXTRACT": 0,
    **dict.fromkeys(("DATE_DIFF", "DATETIME_DIFF", "TIMESTAMP_DIFF", "TIME_DIFF"), 2),
    **dict.fromkeys(("DATE_TRUNC", "DATETIME_TRUNC", "TIMESTAMP_TRUNC", "TIME_TRUNC", "LAST_DAY"), 1),
}


def part_position(function: str) -> int | None:
    """Which argument of a function (0-based) is a part of a date."""
    return _PART_AT.get(function)


def week_start(part: str) -> int | None:
    """The day on which weeks begin, 0 for Sunday; None where the part is no week."""
    if part == "WEEK":
        return 0
    if part == "ISOWEEK":
        return 1
    return WEEKDAYS.index(part[5:-1]) if part.startswith("WEEK(") else None


def truncated(date: str, part: str) -> str:
    """The first moment of the part that `date` lies in: a TIMESTAMP, or what `date` is where it has a time."""
    start = week_start(part)
    if start is not None:
        # DuckDB's weeks begin on Monday: move there, cut, move back.
        days = (8 - start) % 7
        if not days:
            return f"date_trunc('week', {date})"
        return f"(date_trunc('week', {date} + to_days({days})) - to_days({days}))"
    if part == "ISOYEAR":
        # The week of 4 January is the first of its ISO year.
        return f"date_trunc('week', make_timestamp(CAST(extract(isoyear FROM {date}) AS BIGINT), 1, 4, 0, 0, 0.0))"
    return f"date_trunc('{part.lower()}', {date})"


def extracted(part: str) -> str | None:
    """A template for the part of `{0}` as a BIGINT, a DATE or a TIME; None where there is no such part."""
    start = week_start(part)
    if part == "ISOWEEK":
        return "extract(week FROM {0})"
    if start is not None:
        return f"((extract(doy FROM {{0}}) + 6 - (extract(dow FROM {{0}}) + {7 - start}) % 7) // 7)"
    return {
        "DAYOFWEEK": "(extract(dow FROM {0}) + 1)",
        "DAYOFYEAR": "extract(doy FROM {0})",
        "MICROSECOND": "(extract(microsecond FROM {0}) % 1000000)",
        "MILLISECOND": "(extract(millisecond FROM {0}) % 1000)",
        "SECOND": "extract(second FROM {0})",
        "DATE": "CAST({0} AS DATE)",
        "TIME": "CAST({0} AS TIME)",
        "DATETIME": "CAST({0} AS TIMESTAMP)",
    }.get(part) or (f"extract({part.lower()} FROM {{0}})" if part in DATE_PARTS else None)
