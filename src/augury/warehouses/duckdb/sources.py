"""What is a source now, and which SELECT shows the part of it that a cutoff allows?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from augury import dates
from augury.errors import DataRefused, StorageFailed, UsageError, nearest, relative
from augury.names import quote
from augury.spec.project import SourceSpec
from augury.warehouses.contract import Bounds, EventDay, Nulls, SourceState, TableColumn
from augury.warehouses.duckdb import drift, source_files
from augury.warehouses.duckdb.connection import Engine
from augury.warehouses.duckdb.csv_files import CsvFiles
from augury.warehouses.duckdb.literals import literal, literals, parquet
from augury.warehouses.duckdb.required import RequiredColumns
from augury.warehouses.duckdb.source_files import DATE, Part, SourceFile, SourceTable

_MARGIN = timedelta(days=1)
"""Shards are cut in somebody's zone, which need not be the source's; rows are then chosen by their own
time."""


@dataclass(frozen=True)
class Resolved:
    """A source as files or tables."""

    state: SourceState
    parts: tuple[Part, ...]
    """Ascending by day."""
    uniform: bool = True
    """All parts have the same columns."""

    def within(self, days: frozenset[date] | None) -> tuple[Part, ...]:
        """Everything, or the shards of `days`."""
        return tuple(part for part in self.parts if days is None or part.day in days)


class Sources:
    """The sources that one warehouse reads."""

    def __init__(self, engine: Engine, project: Path, kept: Path | None) -> None:
        self._engine = engine
        self._project = project
        self._csv = CsvFiles(engine, project, kept)
        self._required = RequiredColumns(engine)
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self._schemas: dict[str, tuple[tuple[str, Any], ...]] = {}
        self._lock = threading.RLock()

    def state(self, source: SourceSpec) -> SourceState | None:
        with self._lock:
            if source.path is None and source.database is None:
                raise UsageError(
                    f"{source.table} is a table of a warehouse that this target does not use",
                    fix="Give the target a copy of its rows: targets.<name>.sources.<source>.path in augury.yml.",
                )
            found = self._database(source) if source.database else self._files(source)
            if found is None:
                return None
            for role, name in (("event_time", source.event_time), ("known_at", source.known_at)):
                if name is not None:
                    _time_column(name, role, found.state)
            return found.state

    # -- what is there ---------------------------------------------------------------------------------------

    def _files(self, source: SourceSpec) -> Resolved | None:
        assert source.path is not None
        if "://" in source.path:
            raise StorageFailed(
                f"{source.path} is not a path of this machine",
                fix="Sources of this warehouse are local files.",
            )
        files = source_files.find(source.path, self._project)
        if not files:
            return None
        signature = source_files.signature(file.signature for file in files)
        return self._once(source, signature, lambda: self._resolve_files(source, files, signature))

    def _resolve_files(self, source: SourceSpec, files: tuple[SourceFile, ...], signature: str) -> Resolved:
        shards = tuple(dict.fromkeys(file.day for file in files if file.day is not None))
        uniform = typed = True
        if source_files.kind_of(files) == "csv":
            columns, typed = self._csv.columns(files, source.columns)
        else:
            known = self._bound(files)
            for file, bound in zip(files, known, strict=True):
                drift.check(relative(file.path, self._project), bound, source.columns)
            uniform = len({tuple((name, str(kind)) for name, kind in bound) for bound in known}) == 1
            described = files[-1:] if uniform else files
            columns = self._engine.describe(f"FROM {parquet((file.path for file in described), by_name=not uniform)}")
        return Resolved(SourceState(signature, columns, shards, typed), files, uniform)

    def _bound(self, files: Sequence[SourceFile]) -> list[tuple[tuple[str, Any], ...]]:
        """Columns of each file. All footers are read in one query, and one file of each kind is bound."""
        new = {str(file.path): file for file in files if file.signature not in self._schemas}
        if len(new) == 1:
            groups: Iterable[list[str]] = [list(new)]
        elif new:
            facts = "(name, type, duckdb_type, num_children, converted_type, scale, precision)"
            rows = self._engine.rows(
                "SELECT list(f) FROM (SELECT file_name AS f, "
                f"list({facts} ORDER BY column_id)::VARCHAR AS shape "
                f"FROM parquet_schema({literals(new)}) GROUP BY f) GROUP BY shape"
            )
            groups = [row[0] for row in rows]
        else:
            groups = []
        for group in groups:
            bound = tuple(self._engine.bind(f"FROM {parquet([group[0]])}"))
            for path in group:
                self._schemas[new[path].signature] = bound
        return [self._schemas[file.signature] for file in files]

    def _database(self, source: SourceSpec) -> Resolved | None:
        assert source.database is not None
        assert source.table is not None
        path = self._project / source.database
        of_file = source_files.database_signature(path)
        if of_file is None:
            return None
        alias = self._engine.attach(path, of_file)
        schema, _, pattern = source.table.rpartition(".")
        names = self._engine.rows(
            f"SELECT table_name FROM duckdb_tables() WHERE database_name = {literal(alias)} "
            f"AND lower(schema_name) = lower({literal(schema or 'main')}) UNION ALL "
            f"SELECT view_name FROM duckdb_views() WHERE database_name = {literal(alias)} "
            f"AND lower(schema_name) = lower({literal(schema or 'main')}) ORDER BY 1"
        )
        prefix = f"{quote(alias)}.{quote(schema or 'main')}."
        chosen: list[SourceTable] = []
        for (name,) in names:
            if source.sharded:
                day = source_files.shard_day(pattern, name)
                if day is not None:
                    chosen.append(SourceTable(prefix + quote(name), day, of_file))
            elif name.casefold() == pattern.casefold():
                chosen.append(SourceTable(prefix + quote(name), None, of_file))
        if not chosen:
            return None
        chosen.sort(key=lambda table: table.day or date.min)
        signature = source_files.signature([of_file, source.table, *(table.name for table in chosen)])
        return self._once(source, signature, lambda: self._resolve_tables(source, chosen, signature))

    def _resolve_tables(self, source: SourceSpec, tables: list[SourceTable], signature: str) -> Resolved:
        known = [tuple(self._engine.bind(f"FROM {table.name}")) for table in tables]
        for table, bound in zip(tables, known, strict=True):
            named = (source.table or "").replace(DATE, table.day.strftime("%Y%m%d") if table.day else DATE)
            drift.check(f"{named} in {source.database}", bound, source.columns)
        uniform = len({tuple((name, str(kind)) for name, kind in bound) for bound in known}) == 1
        columns = self._engine.describe(_union([table.name for table in tables], uniform=uniform))
        shards = tuple(table.day for table in tables if table.day is not None)
        return Resolved(SourceState(signature, columns, shards), tuple(tables), uniform)

    def _once(self, source: SourceSpec, signature: str, resolve: Callable[[], Resolved]) -> Resolved:
        declared = str(sorted((name, column.type) for name, column in source.columns.items()))
        key = (signature, declared)
        if key not in self._resolved:
            self._resolved[key] = resolve()
        return self._resolved[key]

    # -- what a cutoff allows --------------------------------------------------------------------------------

    def sql(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> str:
        found = self._current(source, state)
        days = _allowed_days(source, state.shards, bounds, ZoneInfo(zone)) if state.shards else None
        relation = self._over(found, found.within(days))
        # Without a row, times have no type to be compared with.
        nothing = days == frozenset() or not state.typed
        conditions = ["false"] if nothing else _conditions(source, state, bounds, ZoneInfo(zone))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"(SELECT * FROM {relation}{where})"

    def nulls(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> tuple[Nulls, ...]:
        required = tuple(name for name, column in source.columns.items() if column.required)
        if not required or not state.typed:
            return ()
        found = self._current(source, state)
        days = _allowed_days(source, state.shards, bounds, ZoneInfo(zone)) if state.shards else None
        broken = self._required.broken(required, found.within(days), partial(self._over, found))
        if not broken:
            return ()
        undated = frozenset(map(str.casefold, required))
        conditions = _conditions(source, state, bounds, ZoneInfo(zone), undated=undated)
        return self._required.nulls(required, tuple(source.columns), self._over(found, broken), conditions)

    def _current(self, source: SourceSpec, state: SourceState) -> Resolved:
        declared = str(sorted((name, column.type) for name, column in source.columns.items()))
        with self._lock:
            known = self._resolved.get((state.signature, declared))
            if known is None:
                fresh = self._database(source) if source.database else self._files(source)
                if fresh is None:
                    raise StorageFailed(f"{source.place} is not there any more")
                known = fresh
        return known

    def _over(self, found: Resolved, parts: tuple[Part, ...]) -> str:
        """Some parts of a source; the newest one for its columns where there are none."""
        chosen = parts or found.parts[-1:]
        tables = [part.name for part in chosen if isinstance(part, SourceTable)]
        if tables:
            return tables[0] if len(tables) == 1 else f"({_union(tables, uniform=found.uniform)})"
        files = [part for part in chosen if isinstance(part, SourceFile)]
        if source_files.kind_of(files) == "csv":
            return self._csv.relation(files, found.state.columns)
        return parquet((file.path for file in files), by_name=not found.uniform and len(files) > 1)

    # -- probes ----------------------------------------------------------------------------------------------

    def probe(self, source: SourceSpec, state: SourceState, zone: str) -> tuple[EventDay, ...]:
        """One scan, grouped by day. The digest of a day does not depend on the order of its rows."""
        found = self._current(source, state)
        # Either alone has a blind spot: XOR forgets pairs of equal rows, a sum may balance out.
        digest = "printf('%x-%s', bit_xor(hash(augury_row)), sum(hash(augury_row))::VARCHAR)"
        if not state.typed:
            return ()
        if source.event_time is None:
            rows: list[tuple[Any, ...]] = []
            for day in state.shards:
                relation = self._over(found, found.within(frozenset({day})))
                counted = self._engine.rows(f"SELECT count(*), {digest} FROM {relation} AS augury_row")[0]
                rows.append((day, *counted))
        else:
            day_of = _day_of(_time_column(source.event_time, "event_time", state), zone)
            relation = self._over(found, found.parts)
            rows = self._engine.rows(
                f"SELECT {day_of} AS augury_day, count(*), {digest} FROM {relation} AS augury_row "
                "GROUP BY augury_day HAVING augury_day IS NOT NULL ORDER BY augury_day"
            )
        return tuple(EventDay(day, count, digest) for day, count, digest in rows if count)


def _union(names: Iterable[str], *, uniform: bool) -> str:
    word = " UNION ALL " if uniform else " UNION ALL BY NAME "
    return word.join(f"SELECT * FROM {name}" for name in names)


def _time_column(name: str, role: str, state: SourceState) -> TableColumn:
    """Raises DataRefused where the column is missing or is not a time."""
    columns = state.columns
    found = next((one for one in columns if one.name == name), None) or next(
        (one for one in columns if one.name.casefold() == name.casefold()), None
    )
    if found is None:
        close = nearest(name, (column.name for column in columns))
        raise DataRefused(
            f"{role}: the source has no column {name!r}",
            why=f"its columns are {', '.join(column.name for column in columns[:20])}",
            fix=f"Did you mean {close!r}?" if close else f"Name the column in `{role}` in augury.yml.",
        )
    if not state.typed:
        return found
    if found.type not in ("DATE", "DATETIME", "TIMESTAMP") and not found.type.startswith("TIMESTAMP_"):
        raise DataRefused(
            f"{role}: column {found.name!r} is {found.type}, not a DATE, DATETIME or TIMESTAMP",
            fix="Declare its type under `columns` of the source (CSV), or convert it where it is written.",
        )
    return found


def _bound(column: TableColumn, instant: datetime, zone: ZoneInfo) -> str:
    """`instant` as a value of the column's type."""
    if column.type == "DATE":
        return literal(dates.day_bound(instant, zone))
    if column.type == "TIMESTAMP":
        return literal(instant)
    return literal(dates.naive_bound(instant, zone))


