"""What does the service remember? One frozen value per kind of row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class TaskState(StrEnum):
    """Where a queued task stands."""

    WAITING = "waiting"
    """Behind a barrier: something that it needs is not over."""
    QUEUED = "queued"
    """May start as soon as throttles and workers allow."""
    RELEASED = "released"
    """Given to the workers, and perhaps started by one."""
    SUSPENDED = "suspended"
    """Waits for an operation outside; holds a slot, but no thread."""
    ENDED = "ended"
    """Over, with an outcome."""
    DEAD = "dead"
    """A dead letter: expired, exhausted or poisoned. A person may send it again."""

    @property
    def open(self) -> bool:
        """Still to be done."""
        return self not in (TaskState.ENDED, TaskState.DEAD)


class Priority:
    """Lower comes first."""

    SCHEDULED = 0
    SUBMITTED = 1


@dataclass(frozen=True)
class QueuedTask:
    """One task of one run, on its way through the service."""

    run_id: str
    task: str
    """Key of the task in the run's plan."""
    pipeline: str
    version: str
    day: date
    """The run date, or the tick of a training."""
    step: str
    """The throttled step that the task is about; `train`; empty where no throttle of a step applies."""
    priority: int
    requested: bool
    """The date itself was asked for; else it is built for a training or as history."""
    position: int
    """Place of the task in its plan."""
    state: TaskState
    attempt: int
    """Every release has one of its own, also where the run is planned again."""
    failures: int
    """How often it failed so far."""
    starts: int
    """How often a worker began this task."""
    enqueued_at: datetime
    """Since when it is queued; before that, when it was submitted."""
    not_before: datetime
    polled_at: datetime
    """When it was looked at last: who was looked at longest ago comes first."""
    expires_at: datetime | None = None
    released_at: datetime | None = None
    worker: str = ""
    """Who started it."""
    reason: str = ""
    """The last error, or why it is a dead letter."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Before it is performed: why it is `blocked`, which ticks were `tried`. After: `status`, `detail`, `missing`."""


@dataclass(frozen=True)
class Opening:
    """A waiting task that waits for nothing more."""

    task: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class OperationRecord:
    """Something outside that a suspended task waits for."""

    run_id: str
    task: str
    step: str
    name: str
    poll: str
    """Function of hooks.py that asks about it; empty where somebody tells."""
    every: float
    """Seconds between two polls."""
    due_at: datetime
    """When it is asked about next."""
    deadline: datetime
    state: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    """Not None once it is over."""


@dataclass(frozen=True)
class WorkerRecord:
    """A process that performs tasks."""

    name: str
    """Never used twice."""
    host: str
    pid: int
    concurrency: int
    """Tasks at a time."""
    started_at: datetime
    heartbeat_at: datetime
    stopping: bool = False
    """Finishes what it has and takes nothing more."""


@dataclass(frozen=True)
class ScheduleRecord:
    """How far a schedule was served."""

    pipeline: str
    version: str
    kind: str
    """`predict`, `train` or `archive`."""
    handled: date | None = None
    """The newest business date that was submitted or passed over."""
    reached: date | None = None
    """The newest business date that was ever due."""
    looked: datetime | None = None
    """When its sources were looked for last."""


@dataclass(frozen=True)
class Pause:
    """A pipeline whose schedules are not served."""

    pipeline: str
    since: datetime
    who: str


@dataclass(frozen=True)
class Release:
    """A task was given to the workers; what a rate is measured by."""

    pipeline: str
    version: str
    step: str
    priority: int
    at: datetime
