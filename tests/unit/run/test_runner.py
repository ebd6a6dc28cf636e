"""Tasks in an order that works, side by side where they may; what fails blocks only those that need it (N1-N3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from threading import Barrier, Event, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.ledger.records import Status
from augury.plan.steps import Plan, PlannedStep, Reason, Request, Task, Wait
from augury.run.progress import Ended
from augury.run.runner import Runner

FIRST = date(2026, 1, 1)


def at(number: int) -> date:
    return FIRST + timedelta(days=number)


def task(number: int, level: int = 0, *, waits: tuple[Wait, ...] = (), tick: int | None = None) -> Task:
    name = "prepare" if level == 0 else "filter"
    steps = (PlannedStep(name, f"t_{name}", at(number), Reason.MISSING),)
    return Task("date", at(number), level, steps, waits, tick=None if tick is None else at(tick))


def training(number: int, *, waits: tuple[Wait, ...] = ()) -> Task:
    return Task("train", at(number), 0, (), waits)


def over(level: int, first: int, last: int, *tables: str) -> Wait:
    return Wait(level, at(first), at(last), tables)


class Story:
    """A run in which every task does what it is told to, and what became of each."""

    def __init__(self, *tasks: Task, ends: Mapping[str, Ended] | None = None) -> None:
        self.plan = Plan(Request("ltv", "v1", ()), "dev", tasks)
        self.performed: list[str] = []
        self.blocked: dict[str, str] = {}
        self.ended: dict[str, str] = {}
        self._ends = ends or {}
        self._lock = Lock()

    def perform(self, each: Task) -> Ended:
        with self._lock:
            self.performed.append(each.key)
        return self._ends.get(each.key, Ended(Status.SUCCEEDED))

    def _block(self, each: Task, why: str) -> Ended:
        with self._lock:
            self.blocked[each.key] = why
        return Ended(Status.BLOCKED, why)

    def _over(self, each: Task, ended: Ended) -> None:
        assert each.key not in self.ended
        self.ended[each.key] = str(ended.status)

    def run(self, *, parallel: int = 1, descending: bool = False) -> Story:
        Runner(self.plan, self.perform, self._block, self._over, parallel=parallel, descending=descending).run()
        return self


FAILED = Ended(Status.FAILED, "no column totl")


def test_one_by_one_keeps_the_order_of_the_plan() -> None:
    tasks = (task(0), training(1), task(1, tick=1), task(2))
    for _ in range(3):
        assert Story(*tasks).run().performed == [each.key for each in tasks]


def test_descending_takes_the_latest_date_first_and_still_respects_what_it_waits_for_m8() -> None:
    chained = [task(number, waits=(over(0, number - 1, number - 1, "t_prepare"),)) for number in range(3)]
    assert Story(task(0), task(1), task(2)).run(descending=True).performed == [str(at(2)), str(at(1)), str(at(0))]
    assert Story(*chained).run(descending=True).performed == [str(at(0)), str(at(1)), str(at(2))]


def test_dates_that_wait_for_nothing_run_side_by_side() -> None:
    """Both are under way at once: each waits for the other before it ends."""
    meeting = Barrier(2, timeout=20)

    class Meeting(Story):
        def perform(self, each: Task) -> Ended:
            meeting.wait()
            return super().perform(each)

    assert sorted(Meeting(task(0), task(1)).run(parallel=2).performed) == [str(at(0)), str(at(1))]


def test_no_filter_starts_before_the_last_prepare_inside_its_window_n2_n3() -> None:
    """The filter of the third waits for the first three dates; that of the first has an empty window."""
    window = [over(0, number - 2, number - 1, "t_prepare") for number in range(5)]
    tasks = [*(task(number) for number in range(5)), *(task(number, 1, waits=(window[number],)) for number in range(5))]
    for parallel in (1, 2, 4):
        done = Story(*tasks).run(parallel=parallel).performed
        for number in range(5):
            needed = [str(at(each)) for each in range(max(0, number - 2), number + 1)]
            assert max(map(done.index, needed)) < done.index(f"{at(number)} +1")


def test_no_more_than_so_many_at_once() -> None:
    now, most, lock, go = 0, 0, Lock(), Event()

    class Counting(Story):
        def perform(self, each: Task) -> Ended:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
                if now == 3:
                    go.set()
            go.wait(0.2)
            with lock:
                now -= 1
            return super().perform(each)

    Counting(*(task(number) for number in range(8))).run(parallel=3)
    assert most == 3


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_failed_date_blocks_exactly_those_that_read_it_with_the_reason_n3(parallel: int) -> None:
    tasks = [*(task(number) for number in range(5))]
    tasks += [task(number, 1, waits=(over(0, number - 2, number - 1, "t_prepare"),)) for number in range(5)]
    story = Story(*tasks, ends={str(at(1)): FAILED}).run(parallel=parallel)
    assert story.blocked == {
        f"{at(2)} +1": "2026-01-02 failed: no column totl",
        f"{at(3)} +1": "2026-01-02 failed: no column totl",
    }
    assert story.ended == {
        **{str(at(number)): "succeeded" for number in range(5)},
        **{f"{at(number)} +1": "succeeded" for number in range(5)},
        str(at(1)): "failed",
        f"{at(1)} +1": "failed",
        f"{at(2)} +1": "blocked",
        f"{at(3)} +1": "blocked",
    }
    assert f"{at(1)} +1" not in story.performed


def test_a_date_that_failed_after_what_others_read_was_built_blocks_nobody() -> None:
    late = Ended(Status.FAILED, "post_process", missing={"t_staging": "post_process"})
    reader = task(1, 1, waits=(over(0, 0, 0, "t_prepare"),))
    other = task(2, 1, waits=(over(0, 0, 0, "t_staging"),))
    story = Story(task(0), task(1), task(2), reader, other, ends={str(at(0)): late}).run()
    assert story.blocked == {f"{at(2)} +1": "2026-01-01 failed: post_process"}


@pytest.mark.parametrize("status", [Status.HELD, Status.SUCCEEDED, Status.SKIPPED_EMPTY, Status.SKIPPED_MISSING])
def test_what_is_held_or_skipped_does_not_block_the_readers_of_its_history(status: Status) -> None:
    ended = Ended(status, "a check", missing={})
    reader = task(1, 1, waits=(over(0, 0, 0, "t_prepare"),))
    assert Story(task(0), task(1), reader, ends={str(at(0)): ended}).run().blocked == {}


def test_publishing_awaits_the_end_of_earlier_dates_however_they_end() -> None:
    chained = task(1, 1, waits=(over(1, 0, 0),))
    story = Story(task(0), task(1), task(0, 1), chained, ends={f"{at(0)} +1": FAILED}).run(parallel=2)
    assert story.blocked == {}
    assert story.performed.index(f"{at(0)} +1") < story.performed.index(f"{at(1)} +1")


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_date_waits_for_its_tick_and_is_blocked_by_its_failure(parallel: int) -> None:
    bad = Ended(Status.FAILED, "no rows")
    tasks = (task(0), training(2, waits=(over(0, 0, 0, "t_prepare"),)), task(2, tick=2), task(3, tick=2), task(4))
    story = Story(*tasks, ends={f"train {at(2)}": bad}).run(parallel=parallel)
    assert story.blocked == {
        str(at(2)): "training of tick 2026-01-03 failed: no rows",
        str(at(3)): "training of tick 2026-01-03 failed: no rows",
    }
    assert str(at(4)) in story.performed


def test_ticks_are_trained_oldest_first() -> None:
    assert Story(training(3), training(1), training(2)).run(parallel=3).performed == [
        f"train {at(number)}" for number in (1, 2, 3)
    ]


def test_a_training_is_blocked_by_the_date_that_it_would_learn_from() -> None:
    learns = training(5, waits=(over(0, 0, 3, "t_prepare"),))
    story = Story(task(1), task(2), learns, task(5, tick=5), ends={str(at(2)): FAILED}).run()
    assert story.blocked == {
        f"train {at(5)}": "2026-01-03 failed: no column totl",
        str(at(5)): "training of tick 2026-01-06 failed: 2026-01-03 failed: no column totl",
    }


@pytest.mark.parametrize("parallel", [1, 2])
def test_tasks_that_wait_for_one_another_fail_and_do_not_hang(parallel: int) -> None:
    ring = (task(0, waits=(over(0, 1, 1, "t_prepare"),)), task(1, waits=(over(0, 0, 0, "t_prepare"),)))
    story = Story(*ring).run(parallel=parallel)
    assert "it waits for tasks that wait for it" in story.blocked.values()
    assert len(story.ended) == 2


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(1, 4),
    st.sets(st.integers(0, 6), max_size=2),
    st.booleans(),
)
def test_every_task_ends_once_and_after_whatever_it_waits_for(
    shape: list[tuple[int, int, int]], parallel: int, failing: set[int], descending: bool
) -> None:
    wanted = {(number, level): back for number, level, back in shape}
    tasks = [
        task(
            number, level, waits=(over(level - 1, number - back, number - 1, "t_filter", "t_prepare"),) if back else ()
        )
        for (number, level), back in sorted(wanted.items())
    ]
    ends = {each.key: FAILED for each in tasks if (each.day - FIRST).days in failing}
    story = Story(*tasks, ends=ends).run(parallel=parallel, descending=descending)
    assert set(story.ended) == {each.key for each in tasks}
    order = list(story.ended)
    for each in tasks:
        for other in tasks:
            before = any(w.level == other.level and w.first <= other.day <= w.last for w in each.waits)
            if before or (other.day == each.day and other.level < each.level):
                assert order.index(other.key) < order.index(each.key)
