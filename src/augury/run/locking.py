"""What does a run ask of locks, whoever keeps them, and what are they called?

Beside a ledger in a file they are locks of the operating system (`locks`); where a server keeps the ledger they are
leases in it (`lease_locks`), as several hosts may want the same date.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Protocol, Self

from augury.errors import Owner, Place
from augury.fences import Fence
from augury.spec.files import PipelineSpec

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25
ANY_TIME = math.inf
"""To wait until the lock is free."""


class Held(Protocol):
    """A lock that is held. Letting go twice is harmless; so is the end of the process."""

    owner: Owner

    def is_held(self) -> bool:
        """False once it is released or lost: then another may hold it too."""

    def fence(self) -> Fence | None:
        """What every write under this lock carries; None where no owner is ever replaced before it died.

        Raises Fenced where the lock is lost.
        """

    def release(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Locks(Protocol):
    """Who may write what."""

    def acquire(self, name: str, run_id: str, wait: float | None = None, *, where: Place | None = None) -> Held:
        """The lock called `name`, also against other threads of this process.

        `wait` is how many seconds to wait for its owner: None not at all, ANY_TIME until it is free. Raises
        Locked, which names the owner, and StorageFailed where locks cannot be kept.
        """

    def is_locked(self, name: str) -> bool:
        """Whether somebody holds `name`, this process included. Writes nothing."""

    def owner(self, name: str) -> Owner | None:
        """Who holds `name`; None where nobody does, or where the owner did not yet write its name."""

    def in_use(self) -> Mapping[str, Owner | None]:
        """Every name that somebody holds, ascending, without the markers of runs."""

    def tidy(self) -> None:
        """Remove what owners left that are gone. It locks nothing, but nobody else removes it."""


class Markers(Protocol):
    """Which runs are alive? Each holds a lock for its whole life, by which everybody sees that it died."""

    def hold(self, run_id: str) -> Held:
        """Mark this process as the one that performs `run_id`. Raises Locked where another one does."""

    def is_alive(self, run_id: str) -> bool:
        """Whether some process performs `run_id`. A run that the ledger calls running and nobody performs crashed."""


@dataclass(frozen=True)
class Locking:
    """The locks of one namespace."""

    locks: Locks
    markers: Markers


MARKER = "run-"
"""How the name of a run's marker begins."""


def date_lock(pipeline: PipelineSpec, day: date) -> str:
    """The lock under which a date of a pipeline's version is written."""
    return f"{pipeline.tables.stem}-{pipeline.version}-{day}"


def training_lock(pipeline: PipelineSpec, tick: date) -> str:
    """The lock under which the model of a tick is trained."""
    return f"{pipeline.tables.stem}-{pipeline.version}-train-{tick}"
