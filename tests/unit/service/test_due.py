"""Which dates are due, in which order, and which are not (A3, S-2, S-3, S-5, S-6)?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from augury.dates import Grid
from augury.service.due import Due, Look, Readiness, Timetable, Watch, due, readiness, timetables
from augury.spec.files import PipelineSpec
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day

MADRID = ZoneInfo("Europe/Madrid")
UP = datetime(2026, 1, 1, tzinfo=UTC)


def table(cron: str = "0 6 * * *", zone: str = "Europe/Madrid", *, end: str | None = None, **more: Any) -> Timetable:
    return Timetable("predict", Grid(cron, ZoneInfo(zone), day("2026-01-01"), day(end) if end else None), **more)


def at(text: str, zone: ZoneInfo = MADRID) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def served(handled: str | None, **more: Any) -> Watch:
    return Watch(**{"since": UP, "handled": day(handled) if handled else None, **more})


def dates(found: Due) -> list[str]:
    return [str(each) for each in found.dates]


# -- ticks -------------------------------------------------------------------------------------------------------


def test_a_date_is_due_from_its_tick_on_and_once_s6() -> None:
    """However often it is asked; once it is handled, nothing is due until the next tick."""
    asked = table()
    assert dates(due(asked, served("2026-01-14"), at("2026-01-15 05:59:59"))) == []
    for now in ("2026-01-15 06:00", "2026-01-15 06:00:01", "2026-01-15 23:59"):
        assert dates(due(asked, served("2026-01-14"), at(now))) == ["2026-01-15"]
        assert dates(due(asked, served("2026-01-15"), at(now))) == []


def test_a_cron_that_fires_every_minute_has_one_date_a_day_s6() -> None:
    every = table("* * * * *")
    first = due(every, served("2026-01-14"), at("2026-01-15 00:00"))
    assert dates(first) == ["2026-01-15"]
    watch = served(str(first.handled))
    assert all(not due(every, watch, at("2026-01-15 00:00") + timedelta(minutes=n)).dates for n in range(24 * 60))


def test_the_next_tick_is_told_in_local_time_and_utc_s2() -> None:
    upcoming = due(table(), served("2026-03-28"), at("2026-03-28 12:00")).next
    assert upcoming is not None
    assert upcoming.day == day("2026-03-29")
    assert upcoming.utc == datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert upcoming.local.isoformat() == "2026-03-29T06:00:00+02:00"
    assert due(table(), served("2026-03-28"), at("2026-03-28 12:00")).wake == upcoming.utc


@pytest.mark.parametrize(
    ("cron", "zone", "run_date", "utc"),
    [
        ("30 2 * * *", "Europe/Madrid", "2026-03-29", "2026-03-29T01:00"),  # 02:30 does not exist: the clock jumps
        ("30 2 * * *", "Europe/Madrid", "2026-10-25", "2026-10-25T00:30"),  # 02:30 comes twice: the first
        ("30 2 * * *", "Europe/Madrid", "2026-10-26", "2026-10-26T01:30"),
        ("0 8 * * 1", "Australia/Sydney", "2026-01-05", "2026-01-04T21:00"),  # the Monday of Sydney
        ("0 1 * * 2", "Europe/Paris", "2026-01-06", "2026-01-06T00:00"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", "2026-10-03T15:30"),  # a gap of half an hour
        ("0 4,16 * * *", "Europe/Madrid", "2026-01-05", "2026-01-05T03:00"),  # the first of several
    ],
)
def test_ticks_are_local_times_s2_s3_s5(cron: str, zone: str, run_date: str, utc: str) -> None:
    tick = table(cron, zone).tick(day(run_date))
    assert tick.utc == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert table(cron, zone).newest(tick.utc) == day(run_date)
    assert table(cron, zone).newest(tick.utc - timedelta(seconds=1)) != day(run_date)


def test_a_clock_that_goes_back_over_midnight_does_not_take_the_date_back() -> None:
    """In St John's the clock went from 00:01 back to 23:01: tomorrow had begun, and begins again."""
    zone = ZoneInfo("America/St_Johns")
    nightly = Timetable("predict", Grid("0 0 * * *", zone, date(2010, 1, 1)))
    again = datetime(2010, 11, 6, 23, 30, tzinfo=zone, fold=1)
    assert nightly.newest(again) == date(2010, 11, 7)


