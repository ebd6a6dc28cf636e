"""Who may write a partition now, and which runs are alive, where several hosts share a ledger?

A lock is a lease in the ledger, renewed by one thread of this process for as long as it is held. Its owner need not be
dead to lose it: it may have been stopped, or cut off from the ledger, for longer than the lease. Therefore every write
under such a lock carries its fence, which the ledger and the warehouse refuse once somebody else owns the lock.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from threading import Condition, Thread
from types import TracebackType
from typing import Self

from augury.errors import AuguryError, Fenced, Locked, Owner, Place
from augury.fences import LOCK, Fence
from augury.ledger.leases import Lease
from augury.ledger.store import Ledger
from augury.run.locking import FIRST_PAUSE, LONGEST_PAUSE, MARKER, Locking

RENEWALS = 3
"""How often a lease is renewed while it lasts, so that one that fails loses nothing."""
_FORGOTTEN_AFTER = timedelta(days=1)
"""The marker of a run is used once; nobody writes under it that long after its end."""
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _elapsed() -> float:
    """Seconds that also pass while the machine sleeps, where it knows: the clock of the ledger went on too."""
    return time.clock_gettime(_BOOT_CLOCK)


def lease_locking(
    ledger: Ledger, raise_fence: Callable[[Fence], None], clock: Callable[[], datetime], seconds: float
) -> Locking:
    """Leases of so many seconds. `raise_fence` tells the warehouse of every new owner."""
    keeper = Keeper(ledger, clock, seconds)
    return Locking(LeaseLocks(keeper, raise_fence), LeaseMarkers(keeper))


class LeaseLock:
    """A lease that is held, for as long as it can be renewed in time."""

    def __init__(self, keeper: Keeper, lease: Lease, owner: Owner, deadline: float) -> None:
        self.lease = lease
        self.owner = owner
        self.deadline = deadline
        """When it ends unless it is renewed; by this machine's time, which may only be early."""
        self.lost = False
        """Somebody else may hold it by now."""
        self.trouble = ""
        """Why it could not be renewed, where the ledger is the cause."""
        self._keeper = keeper
        self._released = False

    def is_held(self) -> bool:
        return not self._released and not self.lost and _elapsed() < self.deadline

    def fence(self) -> Fence | None:
        if self.lost or _elapsed() >= self.deadline:
            trouble = f" ({self.trouble})" if self.trouble else ""
            raise Fenced(
                f"{_meaning(self.lease.name)} was given up for dead",
                why=f"it was stopped, or cut off from the ledger{trouble}, for longer than its lease of "
                f"{self._keeper.seconds:g} s; another process may be at it by now",
            )
        return self.lease.fence

    def release(self) -> None:
        if not self._released:
            self._released = True
            self._keeper.release(self)

    def forget(self) -> None:
        """In a forked child: it stays the parent's."""
        self.lost = True
        self._released = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Keeper:
    """Takes leases for this process and renews all of them, by one thread that lives while there are any."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], seconds: float) -> None:
        self.ledger = ledger
        self.clock = clock
        self.seconds = seconds
        self._held: dict[str, LeaseLock] = {}
        """By owner: a name may be lost and taken again while the old lock is still in somebody's hands."""
        self._changed = Condition()
        self._thread: Thread | None = None
        _keepers.add(self)

    def take(self, name: str, run_id: str) -> LeaseLock | None:
        """The lease called `name`; None where somebody else has it."""
        now = self.clock()
        owner = Owner(socket.gethostname(), os.getpid(), now.isoformat(timespec="seconds"), run_id)
        holder = f"{owner.host}:{owner.pid}:{secrets.token_hex(6)}"
        deadline = _elapsed() + self.seconds
        lease = self.ledger.acquire(name, holder, self.seconds, now, json.dumps(asdict(owner)))
        if lease is None:
            return None
        lock = LeaseLock(self, lease, owner, deadline)
        with self._changed:
            self._held[holder] = lock
            if self._thread is None:
                self._thread = Thread(target=self._renew_until_none, name="augury-leases", daemon=True)
                self._thread.start()
        return lock

    def release(self, lock: LeaseLock) -> None:
        with self._changed:
            self._held.pop(lock.lease.owner, None)
            self._changed.notify_all()
        # A ledger that is away lets the lease end by itself.
        with suppress(AuguryError):
            self.ledger.release(lock.lease)

    def _renew_until_none(self) -> None:
        pause = self.seconds / RENEWALS
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._held, pause)
                held = list(self._held.values())
                if not held:
                    self._thread = None
                    return
            pause = self.seconds / (RENEWALS if self._renew(held) else RENEWALS * 4)

    def _renew(self, held: list[LeaseLock]) -> bool:
        """False where the ledger could not be asked: the leases last until their deadline."""
        deadline = _elapsed() + self.seconds
        try:
            renewed = self.ledger.renew_all([lock.lease for lock in held], self.seconds, self.clock())
        except AuguryError as error:
            for lock in held:
                lock.trouble = error.what
            return False
        for lock in held:
            if lock.lease.fence in renewed and not lock.lost:
                lock.deadline, lock.trouble = deadline, ""
            else:
                lock.lost = True
        return True

    def forget(self) -> None:
        """In a forked child: the leases are the parent's, and so is the thread."""
        for lock in self._held.values():
            lock.forget()
        self._held = {}
        self._changed = Condition()
        self._thread = None


