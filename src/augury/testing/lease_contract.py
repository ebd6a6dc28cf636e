"""What must every ledger promise about leases and fences? A part of `LedgerContract`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from augury.errors import ExitCode, Fenced
from augury.fences import Fence
from augury.ledger.leases import Lease
from augury.ledger.records import Status
from augury.ledger.store import Ledger
from augury.testing.records import DAY, a_date, a_decision, a_partition, a_run, a_step

OVER = -1.0
"""Seconds: a lease that ended when it began."""


def now() -> datetime:
    return datetime.now(UTC)


def taken(ledger: Ledger, name: str = "ltv", owner: str = "one", seconds: float = 60) -> Lease:
    lease = ledger.acquire(name, owner, seconds, now(), info=f"of {owner}")
    assert lease is not None
    return lease


class LeasePromises:
    def test_a_lease_has_one_owner(self, ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
        lease = taken(ledger)
        with open_ledger() as other:
            assert other.acquire("ltv", "two", 60, now()) is None
            assert other.holder("ltv", now()) == lease
            assert (lease.owner, lease.info, lease.fence) == ("one", "of one", Fence("ltv", lease.token))
            assert other.holder("rfm", now()) is None
            assert list(other.leases(now())) == ["ltv"]

    def test_every_owner_gets_a_higher_token(self, ledger: Ledger) -> None:
        """Also after the lease was released, and also the same one."""
        tokens = [taken(ledger, owner=owner, seconds=OVER).token for owner in ("one", "two", "one")]
        released = taken(ledger)
        ledger.release(released)
        tokens += [released.token, taken(ledger).token, taken(ledger).token]
        assert tokens == sorted(set(tokens))

    def test_a_ledger_that_begins_anew_goes_on_above_the_tokens_of_the_old_one(self, ledger: Ledger) -> None:
        """A warehouse remembers the old ones."""
        with Ledger.absent() as old:
            before = taken(old).token
        assert taken(ledger).token >= before

    def test_a_lease_ends_by_itself_and_cannot_be_renewed_then(self, ledger: Ledger) -> None:
        lease = taken(ledger, seconds=OVER)
        assert ledger.holder("ltv", now()) is None
        assert not ledger.renew(lease, 60, now())
        assert taken(ledger, owner="two").token > lease.token

    def test_a_renewed_lease_lasts(self, ledger: Ledger) -> None:
        first, second, gone = taken(ledger, "a"), taken(ledger, "b"), taken(ledger, "c", seconds=OVER)
        assert ledger.renew_all([second, gone, first], 600, now()) == {first.fence, second.fence}
        held = ledger.holder("a", now())
        assert held is not None
        assert held.expires_at - first.expires_at > timedelta(seconds=500)
        assert held.token == first.token

    def test_only_its_owner_releases_a_lease(self, ledger: Ledger) -> None:
        old = taken(ledger, seconds=OVER)
        new = taken(ledger, owner="two")
        ledger.release(old)
        assert not ledger.renew(old, 60, now())
        assert ledger.holder("ltv", now()) == new
        ledger.release(new)
        ledger.release(new)
        assert (ledger.holder("ltv", now()), ledger.renew(new, 60, now())) == (None, False)

    def test_of_many_at_once_one_gets_the_lease(self, ledger: Ledger) -> None:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda n: ledger.acquire("ltv", f"owner {n}", 60, now()), range(8)))
        assert sum(lease is not None for lease in found) == 1

    def test_leases_of_names_that_are_used_once_can_be_forgotten(self, ledger: Ledger) -> None:
        old, alive = taken(ledger, "run-1", seconds=OVER), taken(ledger, "run-2")
        other = taken(ledger, "runs", seconds=OVER)
        assert ledger.forget_leases("run-", now()) == 1
        assert list(ledger.leases(now())) == [alive.name]
        with pytest.raises(Fenced):
            ledger.decide(a_decision("promote", "1"), fence=old.fence)
        assert taken(ledger, "run-1").token > old.token
        assert taken(ledger, "runs").token > other.token

    def test_the_owner_of_a_lease_records(self, ledger: Ledger) -> None:
        fence = taken(ledger).fence
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "a", "ltv", "v1", DAY, 1, now(), fence=fence)
        ledger.finish_task("R1", "a", [a_step(task="a")], [a_partition()], date=a_date(), fence=fence)
        ledger.record_partitions([a_partition("filter")], fence=fence)
        ledger.decide(a_decision("promote", "1"), fence=fence)
        ledger.finish_run("R1", Status.SUCCEEDED, now(), {}, fence=fence)
        ledger.resume_run("R1", "here", 1, fence=fence)
        assert ledger.forget("ltv", "v1", fence=fence) == {"partitions": 2, "dates": 1}

    def test_who_lost_a_lease_records_nothing(self, ledger: Ledger) -> None:
        """Not even where nobody else wrote: the new owner relies on what it found."""
        stale = taken(ledger, seconds=OVER).fence
        ledger.begin_run(a_run(), "{}")
        ledger.begin_task("R1", "a", "ltv", "v1", DAY, 1, now(), fence=stale)
        successor = taken(ledger, owner="two")
        writes: list[Callable[[Fence], object]] = [
            lambda fence: ledger.begin_task("R1", "b", "ltv", "v1", DAY, 1, now(), fence=fence),
            lambda fence: ledger.finish_task("R1", "a", [a_step()], [a_partition()], date=a_date(), fence=fence),
            lambda fence: ledger.record_partitions([a_partition()], fence=fence),
            lambda fence: ledger.decide(a_decision("promote", "1"), fence=fence),
            lambda fence: ledger.finish_run("R1", Status.SUCCEEDED, now(), {}, fence=fence),
            lambda fence: ledger.resume_run("R1", "there", 1, fence=fence),
            lambda fence: ledger.forget("ltv", "v1", fence=fence),
        ]
        ledger.release(successor)
        for lost in (stale, successor.fence, Fence("never", 1)):
            for write in writes:
                with pytest.raises(Fenced) as caught:
                    write(lost)
                assert caught.value.exit_code is ExitCode.LOCKED
        assert ledger.task_states("R1") == {"a": Status.RUNNING}
        assert ledger.run("R1").status is Status.RUNNING
        assert (ledger.partitions("ltv", "v1"), ledger.decisions(), ledger.steps()) == ({}, [], [])
