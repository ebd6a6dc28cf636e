"""How many bytes does a query read, as BigQuery counts them?

BigQuery docs: "Estimate and control costs", "Data types" (storage size), REST "Job" (totalBytesProcessed,
totalBytesBilled): INT64, FLOAT64, DATE, DATETIME, TIME, TIMESTAMP 8 bytes, BOOL 1, NUMERIC 16, BIGNUMERIC 32, STRING 2
plus its UTF-8, BYTES 2 plus its bytes, JSON its text, STRUCT and ARRAY what they contain, NULL nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from augury.names import quote
from augury.testing.bigquery import partitions
from augury.testing.bigquery.catalog import Table
from augury.testing.bigquery.schema import Field

FIXED = {
    "INTEGER": 8,
    "FLOAT": 8,
    "DATE": 8,
    "DATETIME": 8,
    "TIME": 8,
    "TIMESTAMP": 8,
    "BOOLEAN": 1,
    "NUMERIC": 16,
    "BIGNUMERIC": 32,
}
MEBIBYTE = 1024 * 1024
LEAST_BILLED = 10 * MEBIBYTE
"""BigQuery docs: "Pricing", on-demand: rounded up to the MB, at least 10 MB per table and per query."""


def billed(weights: Iterable[int]) -> int:
    """What a query that reads tables of these weights costs, in bytes. Nothing read is nothing billed."""
    found = [max(LEAST_BILLED, -(-one // MEBIBYTE) * MEBIBYTE) for one in weights]
    return sum(found)


def weight_sql(field: Field, value: str) -> str:
    """Bytes of one value."""
    if field["mode"] == "REPEATED":
        one = weight_sql({**field, "mode": "NULLABLE"}, "x")
        return f"coalesce(list_sum(list_transform({value}, lambda x: {one})), 0)"
    if field["type"] == "RECORD":
        inner = [_inside(one, value) for one in field["fields"]]
        return f"({' + '.join(inner)})"
    if field["type"] in FIXED:
        return f"(CASE WHEN {value} IS NULL THEN 0 ELSE {FIXED[field['type']]} END)"
    if field["type"] == "BYTES":
        return f"coalesce(2 + octet_length({value}), 0)"
    return f"coalesce(2 + strlen(CAST({value} AS VARCHAR)), 0)"


def _inside(field: Field, value: str) -> str:
    return weight_sql(field, f"struct_extract({value}, '{field['name'].replace(chr(39), chr(39) * 2)}')")


class Sizes:
    """Rows and bytes of tables, remembered by version. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, str], tuple[int, int]] = {}

    def of(self, cursor: Any, table: Table) -> tuple[int, int]:
        """(rows, bytes) of a whole table."""
        return self.part(cursor, table, [one["name"] for one in table.fields], "true")

    def part(self, cursor: Any, table: Table, columns: Iterable[str], where: str) -> tuple[int, int]:
        """(rows, bytes) of some columns, in the rows where DuckDB's condition holds."""
        if table.physical is None:
            return 0, 0
        chosen = {name.lower() for name in columns}
        read = [one for one in table.fields if one["name"].lower() in chosen]
        weights = [weight_sql(one, quote(one["name"])) for one in read]
        if table.stamped and partitions.STAMP.lower() in chosen:
            weights.append("8")
        sql = f"SELECT count(*), coalesce(sum({' + '.join(weights) or '0'}), 0) FROM {table.physical} WHERE {where}"
        key = (table.physical, table.version, sql)
        with self._lock:
            if key in self._known:
                return self._known[key]
        rows, weight = cursor.execute(sql).fetchall()[0]
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[key] = (int(rows), int(weight))
        return int(rows), int(weight)