def _conditions(
    source: SourceSpec, state: SourceState, bounds: Bounds, zone: ZoneInfo, *, undated: frozenset[str] = frozenset()
) -> list[str]:
    """What rows inside `bounds` fulfil. Where a column of `undated` (in lower case) has no time, the row is inside."""
    lower, upper, known = bounds.lower, bounds.upper, bounds.known_before
    found: list[str] = []
    for role, name, least, end in (
        ("event_time", source.event_time, lower, upper),
        ("known_at", source.known_at, None, known),
    ):
        if name is None:
            continue
        column = _time_column(name, role, state)
        limits = [f"{quote(column.name)} >= {_bound(column, least, zone)}"] if least is not None else []
        limits += [f"{quote(column.name)} < {_bound(column, end, zone)}"] if end is not None else []
        if limits and name.casefold() in undated:
            limits = [f"({quote(column.name)} IS NULL OR {' AND '.join(limits)})"]
        found += limits
    return found


def _allowed_days(source: SourceSpec, shards: tuple[date, ...], bounds: Bounds, zone: ZoneInfo) -> frozenset[date]:
    """Days of the shards that may hold rows inside `bounds`.

    Without `event_time` the shard's day is the time of its rows, and a day is known when it is over.
    """
    exact = source.event_time is None
    upper = bounds.upper
    if not exact and source.known_at is not None and upper is not None and bounds.known_before is not None:
        # A row of an allowed day may have arrived in the shard of the day on which it became known.
        upper = max(upper, bounds.known_before)
    margin = timedelta(0) if exact else _MARGIN
    low = dates.day_bound(bounds.lower, zone) - margin if bounds.lower is not None else date.min
    high = dates.day_bound(upper, zone) + margin if upper is not None else date.max
    return frozenset(day for day in shards if low <= day < high)


def _day_of(column: TableColumn, zone: str) -> str:
    name = f"augury_row.{quote(column.name)}"
    if column.type == "TIMESTAMP":
        return f"CAST(timezone({literal(zone)}, {name}) AS DATE)"
    return f"CAST({name} AS DATE)"
