"""Locks that are leases: does one owner at a time hold one, and does an owner that fell silent find out?

The ledger is one in memory unless several processes are the story; the clock is the real one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import enumerate as threads

import pytest

from augury.errors import ExitCode, Fenced, Locked, Place, StorageFailed
from augury.fences import Fence
from augury.ledger.leases import Lease
from augury.ledger.store import Ledger
from augury.run.lease_locks import LeaseLock, lease_locking
from augury.run.locking import ANY_TIME, Locking

NAME = "ltv-v1-2026-01-15"
LONG = 3600.0
"""Seconds. No renewal comes between."""
SHORT = 0.3


def now() -> datetime:
    return datetime.now(UTC)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.absent() as ledger:
        yield ledger


@pytest.fixture
def raised() -> list[Fence]:
    """What the warehouse was told of new owners."""
    return []


@pytest.fixture
def host(ledger: Ledger, raised: list[Fence]) -> Callable[..., Locking]:
    """Locking as another process has it: only the ledger is shared."""

    def make(seconds: float = LONG) -> Locking:
        return lease_locking(ledger, raised.append, now, seconds)

    return make


def take_over(ledger: Ledger, name: str = NAME) -> Lease:
    """What happens to an owner that is silent for too long."""
    with ledger._database.write() as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = '2000-01-01T00:00:00.000000+00:00'")
    lease = ledger.acquire(name, "somebody else", LONG, now())
    assert lease is not None
    return lease


def beating() -> bool:
    return any(thread.name == "augury-leases" for thread in threads())


def test_a_second_owner_is_refused_and_told_who_holds_it(host: Callable[..., Locking]) -> None:
    here, there = host(), host()
    with here.locks.acquire(NAME, "R1") as lock:
        for locking in (here, there):
            with pytest.raises(Locked, match="in use by another run") as caught:
                locking.locks.acquire(NAME, "R2", where=Place(pipeline="ltv"))
            assert caught.value.exit_code is ExitCode.LOCKED
            assert caught.value.owner == lock.owner
            assert f"pid {os.getpid()}" in (caught.value.why or "")
            assert "if it died, this is free from" in (caught.value.why or "")
            assert caught.value.where.pipeline == "ltv"
            assert locking.locks.is_locked(NAME)
            assert locking.locks.owner(NAME) == lock.owner
            assert locking.locks.in_use() == {NAME: lock.owner}
            assert not locking.locks.is_locked("other")


def test_a_released_lock_is_free(host: Callable[..., Locking], ledger: Ledger) -> None:
    locks = host().locks
    lock = locks.acquire(NAME, "R1")
    assert lock.is_held()
    lock.release()
    lock.release()
    assert not lock.is_held()
    assert (locks.owner(NAME), locks.in_use(), ledger.holder(NAME, now())) == (None, {}, None)
    locks.acquire(NAME, "R2").release()


def test_who_waits_gets_the_lock_when_it_is_released(host: Callable[..., Locking]) -> None:
    first = host().locks.acquire(NAME, "R1")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(host().locks.acquire, NAME, "R2", ANY_TIME)
        assert not waiting.done()
        first.release()
        with waiting.result(30) as second:
            assert second.owner.run_id == "R2"


def test_waiting_ends(host: Callable[..., Locking]) -> None:
    with host().locks.acquire(NAME, "R1"), pytest.raises(Locked):
        host().locks.acquire(NAME, "R2", wait=0.02)


def test_every_owner_of_a_date_is_told_to_the_warehouse_and_that_of_a_run_is_not(
    host: Callable[..., Locking], raised: list[Fence]
) -> None:
    locking = host()
    with locking.markers.hold("R1"), locking.locks.acquire(NAME, "R1") as first:
        assert raised == [first.fence()]
    with locking.locks.acquire(NAME, "R2") as second:
        assert raised == [first.fence(), second.fence()]
    assert [fence.name for fence in raised] == [NAME, NAME]
    assert raised[0].token < raised[1].token


def test_a_lock_that_the_warehouse_does_not_grant_is_let_go(ledger: Ledger) -> None:
    def stuck(fence: Fence) -> None:
        raise Locked(f"{fence.name}: its last owner is in the middle of a write", None)

    locks = lease_locking(ledger, stuck, now, LONG).locks
    with pytest.raises(Locked, match="in the middle"):
        locks.acquire(NAME, "R1")
    assert not locks.is_locked(NAME)


def test_a_run_is_alive_while_its_marker_is_held(host: Callable[..., Locking]) -> None:
    here, there = host().markers, host().markers
    assert not there.is_alive("R1")
    with here.hold("R1"):
        assert there.is_alive("R1")
        with pytest.raises(Locked):
            there.hold("R1")
    assert not there.is_alive("R1")


def test_markers_of_runs_are_forgotten_and_locks_of_dates_are_not(host: Callable[..., Locking], ledger: Ledger) -> None:
    locking = host(SHORT)
    for name in ("run-old", NAME):
        assert ledger.acquire(name, "gone", -2 * 86400, now())
    with locking.markers.hold("new"):
        locking.locks.tidy()
        with ledger._database.read() as connection:
            names = {row[0] for row in connection.exec_driver_sql("SELECT name FROM leases")}
    assert names == {"run-new", NAME}


# Being silent


def test_one_thread_renews_all_leases_and_ends_with_the_last(host: Callable[..., Locking], ledger: Ledger) -> None:
    locking = host(SHORT)
    with locking.locks.acquire(NAME, "R1") as lock:
        with locking.markers.hold("R1"), locking.locks.acquire("other", "R1"):
            first = ledger.leases(now())
            assert len(first) == 3
            assert sum(thread.name == "augury-leases" for thread in threads()) == 1
            until(lambda: all(ledger.leases(now())[name].expires_at > first[name].expires_at for name in first))
        assert lock.is_held()
        assert beating()
    until(lambda: not beating())


def test_an_owner_whose_lease_went_to_another_finds_out(host: Callable[..., Locking], ledger: Ledger) -> None:
    locks = host(SHORT).locks
    with locks.acquire(NAME, "R1") as lock:
        new = take_over(ledger)
        until(lambda: not lock.is_held())
        with pytest.raises(Fenced, match=f"{NAME} was given up for dead") as caught:
            lock.fence()
        assert "0.3 s" in (caught.value.why or "")
        assert "again" in (caught.value.fix or "")
    assert ledger.holder(NAME, now()) == new


def test_an_owner_that_was_stopped_knows_by_its_own_clock(
    host: Callable[..., Locking], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It need not ask anybody, and it is never late: its lease began before the ledger heard of it."""
    lock = host().locks.acquire(NAME, "R1")
    later = time.clock_gettime(time.CLOCK_BOOTTIME) + LONG
    monkeypatch.setattr("augury.run.lease_locks._elapsed", lambda: later)
    assert not lock.is_held()
    with pytest.raises(Fenced):
        lock.fence()
    lock.release()


