"""Who goes first among those that may go, and what becomes of it when the clock is set back (P7)?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from augury.spec.service import Throttle
from tests.unit.service.simulator import HOUR, SCHEDULED, World, throttled


def test_scheduled_tasks_go_before_submitted_ones() -> None:
    """A backfill of a year does not keep today's date waiting."""
    world = World(pipelines={}, capacity=2, takes=lambda task: 60)
    backfill = world.enqueue("ltv", 365)
    world.run(minutes=10)
    today = world.enqueue("ltv", 3, priority=SCHEDULED)
    world.run(minutes=5)
    assert world.began(today) == [600, 600, 660]
    assert len(world.began(backfill)) > 20


def test_a_lower_class_is_passed_over_nine_times_at_most() -> None:
    """Scheduled tasks come faster than they can be done; one release of ten is for the others."""
    world = World(capacity=1, takes=lambda task: 10)
    for number in range(20):
        world.enqueue(f"p{number}", 100, priority=SCHEDULED)
    backfill = world.enqueue("ltv", 50)
    world.run(minutes=60)
    places = [at for at, task in enumerate(world.order()) if task.run_id == backfill]
    assert places[0] == 9
    assert {later - earlier for earlier, later in pairwise(places)} == {10}


def test_what_was_released_before_a_task_was_ready_did_not_pass_it_over() -> None:
    world = World(capacity=1, takes=lambda task: 10)
    world.enqueue("ltv", 100, priority=SCHEDULED)
    world.run(minutes=5)
    released = len(world.order())
    backfill = world.enqueue("rfm", 3)
    world.run(minutes=5)
    places = [at for at, task in enumerate(world.order()) if task.run_id == backfill]
    assert places[0] == released + 9


def test_pipelines_take_turns_and_each_keeps_the_order_of_its_plan() -> None:
    world = World(capacity=1, takes=lambda task: 10)
    world.enqueue("ltv", 50)
    world.run(seconds=25)
    world.enqueue("rfm", 3)
    world.enqueue("clv", 3)
    world.run(minutes=3)
    order = [(task.pipeline, task.position) for task in world.order()]
    assert order[:3] == [("ltv", 0), ("ltv", 1), ("ltv", 2)]
    assert order[3:9] == [("rfm", 0), ("clv", 0), ("ltv", 3), ("rfm", 1), ("clv", 1), ("ltv", 4)]
    assert [position for pipeline, position in order if pipeline == "ltv"] == sorted(
        position for pipeline, position in order if pipeline == "ltv"
    )


def test_the_order_of_the_plan_is_that_of_its_positions_however_tasks_are_told() -> None:
    world = World(capacity=1, takes=lambda task: 10)
    runs = [world.enqueue("ltv", 3), world.enqueue("ltv", 3)]
    world.queued = dict(reversed(world.queued.items()))
    world.run(minutes=2)
    assert [(task.run_id, task.position) for task in world.order()] == [(run, at) for run in runs for at in range(3)]


def test_a_full_queue_of_one_step_keeps_no_other_waiting() -> None:
    world = throttled(max_concurrent=1, takes=HOUR)
    world.enqueue("ltv", 10, step="predict")
    prepare = world.enqueue("ltv", 10, step="prepare")
    world.run(minutes=1)
    assert world.began(prepare) == [0] * 10


# -- a clock that is set back --------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_exceeds_no_limit_and_stops_nothing() -> None:
    world = throttled(rate="5/min", max_concurrent=5, takes=300)
    world.enqueue("ltv", 30)
    world.run(seconds=350)
    world.pipelines = {"ltv": {"predict": Throttle(rate="5/min")}}
    world.now -= timedelta(seconds=100)
    world.run(seconds=100)
    assert world.began() == [0] * 5 + [300] * 5  # what was released "in the future" counts as just released
    world.run(hours=1)
    assert len(world.history) == 30
    assert (world.most_within(60), world.dead) == (5, [])


def test_after_the_clock_was_set_back_tasks_are_still_looked_at_in_turn_p7() -> None:
    world = throttled(max_tasks_per_poll=10, poll="2min", delay="100h")
    world.enqueue("ltv", 200)
    world.run(minutes=20)
    world.looks.clear()
    world.now -= timedelta(minutes=15)
    world.run(minutes=2 * 2)  # two looks of a hundred, although the last one was "in the future"
    assert set(world.looks.values()) == {1}
    assert len(world.looks) == 200