def test_a_day_that_does_not_exist_is_due_with_the_next() -> None:
    """On Samoa, Thursday 29 December 2011 was followed by Saturday."""
    zone = ZoneInfo("Pacific/Apia")
    samoa = Timetable("predict", Grid("0 6 * * *", zone, date(2011, 1, 1)), catchup="all")
    found = due(samoa, served("2011-12-29"), datetime(2011, 12, 30, 10, tzinfo=UTC))
    assert dates(found) == ["2011-12-30"]
    assert dates(due(samoa, served("2011-12-30"), datetime(2011, 12, 30, 16, tzinfo=UTC))) == ["2011-12-31"]


# -- catching up -------------------------------------------------------------------------------------------------

WEEK = at("2026-01-22 08:00")
"""Eight days after the date that was handled last."""


@pytest.mark.parametrize(
    ("catchup", "wanted", "left_out"),
    [
        ("latest", ["2026-01-22"], 7),
        ("all", [f"2026-01-{n}" for n in range(15, 23)], 0),
        ("none", [], 8),
    ],
)
def test_what_was_missed_is_caught_up_as_catchup_says(catchup: str, wanted: list[str], left_out: int) -> None:
    found = due(table(catchup=catchup), served("2026-01-14", since=WEEK), WEEK)
    assert (dates(found), len(found.left_out)) == (wanted, left_out)
    assert found.handled == day("2026-01-22")


def test_catchup_none_runs_every_tick_while_the_service_is_up() -> None:
    up = served("2026-01-14", since=at("2026-01-21 12:00"))
    assert dates(due(table(catchup="none"), up, WEEK)) == ["2026-01-22"]
    busy = due(table(catchup="none"), up, at("2026-01-24 07:00"))
    assert dates(busy) == ["2026-01-22", "2026-01-23", "2026-01-24"]


@pytest.mark.parametrize(
    ("catchup", "first", "count"), [("latest", "2026-01-22", 1), ("all", "2026-01-01", 22), ("none", None, 0)]
)
def test_a_pipeline_that_is_new_to_the_service(catchup: str, first: str | None, count: int) -> None:
    """Nothing counts as left out: nobody promised dates before somebody began to serve."""
    found = due(table(catchup=catchup), served(None, since=WEEK), WEEK)
    assert (dates(found)[:1], len(found.dates)) == ([first] if first else [], count)
    assert found.left_out == ()
    assert found.handled == day("2026-01-22")


def test_nothing_is_due_at_or_past_the_end() -> None:
    ending = table(end="2026-01-20", catchup="all")
    found = due(ending, served("2026-01-17"), WEEK)
    assert dates(found) == ["2026-01-18", "2026-01-19"]
    assert (found.next, found.wake) == (None, None)
    assert dates(due(ending, served("2026-01-19"), WEEK)) == []


def test_nothing_is_due_before_the_start() -> None:
    found = due(table(), served(None), at("2025-12-31 23:00"))
    assert dates(found) == []
    assert found.next is not None
    assert found.next.day == day("2026-01-01")


# -- pauses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["by the file", "by a person"])
def test_nothing_of_a_paused_pipeline_is_due_s3(how: str) -> None:
    paused = table(paused=how == "by the file", catchup="all")
    watch = served("2026-01-14", paused=how == "by a person")
    found = due(paused, watch, WEEK)
    assert (found.dates, found.looks, found.left_out, found.wake) == ((), (), (), None)
    assert (found.handled, found.reached) == (day("2026-01-14"), None)
    assert found.next is not None
    assert found.next.day == day("2026-01-23")


@pytest.mark.parametrize(
    ("catchup", "wanted"),
    [("latest", ["2026-01-22"]), ("all", [f"2026-01-{n}" for n in range(15, 23)]), ("none", [])],
)
def test_a_resumed_pipeline_catches_up_from_the_moment_it_was_paused_s3(catchup: str, wanted: list[str]) -> None:
    resumed = served("2026-01-14", since=WEEK)
    assert dates(due(table(catchup=catchup), resumed, WEEK)) == wanted
    assert dates(due(table(catchup=catchup), resumed, at("2026-01-23 06:00")))[-1:] == ["2026-01-23"]


