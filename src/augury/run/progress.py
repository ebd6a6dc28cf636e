"""Which tasks of a plan may start, and which of them cannot be performed any more?

A value of memory alone: it is told how tasks ended and answers from that. The foreground keeps one for the length of
a run; the service makes it anew from what its queue remembers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from augury.ledger.queue_records import OperationRecord
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
    suspended: OperationRecord | None = None
    """Not over at all: what the task waits for."""


class Progress:
    """How far the tasks of one plan came."""

    def __init__(self, plan: Plan, ended: Mapping[str, Ended] | None = None) -> None:
        """`ended` are tasks, by key, that ended before."""
        self._open: dict[int, list[date]] = {}
        """Days of unfinished tasks by level, sorted, one entry per task."""
        self._open_ticks: set[date] = set()
        self._bad: dict[str, dict[date, str]] = {}
        """Why partitions are missing that others may read, by table."""
        self._over: dict[date, Ended] = {}
        """Dates that ended before their last level."""
        self._bad_ticks: dict[date, str] = {}
        for task in plan.tasks:
            if task.kind == "train":
                self._open_ticks.add(task.day)
            else:
                insort(self._open.setdefault(task.level, []), task.day)
        for task in plan.tasks:
            if ended and task.key in ended:
                self.end(task, ended[task.key])

    def waits(self, task: Task) -> bool:
        """Whether something must end before this task can be judged."""
        if task.kind == "date":
            if any(self._is_open(Wait(level, task.day, task.day)) for level in range(task.level)):
                return True
            if task.tick is not None and any(tick <= task.tick for tick in self._open_ticks):
                return True
        elif any(tick < task.day for tick in self._open_ticks):
            return True
        return any(self._is_open(each) for each in task.waits)

    def over(self, task: Task) -> Ended | None:
        """How the date of a task ended already, before this task; None where the task is still wanted."""
        over = self._over.get(task.day) if task.kind == "date" else None
        return replace(over, missing=None if over.status is not Status.HELD else {}) if over else None

    def blocked(self, task: Task) -> str:
        """Why a task cannot be performed; empty where it can."""
        if task.tick is not None and (bad := self._bad_ticks.get(task.tick)):
            return f"training of tick {task.tick} failed: {bad}"
        for each in task.waits:
            for table in each.tables:
                for day, why in sorted(self._bad.get(table, {}).items()):
                    if each.first <= day <= each.last:
                        return f"{day} failed: {why}"
        return ""

    def end(self, task: Task, ended: Ended) -> None:
        """A task is over."""
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

    def _is_open(self, each: Wait) -> bool:
        days = self._open.get(each.level, [])
        at = bisect_left(days, each.first)
        return at < len(days) and days[at] <= each.last


def _missing(task: Task, ended: Ended) -> Mapping[str, str]:
    if ended.missing is not None:
        return ended.missing
    return {} if ended.status.complete else {step.table: ended.detail for step in task.steps}
