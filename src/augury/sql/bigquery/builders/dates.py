"""Dates: BigQuery docs, 'Date functions', 'Datetime functions'. A DATE stays a DATE, differences count boundaries."""

from __future__ import annotations

from augury.sql.bigquery.calling import Arguments, Builder, Sql, string_literal
from augury.sql.bigquery.intervals import interval_of, make_interval
from augury.sql.bigquery.parts import MICROSECONDS, PLAIN, SUB_DAY, extracted, truncated, week_start


def moved(sign: str, kind: str) -> Builder:
    """DATE_ADD and its like. DuckDB makes a TIMESTAMP of a DATE and an interval."""

    def build(a: Arguments) -> Sql:
        a.count(2)
        amount, unit = interval_of(a, 1)
        given = a.kind(0) or kind
        if kind == "DATE" and given == "DATE":
            return Sql(_moved_date(a, sign, amount, unit), "DATE")
        if kind == "TIMESTAMP" and unit in ("WEEK", "MONTH", "QUARTER", "YEAR"):
            a.refuse(f"{a.call.name}() moves a TIMESTAMP by DAY or less, not by {unit}: cast it to DATETIME first")
        moment = a.moment(0) if kind != "TIME" else a.sql(0)
        return Sql(f"({moment} {sign} {make_interval(amount, unit)})", given)

    return build


def _moved_date(a: Arguments, sign: str, amount: str, unit: str) -> str:
    if unit in SUB_DAY:
        a.refuse(f"{a.call.name}() of a DATE moves by DAY or more, not by {unit}")
    date = a.date(0)
    if unit in ("DAY", "WEEK"):
        days = (
            amount if unit == "DAY" and amount.lstrip("-").isdigit() else f"CAST(({amount}) * {_days(unit)} AS INTEGER)"
        )
        return f"({date} {sign} {days})"
    # A TIMESTAMP here would lose its time of day without a word.
    return f"CAST(({a.certain_date(0)} {sign} {make_interval(amount, unit)}) AS DATE)"


def _days(unit: str) -> int:
    return 7 if unit == "WEEK" else 1


def date_diff(a: Arguments) -> Sql:
    """Boundaries crossed: from 31 December to 1 January is one year."""
    a.count(3)
    part = a.part(2)
    dates = a.call.name == "DATE_DIFF"
    if dates and {"TIMESTAMP", "DATETIME"} & {a.kind(0), a.kind(1)}:
        a.refuse("DATE_DIFF() takes dates: write DATE(x), or TIMESTAMP_DIFF or DATETIME_DIFF")
    later, earlier = (a.certain_date(at) if dates else a.moment(at) for at in (0, 1))
    start = week_start(part)
    if start is not None:
        first, last = truncated(f"CAST({earlier} AS DATE)", part), truncated(f"CAST({later} AS DATE)", part)
        return Sql(f"(date_diff('day', {first}, {last}) // 7)", "INT64")
    if part == "ISOYEAR":
        return Sql(f"(extract(isoyear FROM {later}) - extract(isoyear FROM {earlier}))", "INT64")
    if part not in PLAIN or (dates and part in SUB_DAY):
        a.refuse(f"{a.call.name}(): {part} is no part that is counted")
    return Sql(f"date_diff('{part.lower()}', {earlier}, {later})", "INT64")


def timestamp_diff(a: Arguments) -> Sql:
    """Whole parts that passed, cut towards zero: 59 minutes are no hour."""
    a.count(3)
    part = a.part(2)
    if part not in MICROSECONDS:
        a.refuse(f"{a.call.name}() counts DAY or less, not {part}: compare DATE(x)")
    passed = f"(epoch_us({a.moment(0)}) - epoch_us({a.moment(1)}))"
    return Sql(f"({passed} // {MICROSECONDS[part]})" if part != "MICROSECOND" else passed, "INT64")


def date_trunc(a: Arguments) -> Sql:
    a.count(2, 3)
    part = a.part(1)
    if len(a) == 3:
        return timestamp_trunc(a)
    kind = a.kind(0)
    if kind in ("TIMESTAMP", "DATETIME"):
        return Sql(truncated(a.sql(0), part), kind)
    unseen = kind is None and a.literal(0) is None
    if part in SUB_DAY and unseen:
        a.lacks(f"DATE_TRUNC(x, {part}): the type of x is not seen, write TIMESTAMP_TRUNC or DATETIME_TRUNC")
    if part in SUB_DAY:
        a.refuse(f"DATE_TRUNC() cuts a DATE at DAY or more, not at {part}")
    if unseen:
        # A DATE, a DATETIME or a TIMESTAMP, as the column turns out to be.
        return Sql(a.fill(f"cast_to_type({truncated('{0}', part)}, {{0}})", a.sql(0)))
    return Sql(f"CAST({truncated(a.date(0), part)} AS DATE)", "DATE")


