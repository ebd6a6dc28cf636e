"""Ranges of dates: what is built and what is left alone, side by side or one by one (M1-M3, M7-M10, N3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import Locked, UsageError
from augury.events import RunStarted, TaskFinished
from augury.run.locks import PartitionLocks
from tests.projects import SPENT, Shop, days, orders_of, outcomes, steps_of

BREAKS = """\
select customer_id, sum(amount) as spent,
    case when {{ run_date }} = date '2026-01-04' then error('a bad day') end as oops
from {{ source('orders') }} group by customer_id
"""
NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('prepare', days=2) }})
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(prepare=SPENT)


def broken(shop: Shop) -> Shop:
    """2 to 6 January were run, and the 4th failed; the SQL is mended since."""
    shop.pipeline(prepare=BREAKS)
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-07", max_parallel=2)) == {
        **{f"2026-01-0{at}": "succeeded" for at in (2, 3, 5, 6)},
        "2026-01-04": "failed",
    }
    return shop.pipeline(prepare=BREAKS.replace("a bad day", "2").replace("error('2')", "2"))


def test_start_is_included_and_end_is_not_m1(shop: Shop) -> None:
    result = shop.run("ltv", "2026-01-02", "2026-01-04")
    assert list(outcomes(result)) == ["2026-01-02", "2026-01-03"]
    (run,) = shop.runs()
    assert (str(run.first_date), str(run.last_date)) == ("2026-01-02", "2026-01-03")


def test_what_is_built_is_what_the_plan_said_and_a_second_backfill_builds_nothing_m7(shop: Shop) -> None:
    said = steps_of(shop.plan("ltv", "2026-01-02", "2026-01-06"))
    result = shop.run("ltv", "2026-01-02", "2026-01-06", max_parallel=2)
    assert sorted((step.step, str(step.run_date)) for step in shop.steps(result.run_id)) == sorted(said)
    files = shop.files()
    again = shop.run("ltv", "2026-01-02", "2026-01-06")
    assert (again.run_id, shop.files()) == (None, files)


def test_one_bad_date_fails_alone_m2(shop: Shop) -> None:
    shop.pipeline(prepare=BREAKS)
    result = shop.run("ltv", "2026-01-02", "2026-01-07", max_parallel=2)
    assert int(result.exit_code) == 1
    assert result.counts == {"succeeded": 4, "failed": 1}
    bad = next(outcome for outcome in result.outcomes if str(outcome.run_date) == "2026-01-04")
    assert "a bad day" in bad.detail or "a bad day" in str(bad.error)


def test_a_bad_date_blocks_those_that_look_back_at_it_with_the_reason_n3(shop: Shop) -> None:
    shop.pipeline(prepare=BREAKS, filter=NEW)
    result = shop.run("ltv", "2026-01-02", "2026-01-09", max_parallel=2)
    assert outcomes(result) == {
        "2026-01-02": "succeeded",
        "2026-01-03": "skipped: no population",
        "2026-01-04": "failed",
        "2026-01-05": "blocked",
        "2026-01-06": "blocked",
        "2026-01-07": "skipped: no population",
        "2026-01-08": "skipped: no population",
    }
    blocked = next(outcome for outcome in result.outcomes if str(outcome.run_date) == "2026-01-06")
    assert blocked.detail.startswith("2026-01-04 failed: ")


@pytest.mark.parametrize(
    ("mode", "built"),
    [
        ("missing", ["2026-01-07"]),
        ("failed", ["2026-01-04", "2026-01-07"]),
        ("all", [f"2026-01-0{at}" for at in range(2, 8)]),
    ],
)
def test_reprocess_missing_failed_and_all_m3(shop: Shop, mode: str, built: list[str]) -> None:
    """The mended SQL is another definition: only `all`, and no mode at all, rebuild what had succeeded."""
    broken(shop)
    result = shop.run("ltv", "2026-01-02", "2026-01-08", reprocess=mode, max_parallel=2)
    assert outcomes(result) == dict.fromkeys(built, "succeeded")


def test_retry_runs_exactly_the_dates_that_did_not_succeed_whatever_day_it_is(shop: Shop) -> None:
    broken(shop)
    shop.now = shop.now.replace(month=11)
    with shop.open() as project:
        (result,) = project.retry("ltv")
        assert outcomes(result) == {"2026-01-04": "succeeded"}
        assert project.retry("ltv") == ()


def test_dates_off_the_grid_are_refused_and_left_out_of_ranges_m9(shop: Shop) -> None:
    shop.pipeline(settings="schedule: {cron: '0 6 * * 1'}", prepare=SPENT)
    with pytest.raises(UsageError) as caught:
        shop.run("ltv", "2026-01-14")
    assert (caught.value.fix, len(shop.runs())) == ("The nearest run date is 2026-01-12.", 0)
    assert list(outcomes(shop.run("ltv", "2026-01-06", "2026-01-20"))) == ["2026-01-12", "2026-01-19"]


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2026-03-02", None, "lies in the future"),
        ("2025-12-31", None, "is not a run date"),
        ("2026-02-27", "2026-03-05", "lies in the future"),
    ],
)
def test_dates_that_cannot_be_known_are_refused_before_anything_is_written(
    shop: Shop, start: str, end: str | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        shop.run("ltv", start, end)
    assert shop.files() == {}


def test_today_is_a_day_of_the_schedules_zone(shop: Shop) -> None:
    """At 12:00 UTC on 1 March it is 2 March in Kiritimati, which has everything through its 1st."""
    shop.pipeline(settings="schedule: {timezone: Pacific/Kiritimati}", prepare=SPENT)
    assert outcomes(shop.run("ltv", "2026-03-02")) == {"2026-03-02": "succeeded"}


def test_newest_first_when_asked_to_m8(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02", "2026-01-06", order="desc")
    ended = [event.key for event in shop.events if isinstance(event, TaskFinished)]
    assert ended == ["2026-01-05", "2026-01-04", "2026-01-03", "2026-01-02"]


def test_everybody_hears_what_was_begun_and_every_task_once(shop: Shop) -> None:
    shop.pipeline(prepare=BREAKS, filter=NEW)
    shop.run("ltv", "2026-01-02", "2026-01-08", max_parallel=2)
    (began,) = [event for event in shop.events if isinstance(event, RunStarted)]
    ended = [event.key for event in shop.events if isinstance(event, TaskFinished)]
    assert (len(ended), len(set(ended))) == (began.tasks, began.tasks)
    assert began.parallel == 2
    assert len(began.to_build) == 6


def test_a_date_that_another_run_owns_is_left_to_it_and_the_others_go_on(shop: Shop) -> None:
    locks = PartitionLocks(shop.root / ".augury/dev/_locks", lambda: shop.now)
    shop.run("ltv", "2026-01-02")
    with locks.acquire("ltv-v1-2026-01-04", "01ELSEWHERE"):
        with pytest.raises(Locked, match="01ELSEWHERE"):
            shop.run("ltv", "2026-01-04")
        result = shop.run("ltv", "2026-01-03", "2026-01-06")
        assert outcomes(result) == {"2026-01-03": "succeeded", "2026-01-04": "locked", "2026-01-05": "succeeded"}
        assert int(result.exit_code) == 5
    assert outcomes(shop.run("ltv", "2026-01-03", "2026-01-06")) == {"2026-01-04": "succeeded"}


def test_logs_and_tables_about_runs_are_there_afterwards_b12_r1(shop: Shop) -> None:
    result = shop.run("ltv", "2026-01-02", "2026-01-04")
    (row,) = shop.query("select run_id, status, dates, published from augury_runs")
    assert row == {"run_id": result.run_id, "status": "succeeded", "dates": 2, "published": 2}
    with shop.open() as project:
        lines = list(project.logs(run_id=result.run_id))
    about = {line.get("date") for line in lines if line.get("step")}
    assert about == {"2026-01-02", "2026-01-03"}
    assert {line["run_id"] for line in lines} == {result.run_id}
