"""What is a source now, and which SELECT shows the part of it that a cutoff allows?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from augury import dates
from augury.errors import DataRefused, StorageFailed, nearest, relative
from augury.spec.bigquery import BigQueryPlace
from augury.spec.project import SourceSpec
from augury.warehouses.bigquery import source_files
from augury.warehouses.bigquery.jobs import Ask, Jobs
from augury.warehouses.bigquery.names import TableId, literal, quote
from augury.warehouses.bigquery.source_loads import SourceLoads
from augury.warehouses.bigquery.source_tables import Part, SourceTables, signature
from augury.warehouses.contract import Bounds, EventDay, Nulls, SourceState, TableColumn

_MARGIN = timedelta(days=1)
"""Shards are cut in somebody's zone, which need not be the source's; rows are then chosen by their own time."""
_SHOWN = 4
"""Columns of a row that is shown."""


@dataclass(frozen=True)
class Resolved:
    """A source as tables."""

    state: SourceState
    parts: tuple[Part, ...]
    """Ascending by day; those of files are not loaded yet."""
    files: tuple[Path, ...] = ()

    def within(self, days: frozenset[date] | None) -> tuple[int, ...]:
        """Positions of everything, or of the shards of `days`."""
        return tuple(at for at, part in enumerate(self.parts) if days is None or part.day in days)


class Sources:
    """The sources that one warehouse reads."""

    def __init__(
        self, jobs: Jobs, tables: SourceTables, loads: SourceLoads, main: BigQueryPlace, project_root: Path
    ) -> None:
        self._jobs = jobs
        self._tables = tables
        self._loads = loads
        self._main = main
        self._root = project_root
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self._complete: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._lock = threading.RLock()

    def state(self, source: SourceSpec) -> SourceState | None:
        with self._lock:
            found = self._find(source)
            if found is None:
                return None
            for role, name in (("event_time", source.event_time), ("known_at", source.known_at)):
                if name is not None:
                    _time_column(name, role, found.state)
            return found.state

    # -- what is there ---------------------------------------------------------------------------------------

    def _find(self, source: SourceSpec) -> Resolved | None:
        if source.database is not None:
            raise StorageFailed(
                f"the source is a table of {source.database}, a file of DuckDB's",
                fix="Give this target a location of its own: `sources: {NAME: {table: dataset.table}}`.",
            )
        return self._of_files(source) if source.path is not None else self._of_tables(source)

    def _of_files(self, source: SourceSpec) -> Resolved | None:
        files = source_files.find(source.path or "", self._root)
        if not files:
            return None

        def resolve(key: str) -> Resolved:
            parts: list[Part] = []
            typed = True
            for file in files:
                fields, known = self._loads.fields(file, source.columns)
                source_files.check(relative(file.path, self._root), fields, source.columns)
                typed = typed and known
                parts.append(Part(TableId("", "", ""), file.day, fields, file.signature))
            return self._united(key, tuple(parts), tuple(file.path for file in files), typed)

        return self._once(source, signature(file.signature for file in files), resolve)

    def _of_tables(self, source: SourceSpec) -> Resolved | None:
        parts = self._tables.find(source.table or "")
        if not parts:
            return None

        def resolve(key: str) -> Resolved:
            for part in parts:
                source_files.check(str(part.table), part.fields, source.columns)
            return self._united(key, parts, (), True)

        return self._once(source, signature(part.signature for part in parts), resolve)

    def _united(self, key: str, parts: tuple[Part, ...], files: tuple[Path, ...], typed: bool) -> Resolved:
        columns: dict[str, TableColumn] = {}
        for part in reversed(parts):
            for field in part.fields:
                columns.setdefault(field.name.casefold(), field.column)
        shards = tuple(part.day for part in parts if part.day is not None)
        return Resolved(SourceState(key, tuple(columns.values()), shards, typed), parts, files)

    def _once(self, source: SourceSpec, key: str, resolve: Callable[[str], Resolved]) -> Resolved:
        named = (key, _declared(source))
        if named not in self._resolved:
            self._resolved[named] = resolve(key)
        return self._resolved[named]

    def _current(self, source: SourceSpec, state: SourceState) -> Resolved:
        with self._lock:
            known = self._resolved.get((state.signature, _declared(source))) or self._find(source)
            if known is None:
                raise StorageFailed(f"{source.path or source.table} is not there any more")
            return known

    def reference(self, path: Path) -> str:
        """A parenthesised SELECT of a CSV file of reference data."""
        if not path.is_file():
            raise StorageFailed(f"the reference file {path} is not there")
        file = source_files.find(str(path.absolute()), self._root)[0]
        fields, _ = self._loads.fields(file, {})
        return f"(SELECT * FROM {self._loads.table(file.path, fields, {}).sql})"

    # -- what a cutoff allows --------------------------------------------------------------------------------

    def sql(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> str:
        found = self._current(source, state)
        days = _allowed_days(source, state.shards, bounds, ZoneInfo(zone)) if state.shards else None
        nothing = days == frozenset() or not state.typed
        conditions = ["FALSE"] if nothing else _conditions(source, state, bounds, ZoneInfo(zone))
        return f"(SELECT * FROM {self._over(source, found, found.within(days))}{_where(conditions)})"

    def _over(self, source: SourceSpec, found: Resolved, chosen: tuple[int, ...]) -> str:
        """Some parts of a source; the newest one for its columns where there are none."""
        parts = [self._readable(source, found, at) for at in chosen or (len(found.parts) - 1,)]
        own = {tuple((field.name, field.kind) for field in part.fields) for part in parts}
        whole = tuple((column.name, column.type) for column in found.state.columns)
        if len(parts) == 1 and tuple((name, str(kind)) for name, kind in next(iter(own))) == whole:
            return parts[0].table.sql
        return f"({' UNION ALL '.join(_as(found.state.columns, part) for part in parts)}) AS augury_parts"

    def _readable(self, source: SourceSpec, found: Resolved, at: int) -> Part:
        part = found.parts[at]
        if not found.files:
            return self._tables.nearby(part)
        return replace(part, table=self._loads.table(found.files[at], part.fields, source.columns))

    # -- required columns ------------------------------------------------------------------------------------

    def nulls(self, source: SourceSpec, state: SourceState, bounds: Bounds, zone: str) -> tuple[Nulls, ...]:
        """One query per state of the source where nothing is missing, none where the tables say so themselves."""
        required = tuple(name for name, column in source.columns.items() if column.required)
        if not required or not state.typed:
            return ()
        found = self._current(source, state)
        if all(set(map(str.casefold, required)) <= part.required for part in found.parts):
            return ()
        key = (state.signature, required)
        if key not in self._complete and not any(part.filtered for part in found.parts):
            rows, *values = self._count(required, self._over(source, found, found.within(None)), ())
            self._complete[key] = all(count == rows for count in values)
        if self._complete.get(key):
            return ()
        days = _allowed_days(source, state.shards, bounds, ZoneInfo(zone)) if state.shards else None
        if days == frozenset():
            return ()
        relation = self._over(source, found, found.within(days))
        conditions = _conditions(source, state, bounds, ZoneInfo(zone), undated=frozenset(map(str.casefold, required)))
        rows, *values = self._count(required, relation, conditions)
        return tuple(
            Nulls(name, rows - count, self._sample(name, tuple(source.columns), relation, conditions))
            for name, count in zip(required, values, strict=True)
            if count != rows
        )

    def _count(self, columns: Sequence[str], relation: str, conditions: Sequence[str]) -> tuple[int, ...]:
        """Rows, then values of each column."""
        counts = ", ".join(f"COUNT({quote(name)}) AS n{at}" for at, name in enumerate(columns))
        return self._rows(f"SELECT COUNT(*) AS n, {counts} FROM {relation}{_where(conditions)}")[0]

    def _sample(self, name: str, declared: Sequence[str], relation: str, conditions: Sequence[str]) -> dict[str, Any]:
        """The first row in which a column is NULL, in the order of the other declared ones."""
        others = [other for other in declared if other != name][:_SHOWN]
        if not others:
            return {}
        listed = ", ".join(map(quote, others))
        order = ", ".join(f"{quote(other)} NULLS LAST" for other in others)
        where = _where([*conditions, f"{quote(name)} IS NULL"])
        found = self._rows(f"SELECT {listed} FROM {relation}{where} ORDER BY {order} LIMIT 1")
        return dict(zip(others, found[0], strict=True)) if found else {}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        job = self._jobs.query(self._main, sql, Ask({}))
        found: Any = self._jobs.asked(lambda: [tuple(row.values()) for row in job.result(retry=None)])
        return list(found)

    # -- probes ----------------------------------------------------------------------------------------------

    def probe(self, source: SourceSpec, state: SourceState, zone: str) -> tuple[EventDay, ...]:
        """One scan, grouped by day. The digest of a day does not depend on the order of its rows."""
        if not state.typed:
            return ()
        found = self._current(source, state)
        # Either alone has a blind spot: XOR forgets pairs of equal rows, a sum may balance out.
        digest = "BIT_XOR(augury_hash) AS x, SUM(CAST(augury_hash AS NUMERIC)) AS s"
        days: list[tuple[Any, ...]] = []
        if source.event_time is None:
            for day in state.shards:
                relation = self._over(source, found, found.within(frozenset({day})))
                days += self._rows(
                    f"SELECT {literal(day)} AS d, COUNT(*) AS n, {digest} FROM ({_hashed(relation, '0')})"
                )
        else:
            day_of = _day_of(_time_column(source.event_time, "event_time", state), zone)
            hashed = _hashed(self._over(source, found, found.within(None)), day_of)
            days = self._rows(
                f"SELECT augury_day AS d, COUNT(*) AS n, {digest} FROM ({hashed}) "
                "WHERE augury_day IS NOT NULL GROUP BY augury_day ORDER BY augury_day"
            )
        return tuple(EventDay(day, count, f"{x & (2**64 - 1):x}-{total:f}") for day, count, x, total in days if count)


def _hashed(relation: str, day_of: str) -> str:
    return (
        f"SELECT {day_of} AS augury_day, FARM_FINGERPRINT(TO_JSON_STRING(augury_row)) AS augury_hash "
        f"FROM (SELECT * FROM {relation}) AS augury_row"
    )


def _declared(source: SourceSpec) -> str:
    return str(sorted((name, column.type) for name, column in source.columns.items()))


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _as(schema: tuple[TableColumn, ...], part: Part) -> str:
    """A part with all columns of its source: those that came later are NULL."""
    own = {field.name.casefold(): field for field in part.fields}
    values: list[str] = []
    for column in schema:
        mine = own.get(column.name.casefold())
        value = f"CAST(NULL AS {column.type})" if mine is None else quote(mine.name)
        if mine is not None and str(mine.kind) != column.type:
            value = f"CAST({value} AS {column.type})"
        values.append(f"{value} AS {quote(column.name)}")
    return f"SELECT {', '.join(values)} FROM {part.table.sql}"


def _time_column(name: str, role: str, state: SourceState) -> TableColumn:
    """Raises DataRefused where the column is missing or is not a time."""
    found = next((one for one in state.columns if one.name.casefold() == name.casefold()), None)
    if found is None:
        close = nearest(name, (column.name for column in state.columns))
        raise DataRefused(
            f"{role}: the source has no column {name!r}",
            why=f"its columns are {', '.join(column.name for column in state.columns[:20])}",
            fix=f"Did you mean {close!r}?" if close else f"Name the column in `{role}` in augury.yml.",
        )
    if state.typed and found.type not in ("DATE", "DATETIME", "TIMESTAMP"):
        raise DataRefused(
            f"{role}: column {found.name!r} is {found.type}, not a DATE, DATETIME or TIMESTAMP",
            fix="Declare its type under `columns` of the source (CSV), or convert it where it is written.",
        )
    return found


def _bound(column: TableColumn, instant: datetime, zone: ZoneInfo) -> str:
    """`instant` as a value of the column's type."""
    if column.type == "DATE":
        return literal(dates.day_bound(instant, zone))
    return literal(instant if column.type == "TIMESTAMP" else dates.naive_bound(instant, zone))


def _conditions(
    source: SourceSpec, state: SourceState, bounds: Bounds, zone: ZoneInfo, *, undated: frozenset[str] = frozenset()
) -> list[str]:
    """What rows inside `bounds` fulfil. Where a column of `undated` (in lower case) has no time, the row is inside."""
    found: list[str] = []
    for role, name, least, end in (
        ("event_time", source.event_time, bounds.lower, bounds.upper),
        ("known_at", source.known_at, None, bounds.known_before),
    ):
        if name is None:
            continue
        column = _time_column(name, role, state)
        limits = [f"{quote(column.name)} >= {_bound(column, least, zone)}"] if least is not None else []
        limits += [f"{quote(column.name)} < {_bound(column, end, zone)}"] if end is not None else []
        if limits and name.casefold() in undated:
            limits = [f"({quote(column.name)} IS NULL OR ({' AND '.join(limits)}))"]
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
    return f"DATE({name}, {literal(zone)})" if column.type == "TIMESTAMP" else f"DATE({name})"
