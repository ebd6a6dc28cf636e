"""Which SELECT reads the live partitions of some days? On one line, and with nothing but literals to prune by.

Partitions written before a column came or changed are given the columns and types of the newest one, so that every
reader of the same partitions sees the same schema; columns that only older ones have come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from augury.warehouses.bigquery.names import literal, quote
from augury.warehouses.bigquery.projection import RUN_DATE
from augury.warehouses.bigquery.records import Entry
from augury.warehouses.contract import TableColumn

Columns = tuple[TableColumn, ...]


def select(entries: Sequence[Entry]) -> str:
    """A parenthesised SELECT of at least one partition."""
    schema = united(entries)
    parts: dict[tuple[str, Columns], list[Entry]] = {}
    for entry in entries:
        # Shards of the same columns are one part: a query has at most 256 KB of text ('Quotas and limits').
        parts.setdefault(("" if entry.sharded else entry.target, entry.columns), []).append(entry)
    return f"({' UNION ALL '.join(_part(schema, members) for members in parts.values())})"


def _part(schema: Columns, members: Sequence[Entry]) -> str:
    one = members[0]
    chosen = f"SELECT {_as(schema, one.columns)} FROM "
    if one.sharded and len(members) > 1:
        # A shard is replaced with its columns, so these stand in the order in which they were recorded.
        return f"{chosen}({' UNION ALL '.join(f'SELECT * FROM {quote(each.target)}' for each in members)}) AS shards"
    rows = chosen + quote(one.target)
    if one.day is None or one.sharded:
        return rows
    days = sorted(member.day for member in members if member.day is not None)
    if len(days) == 1:
        return f"{rows} WHERE {RUN_DATE} = {literal(days[0])}"
    # A list of dates prunes partitions as a comparison does ('Querying partitioned tables').
    return f"{rows} WHERE {RUN_DATE} IN ({', '.join(map(literal, days))})"


def nothing(columns: Iterable[TableColumn]) -> str:
    """An empty relation; `run_date` comes first where `columns` do not have it."""
    known = tuple(columns)
    if not any(column.name.casefold() == RUN_DATE for column in known):
        known = (TableColumn(RUN_DATE, "DATE"), *known)
    listed = ", ".join(f"CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in known)
    return f"(SELECT {listed} FROM (SELECT 1 AS augury_nothing) WHERE FALSE)"


def united(entries: Iterable[Entry]) -> Columns:
    """The columns of the newest partition, then those that only older ones have."""
    found: dict[str, TableColumn] = {}
    seen: set[Columns] = set()
    for entry in sorted(entries, key=lambda one: (one.ended_at, str(one.day)), reverse=True):
        if entry.columns not in seen:
            seen.add(entry.columns)
            for column in entry.columns:
                found.setdefault(column.name.casefold(), column)
    return tuple(found.values())


def _as(schema: Columns, columns: Columns) -> str:
    own = {column.name.casefold(): column for column in columns}
    parts: list[str] = []
    for column in schema:
        mine = own.get(column.name.casefold())
        name = quote(column.name)
        if mine is None:
            parts.append(f"CAST(NULL AS {column.type}) AS {name}")
        elif mine == column:
            parts.append(name)
        else:
            parts.append(f"CAST({quote(mine.name)} AS {column.type}) AS {name}")
    return ", ".join(parts)
