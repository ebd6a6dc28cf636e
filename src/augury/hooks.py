"""What does a function in a project's hooks.py ask for?

    from augury.hooks import Context, history, source

    def prepare(context: Context, orders=source("orders"), past=history("prepare", days=28)):
        ...                                # orders and past arrive as Arrow tables; return an Arrow table

A parameter declares its relation by its default value, and the declaration is read from the source without
running it, so that the planner knows what a hook needs. A bare parameter is `context`, `rows` (the result of
the step's SQL file), the name of a step, or the name of a source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from augury.events import DateFinished, ModelTrained
from augury.spec.settings import parse_seconds
from augury.sql.relations import History, Outcome, Published, Ref, Reference, Source, Staging, Window

__all__ = [
    "Context",
    "Operation",
    "Variable",
    "history",
    "outcome",
    "published",
    "ref",
    "reference",
    "source",
    "staging",
    "var",
    "window",
]


@dataclass(frozen=True)
class Context:
    """What a hook may know about the run that calls it."""

    run_date: date
    cutoff: datetime
    """The half-open end of what this date knows, in UTC."""
    pipeline: str
    version: str
    target: str = ""
    run_id: str = ""
    vars: Mapping[str, Any] = field(default_factory=dict)
    """Variables after the cascade: project, target, pipeline, --vars."""
    event: DateFinished | ModelTrained | None = None
    """What happened; in on_completed, on_held, on_failed and on_trained."""
    operation: Operation | None = None
    """What this step waited for, with its result; None when it is called for the first time."""


@dataclass(frozen=True)
class Operation:
    """Something that goes on outside: a job of a warehouse, a batch of predictions, an upload.

        def predict(context, rows):
            if context.operation is None:
                return Operation(start_job(rows), poll="_is_done", every="1m", timeout="2h")
            return download(context.operation.result["uri"])

        def _is_done(operation):
            job = look_at(operation.name)
            return {"uri": job.output} if job.done else None

    A step that returns one is suspended until it is over, and called again with it. A crash between the start of the
    job and the end of the hook starts it again: give it a name of your own where that matters.
    """

    name: str
    """What it is called outside, e.g. the id of the job; `augury notify` names it."""
    poll: str | None = None
    """A function of hooks.py that gets the operation and returns None or False while it goes on, and True or a mapping,
    which becomes `result`, when it is over. None: somebody says so with `augury notify`."""
    every: float | str = 60.0
    """Between two polls: seconds, or `30s`, `5m`, `2h`."""
    timeout: float | str = 86400.0
    """How long it may take."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the poll needs; as JSON can hold it."""
    result: Mapping[str, Any] | None = None
    """What the poll or the notification said when it was over."""

    @property
    def every_seconds(self) -> float:
        return _in_seconds(self.every)

    @property
    def timeout_seconds(self) -> float:
        return _in_seconds(self.timeout)


def _in_seconds(value: float | str) -> float:
    return parse_seconds(value) if isinstance(value, str) else float(value)


@dataclass(frozen=True)
class Variable:
    """The value of a variable."""

    name: str


# The functions return Any, so that a parameter can be annotated with what arrives, e.g. `orders: pa.Table`.


def source(name: str) -> Any:
    """Rows of a declared source with event_time before the cutoff."""
    return Source(name)


def window(name: str) -> Any:
    """Of those, the rows that are new for this run date."""
    return Window(name)


def ref(step: str) -> Any:
    """This date's partition of an earlier step, or of `predict`; `scores.predictions` is that of another pipeline."""
    return Ref(step)


def history(step: str, days: int) -> Any:
    """Partitions of a step for the run dates in [D - days, D); they carry `run_date`."""
    return History(step, days)


def outcome(name: str) -> Any:
    """Rows of a source over the horizon after the cutoff; in `label` only."""
    return Outcome(name)


def reference(name: str) -> Any:
    """A CSV of reference/, in the version that belongs to the model in use."""
    return Reference(name)


def var(name: str) -> Any:
    """The value of a variable, as YAML or --vars gave it."""
    return Variable(name)


def staging() -> Any:
    """This date's candidate predictions; in `validation` only."""
    return Staging()


def published() -> Any:
    """The latest published partition before this date, or the candidate itself; in `validation` only."""
    return Published()
