"""What may people decide about the service's work? Take it back, send it again, pause it. Each leaves its trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augury.errors import UsageError, nearest
from augury.ledger.queue_records import Pause, QueuedTask, TaskState
from augury.ledger.records import FOREGROUND, DateRecord, Decision, Status
from augury.operations.opened import Opened
from augury.plan.steps import Plan
from augury.run.progress import Ended
from augury.service.facts import facts_of
from augury.service.finishing import finish
from augury.service.submit import plan_again

_NOT_OUT = (TaskState.WAITING, TaskState.QUEUED, TaskState.SUSPENDED)


def cancel(opened: Opened, run_id: str) -> int:
    """Take back the tasks of a run that no worker has begun; how many. What is under way ends by itself.

    Raises UsageError where the service has no such run, or has nothing left to do of it.
    """
    run = opened.ledger.run(run_id)
    left = opened.ledger.queued_tasks(run_id=run_id)
    if not left:
        raise UsageError(
            f"run {run_id} has nothing left to cancel",
            why="it runs in a process of its own: stop that one" if run.origin == FOREGROUND else str(run.status),
            fix="See: augury tasks",
        )
    by_whom = f"cancelled by {opened.who.user}"
    facts = facts_of(Ended(Status.CANCELLED, by_whom))
    taken = [
        task for task in left if task.state in _NOT_OUT and opened.ledger.end_waiting(run_id, task.task, facts, by_whom)
    ]
    opened.ledger.record_partitions(dates=_cancelled(opened, taken, by_whom))
    _decide(opened, "cancel", run.pipeline, run.version, run_id, f"{len(taken)} tasks")
    if len(taken) == len(left):
        finish(opened, run_id, Plan.from_json(opened.ledger.stored_plan(run_id)))
    return len(taken)


def _cancelled(opened: Opened, tasks: list[QueuedTask], detail: str) -> list[DateRecord]:
    """The outcome of dates that were asked for and now will not be tried; what a date had before stays true."""
    if not tasks:
        return []
    first = tasks[0]
    known = opened.ledger.date_records(first.pipeline, first.version)
    cutoffs = opened.pipeline(first.pipeline, first.version).cutoffs
    return [
        DateRecord(
            pipeline=first.pipeline,
            version=first.version,
            run_date=day,
            status=Status.CANCELLED,
            run_id=first.run_id,
            updated_at=opened.clock(),
            data_date=cutoffs.data_date(day),
            detail=detail,
        )
        for day in sorted({task.day for task in tasks if task.requested})
        if day not in known or not known[day].status.complete
    ]


def revive(opened: Opened, run_id: str | None) -> int:
    """Send dead letters again, planned anew with what they held up; how many.

    Raises UsageError where the named run has none.
    """
    dead = opened.ledger.queued_tasks((TaskState.DEAD,), run_id=run_id)
    if run_id is not None and not dead:
        opened.ledger.run(run_id)
        raise UsageError(f"run {run_id} has no dead letters", fix="See: augury tasks")
    for each in dict.fromkeys(task.run_id for task in dead):
        request = Plan.from_json(opened.ledger.stored_plan(each)).request
        if not plan_again(opened, each, request):
            opened.ledger.forget_dead(each)
        _decide(opened, "retry", request.pipeline, request.version, each, "dead letters sent again")
    return len(dead)


def pause(opened: Opened, name: str) -> bool:
    """False where the pipeline was paused already. Raises UsageError for an unknown one."""
    pipeline = opened.pipeline(name)
    if name in opened.ledger.pauses():
        return False
    opened.ledger.pause_pipeline(Pause(name, opened.clock(), opened.who.user))
    _decide(opened, "pause", name, pipeline.version, name)
    return True


def resume(opened: Opened, name: str) -> bool:
    """False where the pipeline was not paused. Raises UsageError for an unknown one."""
    pipeline = opened.pipeline(name)
    if not opened.ledger.resume_pipeline(name):
        return False
    _decide(opened, "resume", name, pipeline.version, name)
    return True


def notify(opened: Opened, operation: str, result: Mapping[str, Any]) -> int:
    """An operation outside is over, and this is what came of it; how many tasks go on.

    Raises UsageError where nobody waits for an operation of that name.
    """
    waiting = opened.ledger.operations(name=operation)
    if not waiting:
        names = sorted({each.name for each in opened.ledger.operations()})
        close = nearest(operation, names)
        raise UsageError(
            f"nobody waits for an operation called {operation!r}",
            why=f"waited for: {', '.join(names[:5])}" if names else "nothing is waited for",
            fix=f"Did you mean {close!r}?" if close else "See: augury tasks",
        )
    return sum(opened.ledger.end_operation(each, result, opened.clock()) for each in waiting)


def _decide(opened: Opened, action: str, pipeline: str, version: str, subject: str, detail: str = "") -> None:
    opened.ledger.decide(
        Decision(
            at=opened.clock(),
            who=opened.who.user,
            host=opened.who.host,
            action=action,
            pipeline=pipeline,
            version=version,
            subject=subject,
            detail=detail,
        )
    )
