"""What do processes that meet on one project do to each other? Wait, say so, or take over from the dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli_runner import called, ended, environment, refused, rows, started, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS

RUN = ("run", "visits", "--date", "2024-01-13")
BACKFILL = ("backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-17", "--max-parallel", "2")
PUBLISHED = [10, 11, 12]


def until(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `what` is true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def days(shop: Shop) -> list[int]:
    found = rows("select day(run_date) as d, count(*) as n from visits_predictions group by 1 order by 1", shop.root)
    assert {row["n"] for row in found} == {12}
    return [row["d"] for row in found]


def last_run(shop: Shop) -> dict[str, Any]:
    answer = worked(called("runs", "visits", "--limit", "1", "--output", "json", folder=shop.root))
    run: dict[str, Any] = answer.document["runs"][0]
    return run


class Gate:
    """A step that waits in the middle of its date until it is let through."""

    def __init__(self, shop: Shop) -> None:
        self.reached, self.open = shop.root / "reached", shop.root / "open"
        shop.write(
            f"{VISITS}/hooks.py",
            "import time\nfrom pathlib import Path\n\n"
            "def post_process(context, rows):\n"
            f"    Path({str(self.reached)!r}).touch()\n"
            f"    while not Path({str(self.open)!r}).exists():\n"
            "        time.sleep(0.01)\n"
            "    return rows\n",
        )

    def wait(self) -> None:
        until(self.reached.exists)


@pytest.fixture
def shop(published: Shop) -> Shop:
    return published


@pytest.fixture
def gate(shop: Shop) -> Gate:
    return Gate(shop)


@pytest.fixture
def owner(shop: Shop, gate: Gate) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of 13 January."""
    process = started(*RUN, folder=shop.root)
    gate.wait()
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_the_owner_of_a_date_is_named_and_the_other_ends_with_5(
    shop: Shop, gate: Gate, owner: subprocess.Popen[str]
) -> None:
    said = refused(called(*RUN, folder=shop.root), 5, "locked: visits / 2024-01-13", f"pid {owner.pid}", "--wait")
    assert last_run(shop)["run_id"] in said
    assert days(shop) == PUBLISHED
    gate.open.touch()
    worked(ended(owner))
    assert days(shop) == [*PUBLISHED, 13]


WAITING = """
import sys
from pathlib import Path

from augury.cli.main import main

lock, sign, *words = sys.argv[1:]
tries = []

def audit(event, arguments):
    if event == "open" and str(arguments[0]).endswith(lock):
        tries.append(lock)
        if len(tries) == 2:
            Path(sign).touch()

sys.addaudithook(audit)
sys.exit(main(words))
"""
"""A command that leaves a sign when it tries to take a lock for the second time."""


def test_with_wait_the_other_goes_on_when_the_owner_is_done(
    shop: Shop, gate: Gate, owner: subprocess.Popen[str]
) -> None:
    refused_once = shop.root / "refused once"
    script = [sys.executable, "-c", WAITING, "visits-v1-2024-01-13.lock", str(refused_once), *RUN, "--wait"]
    with subprocess.Popen(script, cwd=shop.root, env=environment(), stdout=subprocess.PIPE, text=True) as other:
        until(refused_once.exists)
        assert other.poll() is None
        gate.open.touch()
        worked(ended(owner))
        out, _ = other.communicate(timeout=120)
    assert (other.returncode, "Nothing to do" in out) == (0, True)


def test_an_owner_that_is_stopped_is_slow_and_not_dead(shop: Shop, gate: Gate, owner: subprocess.Popen[str]) -> None:
    owner.send_signal(signal.SIGSTOP)
    refused(called(*RUN, folder=shop.root), 5, f"pid {owner.pid}")
    worked(called("status", folder=shop.root))
    assert last_run(shop)["status"] == "running"
    found = called("doctor", "--fix", folder=shop.root)
    assert "crashed" not in found.out
    owner.send_signal(signal.SIGCONT)
    gate.open.touch()
    worked(ended(owner))
    assert days(shop) == [*PUBLISHED, 13]
    assert last_run(shop)["status"] == "succeeded"


