"""Who may write a partition now, and which runs are alive?

A lock is a `flock` on a file of its own. The operating system drops it the moment its process dies, and never
before: a stopped or slow owner keeps it. Process ids are only for messages; they are used again after a
reboot.

A file is unlinked by whoever holds its lock, as the last act before letting go, and whoever gets a lock looks
whether its file is still the one under that name, else begins again. So two owners would need the same file,
which flock excludes, or two files under one name, of which only one is linked.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from augury.errors import Locked, Owner, Place, StorageFailed
from augury.fences import LOCK, Fence
from augury.run.locking import FIRST_PAUSE, LONGEST_PAUSE, MARKER, Locking

AT_LEAST = 0.05
"""Seconds for which everybody tries: a question (`owner`, `is_alive`) takes the lock for microseconds."""

_held: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """A lock that is held. Letting go twice is harmless; so is the end of the process."""

    def __init__(self, path: Path, descriptor: int, owner: Owner) -> None:
        self.path = path
        self.owner = owner
        self._descriptor: int | None = descriptor
        _held.add(self)

    def is_held(self) -> bool:
        """False once released, or where somebody removed the file: then another may hold it too."""
        return self._descriptor is not None and _is_linked(self._descriptor, self.path)

    def fence(self) -> Fence | None:
        """None: its owner keeps it until it is dead, and the dead write nothing."""
        return None

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if _is_linked(descriptor, self.path):
            with suppress(OSError):
                self.path.unlink()
        os.close(descriptor)

    def _forget(self) -> None:
        """In a forked child: close the copy, without which the lock would outlive its owner."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PartitionLocks:
    """One file per name in `folder`, which is made at the first lock."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._folder = folder
        self._now = now

    def acquire(self, name: str, run_id: str, wait: float | None = None, *, where: Place | None = None) -> Lock:
        """The lock called `name`, also against other threads of this process.

        `wait` is how many seconds to wait for its owner: None not at all, ANY_TIME until it is free. Raises
        Locked, which names the owner, and StorageFailed where the folder cannot be written.
        """
        path = self._path(name)
        deadline = time.monotonic() + max(wait or 0.0, AT_LEAST)
        pause = FIRST_PAUSE
        while (descriptor := self._try(path)) is None:
            if time.monotonic() >= deadline:
                raise Locked(f"{name} is in use by another run", _read_owner(path), where=where)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        owner = Owner(socket.gethostname(), os.getpid(), self._now().isoformat(timespec="seconds"), run_id)
        _write_owner(descriptor, owner)
        return Lock(path, descriptor, owner)

    def is_locked(self, name: str) -> bool:
        """Whether somebody holds `name`, this process included. Writes nothing."""
        path = self._path(name)
        while True:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return False
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if _is_linked(descriptor, path) or not path.exists():
                    return False
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)

    def owner(self, name: str) -> Owner | None:
        """Who holds `name`; None where nobody does, or where the owner did not yet write its name."""
        return _read_owner(self._path(name)) if self.is_locked(name) else None

    def in_use(self) -> Mapping[str, Owner | None]:
        """Every name that somebody holds, ascending, without the markers of runs."""
        names = sorted(path.stem for path in self._folder.glob("*.lock") if not path.stem.startswith(MARKER))
        return {name: self.owner(name) for name in names if self.is_locked(name)}

    def tidy(self) -> None:
        """Remove the files of owners that died: they lock nothing, but nobody else removes them."""
        for path in self._folder.glob("*.lock"):
            if (descriptor := self._try(path)) is not None:
                Lock(path, descriptor, Owner("", os.getpid(), "")).release()

    def _path(self, name: str) -> Path:
        if not LOCK.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a lock")
        return self._folder / f"{name}.lock"

    def _try(self, path: Path) -> int | None:
        """A descriptor that holds the lock of the file now called `path`, or None where another one does."""
        while True:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                # A new open file description each time: threads of one process exclude each other too.
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise StorageFailed(
                    f"the lock cannot be taken: {path}",
                    why=error.strerror,
                    fix="Give this user write access to the folder; check that the disk is not full.",
                ) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_linked(descriptor, path):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                return None
            os.close(descriptor)  # its last owner unlinked it in between


class RunMarker:
    """A lock that a run holds for its whole life, by which everybody sees at once that it died."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = _utc_now) -> None:
        self._locks = PartitionLocks(folder, now)

    def hold(self, run_id: str) -> Lock:
        """Mark this process as the one that performs `run_id`. Raises Locked where another one does."""
        return self._locks.acquire(_marker(run_id), run_id)

    def is_alive(self, run_id: str) -> bool:
        """Whether some process performs `run_id`.

        A run that the ledger calls running and that nobody performs has crashed.
        """
        return self._locks.is_locked(_marker(run_id))


def _marker(run_id: str) -> str:
    return f"{MARKER}{run_id}"


def file_locking(folder: Path, clock: Callable[[], datetime]) -> Locking:
    """Locks of the operating system on files in `folder`."""
    return Locking(PartitionLocks(folder, clock), RunMarker(folder, clock))


def _is_linked(descriptor: int, path: Path) -> bool:
    try:
        ours, named = os.fstat(descriptor), path.stat()
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _write_owner(descriptor: int, owner: Owner) -> None:
    text = json.dumps(asdict(owner)).encode()
    # The name serves messages only: on a full disk the lock is as good without it.
    with suppress(OSError):
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))


def _read_owner(path: Path) -> Owner | None:
    try:
        found = json.loads(path.read_bytes())
        return Owner(str(found["host"]), int(found["pid"]), str(found["since"]), found.get("run_id"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _in_forked_child() -> None:
    for lock in list(_held):
        lock._forget()


os.register_at_fork(after_in_child=_in_forked_child)
