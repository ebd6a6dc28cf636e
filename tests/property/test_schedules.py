"""Schedules over real zones and unsteady clocks: each business date is due once, in order, never before its tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import example, given
from hypothesis import strategies as st

from augury.dates import DateRange, Grid
from augury.service.due import Readiness, Timetable, Watch, due, readiness

ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("posix", "right")))
FIRST, LAST = date(2000, 1, 1), date(2040, 1, 1)
CRONS = ("0 0 * * *", "30 0 * * *", "15 1 * * *", "30 2 * * *", "0 3 * * *", "59 23 * * *", "*/10 * * * *", "0 2 * * 1")


@cache
def changes(name: str) -> tuple[date, ...]:
    """Days of 2000 to 2040 next to which a zone changes its offset."""
    zone = ZoneInfo(name)
    days = [FIRST + timedelta(days=at) for at in range((LAST - FIRST).days)]
    offsets = [datetime.combine(day, time(), zone).utcoffset() for day in days]
    return tuple(day for day, (one, other) in zip(days, pairwise(offsets), strict=False) if one != other)


@st.composite
def tables(draw: st.DrawFn, /, **more: Any) -> tuple[Timetable, date]:
    """A timetable that begins twelve days before a day next to which its zone's clock changes, where it ever does."""
    name = draw(st.sampled_from(ZONES))
    around = changes(name)
    day = draw(st.sampled_from(around)) if around else draw(st.dates(FIRST, LAST))
    day += timedelta(days=draw(st.integers(-1, 2)))
    grid = Grid(draw(st.sampled_from(CRONS)), ZoneInfo(name), day - timedelta(days=12))
    return Timetable("predict", grid, **more), day


def clocks(steps: st.SearchStrategy[int]) -> st.SearchStrategy[list[timedelta]]:
    return st.lists(steps.map(lambda minutes: timedelta(minutes=minutes)), min_size=1, max_size=60)


FORWARD = st.integers(1, 40 * 60)
ANY_WAY = st.integers(-20 * 60, 40 * 60)
MINUTES_OF_DAYS = st.integers(-3 * 24 * 60, 3 * 24 * 60)


def whole(table: Timetable, until: datetime) -> list[date]:
    """Every date whose tick has happened by then."""
    last = table.newest(until)
    return list(table.grid.dates(DateRange(table.grid.start, last + timedelta(days=1)))) if last else []


def plain(cron: str, zone: str, start: date) -> Timetable:
    return Timetable("predict", Grid(cron, ZoneInfo(zone), start))


@given(tables())
@example((Timetable("predict", Grid("0 6 * * *", ZoneInfo("Pacific/Apia"), date(2011, 12, 18))), date(2011, 12, 30)))
@example(
    (Timetable("predict", Grid("0 0 * * *", ZoneInfo("America/Sao_Paulo"), date(2018, 10, 25))), date(2018, 11, 4))
)
def test_a_tick_is_the_first_instant_at_which_the_clock_shows_its_time_or_a_later_one(
    place: tuple[Timetable, date],
) -> None:
    table, day = place
    ticks = [table.tick(each) for each in table.grid.dates(DateRange(table.grid.start, day + timedelta(days=12)))]
    for tick in ticks:
        wall = datetime.combine(tick.day, time_of(table.grid.cron))
        assert tick.local.replace(tzinfo=None) >= wall
        assert (tick.utc - timedelta(seconds=1)).astimezone(table.grid.zone).replace(tzinfo=None) < wall
    assert all(one.utc <= other.utc for one, other in pairwise(ticks))


def time_of(cron: str) -> time:
    minute, hour = (0 if field.startswith("*") else int(field) for field in cron.split()[:2])
    return time(hour, minute)


@given(tables(catchup="all"), clocks(ANY_WAY))
def test_every_date_is_due_once_in_order_whatever_the_clock_does(
    place: tuple[Timetable, date], steps: list[timedelta]
) -> None:
    table, day = place
    now = newest = datetime.combine(day - timedelta(days=3), time(12), UTC)
    watch = Watch(since=now)
    seen: list[date] = []
    for step in (timedelta(0), *steps):
        now += step
        newest = max(newest, now)
        found = due(table, watch, now)
        assert all(table.tick(each).utc <= newest for each in found.dates)
        seen += found.dates
        watch = replace(watch, handled=found.handled, reached=found.reached)
    assert seen == whole(table, newest)