_keepers: weakref.WeakSet[Keeper] = weakref.WeakSet()


class LeaseLocks:
    """One lease per name."""

    def __init__(self, keeper: Keeper, raise_fence: Callable[[Fence], None]) -> None:
        self._keeper = keeper
        self._raise_fence = raise_fence

    def acquire(self, name: str, run_id: str, wait: float | None = None, *, where: Place | None = None) -> LeaseLock:
        lock = _acquire(self._keeper, name, run_id, wait, where)
        try:
            self._raise_fence(lock.lease.fence)
        except BaseException:
            lock.release()
            raise
        return lock

    def is_locked(self, name: str) -> bool:
        return _holder(self._keeper, name) is not None

    def owner(self, name: str) -> Owner | None:
        lease = _holder(self._keeper, name)
        return _owner(lease) if lease else None

    def in_use(self) -> Mapping[str, Owner | None]:
        found = self._keeper.ledger.leases(self._keeper.clock())
        owners = {name: _owner(lease) for name, lease in sorted(found.items()) if not name.startswith(MARKER)}
        # Leases of the service itself lock no date and say nothing of this kind.
        return {name: owner for name, owner in owners.items() if owner is not None}

    def tidy(self) -> None:
        self._keeper.ledger.forget_leases(MARKER, self._keeper.clock() - _FORGOTTEN_AFTER)


class LeaseMarkers:
    """A lease for the whole life of a run."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def hold(self, run_id: str) -> LeaseLock:
        return _acquire(self._keeper, MARKER + run_id, run_id, None, None)

    def is_alive(self, run_id: str) -> bool:
        return _holder(self._keeper, MARKER + run_id) is not None


def _acquire(keeper: Keeper, name: str, run_id: str, wait: float | None, where: Place | None) -> LeaseLock:
    if not LOCK.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a lock")
    deadline = time.monotonic() + (wait or 0.0)
    pause = FIRST_PAUSE
    while (lock := keeper.take(name, run_id)) is None:
        if time.monotonic() >= deadline:
            raise _locked(name, _holder(keeper, name), where)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return lock


def _locked(name: str, lease: Lease | None, where: Place | None) -> Locked:
    error = Locked(f"{name} is in use by another run", _owner(lease) if lease else None, where=where)
    if lease is not None:
        # Nobody can tell a dead owner on another host from a silent one before its lease ends.
        error.why = f"{error.why}; if it died, this is free from {lease.expires_at:%H:%M:%S} UTC on"
    return error


def _meaning(name: str) -> str:
    return f"run {name.removeprefix(MARKER)}" if name.startswith(MARKER) else f"this run's {name}"


def _holder(keeper: Keeper, name: str) -> Lease | None:
    return keeper.ledger.holder(name, keeper.clock())


def _owner(lease: Lease) -> Owner | None:
    try:
        found = json.loads(lease.info)
        return Owner(str(found["host"]), int(found["pid"]), str(found["since"]), found.get("run_id"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _in_forked_child() -> None:
    for keeper in list(_keepers):
        keeper.forget()


os.register_at_fork(after_in_child=_in_forked_child)
