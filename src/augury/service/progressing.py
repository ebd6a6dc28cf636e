"""How far did each run of the service come, and what of it may start now?

Kept in memory by the one process that decides, and made anew from the queue whenever the two disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from augury.ledger.queue_records import QueuedTask, TaskState
from augury.ledger.store import Ledger
from augury.plan.steps import Plan, Task
from augury.run.progress import Ended, Progress
from augury.service.facts import ended_of

OVER = (TaskState.ENDED, TaskState.DEAD)


@dataclass(frozen=True)
class Ready:
    """A task that waits for nothing more."""

    task: Task
    blocked: str = ""
    """Why it cannot be performed; a worker says so to everybody."""
    over: Ended | None = None
    """Its date ended before it: nothing is left to do, and this is how it ended."""


@dataclass
class RunProgress:
    """One run: its plan, and what is known of its tasks."""

    run_id: str
    plan: Plan
    progress: Progress
    waiting: dict[str, Task]
    """Tasks behind their barrier."""
    open: dict[str, Task]
    """Tasks that are queued, released or suspended."""
    needs: set[date] = field(default_factory=set)
    """Ticks that the rules led to and that the plan had not foreseen."""
    tried: set[date] = field(default_factory=set)
    """Ticks that earlier plans of the run were made for."""

    @classmethod
    def read(cls, ledger: Ledger, run_id: str) -> RunProgress:
        """Raises ValueError, KeyError or TypeError where the stored plan is of another version of augury."""
        plan = Plan.from_json(ledger.stored_plan(run_id))
        by_key = {task.key: task for task in plan.tasks}
        queued = [each for each in ledger.queued_tasks(tuple(TaskState), run_id=run_id) if each.task in by_key]
        found = cls(
            run_id=run_id,
            plan=plan,
            progress=Progress(plan),
            waiting={each.task: by_key[each.task] for each in queued if each.state is TaskState.WAITING},
            open={
                each.task: by_key[each.task]
                for each in queued
                if each.state.open and each.state is not TaskState.WAITING
            },
        )
        for each in queued:
            found.tried |= {date.fromisoformat(tick) for tick in each.facts.get("tried", ())}
            if each.state in OVER:
                found._end(by_key[each.task], each)
        return found

    @property
    def is_over(self) -> bool:
        return not self.waiting and not self.open

    @property
    def is_stuck(self) -> bool:
        """Tasks wait for one another."""
        return bool(self.waiting) and not self.open

    def agrees_with(self, states: Mapping[TaskState, int]) -> bool:
        """Whether the queue holds as many waiting tasks as it is thought to: it was not changed by anybody else."""
        return states.get(TaskState.WAITING, 0) == len(self.waiting)

    @property
    def known(self) -> dict[str, list[str]]:
        """What every task of the run is told."""
        return {"tried": sorted(map(str, self.tried))} if self.tried else {}

    def catch_up(self, ledger: Ledger) -> None:
        """Hear of the tasks that ended since."""
        for each in ledger.queued_tasks(OVER, run_id=self.run_id, tasks=self.open):
            self._end(self.open.pop(each.task), each)

    def ready(self) -> list[Ready]:
        """Take the waiting tasks that wait for nothing more, in the order of the plan."""
        found = []
        for key, task in list(self.waiting.items()):
            if self.progress.waits(task):
                continue
            del self.waiting[key]
            over = self.progress.over(task)
            if over is not None:
                self.progress.end(task, over)
                found.append(Ready(task, over=over))
            else:
                self.open[key] = task
                found.append(Ready(task, blocked=self.progress.blocked(task)))
        return found

    def _end(self, task: Task, queued: QueuedTask) -> None:
        self.progress.end(task, ended_of(queued.facts))
        self.needs |= {date.fromisoformat(tick) for tick in queued.facts.get("needs", ())}
