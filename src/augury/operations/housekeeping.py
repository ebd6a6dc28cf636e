"""How is a target kept in order by hand? Remove partitions, or forget what the ledger knows, date by date.

A date whose partitions go away is taken from its writers first, with the lock that a run takes. `dry_run` answers
what would be done and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from augury.dates import DateRange
from augury.errors import UsageError
from augury.ledger.records import Decision
from augury.operations.changes import Change, counted
from augury.operations.copying import copy
from augury.operations.locking import hold, refuse_locked
from augury.operations.opened import Opened
from augury.operations.requests import checked_step
from augury.plan.graph import table_of
from augury.spec.files import PipelineSpec

__all__ = ["Change", "clean", "copy", "reset"]


def clean(
    opened: Opened,
    pipeline: str | None,
    step: str,
    within: DateRange | None,
    version: str | None,
    dry_run: bool,
) -> tuple[Change, ...]:
    """Remove the partitions of one step, so that the next run builds them again: one Change per table.

    Without `within` those of all dates; without `version` those of the current one. What is published goes only
    where `step` is `publish` or `archive`. Raises UsageError for a step that nobody has or that keeps no table, and
    Locked where a run is at work on one of the dates; nothing is removed then.
    """
    cleanings = [
        cleaning
        for spec in _having(_wanted(opened, pipeline, version), step)
        for cleaning in _cleanings(opened, spec, step, within)
    ]
    for cleaning in cleanings:
        refuse_locked(opened, cleaning.pipeline, cleaning.days)
    if not dry_run:
        for cleaning in cleanings:
            _clean(opened, cleaning)
    return tuple(Change("remove", cleaning.table, cleaning.detail) for cleaning in cleanings)


def reset(
    opened: Opened, pipeline: str | None, version: str | None, within: DateRange | None, dry_run: bool
) -> tuple[Change, ...]:
    """Forget which partitions were built from what, and how dates ended: one Change per version that had some.

    The data stays where it is, readers notice nothing, and the next run builds everything anew. Models, runs and
    decisions are kept. Raises UsageError and Locked as `clean` does.
    """
    first = within.start if within else None
    last = within.end - timedelta(days=1) if within else None
    wanted = _wanted(opened, pipeline, version)
    known = [(spec, sorted(_known_dates(opened, spec, within))) for spec in wanted]
    for spec, days in known:
        refuse_locked(opened, spec, days)
    changes = []
    for spec, days in known:
        if not days:
            continue
        found = opened.ledger.count_forgettable(spec.name, spec.version, first, last)
        dates, partitions = counted(found["dates"], "date"), counted(found["partitions"], "partition")
        words = f"{dates} and {partitions}, {_span(days)}"
        if not dry_run:
            for day in days:
                with hold(opened, spec, day) as lock:
                    opened.ledger.forget(spec.name, spec.version, day, day, fence=lock.fence())
            _decide(opened, "reset", spec, spec.tables.stem, words)
        changes.append(Change("forget", f"{spec.name} {spec.version}", words))
    return tuple(changes)


# -- cleaning ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cleaning:
    """The partitions of one table that go."""

    pipeline: PipelineSpec
    table: str
    step: str
    days: tuple[date, ...]
    """Ascending; in the warehouse, in the ledger or in both."""
    rows: int

    @property
    def detail(self) -> str:
        return f"{counted(len(self.days), 'partition')}, {_span(self.days)}, {counted(self.rows, 'row')}"


def _cleanings(opened: Opened, spec: PipelineSpec, step: str, within: DateRange | None) -> Iterator[_Cleaning]:
    # Training dates have tables of their own where features read reference data.
    tables = dict.fromkeys((table_of(step, spec.tables), table_of(step, spec.tables, training=True)))
    known = opened.ledger.partitions(spec.name, spec.version)
    others = _of_other_versions(opened, spec)
    for table in tables:
        live = opened.warehouse.partitions(table)
        recorded = {day for of_table, day in known if of_table == table}
        days = tuple(
            sorted(
                day
                for day in live.keys() | recorded
                if (within is None or day in within) and (table, day) not in others
            )
        )
        if days:
            rows = sum(live[day].rows for day in days if day in live)
            yield _Cleaning(spec, table, step, days, rows)


def _of_other_versions(opened: Opened, spec: PipelineSpec) -> set[tuple[str, date]]:
    """Partitions of tables that versions share, the archive, which another version wrote last."""
    return {
        key
        for version in opened.spec.pipelines[spec.name]
        if version != spec.version
        for key in opened.ledger.partitions(spec.name, version)
    }


def _clean(opened: Opened, cleaning: _Cleaning) -> None:
    spec = cleaning.pipeline
    for day in cleaning.days:
        with hold(opened, spec, day) as lock:
            # Forgotten first: a crash in between leaves data that is built again, never a record of data that is gone.
            # Without its published rows a date has no outcome either.
            over = [(spec.name, spec.version, day)] if cleaning.step == "publish" else []
            removed = [(cleaning.table, day)]
            opened.ledger.record_partitions(removed=removed, forgotten=over, fence=lock.fence())
            opened.warehouse.remove(cleaning.table, day, fence=lock.fence())
    _decide(opened, "clean", spec, cleaning.table, cleaning.detail)


def _having(wanted: Sequence[PipelineSpec], step: str) -> list[PipelineSpec]:
    """The versions that have the step. Raises UsageError where none has it, or where it keeps no table."""
    if step in ("validate", "validation", "train", "training", "train_model"):
        raise UsageError(f"{step} keeps no table", fix="Its verdicts and models are in the ledger: augury runs")
    refused: UsageError | None = None
    found = []
    for spec in wanted:
        try:
            checked_step(spec, step)
        except UsageError as error:
            refused = refused or error
        else:
            found.append(spec)
    if not found and refused is not None:
        raise refused
    return found


# -- what both need ----------------------------------------------------------------------------------------------


def _wanted(opened: Opened, pipeline: str | None, version: str | None) -> list[PipelineSpec]:
    """The version that is meant, of one pipeline or of all that have it; the current one by default."""
    if pipeline is not None:
        return [opened.pipeline(pipeline, version)]
    names = [name for name, versions in opened.spec.pipelines.items() if version is None or version in versions]
    if not names and version is not None:
        raise UsageError(f"no pipeline has a version {version!r}", fix="See: augury ls")
    return [opened.pipeline(name, version) for name in names]


def _known_dates(opened: Opened, spec: PipelineSpec, within: DateRange | None) -> set[date]:
    days = {day for _, day in opened.ledger.partitions(spec.name, spec.version)}
    days |= opened.ledger.date_records(spec.name, spec.version).keys()
    return {day for day in days if within is None or day in within}


def _decide(opened: Opened, action: str, spec: PipelineSpec, subject: str, detail: str) -> None:
    opened.ledger.decide(
        Decision(
            at=opened.clock(),
            who=opened.who.user,
            host=opened.who.host,
            action=action,
            pipeline=spec.name,
            version=spec.version,
            subject=subject,
            detail=detail,
        )
    )


def _span(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
