"""By what does a write prove that its writer still owns what it writes?

Whoever takes a lock over from an owner that fell silent gets a higher token. The ledger and the warehouse know the
highest one of each lock and refuse a write that carries a lower one, so that an owner which was only stopped, and
goes on, changes nothing behind the back of its successor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
"""What a lock may be called: it becomes the name of a file."""


@dataclass(frozen=True)
class Fence:
    """What the owner of a lock writes with."""

    name: str
    """Of the lock."""
    token: int
    """Higher with every owner; never falls."""

    def __post_init__(self) -> None:
        if not LOCK.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a lock")