@given(tables(catchup="all"), clocks(ANY_WAY))
def test_a_date_that_was_due_stays_due_until_it_is_handled(
    place: tuple[Timetable, date], steps: list[timedelta]
) -> None:
    """Nobody manages to submit anything: what is due only grows."""
    table, day = place
    now = datetime.combine(day - timedelta(days=3), time(12), UTC)
    watch = Watch(since=now, handled=day - timedelta(days=6))
    before: tuple[date, ...] = ()
    for step in steps:
        now += step
        found = due(table, watch, now)
        assert found.dates[: len(before)] == before
        watch, before = replace(watch, reached=found.reached), found.dates


@given(tables(catchup="latest"), clocks(FORWARD))
def test_latest_runs_the_newest_of_what_was_missed_and_says_what_it_left_out(
    place: tuple[Timetable, date], steps: list[timedelta]
) -> None:
    table, day = place
    now = datetime.combine(day - timedelta(days=3), time(12), UTC)
    first = due(table, Watch(since=now), now)
    watch = Watch(since=now, handled=first.handled)
    for step in steps:
        now += step
        found = due(table, watch, now)
        assert len(found.dates) <= 1
        before = watch.handled or table.grid.start - timedelta(days=1)
        missed = [each for each in whole(table, now) if each > before]
        assert [*found.left_out, *found.dates] == missed
        watch = replace(watch, handled=found.handled)


@given(tables(catchup="none"), clocks(FORWARD), MINUTES_OF_DAYS)
def test_none_runs_what_ticks_while_it_is_served_and_nothing_else(
    place: tuple[Timetable, date], steps: list[timedelta], up: int
) -> None:
    table, day = place
    now = datetime.combine(day - timedelta(days=3), time(12), UTC)
    since = now + timedelta(minutes=up)
    watch = Watch(since=since)
    seen: list[date] = []
    for step in steps:
        now += step
        if now < since:
            continue
        found = due(table, watch, now)
        seen += found.dates
        watch = replace(watch, handled=found.handled)
    assert seen == [each for each in whole(table, now) if table.tick(each).utc >= since] if now >= since else seen == []


@given(tables(catchup="all"), clocks(FORWARD), st.lists(st.booleans(), min_size=60, max_size=60))
def test_pauses_delay_dates_and_lose_none(
    place: tuple[Timetable, date], steps: list[timedelta], paused: list[bool]
) -> None:
    table, day = place
    now = datetime.combine(day - timedelta(days=3), time(12), UTC)
    watch = Watch(since=now)
    seen: list[date] = []
    for step, pause in zip(steps, paused, strict=False):
        now += step
        found = due(table, replace(watch, paused=pause), now)
        assert not (pause and found.dates)
        seen += found.dates
        watch = replace(watch, handled=found.handled, reached=found.reached)
    seen += due(table, watch, now).dates
    assert seen == whole(table, now)


POLLS = ("0 */1 * * *", "*/15 * * * *", "30 2,14 * * *")


@given(
    tables(catchup="all"),
    clocks(st.integers(1, 6 * 60)),
    st.sampled_from(POLLS),
    st.dictionaries(st.integers(-12, 12), MINUTES_OF_DAYS),
    st.one_of(st.none(), st.integers(1, 36).map(lambda hours: timedelta(hours=hours))),
)
def test_a_poll_settles_every_date_once(
    place: tuple[Timetable, date],
    steps: list[timedelta],
    poll: str,
    late: dict[int, int],
    expires: timedelta | None,
) -> None:
    """A date is submitted when its sources are there and it is open, or given up when it is over: never both."""
    unpolled, day = place
    table = replace(unpolled, poll=poll, expires=expires)
    now = datetime.combine(day - timedelta(days=3), time(12), UTC)
    watch = Watch(since=now)
    settled: dict[date, str] = {}

    def there(each: date) -> bool:
        return now >= table.tick(each).utc + timedelta(minutes=late.get((each - day).days, 0))

    for step in steps:
        now += step
        found = due(table, watch, now)
        handled, looked = found.handled, watch.looked
        for each in found.given_up:
            assert table.closes(each) <= now
            assert settled.setdefault(each, "given up") == "given up"
        for look in found.looks:
            assert table.tick(look.day).utc <= now
            looked = now
            if readiness(present=there(look.day), done=False) is Readiness.DUE:
                assert look.day not in settled
                settled[look.day] = "submitted"
                handled = look.day
            elif look.last:
                assert settled.setdefault(look.day, "given up") == "given up"
                handled = look.day
        watch = replace(watch, handled=handled, looked=looked)
        assert found.wake is None or found.wake > now
    over = [each for each in whole(table, now) if table.closes(each) <= now]
    assert set(over) <= set(settled)
    assert list(settled) == sorted(settled)
