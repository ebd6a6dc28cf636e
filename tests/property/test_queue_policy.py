"""Random queues under random throttles: no limit is ever exceeded, nobody waits for ever, and chance plays no part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from augury.service.policy import Queued, Situation, backoff, decide, expires_at, starts_at
from augury.service.rooms import Queue
from augury.spec.service import DEFAULT, Throttle, throttle_of, throttle_of_task
from tests.unit.service.simulator import SCHEDULED, START, SUBMITTED, Done, World

PIPELINES = ("clv", "ltv", "rfm")
STEPS = ("predict", "prepare", "train", "")


def seconds(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda number: f"{number}s")


def keys(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Throttle]:
    """Throttles of which each has some of the keys."""
    limits = {
        "max_concurrent": st.integers(1, 4),
        "rate": st.sampled_from(("1/s", "2/min", "5/min", "20/h")),
        "delay": seconds(1, 200),
        "poll": seconds(1, 120),
        "max_tasks_per_poll": st.integers(1, 3),
    }
    return st.fixed_dictionaries({}, optional={**limits, **more}).map(lambda given: Throttle(**given))


def throttles(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Throttle]]:
    return st.dictionaries(st.sampled_from(("predict", "train", DEFAULT)), keys(**more), max_size=3)


@dataclass(frozen=True)
class Batch:
    """Tasks that are queued together."""

    after: int
    """Seconds since the batch before."""
    pipeline: str
    step: str
    priority: int
    count: int
    back: int
    """Seconds by which the clock is set back before."""


BATCHES = st.lists(
    st.builds(
        Batch,
        st.integers(0, 300),
        st.sampled_from(PIPELINES),
        st.sampled_from(STEPS),
        st.sampled_from((SCHEDULED, SUBMITTED)),
        st.integers(1, 12),
        st.just(0),
    ),
    min_size=1,
    max_size=8,
)


@st.composite
def worlds(draw: st.DrawFn, /, **more: st.SearchStrategy[Any]) -> World:
    random = Random(draw(st.integers(0, 1000)))
    times = {number: random.choice((0, 1, 30, 200)) for number in range(50)}
    suspends = draw(st.sampled_from(((), (0,), (0, 3, 4), tuple(range(50)))))
    return World(
        pipelines={name: draw(throttles(**more)) for name in PIPELINES},
        project=draw(throttles(**more)),
        capacity=draw(st.integers(1, 6)),
        takes=lambda task: times[task.position],
        suspends=lambda task: task.position in suspends,
        poll=5,
    )


def perform(world: World, batches: Iterable[Batch], *, days: int = 4) -> World:
    """Queue the batches one after the other, and go on until everything is over or `days` have passed."""
    for batch in batches:
        world.run(seconds=batch.after)
        world.now -= timedelta(seconds=batch.back)
        world.enqueue(batch.pipeline, batch.count, step=batch.step, priority=batch.priority)
    for _ in range(days * 24):
        if not world.queued and not world.out:
            break
        world.run(hours=1)
    return world


def queues(world: World, task: Queued) -> tuple[tuple[Queue, Throttle], ...]:
    """The two queues of a task and what limits them, found without the code under test."""
    both = (("", world.project), (task.pipeline, world.pipelines.get(task.pipeline, {})))
    found = []
    for pipeline, of in both:
        step = task.step if task.step in of else DEFAULT
        found.append((Queue(pipeline, step), throttle_of(of, step)))
    return tuple(found)


def own(world: World, task: Queued) -> Throttle:
    return throttle_of_task(world.project, world.pipelines[task.pipeline], task.step)


def by_queue(world: World) -> Mapping[Queue, tuple[Throttle, list[Done]]]:
    found: dict[Queue, tuple[Throttle, list[Done]]] = {}
    for done in [*world.history, *world.out.values()]:
        for queue, throttle in queues(world, done.task):
            found.setdefault(queue, (throttle, []))[1].append(done)
    return found


def most_at_once(attempts: Iterable[Done]) -> int:
    events = sorted(event for done in attempts for event in ((done.begin, 1), (done.end, -1)))
    most = now = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


@given(worlds(), BATCHES)
def test_no_limit_is_exceeded_and_everything_is_done(world: World, batches: list[Batch]) -> None:
    perform(world, batches)
    assert (world.queued, world.out, world.dead) == ({}, {}, [])
    assert len(world.history) == sum(batch.count for batch in batches)
    for throttle, attempts in by_queue(world).values():
        if throttle.max_concurrent is not None:
            assert most_at_once(attempts) <= throttle.max_concurrent
        if throttle.rate is not None:
            begins = sorted(done.begin for done in attempts)
            period = timedelta(seconds=throttle.rate.seconds)
            for first, after in zip(begins, begins[throttle.rate.most :], strict=False):
                assert after - first >= period
    threads = [done for done in world.history if not world.suspends(done.task)]
    assert most_at_once(threads) <= world.capacity
    assert all(done.begin >= starts_at(done.task, own(world, done.task)) for done in world.history)


@given(worlds(), BATCHES)
def test_one_look_lets_go_of_no_more_than_max_tasks_per_poll_and_looks_are_a_poll_apart(
    world: World, batches: list[Batch]
) -> None:
    perform(world, batches)
    looks: dict[Queue, list[datetime]] = defaultdict(list)
    for at, decision in world.decisions:
        released = Counter(queue for task in decision.released for queue, _ in queues(world, task))
        limits = dict(pair for task in decision.released for pair in queues(world, task))
        for queue, count in released.items():
            assert count <= (limits[queue].max_tasks_per_poll or count)
            if limits[queue].poll is not None:
                looks[queue].append(at)
    for queue, instants in looks.items():
        of = world.pipelines.get(queue.pipeline, {}) if queue.pipeline else world.project
        period = throttle_of(of, queue.step).poll
        assert period is not None
        assert all((later - at).total_seconds() >= period for at, later in pairwise(instants))


@given(worlds(expires=seconds(30, 600)), BATCHES)
def test_a_task_is_either_done_or_a_dead_letter_and_never_begins_when_it_is_expired(
    world: World, batches: list[Batch]
) -> None:
    perform(world, batches)
    assert (world.queued, world.out) == ({}, {})
    dead = {each.task.key for each in world.dead}
    done = {each.task.key for each in world.history}
    assert len(dead | done) == sum(batch.count for batch in batches)
    assert dead & done <= {each.task.key for each in world.history if world.suspends(each.task)}
    for attempt in world.history:
        limit = expires_at(attempt.task, own(world, attempt.task))
        assert limit is None or attempt.begin < limit


@given(worlds(), BATCHES, st.lists(st.integers(0, 600), min_size=8, max_size=8))
def test_a_clock_that_is_set_back_exceeds_no_limit_and_loses_nothing(
    world: World, batches: list[Batch], back: list[int]
) -> None:
    perform(world, [replace(batch, back=at) for batch, at in zip(batches, back, strict=False)])
    assert (world.queued, world.out) == ({}, {})
    assert len(world.history) == sum(batch.count for batch in batches)
    for throttle, attempts in by_queue(world).values():
        if throttle.rate is not None:
            begins = sorted(done.begin for done in attempts)
            period = timedelta(seconds=throttle.rate.seconds)
            for first, after in zip(begins, begins[throttle.rate.most :], strict=False):
                assert after - first >= period


@given(worlds(expires=seconds(30, 600)), BATCHES, st.sampled_from((0, 300, 900)), st.randoms(use_true_random=False))
def test_the_same_situation_gives_the_same_decision_in_whatever_order_it_is_told(
    world: World, batches: list[Batch], after: int, random: Random
) -> None:
    for batch in batches:
        world.enqueue(batch.pipeline, batch.count, step=batch.step, priority=batch.priority)
        world.run(seconds=after / len(batches))
    first, again = world.decide(), world.decide()
    assert first == again
    shuffled = list(world.queued.items())
    random.shuffle(shuffled)
    world.queued = dict(shuffled)
    other = world.decide()
    assert other.released == first.released
    assert {each.task.key for each in other.expired} == {each.task.key for each in first.expired}
    assert {task.key for task in other.looked_at} == {task.key for task in first.looked_at}
    assert (other.polled, other.stamp, other.next) == (first.polled, first.stamp, first.next)


@given(worlds(), BATCHES)
def test_tasks_of_one_pipeline_step_and_class_go_in_the_order_of_their_plan(world: World, batches: list[Batch]) -> None:
    """As long as one look reads all of them."""
    world.pipelines = {
        name: {step: of.model_copy(update={"max_tasks_per_poll": None}) for step, of in own.items()}
        for name, own in world.pipelines.items()
    }
    world.project = {step: of.model_copy(update={"max_tasks_per_poll": None}) for step, of in world.project.items()}
    perform(world, batches)
    orders = defaultdict(list)
    for task in world.order():
        orders[task.run_id].append(task.position)
    assert all(order == sorted(order) for order in orders.values())


@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 8))
def test_a_flood_of_scheduled_tasks_starves_nobody(capacity: int, pipelines: int, backfills: int) -> None:
    """More scheduled tasks than can be done: every backfill has one release for each nine of theirs, and no more."""
    world = World(capacity=capacity, takes=lambda task: 10)
    for number in range(pipelines):
        world.enqueue(f"p{number}", 200 // pipelines + 1, priority=SCHEDULED)
    for number in range(backfills):
        world.enqueue(f"b{number}", 50)
    world.run(seconds=10 * 100 / capacity)
    counts = Counter(task.pipeline if task.priority else "flood" for task in world.order())
    for number in range(backfills):
        assert counts["flood"] // 9 - 1 <= counts[f"b{number}"] <= counts["flood"] // 9 + 1


@given(st.integers(1, 60), st.floats(0, 10_000), st.text(max_size=20))
def test_backoff_grows_and_is_capped_and_depends_on_nothing_else(attempt: int, base: float, key: str) -> None:
    wait = backoff(attempt, base, key)
    assert base <= wait <= 1.25 * max(base, 3600.0)
    assert backoff(attempt + 1, base, key) >= wait / 1.25
    assert backoff(attempt, base, key) == wait


def test_a_situation_without_tasks_decides_nothing() -> None:
    decision = decide(Situation(now=START, queued=(), capacity=1000))
    assert (decision.released, decision.expired, decision.looked_at, decision.next) == ((), (), (), None)
    assert decision.stamp == START
