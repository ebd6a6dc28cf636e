"""How does a partition become the result of a SELECT or of a stream, and what is refused on the way?

The rows go into a file under a temporary name, the promises are checked on that file, and only then does it
get its name and the pointer move to it. Whatever fails before leaves the partition as it was. Nothing is
synced here: a power cut may cost a table that can be built again; what is published is synced by
`publishing`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augury.errors import DataRefused, Place, QueryRefused, nearest
from augury.names import quote
from augury.warehouses.contract import Partition, TableColumn, Write, Written
from augury.warehouses.duckdb import layout, refusals, types
from augury.warehouses.duckdb.connection import Engine, capturing
from augury.warehouses.duckdb.layout import Layout
from augury.warehouses.duckdb.literals import literal, parquet
from augury.warehouses.duckdb.pointers import Pointers
from augury.warehouses.duckdb.sweeping import naming

if TYPE_CHECKING:
    import pyarrow as pa

_FORMAT = "FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false"
# snappy: zstd saves a third of the bytes and costs 1.2 ms more for 20,000 rows of eight columns.
_EXACT = 2**53
_INCOMING = "augury_incoming"


@dataclass(frozen=True)
class Projection:
    """What is written of a query's columns."""

    select: str
    """The select list."""
    columns: tuple[TableColumn, ...]
    """As they will be recorded."""
    overflowing: tuple[tuple[str, str], ...]
    """(name, engine type) of casts that fail for values that do not fit."""
    rounding: tuple[str, ...]
    """Integers written as FLOAT64."""


def project(write: Write, bound: list[tuple[str, Any]]) -> Projection:
    """Decide what is written. Raises DataRefused for repeated, missing and mistyped columns, all at once."""
    problems: list[str] = []
    select: list[str] = []
    columns: list[TableColumn] = []
    overflowing: list[tuple[str, str]] = []
    rounding: list[str] = []
    if write.day is not None:
        select.append(f"{literal(write.day)} AS run_date")
        columns.append(TableColumn("run_date", "DATE"))
    declared = {name.casefold(): (name, column) for name, column in write.columns.items()}
    seen: dict[str, str] = {}
    for name, kind in bound:
        key = name.casefold()
        if key in seen:
            problems.append(f"two columns are called {seen[key]!r}" + (f" and {name!r}" * (name != seen[key])))
            continue
        seen[key] = name
        if key == "run_date" and write.day is not None:
            continue
        target = types.kept(kind)
        written = name
        if key in declared:
            written, column = declared[key]
            if not types.accepts(column.type, kind):
                got = types.canonical(str(kind))
                problems.append(f"column {written!r}: expected {column.type}, got {got}")
                continue
            target = types.engine(column.type)
            if types.may_round(column.type, kind):
                rounding.append(written)
        if target is None:
            problems.append(f"column {name!r} has type {kind}, which a table cannot keep: CAST it")
            continue
        if types.may_overflow(target, kind):
            overflowing.append((name, target))
        value = quote(name) if target == str(kind) else f"CAST({quote(name)} AS {target})"
        select.append(f"{value} AS {quote(written)}")
        columns.append(TableColumn(written, types.canonical(target)))
    for key, (name, column) in declared.items():
        if key not in seen and (key != "run_date" or write.day is None):
            close = nearest(name, seen.values())
            hint = f", did you mean {close!r}?" if close else ""
            problems.append(f"column {name!r}: expected {column.type}, got no such column{hint}")
    there = {*seen, "run_date"} if write.day is not None else set(seen)
    problems += [f"key column {name!r} is not there" for name in write.unique if name.casefold() not in there]
    if not columns and not problems:
        problems.append("the query returns no columns")
    if problems:
        raise _refused(write, "columns do not fit", problems)
    return Projection(", ".join(select), tuple(columns), tuple(overflowing), tuple(rounding))


