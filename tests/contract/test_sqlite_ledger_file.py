"""Is the file of a ledger whole for processes that share it or die, and is a broken one named?"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.errors import StorageFailed
from augury.ledger import tables
from augury.ledger.records import Status
from augury.ledger.store import Ledger
from augury.testing.records import DAY, NOON, a_date, a_model, a_partition, a_run, a_step

# A server that has imported what the writers need forks them: as fresh as spawned ones, without their imports.
FRESH = multiprocessing.get_context("forkserver")
FRESH.set_forkserver_preload(["pytest", "augury.ledger.store", "augury.testing.records"])

# -- the file --------------------------------------------------------------------------------------------------


def test_asking_an_absent_ledger_writes_nothing(path: Path) -> None:
    with Ledger.open(path, create=False) as ledger:
        assert ledger.runs() == []
        assert ledger.partitions("ltv", "v1") == {}
    assert not path.parent.exists()


def test_a_closed_ledger_is_one_file(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run(), "{}")
    assert [entry.name for entry in path.parent.iterdir()] == ["_ledger.db"]


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    with Ledger.open(path) as ledger, Ledger.open(path) as other:
        ledger.begin_run(a_run(), "{}")
        with ledger._database.write() as connection:
            connection.execute(tables.runs.update().values(status=Status.FAILED))
            started = time.monotonic()
            assert other.run("R1").status is Status.RUNNING
            assert time.monotonic() - started < 5
        assert other.run("R1").status is Status.FAILED


def overwrite(path: Path, at: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * length)


def read_everything(path: Path) -> None:
    with Ledger.open(path) as ledger:
        for run in ledger.runs(limit=None):
            ledger.stored_plan(run.run_id)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_text("customer_id,day\n1,2026-01-15\n" * 100), "not a ledger"),
        (lambda path: overwrite(path, 0, 100), "not a ledger"),
        (lambda path: overwrite(path, 100, path.stat().st_size - 100), "damaged"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "damaged"),
        (lambda path: (path.unlink(), path.mkdir()), "ledger cannot be opened"),
    ],
    ids=["text", "header", "pages", "truncated", "folder"],
)
def test_a_damaged_ledger_is_named(path: Path, damage: Callable[[Path], Any], says: str) -> None:
    with Ledger.open(path) as ledger:
        for n in range(200):
            ledger.begin_run(a_run(f"R{n}"), "{}" * 100)
    damage(path)
    with pytest.raises(StorageFailed, match=says) as caught:
        read_everything(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_a_database_of_somebody_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    raw = sqlite3.connect(path)
    raw.execute("create table customers (id int)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match="not a ledger"):
        Ledger.open(path)
    assert path.read_bytes() == before


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="augury-test-"))
    folder.chmod(0o755)
    yield folder
    for inside in (folder, *folder.rglob("*")):
        inside.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Nothing is read-only for root, so root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    Ledger.absent().close()  # whatever is imported late is imported before
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize("begun", [False, True], ids=["new", "existing"])
def test_a_read_only_folder_is_named(shared_folder: Path, begun: bool) -> None:
    path = shared_folder / "_ledger.db"
    if begun:
        Ledger.open(path).close()
        path.chmod(0o444)
    shared_folder.chmod(0o555)
    with without_privileges(), pytest.raises(StorageFailed) as caught:
        Ledger.open(path)
    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_a_full_disk_is_named_and_leaves_the_ledger_whole(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run(), "{}")
        with ledger._database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFailed, match="cannot grow"):
            ledger.begin_run(a_run("R2"), "x" * 100_000)
        assert [run.run_id for run in ledger.runs()] == ["R1"]


# -- several processes -----------------------------------------------------------------------------------------


def write_dates(path: str, worker: int, count: int) -> None:
    with Ledger.open(Path(path)) as ledger:
        run_id = f"R{worker}"
        ledger.begin_run(a_run(run_id), "{}")
        for n in range(count):
            day = DAY + timedelta(days=worker * count + n)
            ledger.begin_task(run_id, str(day), "ltv", "v1", day, 1, NOON)
            ledger.add_model(a_model(run_id=run_id, tick=day))
            ledger.finish_task(
                run_id,
                str(day),
                [a_step(run_id=run_id, task=str(day), run_date=day)],
                [a_partition(run_id=run_id, run_date=day)],
                date=a_date(run_id=run_id, run_date=day),
            )


def test_eight_processes_make_and_write_one_ledger_at_once(path: Path) -> None:
    workers = [FRESH.Process(target=write_dates, args=(str(path), n, 25)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 8
    with Ledger.open(path) as ledger:
        assert len(ledger.partitions("ltv", "v1")) == len(ledger.date_records("ltv", "v1")) == 200
        assert [model.number for model in ledger.models("ltv", "v1")] == list(range(1, 201))
    assert [entry.name for entry in path.parent.iterdir()] == ["_ledger.db"]


def write_until_killed(path: str, first: int) -> None:
    """Ten partitions a date; what was acknowledged goes to stdout's place, a file, one line per date."""
    steps = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
    with Ledger.open(Path(path)) as ledger, Path(path).with_suffix(".acknowledged").open("a") as said:
        for n in range(first, first + 100_000):
            day, key = DAY + timedelta(days=n), str(n)
            ledger.begin_task("R1", key, "ltv", "v1", day, 1, NOON)
            ledger.finish_task(
                "R1",
                key,
                [a_step(step, task=key, run_date=day) for step in steps],
                [a_partition(step, run_date=day) for step in steps],
                date=a_date(run_date=day),
            )
            said.write(f"{key}\n")
            said.flush()


def test_killed_while_it_writes_a_task_is_there_whole_or_not_at_all(path: Path) -> None:
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run(), "{}")
    chance = random.Random(7)
    acknowledged = path.with_suffix(".acknowledged")
    acknowledged.touch()
    for kill in range(8):
        size = acknowledged.stat().st_size
        worker = FRESH.Process(target=write_until_killed, args=(str(path), kill * 100_000))
        worker.start()
        while acknowledged.stat().st_size == size:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    with Ledger.open(path) as ledger:
        states = ledger.task_states("R1")
        done = {key for key, status in states.items() if status is Status.SUCCEEDED}
        assert set(states.values()) <= {Status.SUCCEEDED, Status.RUNNING}
        whole = {DAY + timedelta(days=int(key)) for key in done}
        assert set(ledger.date_records("ltv", "v1")) == whole
        assert {day for _, day in ledger.partitions("ltv", "v1")} == whole
        assert len(ledger.partitions("ltv", "v1")) == len(ledger.steps("R1")) == 10 * len(whole)
        assert done >= set(acknowledged.read_text().split("\n")[:-1])
