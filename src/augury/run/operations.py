"""What becomes of a step that waits for something outside? It is put aside, and goes on with the result.

The hook of a step returns an `Operation` instead of rows. In the foreground the run waits for it here; in the service
the task is suspended and holds no thread. Either way the hook is called once more, with the operation's result.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from augury.errors import HookFailed, Place, WorkFailed
from augury.hooks import Operation
from augury.ledger.queue_records import OperationRecord
from augury.run.hooks import load_hooks
from augury.spec.files import PipelineSpec, ProjectSpec


class Suspended(Exception):
    """A step returned an operation instead of rows."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(operation.name)
        self.operation = operation


def poll(project: ProjectSpec, pipeline: PipelineSpec, operation: Operation) -> Mapping[str, Any] | None:
    """Ask whether an operation is over: its result, or None while it is not. Raises HookFailed."""
    if operation.poll is None:
        return None
    path = _hooks_path(pipeline)
    function = getattr(load_hooks(project.root, pipeline, path), operation.poll, None)
    if not callable(function):
        raise HookFailed(f"{path} has no function {operation.poll}, which is to poll {operation.name}")
    try:
        found = function(operation)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise HookFailed(
            f"{operation.poll} raised {type(error).__name__} about {operation.name}",
            where=Place(file=path),
            why=str(error),
        ) from error
    if found is None or found is False:
        return None
    result = {} if found is True else found
    try:
        if not isinstance(result, Mapping):
            raise TypeError(f"it returned {type(result).__name__}")
        json.dumps(dict(result))
    except (TypeError, ValueError) as error:
        raise HookFailed(
            f"{operation.poll} did not say in a usable form what came of {operation.name}",
            where=Place(file=path),
            why=str(error),
            fix="Return None or False while it goes on; True, or a mapping as JSON can hold it, when it is over.",
        ) from error
    return dict(result)


def wait_for(
    project: ProjectSpec,
    pipeline: PipelineSpec,
    operation: Operation,
    notified: Callable[[], Mapping[str, Any] | None],
    pause: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Operation:
    """Wait until an operation is over, with its result in it. `notified` tells what somebody said of it meanwhile.

    Raises WorkFailed where it takes longer than its timeout, HookFailed where it cannot be polled.
    """
    deadline, next_poll = now() + operation.timeout_seconds, now()
    while True:
        result = notified()
        if result is None and now() >= next_poll:
            result = poll(project, pipeline, operation)
            next_poll = now() + operation.every_seconds
        if result is not None:
            return replace(operation, result=result)
        if now() >= deadline:
            raise timed_out(operation)
        pause(min(1.0, operation.every_seconds, max(deadline - now(), 0.0)))


def timed_out(operation: Operation) -> WorkFailed:
    return WorkFailed(
        f"the operation {operation.name} was not over in {operation.timeout_seconds:g} s",
        fix="See what it waits for; a longer timeout is an argument of Operation.",
    )


def record_of(operation: Operation, run_id: str, task: str, step: str, now: datetime) -> OperationRecord:
    """A suspended operation as the ledger remembers it."""
    return OperationRecord(
        run_id=run_id,
        task=task,
        step=step,
        name=operation.name,
        poll=operation.poll or "",
        every=operation.every_seconds,
        due_at=now,
        deadline=now + timedelta(seconds=operation.timeout_seconds),
        state=dict(operation.state),
    )


def operation_of(record: OperationRecord) -> Operation:
    return Operation(
        name=record.name,
        poll=record.poll or None,
        every=record.every,
        timeout=(record.deadline - record.due_at).total_seconds(),
        state=record.state,
        result=record.result,
    )


def _hooks_path(pipeline: PipelineSpec) -> str:
    hooks = [step.hook for step in pipeline.steps.values() if step.hook is not None]
    return hooks[0].path
