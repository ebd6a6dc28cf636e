"""What has the service to do, and why is it not done yet?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from augury.errors import ExitCode
from augury.ledger.queue_records import QueuedTask, TaskState, WorkerRecord
from augury.ledger.records import RunRecord
from augury.operations.locking import SERVICE
from augury.operations.opened import Opened
from augury.run.locks import PartitionLocks
from augury.run.outcome import EXIT_CODES


@dataclass(frozen=True)
class Waiting:
    """A task with what a person wants to know of it."""

    task: QueuedTask
    since: datetime
    """When it was submitted, or queued."""
    why: str
    """Why it is where it is."""


def tasks(
    opened: Opened, pipeline: str | None, *, day: date | None, run_id: str | None, everything: bool
) -> Sequence[Waiting]:
    """Dead letters first, then what runs, then what waits, in the order in which it would be taken.

    Raises UsageError for an unknown pipeline or run.
    """
    if pipeline is not None:
        opened.pipeline(pipeline)
    if run_id is not None:
        opened.ledger.run(run_id)
    states = tuple(TaskState) if everything else tuple(state for state in TaskState if state is not TaskState.ENDED)
    found = opened.ledger.queued_tasks(states, run_id=run_id, pipeline=pipeline, day=day)
    order = (TaskState.DEAD, TaskState.RELEASED, TaskState.SUSPENDED, TaskState.QUEUED, TaskState.WAITING)
    ranks = {state: rank for rank, state in enumerate((*order, TaskState.ENDED))}
    found.sort(key=lambda task: ranks[task.state])
    served = is_served(opened)
    now = opened.clock()
    return [Waiting(task, task.enqueued_at, _why(task, now, served)) for task in found]


def is_served(opened: Opened) -> bool:
    """Whether some process of the service is alive."""
    if not opened.ledger.shared:
        return PartitionLocks(opened.locks_folder, opened.clock).is_locked(SERVICE)
    return bool(living(opened, opened.ledger.workers()))


def living(opened: Opened, workers: Sequence[WorkerRecord]) -> frozenset[str]:
    """Names of the workers that renewed their lease in time, by the clock of the ledger."""
    leases = {lease_of(worker.name): worker.name for worker in workers}
    return frozenset(leases[name] for name in opened.ledger.leases(opened.clock(), list(leases)))


def lease_of(worker: str) -> str:
    return f"worker-{worker}"


def _why(task: QueuedTask, now: datetime, served: bool) -> str:
    match task.state:
        case TaskState.DEAD | TaskState.ENDED:
            return task.reason
        case TaskState.RELEASED:
            return f"on {task.worker}" if task.worker else "given to the workers"
        case TaskState.SUSPENDED:
            return task.reason or "an operation outside is under way"
        case TaskState.WAITING:
            return "something that it needs is not over" if served else "no service is running: augury up"
    if not served:
        return "no service is running: augury up"
    if task.not_before > now:
        left = (task.not_before - now).total_seconds()
        return f"again in {left:.0f} s: {task.reason}" if task.reason else f"not before {left:.0f} s from now"
    return "its turn has not come"


def progress_of(opened: Opened, run_id: str) -> tuple[int, int, Mapping[str, int]]:
    """Of a run: tasks that are over, all tasks, and its dates by status."""
    found = opened.ledger.queued_tasks(tuple(TaskState), run_id=run_id)
    over = [task for task in found if not task.state.open]
    dates = {task.day: str(task.facts.get("status", "")) for task in over if task.requested}
    return len(over), len(found), Counter(dates.values())


def exit_code_of(run: RunRecord) -> ExitCode:
    """What a command ends with that waited for a run of the service."""
    return EXIT_CODES.get(run.status, ExitCode.DONE)
