"""Do the ledger, the warehouse and the views say the same?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from augury.errors import AuguryError, Locked, StorageFailed
from augury.ledger.records import Status
from augury.operations.finding import Finding, command, described
from augury.operations.locking import hold, is_locked
from augury.operations.opened import GoneVersion, Opened
from augury.plan.graph import table_of
from augury.spec.files import PipelineSpec
from augury.warehouses.contract import Partition

OWN = ("predict", "post_process", "publish", "archive")


def lost_partitions(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Partitions that the ledger calls built and that cannot be read. With `fix` they are removed."""
    for spec in _specs(opened):
        # The warehouse is asked first, so that what a run finishes meanwhile is never taken for lost.
        live = {table: opened.warehouse.partitions(table) for table in _tables(spec)}
        lost: dict[str, dict[date, str]] = {}
        for (table, day), record in opened.ledger.partitions(spec.name, spec.version).items():
            there = day in live.get(table, {}) or opened.warehouse.partition(table, day) is not None
            if not there and record.status is not Status.SKIPPED_MISSING:
                lost.setdefault(table, {})[day] = "there is no data, or its pointer cannot be read"
        for table, partitions in live.items():
            lost.setdefault(table, {}).update(_unreadable(opened, table, partitions))
        for table, found in lost.items():
            days = [day for day in sorted(found) if not is_locked(opened, spec, day)]
            if days:
                yield _lost(opened, spec, table, days, found[days[0]], fix)


def _lost(opened: Opened, spec: PipelineSpec, table: str, days: list[date], why: str, fix: bool) -> Finding:
    published = table == spec.tables.predictions
    forgotten = [day for day in days if _forget(opened, spec, table, day, published)] if fix else []
    again = command("run", spec, days, current=opened.current_version(spec.name))
    mended = forgotten == days
    return Finding(
        f"{table}: the data of {described(days)} is gone or damaged",
        f"{days[0]}: {why}",
        ("Removed, so that the next run builds it: " if mended else "Build it again: augury doctor --fix, then ")
        + again,
        mended=mended,
    )


def _forget(opened: Opened, spec: PipelineSpec, table: str, day: date, published: bool) -> bool:
    """False where a run took the date in between: it builds what it needs."""
    try:
        with hold(opened, spec, day) as lock:
            over = [(spec.name, spec.version, day)] if published else []
            opened.ledger.record_partitions(removed=[(table, day)], forgotten=over, fence=lock.fence())
            # A pointer to a damaged file would go on breaking whatever reads the whole table.
            opened.warehouse.remove(table, day, fence=lock.fence())
    except Locked:
        return False
    return True


def _unreadable(opened: Opened, table: str, partitions: Mapping[date, Partition]) -> dict[date, str]:
    """Days whose rows cannot be counted, or are not as many as were written, with the reason."""
    days = list(partitions)
    if not days:
        return {}
    relation = opened.warehouse.partition_sql(table, days)
    try:
        with opened.warehouse.read(f"SELECT run_date, count(*) AS n FROM {relation} GROUP BY run_date") as reader:
            counted = {row["run_date"]: row["n"] for batch in reader for row in batch.to_pylist()}
    except AuguryError as error:
        if len(days) == 1:
            return {days[0]: " ".join(part for part in (error.what, error.why) if part)}
        half = len(days) // 2
        return {
            day: why
            for some in (days[:half], days[half:])
            for day, why in _unreadable(opened, table, {day: partitions[day] for day in some}).items()
        }
    return {
        day: f"{counted.get(day, 0):,} rows instead of {partition.rows:,}"
        for day, partition in partitions.items()
        if counted.get(day, 0) != partition.rows
    }


def unknown_partitions(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Partitions that lie in the warehouse and that the ledger does not know. Whoever needs one builds it anew."""
    for name, versions in opened.spec.pipelines.items():
        owners = {table: spec for spec in versions.values() for table in _tables(spec)}
        live = {table: opened.warehouse.partitions(table) for table in owners}
        known = {key for version in versions for key in opened.ledger.partitions(name, version)}
        for table, partitions in live.items():
            spec = owners[table]
            days = [day for day in partitions if (table, day) not in known and not is_locked(opened, spec, day)]
            if days:
                current = opened.current_version(name)
                yield Finding(
                    f"{table}: the ledger does not know the data of {described(days)}",
                    "it was reset, moved away, or written by somebody else",
                    f"Readers see it as before. Build it anew: {command('run', spec, days, current=current)}",
                )


def views(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Names that consumers read and that show nothing, or another version than the one that was decided."""
    for name, versions in opened.spec.pipelines.items():
        current = opened.current_version(name)
        if current not in versions:
            gone = GoneVersion(name, current, versions)
            yield Finding(gone.what, gone.why or "", gone.fix or "")
            continue
        tables = versions[current].tables
        pairs = ((tables.current_predictions, tables.predictions), (tables.current_staging, tables.staging))
        for view, table in pairs:
            finding = _view(opened, versions[current], view, table, fix)
            if finding is not None:
                yield finding


def _view(opened: Opened, spec: PipelineSpec, view: str, table: str, fix: bool) -> Finding | None:
    there = bool(opened.warehouse.partitions(table))
    try:
        shown, why = opened.warehouse.view(view), ""
    except StorageFailed as error:
        shown, why = None, f"{error.what}: {error.why}"
    if shown == table and not there:
        return Finding(
            f"{view}: the table that it shows is gone: {table}",
            "it has no partition",
            f"Build it: augury run {spec.name} --date DATE. "
            f"Or show another version: augury set-version {spec.name} VERSION",
        )
    if shown == table or (shown is None and not there and not why):
        return None
    if fix and there:
        opened.warehouse.set_view(view, table)
    return Finding(
        f"{view} does not show {table}, the {spec.version} that consumers were promised",
        why or f"it shows {shown or 'nothing'}",
        f"It shows {table} now."
        if fix and there
        else "Point it: augury doctor --fix"
        if there
        else f"{table} has no partition yet: build it first, augury run {spec.name} --date DATE",
        mended=fix and there,
    )


def _tables(spec: PipelineSpec) -> Sequence[str]:
    """Every table that a version may have."""
    names = [table_of(step, spec.tables, training=own) for own in (False, True) for step in (*spec.steps, *OWN)]
    return tuple(dict.fromkeys(name for name in names if name))


def _specs(opened: Opened) -> Iterator[PipelineSpec]:
    for versions in opened.spec.pipelines.values():
        yield from versions.values()
