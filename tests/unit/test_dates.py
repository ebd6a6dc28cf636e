"""Run dates, cutoffs, and what `last-saturday` means: F and S rows, and the design's rules of time."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from augury.dates import (
    ANCHORS,
    Cutoffs,
    DateRange,
    Grid,
    check_cron,
    day_bound,
    first_instant,
    naive_bound,
    next_tick,
    parse_date,
    parse_period,
)
from augury.errors import UsageError

THURSDAY = date(2026, 1, 15)
MADRID = ZoneInfo("Europe/Madrid")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def grid(cron: str, start: date = date(2026, 1, 1), end: date | None = None) -> Grid:
    return Grid(cron, MADRID, start, end)


def on(grid: Grid, start: date, end: date) -> list[int]:
    """Days of the month that are run dates."""
    return [each.day for each in grid.dates(DateRange(start, end))]


# -- the grid --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("0 6 * * *", list(range(1, 32))),
        ("0 8 * * 1", [5, 12, 19, 26]),  # Mondays
        ("0 3 1 * *", [1]),
        ("*/10 * * * *", list(range(1, 32))),  # a date counts once however often the cron fires on it
        ("0 6,18 * * 1-5", [1, 2, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30]),
        ("0 0 L * *", [31]),
        ("0 0 29 2 *", []),  # not before 2028
    ],
)
def test_run_dates_are_the_days_of_the_cron_each_once(cron: str, days: list[int]) -> None:
    assert on(grid(cron), date(2026, 1, 1), date(2026, 2, 1)) == days


def test_a_grid_begins_at_its_start_and_stops_before_its_end() -> None:
    mondays = grid("0 8 * * 1", date(2026, 1, 6), date(2026, 1, 26))
    assert on(mondays, date(2025, 1, 1), date(2027, 1, 1)) == [12, 19]
    assert date(2026, 1, 5) not in mondays
    assert date(2026, 1, 12) in mondays
    assert date(2026, 1, 26) not in mondays


def test_a_start_that_is_itself_on_the_grid_is_the_first_run_date() -> None:
    assert on(grid("0 8 * * 1", date(2026, 1, 12)), date(2026, 1, 1), date(2026, 1, 20)) == [12, 19]
    assert on(grid("0 8 * * *", date(2026, 1, 12)), date(2026, 1, 1), date(2026, 1, 14)) == [12, 13]


@pytest.mark.parametrize(
    ("day", "nearest"),
    [
        (date(2026, 1, 8), date(2026, 1, 5)),  # Thursday: three days back, four ahead
        (date(2026, 1, 9), date(2026, 1, 12)),
        (date(2026, 1, 12), date(2026, 1, 12)),
        (date(2020, 1, 1), date(2026, 1, 5)),
        (date(2030, 1, 1), date(2026, 2, 23)),
    ],
)
def test_the_nearest_run_date_of_a_day_off_the_grid(day: date, nearest: date) -> None:
    assert grid("0 8 * * 1", end=date(2026, 3, 1)).nearest(day) == nearest


def test_of_two_run_dates_equally_near_the_earlier_is_named() -> None:
    assert grid("0 0 1,3 * *").nearest(date(2026, 1, 2)) == date(2026, 1, 1)


def test_neighbours_on_the_grid() -> None:
    mondays = grid("0 8 * * 1", end=date(2026, 1, 20))
    monday = date(2026, 1, 12)
    assert (mondays.before(monday), mondays.at_or_before(monday)) == (date(2026, 1, 5), monday)
    assert (mondays.after(monday), mondays.after(date(2026, 1, 19))) == (date(2026, 1, 19), None)
    assert mondays.before(date(2026, 1, 5)) is None
    assert grid("0 0 29 2 *", end=date(2027, 1, 1)).nearest(monday) is None


def test_neighbours_over_the_end_of_years() -> None:
    leap_days = grid("0 0 29 2 *", start=date(2020, 1, 1), end=date(2029, 1, 1))
    assert leap_days.before(date(2028, 2, 29)) == date(2024, 2, 29)
    assert leap_days.after(date(2020, 2, 29)) == date(2024, 2, 29)
    assert leap_days.after(date(2028, 2, 29)) is None
    assert (date(2024, 2, 29) in leap_days, date(2032, 2, 29) in leap_days) == (True, False)
    assert leap_days.dates(DateRange(date(2019, 1, 1), date(2040, 1, 1))) == tuple(
        date(year, 2, 29) for year in (2020, 2024, 2028)
    )
    weekdays = grid("0 6 * * 1-5", start=date(2025, 12, 30))
    assert weekdays.before(date(2026, 1, 1)) == date(2025, 12, 31)
    assert weekdays.before(date(2025, 12, 30)) is None
    assert weekdays.after(date(2025, 12, 31)) == date(2026, 1, 1)


@pytest.mark.parametrize("cron", ["0 6 * *", "0 6 * * * *", "61 0 * * *", "0 0 30 2 *", "a b c d e", "", "@daily"])
def test_a_cron_that_cannot_be_read_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="cron"):
        check_cron(cron)


def test_a_schedule_fires_at_its_local_hour_whatever_the_season_s2() -> None:
    """06:00 in Madrid is 05:00 UTC in winter and 04:00 in summer."""
    asked = datetime(2026, 3, 28, 12, tzinfo=UTC)
    first = next_tick("0 6 * * *", MADRID, asked)
    assert first is not None
    assert first.astimezone(UTC) == datetime(2026, 3, 29, 4, tzinfo=UTC)
    before = next_tick("0 6 * * *", MADRID, asked - timedelta(days=1))
    assert before is not None
    assert before.astimezone(UTC) == datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert next_tick("0 6 * * *", MADRID, asked, end=date(2026, 3, 29)) is None


# -- dates as people write them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-15", THURSDAY),
        ("today", THURSDAY),
        ("Yesterday", date(2026, 1, 14)),
        ("last-saturday", date(2026, 1, 10)),
        ("last Sunday", date(2026, 1, 11)),
        ("last_thursday", date(2026, 1, 8)),
        ("monday-this-week", date(2026, 1, 12)),
    ],
)
def test_anchors_s4(text: str, found: date) -> None:
    assert parse_date(text, THURSDAY) == found


@pytest.mark.parametrize("weekday", list(calendar.day_name))
def test_the_last_weekday_is_really_that_weekday_and_never_today_s4(weekday: str) -> None:
    for ahead in range(14):
        today = THURSDAY + timedelta(days=ahead)
        found = parse_date(f"last-{weekday.lower()}", today)
        assert calendar.day_name[found.weekday()] == weekday
        assert 1 <= (today - found).days <= 7


def test_monday_of_this_week_is_a_monday_at_or_before_today_s4() -> None:
    for ahead in range(14):
        today = THURSDAY + timedelta(days=ahead)
        found = parse_date("monday-this-week", today)
        assert found.weekday() == 0
        assert 0 <= (today - found).days <= 6


@pytest.mark.parametrize("text", ["2026-02-30", "2026-2-3", "15/01/2026", "2026-13-01", "", "0000-01-01"])
def test_dates_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date") as caught:
        parse_date(text, THURSDAY)
    assert "YYYY-MM-DD" in (caught.value.fix or "")


def test_an_unknown_anchor_gets_the_nearest_spelling() -> None:
    with pytest.raises(UsageError) as caught:
        parse_date("last-saterday", THURSDAY)
    assert caught.value.fix == "Did you mean last-saturday?"
    assert all(parse_date(anchor, THURSDAY) <= THURSDAY for anchor in ANCHORS)


def test_a_range_includes_its_start_and_excludes_its_end_m1() -> None:
    july = DateRange(date(2020, 7, 1), date(2020, 8, 1))
    assert len(grid("0 0 * * *", date(2020, 1, 1)).dates(july)) == 31
    assert date(2020, 7, 1) in july
    assert date(2020, 8, 1) not in july
    assert list(grid("0 0 * * *").dates(DateRange.one(THURSDAY))) == [THURSDAY]


@pytest.mark.parametrize("end", [THURSDAY, date(2026, 1, 14)])
def test_a_range_that_ends_before_it_begins_is_refused_m1(end: date) -> None:
    with pytest.raises(UsageError, match="is not before") as caught:
        DateRange(THURSDAY, end)
    assert caught.value.why == "--start is included, --end is excluded"
    assert caught.value.fix == "For one day: --start 2026-01-15 --end 2026-01-16"


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("4w", 28), (" 1 d ", 1), ("0d", 0)])
def test_periods(text: str, days: int) -> None:
    assert parse_period(text) == days


@pytest.mark.parametrize("text", ["90", "d", "1h", "-1d", "1.5d", "999999d", ""])
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="90d or 4w"):
        parse_period(text)


# -- cutoffs -----------------------------------------------------------------------------------------------------


def test_with_lag_zero_the_15th_knows_everything_through_the_14th() -> None:
    cutoffs = Cutoffs(MADRID)
    assert cutoffs.of(THURSDAY) == datetime(2026, 1, 14, 23, tzinfo=UTC)
    assert cutoffs.data_date(THURSDAY) == date(2026, 1, 14)


def test_the_lag_moves_the_cutoff_by_calendar_days_a2() -> None:
    """Across the day with 23 hours the cutoff is still a local midnight."""
    cutoffs = Cutoffs(MADRID, lag=2)
    assert cutoffs.of(date(2026, 3, 31)) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert cutoffs.of(date(2026, 4, 1)) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert cutoffs.data_date(date(2026, 3, 31)) == date(2026, 3, 28)
    assert cutoffs.plus(date(2026, 3, 31), 1) == cutoffs.of(date(2026, 4, 1))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", date(2026, 3, 29), 23.0),
        ("Europe/Madrid", date(2026, 10, 25), 25.0),
        ("America/Sao_Paulo", date(2018, 11, 4), 23.0),  # begins at 01:00: there is no midnight
        ("America/Sao_Paulo", date(2018, 2, 17), 25.0),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kolkata", date(2026, 3, 29), 24.0),
        ("Pacific/Apia", date(2011, 12, 30), 0.0),  # a day that does not exist
        ("Pacific/Apia", date(2011, 12, 29), 24.0),
    ],
)
def test_days_are_as_long_as_they_are(zone: str, day: date, hours: float) -> None:
    found = first_instant(day + timedelta(days=1), ZoneInfo(zone)) - first_instant(day, ZoneInfo(zone))
    assert found == timedelta(hours=hours)


def test_a_day_without_midnight_begins_when_the_clock_jumped() -> None:
    found = first_instant(date(2018, 11, 4), SAO_PAULO)
    assert found == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert found.astimezone(SAO_PAULO).replace(tzinfo=None) == datetime(2018, 11, 4, 1)  # noqa: DTZ001


# -- times without a zone, and days --------------------------------------------------------------------------------


def test_a_wall_time_that_comes_twice_is_taken_for_its_later_instant() -> None:
    """At 02:30 of the first pass, Madrid has 30 minutes of the hour that will come again: none of it is certain."""
    first_pass = datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=0).astimezone(UTC)
    second_pass = datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=1).astimezone(UTC)
    assert second_pass - first_pass == timedelta(hours=1)
    assert naive_bound(first_pass, MADRID) == datetime(2026, 10, 25, 2)  # noqa: DTZ001
    assert naive_bound(second_pass, MADRID) == datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001


def test_a_date_is_known_when_its_day_is_over() -> None:
    """14 January in Madrid is over at 23:00 UTC, not a moment before."""
    midnight = datetime(2026, 1, 14, 23, tzinfo=UTC)
    assert day_bound(midnight, MADRID) == THURSDAY
    assert day_bound(midnight - timedelta(microseconds=1), MADRID) == date(2026, 1, 14)
    assert day_bound(midnight, ZoneInfo("America/New_York")) == date(2026, 1, 14)
