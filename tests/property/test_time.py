"""The design's rules of time, over real zones: cutoffs tile, nothing is known early, the host's zone is nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from augury.dates import Cutoffs, DateRange, Grid, day_bound, first_instant, naive_bound
from tests.projects import SPENT, Shop

ODD = (
    "Europe/Madrid",
    "America/Sao_Paulo",  # days that begin at 01:00
    "Australia/Lord_Howe",  # half an hour of summer
    "Asia/Kolkata",
    "Pacific/Apia",  # a day that does not exist
    "America/Havana",  # midnight comes twice
    "America/St_Johns",  # back from 00:01 to 23:01 of the day before
    "Antarctica/Troll",  # two hours of summer
    "Africa/Casablanca",  # four changes in some years
    "Atlantic/Azores",
    "Asia/Tehran",
    "UTC",
)
ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("posix", "right")))

zones = st.one_of(st.sampled_from(ODD), st.sampled_from(ZONES)).map(ZoneInfo)
days = st.dates(date(1975, 1, 1), date(2037, 12, 31))


@cache
def transitions(zone: ZoneInfo) -> tuple[date, ...]:
    """Local days of 1975 to 2037 next to which the zone changes its offset."""
    found = []
    day = date(1975, 1, 1)
    while day < date(2037, 12, 31):
        today, later = (datetime(at.year, at.month, at.day, tzinfo=zone) for at in (day, day + timedelta(days=1)))
        if today.utcoffset() != later.utcoffset():
            found.append(day)
        day += timedelta(days=1)
    return tuple(found)


@st.composite
def places(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    """A zone and a day, most of them within a day of a change of the clock."""
    zone = draw(zones)
    around = transitions(zone) if zone.key in ODD else ()
    if not around or draw(st.integers(0, 3)) == 0:
        return zone, draw(days)
    return zone, draw(st.sampled_from(around)) + timedelta(days=draw(st.integers(-1, 2)))


def exists(zone: ZoneInfo, day: date) -> bool:
    """Whether any minute of a local day ever happened."""
    return any(
        wall.astimezone(UTC).astimezone(zone).date() == day
        for hour in range(24)
        for wall in [datetime(day.year, day.month, day.day, hour, 59, tzinfo=zone)]
    )


@given(places())
@example((ZoneInfo("Pacific/Apia"), date(2011, 12, 30)))
@example((ZoneInfo("America/Sao_Paulo"), date(2018, 11, 4)))
@example((ZoneInfo("America/Toronto"), date(1919, 3, 31)))  # the clock jumped from 23:30 to 00:30
def test_cutoffs_are_the_first_existing_instants_of_their_days(place: tuple[ZoneInfo, date]) -> None:
    zone, day = place
    instant = first_instant(day, zone)
    if not exists(zone, day):
        assert instant == first_instant(day + timedelta(days=1), zone)
        return
    assert instant.astimezone(zone).date() == day
    assert (instant - timedelta(microseconds=1)).astimezone(zone).date() < day


@given(places(), st.integers(0, 3))
def test_cutoffs_tile_the_axis_without_gap_or_overlap(place: tuple[ZoneInfo, date], lag: int) -> None:
    """The end of one window is the beginning of the next, and none is empty unless its day does not exist."""
    zone, day = place
    cutoffs = Cutoffs(zone, lag)
    run_dates = [day + timedelta(days=at) for at in range(5)]
    instants = [cutoffs.of(each) for each in run_dates]
    for at, (one, next_one) in enumerate(pairwise(instants)):
        if exists(zone, run_dates[at] - timedelta(days=lag)):
            assert timedelta(hours=18) <= next_one - one <= timedelta(hours=49)
        else:
            assert one == next_one
        assert cutoffs.plus(run_dates[at], 1) == next_one


@given(places(), st.integers(-30 * 3600, 30 * 3600), st.integers(0, 3 * 3600))
def test_a_time_without_zone_is_never_known_too_early(place: tuple[ZoneInfo, date], around: int, before: int) -> None:
    """A wall time below the bound happened before the instant, on both passes of an hour that came twice."""
    zone, day = place
    instant = first_instant(day, zone) + timedelta(seconds=around)
    bound = naive_bound(instant, zone)
    wall = bound - timedelta(seconds=before) - timedelta(microseconds=1)
    for fold in (0, 1):
        happened = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if happened.astimezone(zone).replace(tzinfo=None) == wall:
            assert happened < instant


@given(places(), st.integers(0, 30 * 3600))
def test_times_without_zone_are_known_at_last(place: tuple[ZoneInfo, date], after: int) -> None:
    """The bound lags behind the clock by no more than the hour (or two) that comes twice, and is never ahead."""
    zone, day = place
    instant = first_instant(day, zone) + timedelta(seconds=after)
    wall = instant.astimezone(zone).replace(tzinfo=None)
    assert timedelta(0) <= wall - naive_bound(instant, zone) <= timedelta(hours=3)


@given(places(), st.integers(0, 30 * 3600))
def test_a_day_is_known_when_it_is_over_and_not_before(place: tuple[ZoneInfo, date], after: int) -> None:
    zone, day = place
    instant = first_instant(day, zone) + timedelta(seconds=after)
    bound = day_bound(instant, zone)
    assert first_instant(bound, zone) <= instant


FIRES: dict[str, Callable[[date], bool]] = {
    "0 6 * * *": lambda _: True,
    "0 2 * * 1": lambda at: at.weekday() == 0,
    "30 2 1 * *": lambda at: at.day == 1,
    "0 0 * * 0,3": lambda at: at.weekday() in (6, 2),
}


@given(zones, days, st.sampled_from(sorted(FIRES)))
def test_every_local_date_of_the_schedule_is_a_run_date_once(zone: ZoneInfo, start: date, cron: str) -> None:
    """Also where the hour of the cron does not exist, or comes twice."""
    whole = Grid(cron, zone, start, start + timedelta(days=60))
    found = whole.dates(DateRange(start, start + timedelta(days=90)))
    assert list(found) == sorted(set(found))
    assert found == tuple(at for at in (start + timedelta(days=ahead) for ahead in range(60)) if FIRES[cron](at))


PLANS = """
import sys
from datetime import UTC, date, datetime
from augury.dates import DateRange
from augury.project import Project
with Project.open(sys.argv[1], environment={}, clock=lambda: datetime(2026, 11, 1, 0, 30, tzinfo=UTC)) as project:
    for pipeline in ("madrid", "sao_paulo"):
        sys.stdout.write(project.plan(pipeline, DateRange(date(2026, 3, 27), date(2026, 4, 1))).to_json())
        sys.stdout.write(str([step.sql for step in project.compile(pipeline, date(2026, 3, 30))]))
    sys.stdout.write(str(project.parse_date("today", "madrid")) + str(project.parse_date("today", "sao_paulo")))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two pipelines over one source; orders around the night in which Madrid loses an hour."""
    made = Shop.at(tmp_path_factory.mktemp("zones")).orders(
        ("ann", "2026-03-28 23:30:00", 10), ("bob", "2026-03-29", 5)
    )
    for name, zone in (("madrid", "Europe/Madrid"), ("sao_paulo", "America/Sao_Paulo")):
        settings = f"schedule: {{cron: '0 6 * * *', timezone: {zone}}}"
        made.pipeline(name, settings, start="2026-03-27", prepare=SPENT)
    return made


def test_plans_and_sql_do_not_know_the_zone_of_the_host(shop: Shop) -> None:
    said = {
        zone: subprocess.run(
            [sys.executable, "-c", PLANS, str(shop.root)],
            env={**os.environ, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for zone in ("UTC", "Asia/Kolkata", "America/New_York")
    }
    assert b'"tasks":[{' in said["UTC"]
    assert said["UTC"].endswith(b"2026-11-012026-10-31")
    assert len(set(said.values())) == 1
    assert not list(Path(shop.root).glob(".augury/*"))
