"""How does housekeeping keep out of the way of runs? With the very lock that a run takes for a date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from augury.errors import Locked, Place
from augury.operations.opened import Opened
from augury.run.locks import Lock, PartitionLocks
from augury.spec.files import PipelineSpec


def hold(opened: Opened, spec: PipelineSpec, day: date) -> Lock:
    """Keep runs from a date until the lock is released. Raises Locked."""
    locks = PartitionLocks(opened.locks_folder, opened.clock)
    return locks.acquire(_name(spec, day), "housekeeping", where=_place(spec, day))


def is_locked(opened: Opened, spec: PipelineSpec, day: date) -> bool:
    return PartitionLocks(opened.locks_folder, opened.clock).is_locked(_name(spec, day))


def refuse_locked(opened: Opened, spec: PipelineSpec, days: Iterable[date]) -> None:
    """Raises Locked, which names the owner, where a run is at work on one of the dates. Writes nothing."""
    locks = PartitionLocks(opened.locks_folder, opened.clock)
    for day in days:
        name = _name(spec, day)
        if locks.is_locked(name):
            raise Locked(f"{name} is in use by another run", locks.owner(name), where=_place(spec, day))


def _name(spec: PipelineSpec, day: date) -> str:
    return f"{spec.tables.stem}-{spec.version}-{day}"


def _place(spec: PipelineSpec, day: date) -> Place:
    return Place(pipeline=spec.name, date=str(day))
