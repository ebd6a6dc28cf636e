"""Which business dates are due, and when is the next one? Pure: a timetable, how far it was served, and a clock.

Dates are the keys, not instants: a date is due once, on days with 23, 24 or 25 hours alike, and whatever the clock
does. It becomes due at its *tick*: when a clock of the schedule's zone first shows the first time of its cron on that
day; where the clock jumps over that time, when it jumps.

With a readiness poll a date is not due at its tick, but *open* from then on: whoever serves it looks at the times of
the poll whether its sources are there. It stays open until the tick of the next date, or until it expires.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from augury.dates import DateRange, Grid, first_time, instant_of, next_tick
from augury.plan.ticks import Ticks
from augury.spec.files import PipelineSpec
from augury.spec.service import Catchup

Kind = Literal["train", "predict", "archive"]

_DAY = timedelta(days=1)
_LEARNABLE = 9 * 366
"""Days after which a schedule of trainings that never had a training date is taken to have none at all; 29 February may
be eight years away."""


@dataclass(frozen=True)
class Tick:
    """When a business date becomes due."""

    day: date
    utc: datetime
    zone: ZoneInfo

    @property
    def local(self) -> datetime:
        return self.utc.astimezone(self.zone)


@dataclass(frozen=True)
class Timetable:
    """The business dates of one kind: run dates, training ticks, or days on which is archived."""

    kind: Kind
    grid: Grid
    catchup: Catchup = "latest"
    paused: bool = False
    poll: str | None = None
    """Cron of the readiness poll."""
    expires: timedelta | None = None
    """How long a date stays open at most."""

    def tick(self, day: date) -> Tick:
        wall = datetime.combine(day, first_time(self.grid.cron))
        return Tick(day, instant_of(wall, self.grid.zone), self.grid.zone)

    def newest(self, now: datetime) -> date | None:
        """The newest date whose tick has happened."""
        # A day more: where the clock goes back over midnight, the tick of tomorrow may have happened today.
        day = self.grid.at_or_before(now.astimezone(self.grid.zone).date() + _DAY)
        while day is not None and self.tick(day).utc > now:
            day = self.grid.before(day)
        return day

    def upcoming(self, now: datetime, after: date | None = None) -> Iterator[Tick]:
        """The ticks still to come, those of dates after `after` only."""
        last = _latest(self.newest(now), after) or self.grid.start - _DAY
        while (found := self.grid.after(last)) is not None:
            last = found
            yield self.tick(found)

    def closes(self, day: date) -> datetime:
        """When a date is no longer open: at the tick of the next one, also where that lies past the end."""
        forever = Grid(self.grid.cron, self.grid.zone, self.grid.start)
        following = forever.after(day)
        ends = [self.tick(following).utc] if following else []
        if self.expires is not None:
            ends.append(self.tick(day).utc + self.expires)
        return min(ends, default=datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Watch:
    """How far a timetable was served."""

    since: datetime
    """From when on it is served without a break: when the service came up, or the pipeline was resumed."""
    handled: date | None = None
    """The newest date that was submitted or passed over; no date up to here is due again. It never goes back."""
    reached: date | None = None
    """The newest date that was ever due: it stays so where the clock is set back before its tick."""
    looked: datetime | None = None
    """When sources were looked for last."""
    paused: bool = False
    """A person paused the pipeline. What passes meanwhile is missed, and caught up as anything else that was."""


@dataclass(frozen=True)
class Look:
    """Look whether the sources of a date are there."""

    day: date
    last: bool
    """The date is over: with nothing there it is given up."""


@dataclass(frozen=True)
class Due:
    """What is to be done now, in this order of dates."""

    dates: tuple[date, ...] = ()
    """Submit these."""
    looks: tuple[Look, ...] = ()
    """Look for the sources of these, then see `readiness`."""
    given_up: tuple[date, ...] = ()
    """Their sources did not come in time."""
    left_out: tuple[date, ...] = ()
    """Missed, and not caught up. Empty the first time: nothing is missed before somebody began to serve."""
    handled: date | None = None
    """What `Watch.handled` becomes once `dates` are submitted; each look that is settled then moves it to its date."""
    reached: date | None = None
    """What `Watch.reached` becomes."""
    next: Tick | None = None
    """The next tick, also of a paused pipeline: when it would be. None after the end."""
    wake: datetime | None = None
    """When to ask again at the latest; None where nothing comes by itself."""


class Readiness(StrEnum):
    """What a look found."""

    DUE = "due"
    """The sources are there and the date is not done: submit it."""
    DONE = "done"
    """The date is done: nothing to do."""
    ABSENT = "absent"
    """The sources are not there: look again at the next time of the poll."""


def readiness(*, present: bool, done: bool) -> Readiness:
    if done:
        return Readiness.DONE
    return Readiness.DUE if present else Readiness.ABSENT


def due(table: Timetable, watch: Watch, now: datetime) -> Due:
    """What is due at `now`. The same arguments give the same answer."""
    upcoming = next(table.upcoming(now, after=_latest(watch.handled, watch.reached)), None)
    if table.paused or watch.paused:
        return Due(handled=watch.handled, reached=watch.reached, next=upcoming)
    reached = _latest(table.newest(now), watch.reached)
    missed = _missed(table, watch, reached)
    given_up = tuple(day for day in missed if table.poll and _in_vain(table, watch, day, now))
    rest = missed[len(given_up) :]  # who was looked at in vain comes before all others
    wanted = _wanted(table, watch, rest)
    settled = missed if not table.poll or not wanted else tuple(day for day in missed if day < wanted[0])
    return Due(
        dates=() if table.poll else wanted,
        looks=tuple(_looks(table, watch, wanted, now)) if table.poll else (),
        given_up=given_up,
        left_out=tuple(sorted({*rest} - {*wanted})) if watch.handled is not None else (),
        handled=settled[-1] if settled else watch.handled,
        reached=reached,
        next=upcoming,
        wake=_wake(table, wanted, upcoming, now),
    )


def _latest(*days: date | None) -> date | None:
    return max(filter(None, days), default=None)


def _missed(table: Timetable, watch: Watch, reached: date | None) -> tuple[date, ...]:
    """Dates whose tick has happened and that nobody handled, ascending."""
    first = table.grid.start if watch.handled is None else watch.handled + _DAY
    return () if reached is None or first > reached else table.grid.dates(DateRange(first, reached + _DAY))


def _wanted(table: Timetable, watch: Watch, missed: tuple[date, ...]) -> tuple[date, ...]:
    match table.catchup:
        case "all":
            return missed
        case "latest":
            return missed[-1:]
        case "none":
            return tuple(day for day in missed if table.tick(day).utc >= watch.since)


# -- the readiness poll --------------------------------------------------------------------------------------------


def _looked(watch: Watch, now: datetime) -> datetime | None:
    """The last look; a look in the future was made before the clock was set back, and looking again does no harm."""
    return watch.looked if watch.looked is not None and watch.looked <= now else None


def _in_vain(table: Timetable, watch: Watch, day: date, now: datetime) -> bool:
    """The date is over, and its sources were looked for since its tick."""
    looked = _looked(watch, now)
    return looked is not None and looked >= table.tick(day).utc and table.closes(day) <= now


def _looks(table: Timetable, watch: Watch, wanted: tuple[date, ...], now: datetime) -> Iterator[Look]:
    looked = _looked(watch, now)
    for day in wanted:
        over = table.closes(day) <= now
        begins = table.tick(day).utc - timedelta(microseconds=1)  # the tick itself may be a time of the poll
        at = _next_poll(table, max(begins, looked) if looked else begins)
        # A date that was over before anybody looked is looked for at once.
        if over or (at is not None and at <= now):
            yield Look(day, over)


def _wake(table: Timetable, wanted: tuple[date, ...], upcoming: Tick | None, now: datetime) -> datetime | None:
    """The next tick, or what comes before it while a date is open: a time of the poll, or its end."""
    wake = [upcoming.utc] if upcoming else []
    if table.poll and wanted and (closes := table.closes(wanted[-1])) > now:
        wake += [at for at in (closes, _next_poll(table, now)) if at is not None]
    return min(wake, default=None)


def _next_poll(table: Timetable, after: datetime) -> datetime | None:
    assert table.poll is not None
    found = next_tick(table.poll, table.grid.zone, after)
    return found.astimezone(UTC) if found else None


# -- the timetables of a pipeline ----------------------------------------------------------------------------------


def timetables(pipeline: PipelineSpec, expires: float | None = None) -> tuple[Timetable, ...]:
    """What the service keeps of one version of a pipeline, in the order in which it is served at one instant.

    `expires` are the seconds after which a date is given up whose sources do not come.
    """
    settings = pipeline.settings
    paused = settings.schedule.paused
    wait = None if expires is None else timedelta(seconds=expires)
    predict = Timetable("predict", pipeline.grid, settings.schedule.catchup, paused, settings.schedule.poll, wait)
    found = (_training(pipeline), predict, _archiving(pipeline))
    return tuple(table for table in found if table is not None)


def _training(pipeline: PipelineSpec) -> Timetable | None:
    """From the first tick that has something to learn from."""
    settings = pipeline.settings
    if settings.model is None or settings.model.train.schedule is None or pipeline.model_path is not None:
        return None
    train = settings.model.train
    start = max(settings.start, train.start or settings.start)
    until = start + timedelta(days=(settings.horizon or 0) + train.label_delay + _LEARNABLE)
    ticks = Ticks(pipeline).until(until)
    if not ticks or train.schedule is None:
        return None
    grid = Grid(train.schedule, pipeline.zone, ticks[0], settings.end)
    return Timetable("train", grid, train.catchup, settings.schedule.paused)


def _archiving(pipeline: PipelineSpec) -> Timetable | None:
    """A day on which is archived takes in every published date that was not, so a missed one is made up for by the
    next; and one more day follows the end, for what the last dates published."""
    archive, settings = pipeline.settings.archive, pipeline.settings
    if archive is None or archive.schedule is None:
        return None
    grid = Grid(archive.schedule, pipeline.zone, settings.start)
    if settings.end is not None:
        last = grid.after(settings.end - _DAY)
        grid = Grid(archive.schedule, pipeline.zone, settings.start, last + _DAY if last else None)
    return Timetable("archive", grid, "latest", settings.schedule.paused)
