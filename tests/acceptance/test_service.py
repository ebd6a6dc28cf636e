"""Real services that are killed, stopped and cut off: every date is done once, no limit is passed (M2-M8, P9)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.projects import Shop, days, orders_of

AUGURY = """\
name: shop
service: {poll: 0.2s, lease: 2s, max_starts: 100}
sources:
  orders: {path: data/orders.csv, event_time: ordered_at}
targets:
  dev: {namespace: %s%s}
"""
SETTINGS = """\
schedule: {paused: true}
throttle: {prepare: {max_concurrent: 5}}
"""
WORK = """\
import json, os, time
from pathlib import Path
import pyarrow as pa

LOG = Path(__file__).parent / "log"

def prepare(context, orders):
    LOG.mkdir(exist_ok=True)
    began = time.time()
    mine = LOG / f"{context.run_date}-{os.getpid()}-{time.time_ns()}"
    known = {"pid": os.getpid(), "day": str(context.run_date), "began": began}
    mine.write_text(json.dumps(known))
    time.sleep(0.15)
    mine.write_text(json.dumps({**known, "ended": time.time()}))
    counts = orders.group_by("customer_id").aggregate([("amount", "sum")])
    return pa.table({"customer_id": counts["customer_id"], "spent": counts["amount_sum"]})
"""
FORTY = ("2026-01-02", "2026-02-11")


def shop_at(root: Path, namespace: str, ledger: str | None) -> Shop:
    shop = Shop.at(root, AUGURY % (namespace, f", ledger: '{ledger}'" if ledger else ""))
    shop.orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-11")))
    return shop.pipeline(settings=SETTINGS, hooks=WORK)


class Crowd:
    """Processes of the service over one project."""

    def __init__(self, shop: Shop, command: tuple[str, ...]) -> None:
        self.shop = shop
        self.command = command
        self.processes: list[subprocess.Popen[bytes]] = []
        self.killed: dict[int, float] = {}
        """When a process was killed, by pid."""

    def start(self, number: int = 1) -> None:
        for _ in range(number):
            with (self.shop.root / f"service-{time.time_ns()}.log").open("wb") as log:
                words = [sys.executable, "-m", "augury", *self.command]
                self.processes.append(subprocess.Popen(words, cwd=self.shop.root, stdout=log, stderr=log))

    def said(self) -> list[str]:
        return [path.read_text() for path in self.shop.root.glob("service-*.log")]

    def kill_one(self, chance: random.Random) -> None:
        victim = chance.choice(self.processes)
        victim.kill()
        victim.wait()
        self.killed[victim.pid] = time.time()
        self.processes.remove(victim)

    def end(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes:
            process.wait(60)


@contextmanager
def crowd(shop: Shop, *command: str) -> Iterator[Crowd]:
    made = Crowd(shop, command)
    try:
        yield made
    finally:
        made.end()


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} not after {seconds} s"
        time.sleep(0.2)


def begun(shop: Shop) -> list[dict[str, object]]:
    found = []
    for path in (shop.root / "pipelines/ltv/log").glob("*"):
        text = path.read_text()
        if text:
            found.append(json.loads(text))
    return found


def all_done(shop: Shop, number: int) -> bool:
    statuses = list(shop.statuses().values())
    return len(statuses) == number and set(statuses) == {"succeeded"} and not shop.tasks()


def most_at_once(shop: Shop, killed: dict[int, float]) -> int:
    """By the wall clock of the one machine that they all run on."""
    changes: list[tuple[float, int]] = []
    for each in begun(shop):
        ended = each.get("ended", killed.get(int(str(each["pid"]))))
        assert ended is not None, f"{each} never ended and was not killed"
        changes += [(float(str(each["began"])), 1), (float(str(ended)), -1)]
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def as_the_foreground(shop: Shop, root: Path) -> None:
    """The tables are those of a run that nobody disturbed."""
    other = shop_at(root, "alone", None)
    other.run("ltv", *FORTY, max_parallel=4)
    assert shop.contents() == other.contents()


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_three_workers_killed_at_random_do_every_date_once(
    postgres: str, namespace: str, tmp_path: Path, kills: int
) -> None:
    """Five slots, three workers, forty dates."""
    shop = shop_at(tmp_path / "shop", namespace, postgres)
    chance = random.Random(20260105)
    with crowd(shop, "worker", "--concurrency", "4") as workers:
        workers.start(3)
        shop.submit("ltv", *FORTY)
        for _ in range(kills):
            seen = len(begun(shop))
            until(lambda seen=seen: len(begun(shop)) > seen or all_done(shop, 40), 60, "work")  # type: ignore[misc]
            workers.kill_one(chance)
            workers.start()
        until(lambda: all_done(shop, 40), 120, "all dates")
        killed = dict(workers.killed)
    assert most_at_once(shop, killed) <= 5
    as_the_foreground(shop, tmp_path / "alone")


def test_a_stopped_worker_loses_its_work_and_publishes_nothing_when_it_goes_on(
    postgres: str, namespace: str, tmp_path: Path
) -> None:
    shop = shop_at(tmp_path / "shop", namespace, postgres)
    with crowd(shop, "worker", "--concurrency", "2") as workers:
        workers.start()
        shop.submit("ltv", *FORTY)
        until(lambda: len(begun(shop)) > 2, 60, "work")
        (zombie,) = workers.processes
        os.kill(zombie.pid, signal.SIGSTOP)
        workers.start()
        until(lambda: all_done(shop, 40), 120, "all dates")
        before = shop.files()
        os.kill(zombie.pid, signal.SIGCONT)
        until(lambda: any("given up for dead" in text for text in workers.said()), 60, "the zombie's return")
        until(lambda: not shop.tasks(), 60, "the zombie's last word")
        assert shop.files() == before
    as_the_foreground(shop, tmp_path / "alone")


def test_a_database_that_goes_away_for_a_while_loses_nothing(postgres: str, namespace: str, tmp_path: Path) -> None:
    """All its connections break, again and again: what a restart of the server does to those who use it."""
    shop = shop_at(tmp_path / "shop", namespace, postgres)
    with crowd(shop, "worker", "--concurrency", "2") as workers:
        workers.start(2)
        shop.submit("ltv", *FORTY)
        for _ in range(5):
            seen = len(begun(shop))
            until(lambda seen=seen: len(begun(shop)) > seen or all_done(shop, 40), 60, "work")  # type: ignore[misc]
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )
        until(lambda: all_done(shop, 40), 120, "all dates")
    as_the_foreground(shop, tmp_path / "alone")


@pytest.mark.parametrize("kills", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_one_process_on_sqlite_killed_at_random_does_every_date_once(tmp_path: Path, kills: int) -> None:
    shop = shop_at(tmp_path / "shop", "dev", None)
    shop.submit("ltv", *FORTY)
    chance = random.Random(20260106)
    with crowd(shop, "up", "--concurrency", "4") as service:
        for _ in range(kills):
            service.start()
            seen = len(begun(shop))
            until(lambda seen=seen: len(begun(shop)) > seen + 2 or all_done(shop, 40), 60, "work")  # type: ignore[misc]
            service.kill_one(chance)
        service.start()
        until(lambda: all_done(shop, 40), 120, "all dates")
        killed = dict(service.killed)
    assert most_at_once(shop, killed) <= 5
    as_the_foreground(shop, tmp_path / "alone")