def _refused(write: Write, what: str, problems: list[str], fix: str | None = None) -> DataRefused:
    return DataRefused(
        f"{write.table}: {what}",
        where=Place(date=write.day.isoformat() if write.day else None),
        why="; ".join(problems),
        fix=fix or "Nothing was replaced. Correct the query or the declared columns, then run again.",
    )


class Writer:
    """Writes partitions of one namespace."""

    def __init__(self, engine: Engine, folders: Layout, pointers: Pointers, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._layout = folders
        self._pointers = pointers
        self._clock = clock

    def create(self, write: Write, sql: str) -> Written:
        cursor = self._engine.cursor
        projection = project(write, self._engine.bind(sql, cursor))
        before = f"COPY (SELECT {projection.select} FROM ("

        def copy(target: Path) -> int:
            statement = f"{before}{sql}\n)) TO {literal(target)} ({_FORMAT})"
            try:
                return int(cursor.execute(statement).fetchall()[0][0])
            except self._engine.error as error:
                refused = refusals.query_refused(error, statement, len(before))
                if isinstance(refused, QueryRefused) and projection.overflowing:
                    self._explain_overflow(write, sql, projection)
                raise refused from error

        return self._write(write, projection, copy)

    def load(self, write: Write, batches: pa.RecordBatchReader) -> Written:
        import pyarrow as pa

        generate, raised = capturing(batches)
        stream = pa.RecordBatchReader.from_batches(batches.schema, generate())
        with self._engine.own_cursor() as cursor:
            cursor.register(_INCOMING, stream)
            projection = project(write, self._engine.bind(f"FROM {_INCOMING}", cursor))

            def copy(target: Path) -> int:
                statement = f"COPY (SELECT {projection.select} FROM {_INCOMING}) TO {literal(target)} ({_FORMAT})"
                try:
                    return int(cursor.execute(statement).fetchall()[0][0])
                except self._engine.error as error:
                    if raised:
                        raise raised[0] from None
                    refused = refusals.query_refused(error)
                    if isinstance(refused, QueryRefused):
                        raise _refused(write, "a value does not fit its column", [refused.what]) from error
                    raise refused from error

            return self._write(write, projection, copy)

    def _write(self, write: Write, projection: Projection, copy: Callable[[Path], int]) -> Written:
        layout.checked_run_id(write.run_id)
        folder = self._layout.partition(write.table, write.day)
        draft = layout.temporary(folder, write.run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            rows = copy(draft)
            dropped = self._check(write, projection, draft, rows)
            partition = self._commit(write, projection.columns, folder, draft, rows - dropped)
        except OSError as error:
            raise refusals.of_system(error, folder) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        return Written(partition, dropped)

    def _check(self, write: Write, projection: Projection, draft: Path, rows: int) -> int:
        """Hold the new file against its promises; the number of duplicates that were dropped."""
        required = [name for name, column in write.columns.items() if column.required]
        keys = tuple(dict.fromkeys(write.unique))
        if not (required or keys or projection.rounding) or not rows:
            return 0
        never_null = list(dict.fromkeys([*required, *keys]))
        asked = [f"count({quote(name)})" for name in never_null]
        asked += [f"max(abs({quote(name)}))" for name in projection.rounding]
        asked += [f"count(DISTINCT {_row(keys)})"] if keys else []
        found = self._engine.rows(f"SELECT {', '.join(asked)} FROM {parquet([draft])}")[0]
        problems = [
            f"column {name!r} is {'a key' if name in keys else 'REQUIRED'} and NULL in {rows - count:,} rows"
            for name, count in zip(never_null, found, strict=False)
            if count != rows
        ]
        problems += [
            f"column {name!r}: expected FLOAT64, got integers of 2^53 and more, which would be rounded"
            for name, largest in zip(projection.rounding, found[len(never_null) :], strict=False)
            if largest is not None and largest >= _EXACT
        ]
        if problems:
            raise _refused(write, "values do not fit", problems)
        surplus = rows - int(found[-1]) if keys else 0
        if surplus and not write.drop_duplicates:
            raise self._duplicates(write, keys, draft, surplus)
        if surplus:
            self._drop_duplicates(projection, keys, draft)
        return surplus

    def _duplicates(self, write: Write, keys: tuple[str, ...], draft: Path, surplus: int) -> DataRefused:
        listed = ", ".join(quote(key) for key in keys)
        samples = self._engine.rows(
            f"SELECT {listed}, count(*) AS n, count(*) OVER () FROM {parquet([draft])} GROUP BY {listed} "
            f"HAVING count(*) > 1 ORDER BY n DESC, {listed} LIMIT 3"
        )
        shown = [
            " and ".join(f"{key} {value}" for key, value in zip(keys, row, strict=False)) + f" ({row[-2]} rows)"
            for row in samples
        ]
        count = samples[0][-1]
        more = f", and {count - len(shown)} more" if count > len(shown) else ""
        return _refused(
            write,
            f"{count:,} {', '.join(keys)} value{'s' if count > 1 else ''} with more than one row, "
            f"{surplus:,} rows too many",
            [", ".join(shown) + more],
            fix=f"Nothing was replaced. Return one row per {', '.join(keys)}: GROUP BY or QUALIFY.",
        )

    def _drop_duplicates(self, projection: Projection, keys: tuple[str, ...], draft: Path) -> None:
        """Keep the first row of each key in the order of all columns, so that every run keeps the same
        one."""
        order = ", ".join(quote(column.name) for column in projection.columns)
        partition = ", ".join(quote(key) for key in keys)
        kept = layout.temporary(draft.parent)
        try:
            self._engine.rows(
                f"COPY (SELECT * FROM {parquet([draft])} "
                f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {order}) = 1) "
                f"TO {literal(kept)} ({_FORMAT})"
            )
            kept.replace(draft)
        finally:
            kept.unlink(missing_ok=True)

    def _explain_overflow(self, write: Write, sql: str, projection: Projection) -> None:
        """Raise the error that names the column whose values do not fit, if that was the cause."""
        for name, target in projection.overflowing:
            column = quote(name)
            with suppress(QueryRefused):
                found = self._engine.rows(
                    f"SELECT any_value({column})::VARCHAR FROM ({sql}\n) "
                    f"WHERE {column} IS NOT NULL AND TRY_CAST({column} AS {target}) IS NULL"
                )[0][0]
                if found is not None:
                    expected = types.canonical(target)
                    problem = f"column {name!r}: expected {expected}, got {found}, which does not fit"
                    raise _refused(write, "a value does not fit its column", [problem])

    def _commit(
        self, write: Write, columns: tuple[TableColumn, ...], folder: Path, draft: Path, rows: int
    ) -> Partition:
        size = os.path.getsize(draft)  # noqa: PTH202
        with naming(self._layout.main):
            path = give_name(draft, folder, write.run_id)
            partition = Partition(
                table=write.table,
                day=write.day,
                run_id=write.run_id,
                fingerprint=write.fingerprint,
                rows=rows,
                bytes=size,
                columns=columns,
                created_at=self._clock(),
                path=str(path),
                facts=_frozen(write.facts),
            )
            self._pointers.write(folder, partition, path.name, write.description, durable=False)
        return partition


def give_name(source: Path, folder: Path, run_id: str) -> Path:
    """Link `source` as `<run_id>.parquet`, or with a number where the same run wrote that partition
    before."""
    attempt = 0
    while True:
        attempt += 1
        path = folder / (f"{run_id}.parquet" if attempt == 1 else f"{run_id}-{attempt}.parquet")
        with suppress(FileExistsError):
            layout.link(source, path)
            return path


def _row(keys: tuple[str, ...]) -> str:
    return quote(keys[0]) if len(keys) == 1 else "(" + ", ".join(quote(key) for key in keys) + ")"


def _frozen(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(facts)