def test_an_owner_that_died_is_seen_at_once_and_replaced_at_once(
    shop: Shop, gate: Gate, owner: subprocess.Popen[str]
) -> None:
    owner.kill()
    owner.wait()
    worked(called("status", folder=shop.root))
    assert last_run(shop)["status"] == "crashed"
    gate.open.touch()
    worked(called(*RUN, folder=shop.root))
    assert days(shop) == [*PUBLISHED, 13]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_cleanly_and_the_same_command_goes_on(
    shop: Shop, gate: Gate, owner: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    owner.send_signal(number)
    answer = ended(owner)
    refused(answer, code, "the same command goes on from there")
    assert last_run(shop)["status"] == "cancelled"
    assert days(shop) == PUBLISHED
    gate.open.touch()
    worked(called(*RUN, folder=shop.root))
    assert days(shop) == [*PUBLISHED, 13]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_dates_in_work_end_and_begins_no_other(
    shop: Shop, gate: Gate, number: signal.Signals, code: int
) -> None:
    process = started(*BACKFILL, folder=shop.root)
    gate.wait()
    process.send_signal(number)
    time.sleep(0.2)  # its main thread hears of it, which leaves no sign that could be waited for
    gate.open.touch()
    refused(ended(process), code)
    assert last_run(shop)["status"] == "cancelled"
    assert set(days(shop)) <= {*PUBLISHED, 13, 14}
    assert not list((shop.root / NAMESPACE).rglob(".tmp-*"))
    worked(called(*BACKFILL, folder=shop.root))
    assert days(shop) == [*PUBLISHED, 13, 14, 15, 16]


ENDLESS = "select max(a.range * b.range % 7919) as i from range(400000) a, range(400000) b"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("words", [RUN, BACKFILL, ("query", ENDLESS)], ids=["run", "backfill", "query"])
def test_a_signal_stops_a_query_that_would_take_hours(
    visits: Shop, words: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    sql = f"select i as customer_id, 1 as visits, 1.0 as spent from ({ENDLESS})"
    visits.write(f"{VISITS}/prepare.sql", sql)
    log = visits.root / NAMESPACE / "_logs"
    process = started(*words, folder=visits.root)
    if words[0] == "query":
        until(lambda: cpu_seconds(process.pid) > 2)
    else:
        until(lambda: list(log.glob("*.ndjson")))
        begun = cpu_seconds(process.pid)
        until(lambda: cpu_seconds(process.pid) > begun + 1)  # more than all the rest of such a date takes
    process.send_signal(number)
    refused(ended(process, 30), code, "Interrupted.")
    if words[0] != "query":
        assert last_run(visits)["status"] == "cancelled"
        assert not list((visits.root / NAMESPACE).rglob(".tmp-*"))


def cpu_seconds(pid: int) -> float:
    import psutil

    try:
        return sum(psutil.Process(pid).cpu_times()[:2])
    except psutil.NoSuchProcess:
        return float("inf")


def test_looking_never_waits_for_a_run(shop: Shop, gate: Gate, owner: subprocess.Popen[str]) -> None:
    assert owner.poll() is None
    for words in (
        ["status"],
        ["runs"],
        ["ls"],
        ["plan", *RUN[1:]],
        ["show", "visits", "--date", "2024-01-12"],
        ["logs", "visits", "--date", "2024-01-13"],
        ["query", "select count(*) from visits_predictions"],
    ):
        began = time.monotonic()
        worked(called(*words, folder=shop.root))
        assert time.monotonic() - began < 20
    assert days(shop) == PUBLISHED


def test_two_backfills_of_overlapping_dates_share_the_work(shop: Shop) -> None:
    ranges = [("2024-01-13", "2024-01-19"), ("2024-01-15", "2024-01-22")]
    processes = [
        started("backfill", "visits", "--start", start, "--end", end, folder=shop.root) for start, end in ranges
    ]
    answers = [ended(process) for process in processes]
    assert {answer.code for answer in answers} <= {0, 5}, [answer.said for answer in answers]
    for start, end in ranges:
        worked(called("backfill", "visits", "--start", start, "--end", end, folder=shop.root))
    assert days(shop) == [*PUBLISHED, *range(13, 22)]


def test_two_targets_of_one_project_do_not_know_each_other(shop: Shop, gate: Gate) -> None:
    """The same pipeline and date on another target is another partition: nobody waits, and both are published."""
    process = started(*RUN, folder=shop.root)
    gate.wait()
    (shop.root / VISITS / "hooks.py").unlink()
    worked(called(*RUN, "--target", "prod", folder=shop.root))
    assert rows("select distinct day(run_date) as d from visits_predictions", shop.root, "--target", "prod") == [
        {"d": 13}
    ]
    assert days(shop) == PUBLISHED
    gate.open.touch()
    worked(ended(process))
    assert days(shop) == [*PUBLISHED, 13]


def test_a_run_is_alive_by_its_lock_and_not_by_a_number(shop: Shop, gate: Gate, owner: subprocess.Popen[str]) -> None:
    """The process id of a dead run may belong to somebody else by now: here, to the test itself."""
    owner.kill()
    owner.wait()
    for lock in (shop.root / NAMESPACE / "_locks").glob("*.lock"):
        lock.write_text(json.dumps({**json.loads(lock.read_text() or "{}"), "pid": os.getpid()}))
    gate.open.touch()
    worked(called(*RUN, folder=shop.root))
    assert days(shop) == [*PUBLISHED, 13]


def test_many_readers_and_a_writer_of_the_ledger_never_lock_each_other_out(shop: Shop) -> None:
    writer = started("backfill", "visits", "--start", "2024-01-13", "--end", "2024-02-01", folder=shop.root)
    readers = [started(command, folder=shop.root) for command in ("status", "runs", "status")]
    for reader in readers:
        assert "visits" in worked(ended(reader)).out
    assert "19 published" in worked(ended(writer)).out
    assert days(shop) == [*PUBLISHED, *range(13, 32)]
