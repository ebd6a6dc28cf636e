"""What happens next in the service? One pass over the ledger at a time, by the one process that decides.

A pass is a reconciliation: it looks at what is there and moves what can be moved. It may stop anywhere and be repeated
by anybody; nothing that it needs lives only in its memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from augury.errors import AuguryError
from augury.ledger.queue_records import Opening, QueuedTask, TaskState, WorkerRecord
from augury.ledger.records import Status
from augury.operations.opened import Opened
from augury.plan.steps import Task
from augury.run.progress import Ended
from augury.service.durable import Durable, Released
from augury.service.facts import facts_of
from augury.service.finishing import finish
from augury.service.progressing import Ready, RunProgress
from augury.service.releasing import LetGo, Releasing
from augury.service.submit import plan_again

Tell = Callable[[str, str], None]
"""(level, message): what the people who run the service should know."""


Alive = Callable[[Sequence[WorkerRecord]], frozenset[str]]
"""Which workers live, by name."""


class Dispatcher:
    """Moves the tasks of all runs; used by one thread."""

    def __init__(
        self,
        opened: Opened,
        durable: Durable,
        tell: Tell,
        *,
        alive: Callable[[Sequence[WorkerRecord]], frozenset[str]],
        let_go: LetGo = lambda tasks, now: None,
    ) -> None:
        """`let_go` hears of every task that is given to the workers."""
        self._opened = opened
        self._ledger = opened.ledger
        self._durable = durable
        self._tell = tell
        self._alive = alive
        self._runs: dict[str, RunProgress] = {}
        self._complaints: dict[str, str] = {}
        """What was said last about a run that cannot go on."""
        self._releasing = Releasing(opened, durable, let_go)

    def once(self) -> bool:
        """One pass. True where something moved that may let something else move at once."""
        now = self._opened.clock()
        workers = self._ledger.workers()
        self._give_up_the_dead(workers, now)
        planned_again = self._advance(now)
        buried = self._releasing.once(workers, self._planned, now)
        return planned_again or buried

    @property
    def is_idle(self) -> bool:
        """Every run is over."""
        return not self._runs

    # -- workers that died -----------------------------------------------------------------------------------------

    def _give_up_the_dead(self, workers: Sequence[WorkerRecord], now: datetime) -> None:
        """What a dead worker had begun is queued again; whoever it was, it cannot end that attempt any more."""
        alive = self._alive(workers)
        for worker in workers:
            if worker.name not in alive:
                self._tell("warning", f"worker {worker.name} on {worker.host} died")
                self._ledger.remove_worker(worker.name)
        lost = [
            task
            for task in self._ledger.queued_tasks((TaskState.RELEASED,))
            if task.worker and task.worker not in alive
        ]
        for task in lost:
            self._ledger.repeat_task(task.run_id, task.task, task.attempt, now, f"its worker {task.worker} died")
        self._durable.give_up([Released(task.run_id, task.task, task.attempt) for task in lost])

    # -- barriers --------------------------------------------------------------------------------------------------

    def _advance(self, now: datetime) -> bool:
        planned_again = False
        counts = self._ledger.queued_runs()
        for run_id in [run_id for run_id in self._runs if run_id not in counts]:
            del self._runs[run_id]
        for run_id, states in counts.items():
            try:
                planned_again |= self._advance_run(run_id, states, now)
            except AuguryError as error:
                self._complain(run_id, self._opened.masker.mask(error.what))
            except (ValueError, KeyError, TypeError):
                self._tell("error", f"run {run_id} was planned by another version of augury and is closed")
                self._ledger.finish_run(
                    run_id, Status.FAILED, now, {}, detail="planned by another version of augury; submit it again"
                )
        return planned_again

    def _complain(self, run_id: str, what: str) -> None:
        """What stands in the way of a run, once as long as it stays the same."""
        if self._complaints.get(run_id) != what:
            self._complaints[run_id] = what
            self._tell("error", f"run {run_id}: {what}")

    def _advance_run(self, run_id: str, states: dict[TaskState, int], now: datetime) -> bool:
        run = self._runs.get(run_id)
        if run is None or not run.agrees_with(states):
            run = self._runs[run_id] = RunProgress.read(self._ledger, run_id)
        run.catch_up(self._ledger)
        while ready := run.ready():
            self._open(run, [each for each in ready if each.over is None], now)
            for each in ready:
                if each.over is not None:
                    self._ledger.end_waiting(run_id, each.task.key, facts_of(each.over), each.over.detail)
        if run.is_stuck:
            # The planner makes no such ring; a stored plan of another version might, and had better fail than hang.
            for task in list(run.waiting.values()):
                ring = Ended(Status.BLOCKED, "it waits for tasks that wait for it")
                self._ledger.end_waiting(run_id, task.key, facts_of(ring), ring.detail)
            del self._runs[run_id]
            return True
        return run.is_over and self._end_run(run)

    def _open(self, run: RunProgress, ready: Sequence[Ready], now: datetime) -> None:
        if not ready:
            return
        facts = [{**run.known, **({"blocked": each.blocked} if each.blocked else {})} for each in ready]
        openings = [Opening(each.task.key, known) for each, known in zip(ready, facts, strict=True)]
        self._ledger.open_barrier(run.run_id, openings, now)

    def _end_run(self, run: RunProgress) -> bool:
        """Every task is over: the run is, unless the rules led to a tick that its plan had not foreseen. True where it
        was planned again."""
        del self._runs[run.run_id]
        tried = run.tried | run.needs
        if run.needs - run.tried and plan_again(self._opened, run.run_id, run.plan.request, tried):
            return True
        finish(self._opened, run.run_id, run.plan)
        return False

    def _planned(self, task: QueuedTask) -> Task | None:
        run = self._runs.get(task.run_id)
        return run.open.get(task.task) if run else None
