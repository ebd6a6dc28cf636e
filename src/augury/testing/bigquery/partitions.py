"""Which rows does `table$20260115` name?

BigQuery docs: "Manage partitioned table data" (partition decorators), "Introduction to partitioned tables".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from augury.names import quote
from augury.testing.bigquery import names
from augury.testing.bigquery.catalog import Partitioning, Table
from augury.testing.bigquery.refusals import invalid, not_imitated
from augury.testing.bigquery.schema import Field, named

STAMP = "_PARTITIONTIME"
"""The column of an ingestion-time partitioned table that `SELECT *` does not show."""
FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
KINDS = ("DATE", "TIMESTAMP", "DATETIME")


def asked(found: Any, fields: tuple[Field, ...]) -> Partitioning | None:
    """The partitioning that a request asks for, checked against the columns."""
    if not found:
        return None
    if not isinstance(found, Mapping) or found.get("type") not in FORMATS:
        raise invalid(f"timePartitioning.type must be one of {', '.join(FORMATS)}.")
    field = found.get("field")
    if field is not None:
        column = named(fields, names.column(field))
        if column is None:
            raise invalid(f"The field specified for partitioning cannot be found in the schema: {field}.")
        if column["type"] not in KINDS or column["mode"] == "REPEATED":
            raise invalid(
                f"The field {field} specified for partitioning must be a top-level DATE, TIMESTAMP, DATETIME."
            )
        if column["type"] == "DATE" and found["type"] == "HOUR":
            raise invalid("A DATE column cannot be partitioned by HOUR.")
        field = column["name"]
    expiration = found.get("expirationMs")
    return Partitioning(found["type"], field, str(expiration) if expiration is not None else None)


def column_of(table: Table) -> tuple[str, str]:
    """(quoted column, BigQuery type) that decides a row's partition."""
    assert table.partitioning is not None
    if table.partitioning.field is None:
        return quote(STAMP), "TIMESTAMP"
    field = named(table.fields, table.partitioning.field)
    assert field is not None
    return quote(field["name"]), field["type"]


def predicate(table: Table, decorator: str) -> str:
    """Which rows of the table lie in the partition, in DuckDB's SQL."""
    if table.partitioning is None:
        raise invalid(
            f"Cannot read or write partition information of a table that is not partitioned: {table.id}${decorator}"
        )
    column, kind = column_of(table)
    if decorator == "__NULL__":
        return f"{column} IS NULL"
    first, after = bounds(table, decorator)
    return f"{column} >= {_literal(first, kind)} AND {column} < {_literal(after, kind)}"


def bounds(table: Table, decorator: str) -> tuple[datetime, datetime]:
    """First instant of the partition and of the one after it."""
    assert table.partitioning is not None
    form = FORMATS[table.partitioning.type]
    if decorator == "__UNPARTITIONED__":
        raise not_imitated("the streaming buffer's partition __UNPARTITIONED__ (rows are in their partition at once)")
    try:
        first = datetime.strptime(decorator, form).replace(tzinfo=UTC)
    except ValueError:
        raise invalid(
            f"Invalid partition {decorator!r} of {table.id}: {table.partitioning.type} is written {form}."
        ) from None
    if len(decorator) != len(first.strftime(form)):
        raise invalid(f"Invalid partition {decorator!r} of {table.id}: {table.partitioning.type} is written {form}.")
    match table.partitioning.type:
        case "HOUR":
            return first, first + timedelta(hours=1)
        case "DAY":
            return first, first + timedelta(days=1)
        case "MONTH":
            return first, (first + timedelta(days=32)).replace(day=1)
    return first, first.replace(year=first.year + 1)


def name_sql(table: Table, value: str | None = None) -> str:
    """SQL of a row's partition, as decorators are written. `value` stands in the place of the column."""
    assert table.partitioning is not None
    column, kind = column_of(table)
    column = value or column
    plain = f"timezone('UTC', {column})" if kind == "TIMESTAMP" else column
    return f"coalesce(strftime({plain}, '{FORMATS[table.partitioning.type]}'), '__NULL__')"


def stamp_of(table: Table, decorator: str | None, now: datetime) -> str:
    """The ingestion time of new rows: the partition that they are written to, else now."""
    assert table.partitioning is not None
    if decorator:
        return _literal(bounds(table, decorator)[0], "TIMESTAMP")
    form = FORMATS[table.partitioning.type]
    return _literal(datetime.strptime(now.strftime(form), form).replace(tzinfo=UTC), "TIMESTAMP")


def _literal(moment: datetime, kind: str) -> str:
    if kind == "DATE":
        return f"DATE '{date(moment.year, moment.month, moment.day).isoformat()}'"
    plain = moment.replace(tzinfo=None).isoformat(" ")
    return f"TIMESTAMP '{plain}'" if kind == "DATETIME" else f"TIMESTAMPTZ '{plain}+00'"
