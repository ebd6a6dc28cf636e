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
from augury.sql.relations import History, Outcome, Published, Ref, Reference, Source, Staging, Window

__all__ = [
    "Context",
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
    """This date's partition of an earlier step, or of `predict`."""
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
