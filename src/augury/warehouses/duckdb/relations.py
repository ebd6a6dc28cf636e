"""Which SELECT reads the live partitions of some days? Explicit files, never a glob.

Partitions written before a column came or changed are given the columns and types of the newest one, so that
every reader of the same partitions sees the same schema; columns that only older ones have come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from augury.names import quote
from augury.warehouses.contract import Partition, TableColumn
from augury.warehouses.duckdb import types
from augury.warehouses.duckdb.literals import empty, parquet

Columns = tuple[TableColumn, ...]


def select(partitions: Sequence[Partition]) -> str:
    """A parenthesised SELECT of at least one partition."""
    groups: dict[Columns, list[Partition]] = {}
    for partition in partitions:
        groups.setdefault(partition.columns, []).append(partition)
    if len(groups) == 1:
        return f"(SELECT * FROM {parquet(one.path for one in partitions)})"
    schema = united(partitions)
    parts = [
        f"SELECT {_as(schema, columns)} FROM {parquet(one.path for one in members)}"
        for columns, members in groups.items()
    ]
    return f"({' UNION ALL '.join(parts)})"


def nothing(columns: Iterable[TableColumn]) -> str:
    """An empty relation; `run_date` comes first where `columns` do not have it."""
    known = tuple(columns)
    if not any(column.name.casefold() == "run_date" for column in known):
        known = (TableColumn("run_date", "DATE"), *known)
    return empty((column.name, types.engine(column.type)) for column in known)


def united(partitions: Iterable[Partition]) -> Columns:
    """The columns of the newest partition, then those that only older ones have."""
    found: dict[str, TableColumn] = {}
    newest_first = sorted(partitions, key=lambda one: (one.created_at, str(one.day)), reverse=True)
    seen: set[Columns] = set()
    for partition in newest_first:
        if partition.columns in seen:
            continue
        seen.add(partition.columns)
        for column in partition.columns:
            found.setdefault(column.name.casefold(), column)
    return tuple(found.values())


def _as(schema: Columns, columns: Columns) -> str:
    own = {column.name.casefold(): column for column in columns}
    parts: list[str] = []
    for column in schema:
        mine = own.get(column.name.casefold())
        name = quote(column.name)
        if mine is None:
            parts.append(f"CAST(NULL AS {types.engine(column.type)}) AS {name}")
        elif mine.type == column.type:
            parts.append(f"{quote(mine.name)} AS {name}")
        else:
            parts.append(f"CAST({quote(mine.name)} AS {types.engine(column.type)}) AS {name}")
    return ", ".join(parts)
