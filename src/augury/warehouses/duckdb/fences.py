"""May this writer still move a pointer, or did somebody take its lock over?

One small file per lock holds the highest token that an owner of it came with. A writer compares its own under a shared
flock, and keeps the flock until the pointer is moved; a new owner writes its token under an exclusive one. So a writer
that was stopped and goes on is refused, and one that was stopped in the very middle keeps its successor waiting: no
write is ever overtaken.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from augury.errors import Fenced, Locked
from augury.fences import Fence
from augury.warehouses.duckdb import refusals
from augury.warehouses.duckdb.layout import Layout

PATIENCE = 30.0
"""Seconds that a new owner waits for a write that is under way: a sync of a slow disk takes some."""
_PAUSE = 0.01
_DIGITS = 20
"""All tokens have one length, so that a write in place leaves nothing of the old one."""


class Fences:
    """The fences of one namespace."""

    def __init__(self, folders: Layout) -> None:
        self._folder = folders.main / "_fences"

    @contextmanager
    def passing(self, fence: Fence | None) -> Iterator[None]:
        """What happens inside happens before anybody else becomes the owner. Raises Fenced where somebody is."""
        if fence is None:
            yield
            return
        descriptor = self._open(fence)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _token(descriptor) > fence.token:
                raise Fenced(f"{fence.name} belongs to another run by now")
            yield
        finally:
            os.close(descriptor)

    def raise_to(self, fence: Fence) -> None:
        """Refuse every writer with a lower token from now on. Raises Locked where one of them does not end."""
        descriptor = self._open(fence)
        try:
            self._wait(descriptor, fence)
            if (found := _token(descriptor)) > fence.token:
                raise Fenced(
                    f"{fence.name} belongs to another run by now",
                    why=f"it came with {found}, this one with {fence.token}; if there is no other run, the ledger was "
                    f"begun anew by a server whose clock is behind: remove {self._folder / fence.name}",
                )
            os.pwrite(descriptor, f"{fence.token:0{_DIGITS}}".encode(), 0)
        except OSError as error:
            raise refusals.of_system(error, self._folder) from error
        finally:
            os.close(descriptor)

    def _open(self, fence: Fence) -> int:
        try:
            self._folder.mkdir(exist_ok=True)
            return os.open(self._folder / fence.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise refusals.of_system(error, self._folder) from error

    def _wait(self, descriptor: int, fence: Fence) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _stuck(fence, self._folder / fence.name) from None
                time.sleep(_PAUSE)
            else:
                return


def _token(descriptor: int) -> int:
    text = os.pread(descriptor, _DIGITS, 0)
    # Empty where its first owner died before it wrote: it did nothing else either.
    return int(text) if text else 0


def _stuck(fence: Fence, path: Path) -> Locked:
    error = Locked(f"{fence.name}: its last owner is in the middle of a write", None)
    error.why = "it was stopped there, or its disk hangs"
    error.fix = f"Let it go on or end it (fuser {path} says which process it is), then run the same command again."
    return error