def timestamp_trunc(a: Arguments) -> Sql:
    """In UTC, or in the zone that is the third argument."""
    a.count(2, 3)
    part = a.part(1)
    if len(a) == 2:
        return Sql(
            truncated(a.moment(0), part), a.kind(0) or ("DATETIME" if "DATETIME" in a.call.name else "TIMESTAMP")
        )
    zone = a.sql(2)
    local = f"timezone({zone}, CAST({a.moment(0)} AS TIMESTAMP WITH TIME ZONE))"
    return Sql(f"timezone({zone}, {truncated(local, part)})", "TIMESTAMP")


def last_day(a: Arguments) -> Sql:
    a.count(1, 2)
    part = a.part(1) if len(a) == 2 else "MONTH"
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}.get(part)
    date = a.date(0)
    if months:
        return Sql(f"CAST({truncated(date, part)} + to_months({months}) - to_days(1) AS DATE)", "DATE")
    if week_start(part) is None:
        a.refuse(f"LAST_DAY() of {part}: it knows MONTH, QUARTER, YEAR, WEEK and ISOWEEK")
    return Sql(f"CAST({truncated(date, part)} + to_days(6) AS DATE)", "DATE")


def extract(a: Arguments) -> Sql:
    a.count(2)
    part = a.part(0)
    pattern = extracted(part)
    if pattern is None:
        a.refuse(f"EXTRACT({part} FROM x): no such part")
    kind = part if part in ("DATE", "TIME", "DATETIME") else "INT64"
    return Sql(a.fill(pattern, a.moment(1) if a.literal(1) is not None else a.sql(1)), kind)


def date(a: Arguments) -> Sql:
    """DATE(y, m, d), DATE(moment), DATE(moment, zone)."""
    a.count(1, 3)
    if len(a) == 3:
        return Sql(f"make_date({', '.join(a.all())})", "DATE")
    if len(a) == 2:
        return Sql(f"CAST(timezone({a.sql(1)}, CAST({a.sql(0)} AS TIMESTAMP WITH TIME ZONE)) AS DATE)", "DATE")
    return Sql(f"CAST({a.sql(0)} AS DATE)", "DATE")


def datetime_(a: Arguments) -> Sql:
    """DATETIME(y, m, d, h, m, s), DATETIME(date, time), DATETIME(moment[, zone])."""
    a.count(1, 6)
    if len(a) == 6:
        return Sql(f"make_timestamp({', '.join(a.all()[:5])}, CAST({a.sql(5)} AS DOUBLE))", "DATETIME")
    if len(a) == 1:
        return Sql(f"CAST({a.sql(0)} AS TIMESTAMP)", "DATETIME")
    a.count(2)
    if a.kind(1) == "TIME":
        return Sql(f"({a.date(0)} + {a.sql(1)})", "DATETIME")
    if a.literal(1) is None:
        a.lacks("DATETIME(x, y): whether y is a TIME or a zone cannot be seen; cast it with CAST(y AS TIME)")
    return Sql(f"timezone({a.sql(1)}, CAST({a.sql(0)} AS TIMESTAMP WITH TIME ZONE))", "DATETIME")


def current(kind: str, type_: str) -> Builder:
    """CURRENT_DATE('zone') and its like; constants where the time of the translation is given."""

    def build(a: Arguments) -> Sql:
        a.count(0, 1)
        now = f"CAST({string_literal(a.context.now)} AS TIMESTAMP WITH TIME ZONE)" if a.context.now else "now()"
        if kind == "TIMESTAMP":
            return Sql(now, kind)
        zone = a.sql(0) if len(a) else "'UTC'"
        return Sql(f"CAST(timezone({zone}, {now}) AS {type_})", kind)

    return build


DATES: dict[str, Builder] = {
    "DATE": date,
    "DATETIME": datetime_,
    "DATE_ADD": moved("+", "DATE"),
    "DATE_SUB": moved("-", "DATE"),
    "DATETIME_ADD": moved("+", "DATETIME"),
    "DATETIME_SUB": moved("-", "DATETIME"),
    "TIMESTAMP_ADD": moved("+", "TIMESTAMP"),
    "TIMESTAMP_SUB": moved("-", "TIMESTAMP"),
    "TIME_ADD": moved("+", "TIME"),
    "TIME_SUB": moved("-", "TIME"),
    "DATE_DIFF": date_diff,
    "DATETIME_DIFF": date_diff,
    "TIMESTAMP_DIFF": timestamp_diff,
    "DATE_TRUNC": date_trunc,
    "DATETIME_TRUNC": timestamp_trunc,
    "TIMESTAMP_TRUNC": timestamp_trunc,
    "LAST_DAY": last_day,
    "EXTRACT": extract,
    "CURRENT_DATE": current("DATE", "DATE"),
    "CURRENT_DATETIME": current("DATETIME", "TIMESTAMP"),
    "CURRENT_TIME": current("TIME", "TIME"),
    "CURRENT_TIMESTAMP": current("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
}
