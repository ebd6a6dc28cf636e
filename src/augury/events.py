"""What happened, as frozen values that listeners (terminal, log file, hooks) receive.

A listener never changes a run: whatever it raises is logged and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class RunStarted:
    run_id: str
    pipeline: str
    version: str
    command: str
    dates: tuple[date, ...]
    """Run dates that were asked for."""
    tasks: int
    """Tasks to perform, those of training and history included."""
    to_build: tuple[date, ...] = ()
    """Of `dates`, those that have something to do."""
    parallel: int = 1
    """Dates at a time."""
    left: tuple[date, ...] = ()
    """Of `dates`, those that `--reprocess` leaves as they are."""


@dataclass(frozen=True)
class StepFinished:
    run_id: str
    pipeline: str
    run_date: date
    step: str
    status: str
    rows: int | None
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class ModelTrained:
    run_id: str
    pipeline: str
    tick: date
    model_version: int
    passed: bool
    summary: str
    """One line: metrics with their spread and the gate's verdict."""


@dataclass(frozen=True)
class DateFinished:
    run_id: str
    pipeline: str
    run_date: date
    status: str
    rows: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class TaskFinished:
    """Any task is over: what a progress bar counts."""

    run_id: str
    pipeline: str
    key: str
    status: str


@dataclass(frozen=True)
class Noticed:
    """Something a person should know that did not change the outcome."""

    run_id: str
    pipeline: str
    message: str
    run_date: date | None = None
    step: str | None = None


@dataclass(frozen=True)
class RunFinished:
    run_id: str
    pipeline: str
    status: str
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    """Requested dates by status."""
    extra: dict[str, Any] = field(default_factory=dict)


Event = RunStarted | StepFinished | ModelTrained | DateFinished | TaskFinished | Noticed | RunFinished
Listener = Callable[[Event], None]
