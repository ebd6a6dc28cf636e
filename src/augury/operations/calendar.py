"""Which dates are due, and which one comes next? Taken from the schedule and the ledger, never from write times."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from augury import dates
from augury.ledger.records import DateRecord, Status
from augury.operations.opened import Opened
from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class Past:
    """What became of the run dates of one pipeline version."""

    records: Mapping[date, DateRecord]
    """The latest outcome of each date."""
    complete: frozenset[date]
    """Dates that consumers have: succeeded or skipped last time, or published before and still there since."""
    queued: Mapping[date, str] = field(default_factory=dict)
    """Dates that the service has still to do, with the run that has them."""

    @property
    def latest(self) -> date | None:
        return max(self.complete, default=None)

    @property
    def begun(self) -> date | None:
        """The first date that anybody tried or asked the service for."""
        return min(self.records.keys() | self.complete | self.queued.keys(), default=None)


def past_of(opened: Opened, pipeline: PipelineSpec) -> Past:
    records = opened.ledger.date_records(pipeline.name, pipeline.version)
    partitions = opened.ledger.partitions(pipeline.name, pipeline.version)
    # A date that is held now stays published as it was: the last good partition is what consumers read.
    published = {
        day
        for (table, day), record in partitions.items()
        if table == pipeline.tables.predictions and record.status is Status.SUCCEEDED
    }
    done = {day for day, record in records.items() if record.status.complete}
    return Past(records, frozenset(done | published), opened.ledger.busy_dates(pipeline.name, pipeline.version))


def due_date(pipeline: PipelineSpec, now: datetime) -> date | None:
    """The newest run date whose cutoff and cron time have passed; the last one where the pipeline has ended."""
    today = now.astimezone(pipeline.zone).date()
    day = pipeline.grid.at_or_before(today)
    if day is None or (fires_at(pipeline, day) <= now and pipeline.cutoffs.of(day) <= now):
        return day
    return pipeline.grid.before(day)


def fires_at(pipeline: PipelineSpec, day: date) -> datetime:
    """When the cron of a run date fires first, in the zone of its schedule."""
    before = dates.first_instant(day, pipeline.zone) - timedelta(seconds=1)
    found = dates.next_tick(pipeline.settings.schedule.cron, pipeline.zone, before)
    assert found is not None  # the date is on the grid because its cron fires on it
    return found


def next_run(pipeline: PipelineSpec, now: datetime) -> datetime | None:
    """When the cron fires next, in the zone of the schedule; None once the pipeline has ended."""
    settings = pipeline.settings
    start = dates.first_instant(settings.start, pipeline.zone) - timedelta(seconds=1)
    return dates.next_tick(settings.schedule.cron, pipeline.zone, max(now, start), settings.end)


def date_to_score(pipeline: PipelineSpec, complete: Collection[date], now: datetime) -> date:
    """The date that a run would score now: the due one, or the one after it where that is complete."""
    due = due_date(pipeline, now)
    if due is None:
        return pipeline.settings.start
    return due if due not in complete else pipeline.grid.after(due) or due


def stale_since(pipeline: PipelineSpec, past: Past, due: date | None) -> date | None:
    """The first date after the latest complete one that is due; None where nothing is, or nobody ever began."""
    latest, begun = past.latest, past.begun
    if begun is None or due is None:
        return None
    first = begun if latest is None else pipeline.grid.after(latest)
    return first if first is not None and first <= due else None


def missing_dates(pipeline: PipelineSpec, past: Past, due: date | None) -> tuple[date, ...]:
    """Every due date that consumers do not have, from the first that anybody tried, ascending."""
    if past.begun is None or due is None or due < past.begun:
        return ()
    within = dates.DateRange(past.begun, due + timedelta(days=1))
    return tuple(day for day in pipeline.grid.dates(within) if day not in past.complete)
