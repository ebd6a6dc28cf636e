"""What is a plan? Tasks in an order that works, each with its steps and why they are there.

A plan is a value: it reads and writes as JSON without loss, so a resumed run performs the stored one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from augury.sql.relations import other_name


class Reason(StrEnum):
    MISSING = "missing"
    DEFINITION = "definition changed"
    UPSTREAM = "upstream changed"
    MODEL = "model changed"
    LATE = "late data"
    RETRY = "not finished before"
    """The last attempt failed, was held, or its process died."""
    REQUESTED = "requested"
    AFTER = "after"
    """Follows from another step of the same date."""


class Purpose(StrEnum):
    """What a partition is needed for."""

    REQUESTED = "requested"
    TRAINING = "training"
    HISTORY = "history"


@dataclass(frozen=True)
class Absence:
    """Why there is nothing to build a date from."""

    why: str
    empty: bool = False
    """The source is there, without a row; else it is not there yet."""


@dataclass(frozen=True)
class PlannedStep:
    step: str
    table: str
    """Empty for validate, which writes no table of its own."""
    day: date
    reason: Reason
    detail: str = ""
    """E.g. `prepare.sql line 12 (recency)`."""
    fingerprint: str = ""
    """What the result will carry; for a modelled step the part that does not depend on the model."""
    definition: str = ""
    modelled: bool = False
    """Downstream of predict: the bound model version is part of its final fingerprint."""
    generation: int = 0
    """The probe whose late data this build takes in; 0 where none was late."""
    training: bool = False
    """Writes the copy of the table that holds training dates."""
    purpose: Purpose = Purpose.REQUESTED
    absent: str = ""
    """The source without which it cannot be built: whoever needs it is told so."""


@dataclass(frozen=True)
class Wait:
    """A task waits for the planned tasks of `level` with `first <= day <= last`."""

    level: int
    first: date
    last: date
    tables: tuple[str, ...] = ()
    """What it reads of them: where a partition of these could not be built, it is blocked. None for the publishing of
    earlier dates, whose end it awaits, however they end."""


@dataclass(frozen=True)
class External:
    """A partition of another pipeline, which another run has to build."""

    pipeline: str
    version: str
    step: str
    """`publish` for what it published."""
    table: str
    day: date
    current: bool = True
    """Of the version that consumers see."""
    apart: bool = False
    """A label, or another step that a published date does not need: it is there only once it is built for itself."""
    why: str = ""
    """Why it cannot be read, as far as is known: `is not built`, `was held: ...`."""

    @property
    def name(self) -> str:
        """As SQL names it: `scores.predictions`, `scores.v2.prepare`."""
        return other_name(self.pipeline, "" if self.current else self.version, self.step)

    def __str__(self) -> str:
        return f"{self.name} {self.day} {self.why}".rstrip()


@dataclass(frozen=True)
class Task:
    """What one worker does in one go, under one lock, in two ledger transactions."""

    kind: Literal["date", "train"]
    day: date
    """The run date, or the tick."""
    level: int
    """Steps of one date that wait for other dates come in a task of their own, one level up."""
    steps: tuple[PlannedStep, ...]
    waits: tuple[Wait, ...] = ()
    tick: date | None = None
    """The tick whose champion scores this date; the version is bound when the task runs."""
    dates: tuple[date, ...] = ()
    """Training dates of a tick."""
    fingerprint: str = ""
    """Of a training: everything that decides the model."""
    reason: str = ""
    purpose: Purpose = Purpose.REQUESTED
    skip: str = ""
    """Why there is nothing to build from: the source that is not there yet."""
    needs: tuple[External, ...] = ()
    """What it reads of other pipelines and is not there: the task cannot be performed before all of it is."""
    empty: bool = False
    """Of `skip`: the source is there, without a row."""

    @property
    def key(self) -> str:
        if self.kind == "train":
            return f"train {self.day}"
        return f"{self.day}" if self.level == 0 else f"{self.day} +{self.level}"


@dataclass(frozen=True)
class Request:
    """What somebody asked for."""

    pipeline: str
    version: str
    dates: tuple[date, ...]
    """Run dates, ascending."""
    step: str | None = None
    """Only up to this step."""
    reprocess: Literal["missing", "failed", "all"] | None = None
    """None: whatever is missing, unfinished or out of date."""
    model: Literal["point-in-time", "current"] = "point-in-time"
    accept: tuple[str, ...] = ()
    """Checks that a person lets pass."""
    refresh_late: bool = False
    ticks: tuple[date, ...] = ()
    """Ticks to train whatever else is asked."""
    archive: Literal["with", "without", "only"] = "with"
    """Whether dates are archived as they are published, by a request of its own, or this is that request."""


@dataclass(frozen=True)
class Plan:
    request: Request
    target: str
    tasks: tuple[Task, ...]
    """In an order in which they can be performed one by one."""
    up_to_date: tuple[date, ...] = ()
    """Requested dates that are as wanted: nothing is to do."""
    left: tuple[date, ...] = ()
    """Requested dates that the request is not about: they stay as they are, well ended or not."""
    held: tuple[date, ...] = ()
    """Requested dates that will be held for want of a champion, whatever the trainings of this plan give."""
    notes: tuple[str, ...] = ()
    """Warnings: look-backs that cross the start, tables read outside the relation functions, late data, ..."""
    spec: str = ""
    """Fingerprint of everything the plan was made from; a stored plan is resumed only under the same one."""

    @property
    def to_build(self) -> tuple[date, ...]:
        """Requested dates that have something to do."""
        done = {*self.up_to_date, *self.left}
        return tuple(day for day in self.request.dates if day not in done)

    @property
    def is_empty(self) -> bool:
        return not self.tasks

    def steps(self) -> Iterable[PlannedStep]:
        for task in self.tasks:
            yield from task.steps

    def to_json(self) -> str:
        return json.dumps(self, default=_as_json, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Raises ValueError or KeyError where the text is not a plan."""
        raw = json.loads(text)
        request = raw["request"]
        return cls(
            request=Request(
                **{
                    **request,
                    "dates": _days(request["dates"]),
                    "ticks": _days(request["ticks"]),
                    "accept": tuple(request["accept"]),
                }
            ),
            target=raw["target"],
            tasks=tuple(_task(task) for task in raw["tasks"]),
            up_to_date=_days(raw["up_to_date"]),
            left=_days(raw["left"]),
            held=_days(raw["held"]),
            notes=tuple(raw["notes"]),
            spec=raw["spec"],
        )


