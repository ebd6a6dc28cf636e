"""A ledger on PostgreSQL and real processes: what becomes of a run that falls silent, or whose server goes away?"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from augury.ledger.records import Status
from augury.ledger.store import Ledger
from tests.cli_runner import Answer, called, ended, refused, rows, started, worked
from tests.tiny import tiny

DAY = "2024-01-15"
LOCK = f"visits-v1-{DAY}"
RUN = ("run", "visits", "--date", DAY)
FOUR = ("backfill", "visits", "--start", "2024-01-14", "--end", "2024-01-18")
OTHER = ("--vars", "factor=3")
WAITS = """
import time
from pathlib import Path

def prepare(rows, context):
    here = Path(__file__).parents[2]
    if str(context.run_date) == "2024-01-15" and (here / "wait").exists():
        (here / "reached").touch()
        while (here / "wait").exists():
            time.sleep(0.01)
    return rows
"""
WORTH = """
select customer_id, visits, spent * {{ var('factor') }} as worth, {{ var('factor') }} as factor
from {{ ref('prepare') }}
"""


class Deployment:
    """A shop whose ledger several processes share, and the processes."""

    def __init__(self, root: Path, address: str, namespace: str) -> None:
        target = f"dev: {{path: .augury, namespace: {namespace}, ledger: '{address}'}}"
        self.shop = tiny(root).edit("augury.yml", "dev: {path: .augury}", target)
        self.shop.edit("augury.yml", "name: shop", "name: shop\nservice: {lease: 2s}")
        self.shop.write("pipelines/visits/hooks.py", WAITS).write("pipelines/visits/post_process.sql", WORTH)
        self.address = address
        self.ledger = Ledger.connect(address, "shop", namespace)
        self._started: list[subprocess.Popen[str]] = []

    def inside(self, *words: str) -> subprocess.Popen[str]:
        """A command that has come to the middle of a step, and waits there."""
        (self.shop.root / "wait").touch()
        process = started(*words, folder=self.shop.root)
        self._started.append(process)
        until((self.shop.root / "reached").exists)
        (self.shop.root / "reached").unlink()
        return process

    def stopped(self, *words: str) -> subprocess.Popen[str]:
        """A command that was stopped in the middle of a step, for longer than its leases; nobody else waits there."""
        process = self.inside(*words)
        assert self.ledger.holder(LOCK, now())
        process.send_signal(signal.SIGSTOP)
        until(lambda: not self.ledger.leases(now()))
        self.let_go()
        return process

    def let_go(self) -> None:
        (self.shop.root / "wait").unlink()

    def goes_on(self, process: subprocess.Popen[str]) -> Answer:
        process.send_signal(signal.SIGCONT)
        return ended(process)

    def typed(self, *words: str) -> Answer:
        return called(*words, folder=self.shop.root)

    def published(self) -> dict[str, list[int]]:
        """Dates, with the factors that their rows were made with."""
        sql = (
            "select run_date as day, list(distinct factor) as factors from visits_v1_predictions group by 1 order by 1"
        )
        return {row["day"]: row["factors"] for row in rows(sql, self.shop.root)}

    def recorded(self) -> dict[str, set[str]]:
        """Dates, with the runs that wrote their partitions."""
        out: dict[str, set[str]] = {}
        for (_, day), record in self.ledger.partitions("visits", "v1").items():
            out.setdefault(str(day), set()).add(record.run_id)
        return out

    def statuses(self) -> list[Status]:
        """Of all runs, newest first."""
        return [run.status for run in self.ledger.runs()]

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()
        self.ledger.close()


def now() -> datetime:
    return datetime.now(UTC)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def deployment(tmp_path: Path, postgres: str, namespace: str) -> Iterator[Deployment]:
    made = Deployment(tmp_path / "shop", postgres, namespace)
    yield made
    made.close()


def given_up(answer: Answer) -> None:
    """What a run says that lost its lease."""
    said = refused(answer, 5, "locked: ", "was given up for dead", "lease of 2 s", "Run the same command again")
    assert "published  " not in said


def test_a_run_that_was_stopped_and_goes_on_neither_publishes_nor_records(deployment: Deployment) -> None:
    silent = deployment.stopped(*RUN, *OTHER)
    worked(deployment.typed(*RUN))
    before = (deployment.published(), deployment.recorded(), deployment.ledger.steps(), deployment.statuses())
    given_up(deployment.goes_on(silent))
    assert before == (deployment.published(), deployment.recorded(), deployment.ledger.steps(), deployment.statuses())
    newest = deployment.ledger.runs()[0]
    assert deployment.published() == {DAY: [2]}
    assert deployment.recorded() == {DAY: {newest.run_id}}
    assert deployment.statuses() == [Status.SUCCEEDED, Status.CRASHED]
    assert "Nothing to do" in worked(deployment.typed(*RUN)).said


def test_a_run_that_goes_on_with_the_same_plan_is_not_disturbed_by_the_one_that_began_it(
    deployment: Deployment,
) -> None:
    """It has the id of the silent one, and still not its locks."""
    silent = deployment.stopped(*RUN)
    said = worked(deployment.typed(*RUN)).said
    assert "resumed" in said
    steps = deployment.ledger.steps()
    given_up(deployment.goes_on(silent))
    assert (deployment.statuses(), deployment.ledger.steps()) == ([Status.SUCCEEDED], steps)
    assert deployment.published() == {DAY: [2]}


def test_a_run_of_many_dates_that_was_stopped_leaves_the_rest_alone(deployment: Deployment) -> None:
    silent = deployment.stopped(*FOUR, "--max-parallel", "1", *OTHER)
    worked(deployment.typed(*FOUR))
    published = deployment.published()
    given_up(deployment.goes_on(silent))
    assert deployment.published() == published
    assert set(map(tuple, published.values())) == {(2,)}
    assert len(published) == 4
    assert {len(runs) for runs in deployment.recorded().values()} == {1}
    assert deployment.statuses() == [Status.SUCCEEDED, Status.CRASHED]


def test_a_run_that_was_closed_while_it_was_stopped_cannot_publish_though_nobody_took_its_date(
    deployment: Deployment,
) -> None:
    """Asking for the status is enough."""
    silent = deployment.stopped(*RUN)
    worked(deployment.typed("status"))
    assert deployment.statuses() == [Status.CRASHED]
    given_up(deployment.goes_on(silent))
    assert (deployment.statuses(), deployment.recorded()) == ([Status.CRASHED], {})
    outcome = deployment.ledger.date_records("visits", "v1")[date.fromisoformat(DAY)]
    assert outcome.status is Status.CRASHED
    worked(deployment.typed(*RUN))
    assert deployment.published() == {DAY: [2]}


def test_a_slow_run_keeps_its_lease_and_others_are_told_who_has_it(deployment: Deployment) -> None:
    slow = deployment.inside(*RUN)
    lease = deployment.ledger.holder(LOCK, now())
    assert lease is not None
    until(lambda: (deployment.ledger.holder(LOCK, now()) or lease).expires_at > lease.expires_at)
    said = refused(deployment.typed(*RUN), 5, f"{LOCK} is in use by another run", f"pid {slow.pid}", "--wait")
    assert "if it died, this is free from" in said
    finding = deployment.typed("doctor").out
    assert f"{LOCK}: in use by a process that lives" in finding
    assert f"kill {slow.pid}" in finding
    deployment.let_go()
    worked(ended(slow))
    assert deployment.ledger.leases(now()) == {}


def test_after_a_killed_run_the_next_one_goes_on_when_the_lease_is_over(deployment: Deployment) -> None:
    killed = deployment.inside(*RUN)
    killed.kill()
    ended(killed)
    deployment.let_go()
    worked(deployment.typed(*RUN, "--wait"))
    assert deployment.statuses()[0] is Status.SUCCEEDED
    assert deployment.published() == {DAY: [2]}
    until(lambda: not deployment.ledger.leases(now()))
    worked(deployment.typed("status"))
    assert Status.RUNNING not in deployment.statuses()


def test_a_run_survives_the_restart_of_the_server(deployment: Deployment) -> None:
    """Its connections end while it is inside a step; it makes new ones."""
    process = deployment.inside(*RUN)
    with psycopg.connect(deployment.address, autocommit=True) as server:
        server.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    deployment.let_go()
    worked(ended(process))
    assert deployment.statuses() == [Status.SUCCEEDED]
    assert deployment.published() == {DAY: [2]}
