"""Which dates does a pipeline have, and which instant ends the knowledge of each?

All ranges are half-open. Calendar arithmetic is done on local dates and turned into an instant last, so that days
with 23, 24, 25 or no first hour tile the time axis without gap or overlap. Nothing here asks what day it is: whoever
calls passes `today`, and the host's own time zone is never read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from augury.errors import UsageError, nearest

DAYS_PER = {"d": 1, "w": 7}
_PERIOD = re.compile(r"(\d{1,5})\s*([dw])")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ANCHORS = ("today", "yesterday", *(f"last-{day}" for day in _WEEKDAYS), "monday-this-week")
"""Names accepted wherever a date is."""


def parse_period(text: str) -> int:
    """Days in `90d` or `4w`. Raises ValueError for anything else."""
    found = _PERIOD.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a number of days or weeks: write 90d or 4w")
    return int(found[1]) * DAYS_PER[found[2]]


def parse_date(text: str, today: date) -> date:
    """A date as `2026-01-15` or one of ANCHORS, relative to `today`.

    `last-saturday` is the latest Saturday before `today`, never `today` itself.
    Raises UsageError for dates that do not exist and for unknown names.
    """
    word = text.strip().lower().replace(" ", "-").replace("_", "-")
    if word == "today":
        return today
    if word == "yesterday":
        return today - timedelta(days=1)
    if word == "monday-this-week":
        return today - timedelta(days=today.weekday())
    if word.startswith("last-") and word[5:] in _WEEKDAYS:
        back = (today.weekday() - _WEEKDAYS.index(word[5:])) % 7 or 7
        return today - timedelta(days=back)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", word):
        try:
            return date.fromisoformat(word)
        except ValueError as error:
            raise UsageError(f"{text} is not a date: {error}", fix="Write YYYY-MM-DD.") from error
    close = nearest(word, ANCHORS)
    raise UsageError(
        f"{text!r} is not a date",
        fix=f"Did you mean {close}?" if close else f"Write YYYY-MM-DD, or one of {', '.join(ANCHORS)}.",
    )


@lru_cache(maxsize=65536)
def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first existing instant of a local day, in UTC.

    Where midnight does not exist (America/Sao_Paulo until 2018) it is the instant at which the clock jumped; where a
    whole day does not exist (Pacific/Apia, 2011-12-30) it equals the first instant of the next one.
    """
    return instant_of(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001  a wall time


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a clock of `zone` shows the wall time `wall` for the first time, in UTC; where it jumps over it, the instant
    of the jump."""
    local = wall.replace(tzinfo=zone, fold=0)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # The wall time falls into a gap. Read with fold=1 (the offset after the jump), a wall time of the gap lands before
    # the jump and with fold=0 after it, by the same distance: the jump is found between the two by bisection.
    low = local.replace(fold=1).astimezone(UTC)
    high = instant
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def naive_bound(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall time of `zone` below which a naive timestamp is certainly before `instant`.

    A wall time that happens twice is taken for its later instant, so that nothing is known too early.
    """
    local = instant.astimezone(zone)
    wall = local.replace(tzinfo=None)
    if local.fold == 0 and local.utcoffset() != local.replace(fold=1).utcoffset():
        # First pass through an hour that will come again: the bound is where that hour began.
        later = local.replace(fold=1).utcoffset()
        first = local.utcoffset()
        assert first is not None
        assert later is not None
        low, high = local.astimezone(UTC) - (first - later), local.astimezone(UTC)
        while high - low > timedelta(seconds=1):
            middle = (low + (high - low) / 2).replace(microsecond=0)
            point = middle.astimezone(zone)
            if point.utcoffset() != point.replace(fold=1).utcoffset():
                high = middle
            else:
                low = middle
        return high.astimezone(zone).replace(tzinfo=None)
    return wall


def day_bound(instant: datetime, zone: ZoneInfo) -> date:
    """The first day of `zone` that is not over at `instant`: a DATE value is known when its day is over."""
    return instant.astimezone(zone).date()


@dataclass(frozen=True)
class DateRange:
    """Run dates from `start` (included) to `end` (excluded)."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise UsageError(
                f"--start {self.start} is not before --end {self.end}",
                why="--start is included, --end is excluded",
                fix=f"For one day: --start {self.start} --end {self.start + timedelta(days=1)}",
            )

    @classmethod
    def one(cls, day: date) -> DateRange:
        return cls(day, day + timedelta(days=1))

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


@dataclass(frozen=True)
class Grid:
    """The run dates of a schedule: the local dates on which its cron fires, each once."""

    cron: str
    """Five fields. Only the days matter here; the hour is the scheduler's business."""
    zone: ZoneInfo
    start: date
    """First run date."""
    end: date | None = None
    """Excluded; None for no end."""

    HORIZON = date(2100, 1, 1)

    @property
    def _stop(self) -> date:
        return min(self.end or self.HORIZON, self.HORIZON)

    def dates(self, within: DateRange) -> tuple[date, ...]:
        """Run dates inside `within`, ascending."""
        first, stop = max(within.start, self.start), min(within.end, self._stop)
        days = [day for year in range(first.year, stop.year + 1) for day in _days_of(self.cron, year)]
        return tuple(days[bisect_left(days, first) : bisect_left(days, stop)])

    def __contains__(self, day: date) -> bool:
        if not self.start <= day < self._stop:
            return False
        days = _days_of(self.cron, day.year)
        at = bisect_left(days, day)
        return at < len(days) and days[at] == day

    def before(self, day: date) -> date | None:
        """The latest run date before `day`."""
        limit = min(day, self._stop)
        for year in range(limit.year, self.start.year - 1, -1):
            days = _days_of(self.cron, year)
            if at := bisect_left(days, limit):
                return days[at - 1] if days[at - 1] >= self.start else None
        return None

    def at_or_before(self, day: date) -> date | None:
        return day if day in self else self.before(day)

    def after(self, day: date) -> date | None:
        """The earliest run date after `day`."""
        first = max(day + timedelta(days=1), self.start)
        for year in range(first.year, self._stop.year + 1):
            days = _days_of(self.cron, year)
            if (at := bisect_left(days, first)) < len(days):
                return days[at] if days[at] < self._stop else None
        return None

    def nearest(self, day: date) -> date | None:
        """The run date closest to `day`, the earlier one of two."""
        around = [found for found in (self.at_or_before(day), self.after(day)) if found is not None]
        return min(around, key=lambda found: (abs(found - day), found)) if around else None


@lru_cache(maxsize=2048)
def _days_of(cron: str, year: int) -> tuple[date, ...]:
    """The days of one year on which a cron fires. Year by year, because cronsim needs 30 us for each of them."""
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(f"{cron!r} has {len(fields)} fields: a cron has five (minute hour day month weekday)")
    # The hour and minute are dropped: a date counts once however often the cron fires on it.
    daily = " ".join(["0", "0", *fields[2:]])
    start, stop = date(year, 1, 1), date(year + 1, 1, 1)
    if fields[2:] == ["*", "*", "*"]:
        return tuple(start + timedelta(days=n) for n in range((stop - start).days))
    days: list[date] = []
    try:
        CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001  wall time: only the calendar is asked for
        ticks = CronSim(daily, datetime.combine(start - timedelta(days=1), datetime.max.time()))
        for tick in ticks:
            if tick.date() >= stop:
                break
            days.append(tick.date())
    except CronSimError as error:
        raise ValueError(f"{cron!r} is not a cron expression: {error}") from error
    except StopIteration:
        pass
    return tuple(days)


def check_cron(cron: str) -> None:
    """Raises ValueError where `cron` cannot be read."""
    if len(cron.split()) != 5:
        raise ValueError(f"{cron!r} is not a cron expression of five fields (minute hour day month weekday)")
    try:
        CronSim(cron, datetime(2000, 1, 1))  # noqa: DTZ001  wall time: only the calendar is asked for
    except CronSimError as error:
        raise ValueError(f"{cron!r} is not a cron expression: {error}") from error


def next_tick(cron: str, zone: ZoneInfo, after: datetime, end: date | None = None) -> datetime | None:
    """The first time after `after` at which `cron` fires in `zone`; None from the local date `end` on."""
    for found in CronSim(cron, after.astimezone(zone)):
        # In the second pass of an hour that comes twice, cronsim offers the first pass of a minute again.
        if found.astimezone(UTC) > after:
            return found if end is None or found.date() < end else None
    return None


@lru_cache(maxsize=1024)
def first_time(cron: str) -> time:
    """The time of day at which `cron` fires first on each of its days."""
    daily = " ".join([*cron.split()[:2], "*", "*", "*"])
    return next(CronSim(daily, datetime(1999, 12, 31, 23, 59, 59))).time()  # noqa: DTZ001  wall time, as above


@dataclass(frozen=True)
class Cutoffs:
    """Turns a run date into the instants between which its data lies."""

    zone: ZoneInfo
    lag: int = 0
    """Days by which knowledge trails the run date."""

    def of(self, run_date: date) -> datetime:
        """The half-open end of what `run_date` knows, in UTC."""
        return first_instant(run_date - timedelta(days=self.lag), self.zone)

    def plus(self, run_date: date, days: int) -> datetime:
        """The cutoff of `run_date` moved by calendar days, in UTC."""
        return first_instant(run_date - timedelta(days=self.lag) + timedelta(days=days), self.zone)

    def data_date(self, run_date: date) -> date:
        """The last local day that `run_date` knows in full."""
        return run_date - timedelta(days=self.lag + 1)