# -- a clock that is set back ------------------------------------------------------------------------------------


def test_a_date_that_was_due_stays_due_when_the_clock_is_set_back() -> None:
    first = due(table(), served("2026-01-14"), at("2026-01-15 06:00"))
    again = due(table(), served("2026-01-14", reached=first.reached), at("2026-01-15 05:00"))
    assert dates(first) == dates(again) == ["2026-01-15"]
    assert again.next is not None
    assert again.next.day == day("2026-01-16")


def test_a_date_that_was_handled_is_not_due_again_when_its_tick_comes_again() -> None:
    watch = served("2026-01-15", reached=day("2026-01-15"))
    for now in ("2026-01-15 05:00", "2026-01-15 06:00", "2026-01-15 07:00"):
        assert dates(due(table(), watch, at(now))) == []


# -- the readiness poll ------------------------------------------------------------------------------------------

HOURLY = "0 */1 * * *"


def test_a_date_waits_for_its_sources_and_is_looked_for_at_the_times_of_the_poll_a3() -> None:
    polled = table("30 6 * * *", poll=HOURLY)
    watch = served("2026-01-14")
    assert due(polled, watch, at("2026-01-15 06:30")).looks == ()  # open, and the poll comes at seven
    assert due(polled, watch, at("2026-01-15 06:30")).wake == at("2026-01-15 07:00")
    seven = due(polled, watch, at("2026-01-15 07:00"))
    assert (seven.dates, seven.looks) == ((), (Look(day("2026-01-15"), last=False),))
    assert seven.handled == day("2026-01-14")
    looked = served("2026-01-14", looked=at("2026-01-15 07:00"))
    assert due(polled, looked, at("2026-01-15 07:59:59")).looks == ()
    assert due(polled, looked, at("2026-01-15 08:00")).looks == (Look(day("2026-01-15"), last=False),)
    assert due(polled, served("2026-01-15", looked=at("2026-01-15 08:00")), at("2026-01-15 09:00")).looks == ()


def test_a_poll_at_the_tick_looks_at_the_tick_a3() -> None:
    assert due(table(poll=HOURLY), served("2026-01-14"), at("2026-01-15 06:00")).looks


@pytest.mark.parametrize(
    ("present", "done", "found"),
    [
        (True, False, Readiness.DUE),
        (True, True, Readiness.DONE),
        (False, False, Readiness.ABSENT),
        (False, True, Readiness.DONE),
    ],
)
def test_a_look_finds_one_of_three_states_a3(present: bool, done: bool, found: Readiness) -> None:
    assert readiness(present=present, done=done) is found


def test_sources_that_do_not_come_before_the_next_tick_are_given_up_a3() -> None:
    polled = table(poll=HOURLY)
    late = served("2026-01-14", looked=at("2026-01-16 05:00"))
    assert due(polled, late, at("2026-01-16 05:59")).given_up == ()
    found = due(polled, late, at("2026-01-16 06:00"))
    assert found.given_up == (day("2026-01-15"),)
    assert found.looks == (Look(day("2026-01-16"), last=False),)
    assert found.handled == day("2026-01-15")


def test_or_before_they_expire_a3() -> None:
    polled = table(poll=HOURLY, expires=timedelta(hours=3))
    late = served("2026-01-14", looked=at("2026-01-15 08:00"))
    assert due(polled, late, at("2026-01-15 08:59")).wake == at("2026-01-15 09:00")
    found = due(polled, late, at("2026-01-15 09:00"))
    assert (found.given_up, found.looks, found.handled) == ((day("2026-01-15"),), (), day("2026-01-15"))


def test_dates_that_were_over_before_anybody_looked_get_one_look_a3() -> None:
    """The service was down from the 14th on."""
    polled = table(poll=HOURLY, catchup="all")
    found = due(polled, served("2026-01-14", looked=at("2026-01-14 08:00")), at("2026-01-17 06:10"))
    assert found.looks == (
        Look(day("2026-01-15"), last=True),
        Look(day("2026-01-16"), last=True),
        Look(day("2026-01-17"), last=False),
    )
    after = served("2026-01-16", looked=at("2026-01-17 06:10"))
    assert due(polled, after, at("2026-01-17 06:20")).looks == ()