def test_the_run_itself_is_named_where_it_was_given_up(host: Callable[..., Locking], ledger: Ledger) -> None:
    with host(SHORT).markers.hold("R1") as marker:
        take_over(ledger, "run-R1")
        until(lambda: not marker.is_held())
        with pytest.raises(Fenced, match=r"^run R1 was given up for dead"):
            marker.fence()


class Away(Ledger):
    """A ledger that cannot be reached when leases are to be renewed."""

    def renew_all(self, *_: object) -> frozenset[Fence]:
        raise StorageFailed("the ledger cannot be reached: db.example.com")


def test_a_ledger_that_is_away_for_too_long_costs_the_lock_and_is_named() -> None:
    with Away.absent() as ledger, lease_locking(ledger, lambda _: None, now, SHORT).locks.acquire(NAME, "R1") as lock:
        until(lambda: not lock.is_held())
        with pytest.raises(Fenced) as caught:
            lock.fence()
        assert "db.example.com" in (caught.value.why or "")


def test_a_lock_that_was_lost_and_taken_again_stays_lost_to_who_had_it(
    host: Callable[..., Locking], ledger: Ledger
) -> None:
    """Two threads of one process: the new lock is renewed, the old one is not."""
    locks = host(SHORT).locks
    with locks.acquire(NAME, "R1") as old:
        ledger.release(take_over(ledger))
        with locks.acquire(NAME, "R2") as new:
            until(lambda: not old.is_held())
            held = ledger.holder(NAME, now())
            assert held is not None
            until(lambda: (ledger.holder(NAME, now()) or held).expires_at > held.expires_at)
            assert new.is_held()


def test_a_forked_child_does_not_have_the_lock_of_its_parent(host: Callable[..., Locking], ledger: Ledger) -> None:
    lock = host().locks.acquire(NAME, "R1")
    assert isinstance(lock, LeaseLock)
    child = os.fork()
    if child == 0:
        held = lock.is_held()
        lock.release()
        os._exit(int(held))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lock.is_held()
    assert ledger.holder(NAME, now()) == lock.lease
    lock.release()


@pytest.mark.parametrize("name", ["", "../ltv", "a/b", ".hidden", "a" * 201])
def test_a_lock_cannot_have_a_name_that_is_a_path(host: Callable[..., Locking], name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a lock"):
        host().locks.acquire(name, "R1")
