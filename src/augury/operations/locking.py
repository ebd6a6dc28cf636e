"""How does housekeeping keep out of the way of runs? With the very lock that a run takes for a date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from augury.errors import Locked, Place
from augury.operations.opened import Opened
from augury.run.locking import Held, date_lock
from augury.spec.files import PipelineSpec

SERVICE = "service"
"""The lock that the one process of an embedded service holds."""


def hold(opened: Opened, spec: PipelineSpec, day: date) -> Held:
    """Keep runs from a date until the lock is released. Raises Locked."""
    return opened.locking.locks.acquire(date_lock(spec, day), "housekeeping", where=_place(spec, day))


def is_locked(opened: Opened, spec: PipelineSpec, day: date) -> bool:
    return opened.locking.locks.is_locked(date_lock(spec, day))


def refuse_locked(opened: Opened, spec: PipelineSpec, days: Iterable[date]) -> None:
    """Raises Locked, which names the owner, where a run is at work on one of the dates. Writes nothing."""
    locks = opened.locking.locks
    for day in days:
        name = date_lock(spec, day)
        if locks.is_locked(name):
            raise Locked(f"{name} is in use by another run", locks.owner(name), where=_place(spec, day))


def _place(spec: PipelineSpec, day: date) -> Place:
    return Place(pipeline=spec.name, date=str(day))
