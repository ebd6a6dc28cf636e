"""Moments as numbers and as text: BigQuery docs, 'Timestamp functions', 'Format elements for date and time parts'."""

from __future__ import annotations

from augury.sql.bigquery.calling import Arguments, Builder, Sql, string_literal, template
from augury.sql.bigquery.formats import parsed_format, written_format


def timestamp(a: Arguments) -> Sql:
    """TIMESTAMP(text | date | datetime[, zone]): in UTC unless a zone or an offset says otherwise."""
    a.count(1, 2)
    if len(a) == 1:
        return Sql(f"CAST({a.sql(0)} AS TIMESTAMP WITH TIME ZONE)", "TIMESTAMP")
    return Sql(f"timezone({a.sql(1)}, CAST({a.sql(0)} AS TIMESTAMP))", "TIMESTAMP")


def time(a: Arguments) -> Sql:
    a.count(1, 3)
    if len(a) == 3:
        return Sql(f"make_time({a.sql(0)}, {a.sql(1)}, CAST({a.sql(2)} AS DOUBLE))", "TIME")
    a.count(1)
    return Sql(f"CAST({a.sql(0)} AS TIME)", "TIME")


def formatted(type_: str, zone: bool) -> Builder:
    def build(a: Arguments) -> Sql:
        a.count(2, 3 if zone else 2)
        pattern = a.literal(0)
        if pattern is None:
            a.lacks(f"{a.call.name}(): the format must be a string literal")
        moment = f"CAST({a.sql(1)} AS {type_})"
        if zone:
            moment = f"timezone({a.sql(2) if len(a) == 3 else string_literal('UTC')}, {moment})"
        return Sql(a.fill(written_format(a, pattern, in_utc=zone and len(a) == 2), moment), "STRING")

    return build


def parsed(kind: str) -> Builder:
    def build(a: Arguments) -> Sql:
        a.count(2, 3 if kind == "TIMESTAMP" else 2)
        pattern = a.literal(0)
        if pattern is None:
            a.lacks(f"{a.call.name}(): the format must be a string literal")
        text = f"strptime({a.sql(1)}, {string_literal(parsed_format(a, pattern, kind))})"
        if kind == "DATE":
            return Sql(f"CAST({text} AS DATE)", kind)
        if kind == "TIMESTAMP" and "%z" not in pattern and "%Ez" not in pattern:
            return Sql(f"timezone({a.sql(2) if len(a) == 3 else string_literal('UTC')}, {text})", kind)
        if kind == "TIMESTAMP":
            return Sql(f"CAST({text} AS TIMESTAMP WITH TIME ZONE)", kind)
        return Sql(f"CAST({text} AS {'TIME' if kind == 'TIME' else 'TIMESTAMP'})", kind)

    return build


def from_unix(factor: int) -> Builder:
    return template(f"make_timestamptz(CAST({{0}} AS BIGINT) * {factor})", "TIMESTAMP")


def to_unix(factor: int) -> Builder:
    """Cut down to whole parts, also before 1970."""
    micros = "epoch_us(CAST({0} AS TIMESTAMP WITH TIME ZONE))"
    return template(f"CAST(floor({micros} / {factor}.0) AS BIGINT)" if factor > 1 else micros, "INT64")


_ZONED = "TIMESTAMP WITH TIME ZONE"

MOMENTS: dict[str, Builder] = {
    "TIMESTAMP": timestamp,
    "TIME": time,
    "STRING": template("CAST({0} AS VARCHAR)", "STRING"),
    "FORMAT_DATE": formatted("DATE", False),
    "FORMAT_DATETIME": formatted("TIMESTAMP", False),
    "FORMAT_TIMESTAMP": formatted(_ZONED, True),
    "PARSE_DATE": parsed("DATE"),
    "PARSE_DATETIME": parsed("DATETIME"),
    "PARSE_TIMESTAMP": parsed("TIMESTAMP"),
    "PARSE_TIME": parsed("TIME"),
    "TIMESTAMP_SECONDS": from_unix(1_000_000),
    "TIMESTAMP_MILLIS": from_unix(1_000),
    "TIMESTAMP_MICROS": from_unix(1),
    "UNIX_SECONDS": to_unix(1_000_000),
    "UNIX_MILLIS": to_unix(1_000),
    "UNIX_MICROS": to_unix(1),
    "UNIX_DATE": template("({0} - DATE '1970-01-01')", "INT64"),
    "DATE_FROM_UNIX_DATE": template("(DATE '1970-01-01' + CAST({0} AS INTEGER))", "DATE"),
}
