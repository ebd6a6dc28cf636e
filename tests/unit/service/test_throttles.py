"""What does each parameter of a throttle mean, on a simulated clock (N1, P2, P6, P7, P9, I8, I9, O)?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from augury.spec.service import Throttle
from tests.unit.service.simulator import HOUR, MADRID, START, World, table, throttled

# -- DATA_SOURCE_*_POLLER_CONFIG, TIMEZONE -------------------------------------------------------------------------


def test_o_data_source_poller_config_an_hourly_poll_takes_each_date_once_when_its_sources_come() -> None:
    """The source of a date comes at 09:20; the poll looks on the hour."""
    world = World(sources=lambda day, now: now.astimezone(MADRID).hour >= 10 or now.astimezone(MADRID).date() > day)
    world.serve("ltv", table("30 6 * * *", poll="0 */1 * * *"), date(2026, 1, 14))
    world.run(hours=72)
    assert [(at.astimezone(MADRID).isoformat(), str(day)) for at, _, day in world.submitted] == [
        (f"{day}T10:00:00+01:00", day) for day in ("2026-01-15", "2026-01-16", "2026-01-17")
    ]


def test_o_timezone_ticks_follow_the_schedule_s_zone_and_business_dates_are_its_days() -> None:
    world = World(now=datetime(2026, 3, 28, tzinfo=START.tzinfo))
    world.serve("ltv", table("30 2 * * *"), date(2026, 3, 27))
    world.run(hours=72)
    assert [(at.astimezone(MADRID).strftime("%d %H:%M"), day.day) for at, _, day in world.submitted] == [
        ("28 02:30", 28),
        ("29 03:00", 29),  # there is no 02:30
        ("30 02:30", 30),
    ]


# -- LONG_RUNNING_TASKS_POLLER_CONFIG ------------------------------------------------------------------------------


def test_o_long_running_tasks_poller_config_a_queue_is_looked_at_as_often_as_poll_says() -> None:
    world = throttled(poll="2min")
    world.enqueue("ltv")
    world.run(seconds=30)
    world.enqueue("ltv")
    world.run(minutes=10)
    assert world.began() == [0, 120]


def test_o_poll_without_a_word_tasks_go_as_soon_as_they_may() -> None:
    world = World()
    world.enqueue("ltv")
    world.run(seconds=0.25)
    world.enqueue("ltv")
    world.run(minutes=1)
    assert world.began() == [0, 0.25]


# -- DISCARD_TASKS_OLDER_THAN_HOURS --------------------------------------------------------------------------------


def test_o_discard_a_delayed_task_expires_and_becomes_a_dead_letter_with_its_reason_p6() -> None:
    """S4 let only operations expire: its delayed messages waited for ever."""
    world = throttled(delay="48h", expires="23h")
    world.enqueue("ltv")
    world.run(hours=24)
    assert (world.began(), world.queued) == ([], {})
    (dead,) = world.dead
    assert dead.reason == "expired: waited 23:00:00, and was to wait until 2026-01-15 23:00:00 UTC at most"


def test_o_discard_a_suspended_operation_expires_and_frees_its_slot_p6_p9_i9() -> None:
    """Each by its own time: S4 forgot all slots together."""
    world = throttled(max_concurrent=1, expires="1h", takes=2 * HOUR)
    world.poll = 60
    operation = world.enqueue("ltv")
    world.suspends = lambda task: task.run_id == operation
    world.run(minutes=30)
    behind = world.enqueue("ltv")
    world.run(hours=1)
    assert [dead.task.run_id for dead in world.dead] == [operation]
    assert world.began(behind) == [HOUR + 60]


def test_o_discard_a_task_that_is_out_does_not_expire() -> None:
    world = throttled(expires="1h", takes=3 * HOUR)
    world.enqueue("ltv")
    world.run(hours=4)
    assert (len(world.history), world.dead) == (1, [])


def test_o_discard_counts_from_when_the_task_was_queued_through_all_retries() -> None:
    world = throttled(expires="1h", retries=100, backoff="10min", takes=60)
    world.fails = lambda task: True
    world.enqueue("ltv")
    world.run(hours=2)
    assert len(world.dead) == 1
    assert world.began()[-1] < HOUR


# -- MAX_TASKS_PER_POLL and its multiplier -------------------------------------------------------------------------


def test_o_max_tasks_per_poll_stops_after_as_many_were_let_go() -> None:
    world = throttled(max_tasks_per_poll=10, poll="2min")
    world.enqueue("ltv", 25)
    world.run(minutes=10)
    assert world.began() == [0] * 10 + [120] * 10 + [240] * 5


def test_o_max_tasks_per_poll_multiplier_ten_times_as_many_are_looked_at_p7() -> None:
    """Twenty delayed tasks stand before one that is ready: the first look reads ten of them, the second the others and
    it."""
    world = throttled(max_tasks_per_poll=1, poll="1min")
    first = world.enqueue("ltv", 20)
    for key, task in world.queued.items():
        world.queued[key] = replace(task, not_before=START + timedelta(hours=5))
    ready = world.enqueue("ltv", 1)
    world.run(seconds=1)
    assert (len(world.looks), world.began(ready)) == (10, [])
    world.run(minutes=3)
    assert world.began(ready) == [120]
    assert world.began(first) == []


def test_o_max_tasks_per_poll_tasks_that_are_not_ready_or_expired_do_not_count() -> None:
    world = throttled(max_tasks_per_poll=2, poll="1min", takes=1)
    world.enqueue("ltv", 5, expires=1)
    world.now += timedelta(seconds=2)
    world.enqueue("ltv", 5)
    for key, task in list(world.queued.items())[5:8]:
        world.queued[key] = replace(task, not_before=START + timedelta(hours=5))
    world.run(seconds=10)
    assert (len(world.dead), len(world.looks), len(world.began())) == (5, 3, 2)


def test_o_fair_polling_two_hundred_waiting_tasks_are_looked_at_equally_p7() -> None:
    """Ten per poll reads a hundred: every task is looked at with every other poll."""
    world = throttled(max_tasks_per_poll=10, poll="2min", delay="100h")
    world.enqueue("ltv", 200)
    world.run(minutes=2 * 20)
    assert len(world.looks) == 200
    assert set(world.looks.values()) == {10}


def test_o_fair_polling_two_hundred_operations_are_asked_equally_p2_p7() -> None:
    world = throttled(max_tasks_per_poll=10, poll="2min", takes=100 * HOUR)
    world.suspends = lambda task: True
    world.enqueue("ltv", 200)
    world.run(minutes=2 * 20)  # twenty polls let all of them go
    world.looks.clear()
    world.run(minutes=2 * 20)
    assert len(world.suspended) == 200
    assert set(world.looks.values()) == {10}


def test_o_fair_polling_stops_asking_after_as_many_operations_were_over_p7() -> None:
    world = throttled(max_tasks_per_poll=3, poll="1min", takes=0)
    world.suspends = lambda task: True
    world.enqueue("ltv", 3)
    world.run(seconds=1)
    assert len(world.suspended) == 3
    world.enqueue("ltv", 1)
    world.run(minutes=1)
    assert len(world.history) == 2  # the third of this look was a task that it let go
    world.run(minutes=1)
    assert len(world.history) == 4


# -- DELAY_* -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["prepare", "filter", "predict", "train", "default"])
def test_o_delay_is_a_minimum_wait_of_any_step(step: str) -> None:
    """DELAY_PREPARE_*, DELAY_EXTRACT_NEW_CUSTOMERS_*, DELAY_FILTER_*, DELAY_PREDICT_TRANSACTIONS_*."""
    world = throttled(step, delay="60s")
    world.enqueue("ltv", 3, step=step)
    world.run(minutes=5)
    assert world.began() == [60, 60, 60]


def test_o_delay_with_poll_the_wait_is_the_longer_of_both_and_the_place_in_the_queue() -> None:
    world = throttled(delay="60s", poll="45s", max_tasks_per_poll=1)
    world.enqueue("ltv", 3)
    world.run(minutes=5)
    assert world.began() == [90, 135, 180]


def test_o_delay_counts_from_when_the_barrier_opened_n1() -> None:
    """Nobody has to ask again until it does: a task is queued when what it needs is there."""
    world = throttled("filter", delay="60s")
    world.run(minutes=10)
    world.enqueue("ltv", step="filter")
    world.run(minutes=5)
    assert world.began() == [660]


# -- MAX_CONCURRENT_BATCH_PREDICT, DELAY_PREDICT_TRANSACTIONS_BATCH, BATCH_PREDICT_TIMEOUT_SECONDS ------------------


def test_o_max_concurrent_thirty_dates_at_once_never_have_more_than_five_jobs_i8() -> None:
    world = throttled(max_concurrent=5, takes=600)
    world.enqueue("ltv", 30)
    world.run(hours=2)
    assert (len(world.history), world.most_at_a_time()) == (30, 5)
    assert world.began()[:6] == [0] * 5 + [600]  # the sixth goes when the first is over, not 300 s later


def test_o_max_concurrent_counts_suspended_operations() -> None:
    world = throttled(max_concurrent=5, takes=600)
    world.suspends = lambda task: True
    world.capacity = 1  # they take no thread
    world.enqueue("ltv", 30)
    world.run(hours=2)
    assert (len(world.history), world.most_at_a_time()) == (30, 5)


def test_o_max_concurrent_of_the_project_is_for_all_pipelines_together() -> None:
    """And each has its own beside it."""
    own = {"predict": Throttle(max_concurrent=3)}
    world = World(pipelines={"ltv": own, "rfm": own}, project={"predict": Throttle(max_concurrent=5)})
    for pipeline in ("ltv", "rfm"):
        world.enqueue(pipeline, 20)
    world.run(hours=1)
    assert world.most_at_a_time() == 5
    assert (world.most_at_a_time("ltv"), world.most_at_a_time("rfm")) == (3, 3)
    assert len(world.history) == 40


def test_o_max_concurrent_that_was_lowered_is_kept_to_as_soon_as_tasks_end_p9() -> None:
    """More are out than may be: nothing becomes negative, and nothing more goes."""
    world = throttled(max_concurrent=5, takes=600)
    world.enqueue("ltv", 10)
    world.run(minutes=1)
    world.pipelines = {"ltv": {"predict": Throttle(max_concurrent=2)}}
    world.run(minutes=9)
    assert len(world.began()) == 5
    world.run(minutes=15)
    assert world.began()[5:] == [600, 600, 1200, 1200]


def test_o_max_concurrent_of_default_is_for_all_steps_that_have_no_entry() -> None:
    world = World(pipelines={"ltv": {"default": Throttle(max_concurrent=1), "predict": Throttle(max_concurrent=2)}})
    for step in ("prepare", "filter", "predict", "predict"):
        world.enqueue("ltv", step=step)
    world.run(seconds=1)
    assert sorted(task.step for task in world.order()) == ["predict", "predict", "prepare"]


# -- rates ---------------------------------------------------------------------------------------------------------


def test_o_rate_no_window_of_the_period_has_more_wherever_it_begins() -> None:
    world = throttled(rate="10/min")
    world.run(seconds=55)
    world.enqueue("ltv", 35)
    world.run(minutes=5)
    assert world.began() == [55] * 10 + [115] * 10 + [175] * 10 + [235] * 5
    assert world.most_within(60) == 10


def test_o_rate_of_the_project_counts_all_pipelines() -> None:
    world = World(project={"predict": Throttle(rate="2/min")})
    for pipeline in ("ltv", "rfm", "clv"):
        world.enqueue(pipeline, 2)
    world.run(minutes=5)
    assert world.began() == [0, 0, 60, 60, 120, 120]
    assert [task.pipeline for task in world.order()[:3]] == ["ltv", "rfm", "clv"]


def test_o_rate_one_request_a_second_s2() -> None:
    """S2 paused a second between requests."""
    world = throttled("extract", rate="1/s", takes=0.3)
    world.enqueue("ltv", 5, step="extract")
    world.run(minutes=1)
    assert world.began() == [0, 1, 2, 3, 4]
