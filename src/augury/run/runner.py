"""In which order are the tasks of a plan performed, side by side where they allow it, and what becomes of the rest?

Any number of threads take tasks that wait for nothing more. A failed task blocks exactly those that need it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date

from augury.ledger.records import Status
from augury.plan.steps import Plan, Task, Wait


@dataclass(frozen=True)
class Ended:
    """How a task ended, as far as those who wait for it care."""

    status: Status
    detail: str = ""
    missing: Mapping[str, str] | None = None
    """Tables whose partition could not be built, and why; None for all of the task unless it is complete. What a check
    holds back is not among them: an expected no keeps nobody else waiting."""


Perform = Callable[[Task], Ended]
Block = Callable[[Task, str], Ended]
Over = Callable[[Task, Ended], None]


class Runner:
    """Performs the tasks of one plan. Deciding is here; doing is in the functions that it is given.

    `over` hears of every task exactly once.
    """

    def __init__(
        self, plan: Plan, perform: Perform, block: Block, over: Over, *, parallel: int, descending: bool
    ) -> None:
        self._perform = perform
        self._block = block
        self._tell = over
        self._parallel = parallel
        tasks = sorted(plan.tasks, key=lambda task: task.day, reverse=True) if descending else plan.tasks
        self._todo: list[Task] = list(tasks)
        self._open: dict[int, list[date]] = {}
        """Days of unfinished tasks by level, sorted, one entry per task."""
        self._open_ticks: set[date] = set()
        self._bad: dict[str, dict[date, str]] = {}
        """Why partitions are missing that others may read, by table."""
        self._over: dict[date, Ended] = {}
        """Dates that ended before their last level."""
        self._bad_ticks: dict[date, str] = {}
        self._ring: list[Task] = []
        for task in plan.tasks:
            if task.kind == "train":
                self._open_ticks.add(task.day)
            else:
                insort(self._open.setdefault(task.level, []), task.day)

    def run(self) -> None:
        """Returns when every task has ended. KeyboardInterrupt lets running tasks end and leaves the others."""
        if self._parallel == 1:
            while self._todo:
                self._finish(*self._do(self._ready() or self._stuck()))
            return
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="augury") as pool:
            running: set[Future[tuple[Task, Ended]]] = set()
            try:
                while self._todo or running:
                    while len(running) < self._parallel and (task := self._ready()) is not None:
                        running.add(pool.submit(self._do, task))
                    if not running:
                        running.add(pool.submit(self._do, self._stuck()))
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._finish(*future.result())
            except KeyboardInterrupt:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _stuck(self) -> Task:
        """The first of tasks that wait for one another. The planner makes no such ring; a stored plan of another
        version might, and had better fail than hang."""
        task = self._todo.pop(0)
        self._ring.append(task)
        return task

    def _ready(self) -> Task | None:
        """Take the first task that waits for nothing more."""
        for at, task in enumerate(self._todo):
            if not self._waits(task):
                return self._todo.pop(at)
        return None

    def _waits(self, task: Task) -> bool:
        if task.kind == "date":
            if any(self._is_open(Wait(level, task.day, task.day)) for level in range(task.level)):
                return True
            if task.tick is not None and any(tick <= task.tick for tick in self._open_ticks):
                return True
        elif any(tick < task.day for tick in self._open_ticks):
            return True
        return any(self._is_open(each) for each in task.waits)

    def _is_open(self, each: Wait) -> bool:
        days = self._open.get(each.level, [])
        at = bisect_left(days, each.first)
        return at < len(days) and days[at] <= each.last

    def _do(self, task: Task) -> tuple[Task, Ended]:
        if task.kind == "date" and (over := self._over.get(task.day)) is not None:
            return task, replace(over, missing=None if over.status is not Status.HELD else {})
        stuck = any(task is each for each in self._ring)
        why = "it waits for tasks that wait for it" if stuck else self._blocked(task)
        return task, self._block(task, why) if why else self._perform(task)

    def _blocked(self, task: Task) -> str:
        """Why a task cannot be performed; empty where it can."""
        if task.tick is not None and (bad := self._bad_ticks.get(task.tick)):
            return f"training of tick {task.tick} failed: {bad}"
        for each in task.waits:
            for table in each.tables:
                for day, why in sorted(self._bad.get(table, {}).items()):
                    if each.first <= day <= each.last:
                        return f"{day} failed: {why}"
        return ""

    def _finish(self, task: Task, ended: Ended) -> None:
        self._tell(task, ended)
        if task.kind == "train":
            self._open_ticks.discard(task.day)
            if ended.status is not Status.SUCCEEDED:
                self._bad_ticks[task.day] = ended.detail
            return
        self._open[task.level].remove(task.day)
        if not ended.status.complete:
            self._over[task.day] = ended
        for table, why in _missing(task, ended).items():
            self._bad.setdefault(table, {})[task.day] = why


def _missing(task: Task, ended: Ended) -> Mapping[str, str]:
    if ended.missing is not None:
        return ended.missing
    return {} if ended.status.complete else {step.table: ended.detail for step in task.steps}
