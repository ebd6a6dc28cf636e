"""What do the parameters of other schedulers mean here: retries, active runs, timeouts, crons (S0, S2, S3)?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from augury.service.policy import backoff
from tests.unit.service.simulator import HOUR, START, World, table, throttled


def test_o_retries_and_retry_delay_a_task_that_fails_is_tried_again_after_its_backoff_s0() -> None:
    world = throttled("train", retries=1, backoff="60s", takes=10)
    world.fails = lambda task: True
    world.enqueue("ltv", step="train")
    world.run(hours=1)
    first, second = world.began()
    assert (first, len(world.history)) == (0, 2)
    assert 70 <= second <= 70 + 15  # the attempt, a minute, and up to a quarter more


def test_o_retries_wait_twice_as_long_after_each_failure_and_an_hour_at_most() -> None:
    waits = [backoff(attempt, 60, "run/2026-01-15") for attempt in range(1, 12)]
    assert all(60 * 2**at <= wait <= 75 * 2**at for at, wait in enumerate(waits[:6]))
    assert all(HOUR <= wait <= 1.25 * HOUR for wait in waits[6:])
    assert waits == [backoff(attempt, 60, "run/2026-01-15") for attempt in range(1, 12)]
    assert len({backoff(1, 60, f"run/{day}") for day in range(30)}) == 30  # they do not come back together
    assert 7200 <= backoff(5, 7200, "a") <= 9000
    assert backoff(10_000, 1, "a") <= 1.25 * HOUR


def test_o_concurrency_and_max_active_runs_one_date_at_a_time_in_order_s0_m8() -> None:
    world = throttled("default", max_concurrent=1, takes=600)
    world.serve("ltv", table(catchup="all"), date(2026, 1, 4))
    world.run(hours=4)
    assert [day for _, _, day in world.submitted] == [date(2026, 1, day) for day in range(5, 15)]
    assert (world.most_at_a_time(), len(world.history)) == (1, 10)
    assert [task.run_id for task in world.order()] == sorted(task.run_id for task in world.order())


@pytest.mark.parametrize(("catchup", "count"), [("latest", 1), ("all", 10), ("none", 0)])
def test_o_catchup_says_what_becomes_of_dates_that_were_missed_s0(catchup: str, count: int) -> None:
    world = World()
    world.serve("ltv", table(catchup=catchup), date(2026, 1, 4))
    world.run(hours=1)
    assert len(world.submitted) == count


def test_o_start_date_nothing_is_due_before_it_s0() -> None:
    world = World(now=START - timedelta(days=30))
    world.serve("ltv", table(catchup="all"))
    world.run(hours=24 * 20)
    assert world.submitted[0][2] == date(2026, 1, 1)


def test_o_sensor_timeout_an_operation_that_never_ends_is_given_up_s3() -> None:
    world = throttled(expires="600s", takes=100 * HOUR)
    world.suspends = lambda task: True
    world.enqueue("ltv")
    world.run(hours=1)
    assert [dead.task.task for dead in world.dead] == ["0000"]
    assert (world.history[0].end - START).total_seconds() == 600


def test_o_cron_of_every_minute_overlapping_ticks_run_no_date_twice_s2_s6() -> None:
    """A date takes six hours, and the cron fires every minute."""
    world = throttled("default", max_concurrent=1, takes=6 * HOUR)
    world.serve("ltv", table("* * * * *"), date(2026, 1, 14))
    world.run(hours=72)
    days = [str(day) for _, _, day in world.submitted]
    assert days == ["2026-01-15", "2026-01-16", "2026-01-17", "2026-01-18"]