def test_a_date_that_was_never_open_at_a_time_of_the_poll_gets_one_look_a3() -> None:
    polled = table(poll="0 5 * * *", expires=timedelta(hours=3))
    assert due(polled, served("2026-01-14"), at("2026-01-15 08:59")).looks == ()
    assert due(polled, served("2026-01-14"), at("2026-01-15 09:00")).looks == (Look(day("2026-01-15"), last=True),)


def test_a_look_that_was_made_before_the_clock_was_set_back_does_not_delay_the_next_a3() -> None:
    ahead = served("2026-01-14", looked=at("2026-01-15 20:00"))
    assert due(table(poll=HOURLY), ahead, at("2026-01-15 10:00")).looks == (Look(day("2026-01-15"), last=False),)


def test_the_last_date_of_a_pipeline_is_open_for_as_long_as_the_others_a3() -> None:
    polled = table(end="2026-01-16", poll=HOURLY)
    late = served("2026-01-14", looked=at("2026-01-16 05:00"))
    assert due(polled, late, at("2026-01-16 05:30")).wake == at("2026-01-16 06:00")
    assert due(polled, late, at("2026-01-16 06:00")).given_up == (day("2026-01-15"),)


# -- the timetables of a pipeline --------------------------------------------------------------------------------

MODEL = "horizon: 90d\nmodel: {{type: linear_reg, label: revenue, missing_label: zero, train: {{{train}}}}}\n"


def pipeline(settings: str = "", *, start: str = "2026-01-01") -> PipelineSpec:
    label = REVENUE if "model" in settings else None
    draft = Draft().pipeline("ltv", settings, start=start, prepare=SPENT, **({"label": label} if label else {}))
    return draft.read().pipelines["ltv"]["v1"]


def test_a_pipeline_has_a_timetable_for_each_schedule_that_it_names_l1() -> None:
    assert [each.kind for each in timetables(pipeline())] == ["predict"]
    settings = MODEL.format(train="schedule: 0 3 1 * *, catchup: all")
    settings += "schedule: {cron: 0 15 * * *, timezone: Europe/Madrid, catchup: none, poll: 0 * * * *}\n"
    train, predict, archive = timetables(pipeline(settings + "archive: {schedule: 0 16 * * *}\n"), expires=3600.0)
    assert [train.kind, predict.kind, archive.kind] == ["train", "predict", "archive"]
    assert (train.catchup, predict.catchup, archive.catchup) == ("all", "none", "latest")
    assert (predict.poll, predict.expires, archive.poll) == ("0 * * * *", timedelta(hours=1), None)
    assert archive.tick(day("2026-07-01")).local.isoformat() == "2026-07-01T16:00:00+02:00"


def test_the_first_training_is_due_when_there_is_something_to_learn_from() -> None:
    """With a horizon of 90 days nothing is known of 1 January before 1 April."""
    (train, _) = timetables(pipeline(MODEL.format(train="schedule: 0 3 1 * *")))
    assert train.newest(at("2026-03-31 23:00", ZoneInfo("UTC"))) is None
    assert train.newest(at("2026-04-01 03:00", ZoneInfo("UTC"))) == day("2026-04-01")


def test_a_pause_in_the_file_pauses_every_timetable_s3() -> None:
    settings = MODEL.format(train="schedule: 0 3 1 * *") + "schedule: {paused: true}\narchive: {schedule: 0 16 * * *}\n"
    assert all(each.paused for each in timetables(pipeline(settings)))


def test_what_the_last_dates_published_is_archived_on_the_day_after_l1() -> None:
    weekly = "schedule: {cron: 0 6 * * *}\narchive: {schedule: 0 16 * * 1}\nend: 2026-01-15\n"
    _, archive = timetables(pipeline(weekly))
    assert [str(each.day) for each in archive.upcoming(UP)] == ["2026-01-05", "2026-01-12", "2026-01-19"]
    assert dates(due(archive, served("2026-01-12"), WEEK)) == ["2026-01-19"]
    assert due(archive, served("2026-01-19"), WEEK).next is None
