"""What is published, what is due, and who scores it: taken from schedule and ledger, whatever the time of writing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from augury.errors import UsageError
from augury.ledger.records import Status
from augury.operations.calendar import due_date, next_run
from augury.operations.status import PipelineStatus
from tests.projects import SPENT, Shop, day

SCHEDULE = "schedule: {cron: '0 6 * * *', timezone: Europe/Madrid}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path).orders(("ann", "2026-01-01", 10))
    return made.pipeline("ltv", SCHEDULE, start="2026-01-03", prepare=SPENT)


def at(shop: Shop, moment: str) -> Shop:
    return replace(shop, now=datetime.fromisoformat(moment).replace(tzinfo=UTC))


def status(shop: Shop, days: int = 5) -> PipelineStatus:
    with shop.open() as project:
        (found,) = project.status("ltv", days=days)
    return found


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-01-02T23:30", None),  # the first run date has begun in Madrid; its cron has not fired
        ("2026-01-03T04:59", None),
        ("2026-01-03T05:00", "2026-01-03"),  # 06:00 in Madrid
        ("2026-01-10T04:59", "2026-01-09"),
        ("2026-01-10T23:30", "2026-01-10"),  # the 11th in Madrid, six hours before its time
    ],
)
def test_a_date_is_due_when_its_cron_time_has_passed(shop: Shop, moment: str, due: str | None) -> None:
    assert status(at(shop, moment)).due == (day(due) if due else None)


def test_nothing_is_due_from_the_end_on_and_nothing_runs_next(shop: Shop) -> None:
    shop.pipeline("ltv", SCHEDULE + "end: 2026-01-06\n", start="2026-01-03", prepare=SPENT)

    found = status(at(shop, "2026-02-01T12:00"))

    assert (found.due, found.next_run) == (day("2026-01-05"), None)
    assert [str(when) for when, _ in found.strip] == ["2026-01-03", "2026-01-04", "2026-01-05"]


def test_a_replay_of_the_past_shows_how_far_it_came_and_a_living_pipeline_what_it_misses(shop: Shop) -> None:
    late = at(shop, "2026-03-01T12:00")
    late.run("ltv", "2026-01-04", "2026-01-06")
    assert {record for _, record in status(late).strip} == {None}
    shop.pipeline("ltv", SCHEDULE + "end: 2026-03-01\n", start="2026-01-03", prepare=SPENT)
    assert [(str(when), record) for when, record in status(late, days=2).strip] == [
        ("2026-01-04", Status.SUCCEEDED),
        ("2026-01-05", Status.SUCCEEDED),
    ]
    assert status(late).due == day("2026-02-28")


def test_the_next_run_is_said_in_the_zone_of_the_schedule(shop: Shop) -> None:
    found = status(at(shop, "2026-01-10T12:00")).next_run
    assert found is not None
    assert found.isoformat() == "2026-01-11T06:00:00+01:00"
    before_start = status(at(shop, "2025-06-01T12:00")).next_run
    assert before_start is not None
    assert before_start.isoformat() == "2026-01-03T06:00:00+01:00"


def test_a_cron_time_that_a_clock_change_skips_still_makes_its_date_due_once(shop: Shop) -> None:
    shop.pipeline("ltv", SCHEDULE.replace("0 6", "30 2"), start="2026-01-03", prepare=SPENT)
    with shop.open() as project:
        spec = project.pipeline("ltv")
    # On 29 March 2026 the clocks of Madrid go from 02:00 to 03:00, at 01:00 UTC.
    skipped = day("2026-03-29")
    moments = [datetime(2026, 3, 28, 12, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(100)]
    due = [due_date(spec, moment) for moment in moments]
    assert due == sorted(due, key=str)
    assert due.index(skipped) in range(52, 56)
    after = next_run(spec, datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    assert after is not None
    assert after.date() == skipped


def test_the_latest_date_is_the_newest_complete_one_not_the_one_written_last(shop: Shop) -> None:
    at(shop, "2026-01-09T12:00").run("ltv", "2026-01-07")
    at(shop, "2026-01-10T12:00").run("ltv", "2026-01-04")

    found = status(at(shop, "2026-01-10T12:00"))

    assert (found.latest, found.stale_since) == (day("2026-01-07"), day("2026-01-08"))
    assert dict(found.strip) == {
        day("2026-01-06"): None,
        day("2026-01-07"): Status.SUCCEEDED,
        day("2026-01-08"): None,
        day("2026-01-09"): None,
        day("2026-01-10"): None,
    }


def test_a_pipeline_that_has_what_is_due_is_not_stale_and_one_that_never_began_is_not_either(shop: Shop) -> None:
    now = at(shop, "2026-01-10T12:00")
    assert (status(now).latest, status(now).stale_since) == (None, None)
    now.run("ltv", "2026-01-10")
    assert status(now).stale_since is None
    assert status(at(shop, "2026-01-11T04:59")).stale_since is None
    assert status(at(shop, "2026-01-11T05:00")).stale_since == day("2026-01-11")


def test_a_held_date_makes_the_pipeline_stale_and_what_was_published_stays_the_latest(shop: Shop) -> None:
    now = at(shop, "2026-01-05T12:00")
    now.run("ltv", "2026-01-03", "2026-01-05")
    shop.write("pipelines/ltv/validation.sql", "select false as never\n")
    now.run("ltv", "2026-01-05")

    found = status(now, days=3)

    assert [record for _, record in found.strip] == [Status.SUCCEEDED, Status.SUCCEEDED, Status.HELD]
    assert (found.latest, found.stale_since) == (day("2026-01-04"), day("2026-01-05"))

    # Held again after it was published: readers keep the old partition, so the date is not missing to them.
    now.run("ltv", "2026-01-04")
    assert status(now).latest == day("2026-01-04")


def test_h1_another_version_is_told_once_somebody_ran_it_with_the_current_one_first(shop: Shop) -> None:
    shop.pipeline("ltv", SCHEDULE, start="2026-01-03", version="v2", prepare=SPENT)
    now = at(shop, "2026-01-05T12:00")
    assert [each.version for each in _all(now)] == ["v1"]
    now.run("ltv", "2026-01-05", version="v2")
    assert [(each.version, each.current, each.latest) for each in _all(now)] == [
        ("v1", True, None),
        ("v2", False, day("2026-01-05")),
    ]


def _all(shop: Shop) -> tuple[PipelineStatus, ...]:
    with shop.open() as project:
        return project.status()


def test_a_pipeline_that_does_not_exist_is_named_with_the_nearest_one(shop: Shop) -> None:
    with shop.open() as project, pytest.raises(UsageError, match="no pipeline called 'lvt'") as caught:
        project.status("lvt")
    assert caught.value.fix == "Did you mean 'ltv'?"