def _as_json(value: object) -> object:
    """The fields of a part of a plan; `dataclasses.asdict` copies every one of them, which takes five times as long."""
    return str(value) if isinstance(value, date) else vars(value)


def _days(values: Iterable[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(value) for value in values)


def _step(raw: dict[str, Any]) -> PlannedStep:
    return PlannedStep(
        **{
            **raw,
            "day": date.fromisoformat(raw["day"]),
            "reason": Reason(raw["reason"]),
            "purpose": Purpose(raw["purpose"]),
        }
    )


def _task(raw: dict[str, Any]) -> Task:
    return Task(
        **{
            **raw,
            "day": date.fromisoformat(raw["day"]),
            "steps": tuple(_step(step) for step in raw["steps"]),
            "waits": tuple(
                Wait(
                    **{
                        **wait,
                        "first": date.fromisoformat(wait["first"]),
                        "last": date.fromisoformat(wait["last"]),
                        "tables": tuple(wait["tables"]),
                    }
                )
                for wait in raw["waits"]
            ),
            "tick": date.fromisoformat(raw["tick"]) if raw["tick"] else None,
            "dates": _days(raw["dates"]),
            "purpose": Purpose(raw["purpose"]),
            "needs": tuple(External(**{**need, "day": date.fromisoformat(need["day"])}) for need in raw["needs"]),
        }
    )
