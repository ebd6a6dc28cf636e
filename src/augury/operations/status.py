"""How is each pipeline: what is published, what is due, who scores it, when does it run next?

Everything comes from the ledger; the warehouse is not asked, so a status costs milliseconds whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from augury.errors import UsageError
from augury.ledger.records import ModelRecord, Status
from augury.operations.calendar import Past, date_to_score, due_date, missing_dates, next_run, past_of, stale_since
from augury.operations.champions import champions_of
from augury.operations.opened import Opened
from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class PipelineStatus:
    pipeline: str
    version: str
    strip: tuple[tuple[date, Status | None], ...]
    """The last run dates up to the due one, ascending, with how each ended; None for one that nobody tried.

    Of a pipeline that has ended they may be those up to the last date that somebody tried."""
    latest: date | None
    """The newest complete date: what consumers have. A date is never newer because it was written later."""
    due: date | None
    """The newest run date whose cutoff and cron time have passed."""
    model: ModelRecord | None
    """The champion of the date that a run would score now."""
    next_run: datetime | None
    """In the zone of the schedule; None once the pipeline has ended."""
    zone: str
    stale_since: date | None
    """The first run date after `latest` that is due and not complete."""
    current: bool = True
    """Consumers see this version."""
    missing: tuple[date, ...] = ()
    """Every due run date that is not complete, from the first that anybody tried, ascending."""
    queued: tuple[date, ...] = ()
    """Run dates that the service has still to do, ascending."""
    paused: str = ""
    """What keeps its schedules from being served: `paused by ana`, `paused in pipeline.yml`."""


def status(opened: Opened, pipeline: str | None, days: int) -> tuple[PipelineStatus, ...]:
    """One status per pipeline and version, the current version of each first; `days` is the length of the strip.

    Versions that are not current are there once somebody ran them, and where the folder of the current one is gone:
    none of a pipeline is current then. Raises UsageError for an unknown pipeline.
    """
    if days < 1:
        raise UsageError(f"{days} days cannot be shown", fix="Ask for at least one.")
    if pipeline is not None:
        opened.versions(pipeline)
    names = [pipeline] if pipeline is not None else list(opened.spec.pipelines)
    return tuple(found for name in names for found in _versions(opened, name, days))


def _versions(opened: Opened, name: str, days: int) -> Iterator[PipelineStatus]:
    current, versions = opened.current_version(name), opened.versions(name)
    if current in versions:
        yield _status(opened, versions[current], days, current=True)
    for version, spec in versions.items():
        if version != current and (current not in versions or opened.ledger.date_records(name, version)):
            yield _status(opened, spec, days, current=False)


def _status(opened: Opened, pipeline: PipelineSpec, days: int, *, current: bool) -> PipelineStatus:
    now, past = opened.clock(), past_of(opened, pipeline)
    due = due_date(pipeline, now)
    champion = champions_of(opened, pipeline).known(date_to_score(pipeline, past.complete, now))
    return PipelineStatus(
        pipeline=pipeline.name,
        version=pipeline.version,
        strip=tuple((day, _status_of(past, day)) for day in _strip_dates(pipeline, past, due, days)),
        latest=past.latest,
        due=due,
        model=champion.model if champion else None,
        next_run=next_run(pipeline, now),
        zone=pipeline.zone.key,
        stale_since=stale_since(pipeline, past, due),
        missing=missing_dates(pipeline, past, due),
        current=current,
        queued=tuple(sorted(past.queued)),
        paused=_paused(opened, pipeline),
    )


def _status_of(past: Past, day: date) -> Status | None:
    """How a date stands: queued again counts for more than how it ended before."""
    known = past.records[day].status if day in past.records else None
    return Status.QUEUED if day in past.queued and known is not Status.RUNNING else known


def _paused(opened: Opened, pipeline: PipelineSpec) -> str:
    pause = opened.ledger.pauses().get(pipeline.name)
    if pause is not None:
        return f"paused by {pause.who}"
    return "paused in pipeline.yml" if pipeline.settings.schedule.paused else ""


def _strip_dates(pipeline: PipelineSpec, past: Past, due: date | None, days: int) -> tuple[date, ...]:
    """The last run dates up to the due one.

    Of a pipeline that has ended, where nobody asked for any of these, those up to the last one that somebody did: a
    replay of the past shows how far it came. A living pipeline that fell behind shows what is missing.
    """
    found = _last_dates(pipeline, due, days)
    ended = pipeline.settings.end is not None and due == pipeline.grid.before(pipeline.settings.end)
    asked = past.records.keys() | past.queued.keys()
    if ended and asked and not asked & set(found):
        return _last_dates(pipeline, pipeline.grid.at_or_before(max(asked)), days)
    return found


def _last_dates(pipeline: PipelineSpec, last: date | None, days: int) -> tuple[date, ...]:
    found: list[date] = []
    while last is not None and len(found) < days:
        found.append(last)
        last = pipeline.grid.before(last)
    return tuple(reversed(found))
