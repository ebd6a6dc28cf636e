"""Which rows broke the promises of a table? Asked only after a job ended because some did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from augury.errors import DataRefused, QueryRefused
from augury.spec.bigquery import BigQueryPlace
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import quote
from augury.warehouses.bigquery.projection import EXACT, Projection, refused, repeated_columns
from augury.warehouses.contract import Write


def promises(jobs: Jobs, place: BigQueryPlace, write: Write, projection: Projection, sql: str) -> DataRefused:
    """The error that says which columns, how many rows and, of keys, which values."""

    def rows(statement: str) -> list[Any]:
        job = jobs.query(place, statement, Ask(write.labels, write.max_bytes))
        return [tuple(row.values()) for row in job.result(retry=None)]

    source = f"FROM ({sql}\n) AS augury_rows"
    asked = ["COUNT(*)"]
    asked += [f"COUNT({quote(name)})" for name in projection.required]
    asked += [f"COUNTIF(ABS({quote(name)}) >= {EXACT})" for name in projection.rounding]
    total, *counts = rows(f"SELECT {', '.join(f'{one} AS n{at}' for at, one in enumerate(asked))} {source}")[0]
    values, beyond = counts[: len(projection.required)], counts[len(projection.required) :]
    problems = [
        f"column {name!r} is {'a key' if name in projection.keys else 'REQUIRED'} and NULL in {total - count:,} rows"
        for name, count in zip(projection.required, values, strict=True)
        if count != total
    ]
    problems += [
        f"column {name!r}: expected FLOAT64, got integers of 2^53 and more, which would be rounded"
        for name, count in zip(projection.rounding, beyond, strict=True)
        if count
    ]
    if problems or not projection.keys:
        return refused(write, "values do not fit", problems or ["the rows changed since they were written"])
    return _duplicates(write, projection.keys, rows, source)


def _duplicates(write: Write, keys: tuple[str, ...], rows: Callable[[str], list[Any]], source: str) -> DataRefused:
    listed = ", ".join(quote(key) for key in keys)
    groups = f"SELECT {listed}, COUNT(*) AS augury_n {source} GROUP BY {listed} HAVING COUNT(*) > 1"
    samples = rows(
        f"SELECT *, COUNT(*) OVER () AS augury_keys, SUM(augury_n - 1) OVER () AS augury_surplus FROM ({groups}) AS g "
        f"ORDER BY augury_n DESC, {listed} LIMIT 3"
    )
    if not samples:
        return refused(write, "values do not fit", ["the rows changed since they were written"])
    shown = [
        " and ".join(f"{key} {value}" for key, value in zip(keys, row, strict=False)) + f" ({row[-3]} rows)"
        for row in samples
    ]
    count, surplus = samples[0][-2], samples[0][-1]
    more = f", and {count - len(shown)} more" if count > len(shown) else ""
    return refused(
        write,
        f"{count:,} {', '.join(keys)} value{'s' if count > 1 else ''} with more than one row, "
        f"{surplus:,} rows too many",
        [", ".join(shown) + more],
        fix=f"Nothing was replaced. Return one row per {', '.join(keys)}: GROUP BY or QUALIFY.",
    )


def repeated(write: Write, sql: str, error: QueryRefused) -> DataRefused | None:
    """The error of a query with two columns of one name, which BigQuery describes to nobody; None for any other."""
    if "uplicate column" not in error.what:
        return None
    import sqlglot

    try:
        parsed: Any = sqlglot.parse_one(sql, dialect="bigquery")
        return repeated_columns(write, parsed.named_selects)
    except sqlglot.errors.SqlglotError:
        return None
