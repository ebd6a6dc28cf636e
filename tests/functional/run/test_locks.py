"""Has a lock one owner, is a dead owner replaced at once, and a living one never? With real processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from augury.errors import ExitCode, Locked, Place, StorageFailed
from augury.run.locking import ANY_TIME
from augury.run.locks import PartitionLocks, RunMarker

SPAWN = multiprocessing.get_context("spawn")
NAME = "ltv_v1_2026-01-15"
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def locks(tmp_path: Path) -> PartitionLocks:
    return PartitionLocks(tmp_path / "_locks", now=lambda: NOON)


def hold(folder: str, ready: str) -> None:
    with RunMarker(Path(folder)).hold("R1"), PartitionLocks(Path(folder)).acquire(NAME, "R1"):
        Path(ready).touch()
        time.sleep(600)


@contextmanager
def another_process(tmp_path: Path) -> Iterator[int]:
    """The pid of a process that holds NAME and performs R1."""
    ready = tmp_path / "ready"
    ready.unlink(missing_ok=True)
    process = SPAWN.Process(target=hold, args=(str(tmp_path / "_locks"), str(ready)))
    process.start()
    assert process.pid
    try:
        while not ready.exists():
            time.sleep(0.005)
        yield process.pid
    finally:
        process.kill()
        process.join()


def test_a_second_owner_is_refused_and_told_who_holds_it(locks: PartitionLocks) -> None:
    """Exit code 5 names host, pid, time and run."""
    with locks.acquire(NAME, "R1"), pytest.raises(Locked) as caught:
        locks.acquire(NAME, "R2", where=Place("ltv", "2026-01-15"))
    assert caught.value.exit_code is ExitCode.LOCKED
    assert str(caught.value).startswith("ltv / 2026-01-15: ")
    owner = caught.value.owner
    assert owner
    assert (owner.host, owner.pid, owner.run_id) == (socket.gethostname(), os.getpid(), "R1")
    assert owner.since == "2026-01-15T12:00:00+00:00"


def test_a_released_lock_is_free_and_leaves_no_file(locks: PartitionLocks, tmp_path: Path) -> None:
    for run_id in ("R1", "R2"):
        lock = locks.acquire(NAME, run_id)
        assert lock.is_held()
        assert lock.fence() is None  # whoever has it keeps it until it is dead
        assert locks.owner(NAME) == lock.owner
        lock.release()
        lock.release()
        assert not lock.is_held()
    assert not locks.is_locked(NAME)
    assert locks.owner(NAME) is None
    assert list((tmp_path / "_locks").iterdir()) == []


def test_other_names_are_other_locks(locks: PartitionLocks) -> None:
    with (
        locks.acquire(NAME, "R1"),
        locks.acquire("ltv_v1_2026-01-16", "R1"),
        locks.acquire("rfm_v1_2026-01-15", "R2"),
    ):
        assert locks.is_locked(NAME)
        assert list(locks.in_use()) == [NAME, "ltv_v1_2026-01-16", "rfm_v1_2026-01-15"]


def test_who_waits_gets_the_lock_when_it_is_released(locks: PartitionLocks) -> None:
    first = locks.acquire(NAME, "R1")
    threading.Timer(0.1, first.release).start()
    with locks.acquire(NAME, "R2", wait=ANY_TIME) as second:
        assert second.is_held()
        assert not first.is_held()


def test_waiting_ends(locks: PartitionLocks) -> None:
    started = time.monotonic()
    with locks.acquire(NAME, "R1"), pytest.raises(Locked):
        locks.acquire(NAME, "R2", wait=0.3)
    assert time.monotonic() - started >= 0.3


def test_a_killed_owner_is_replaced_at_once(locks: PartitionLocks, tmp_path: Path) -> None:
    """No lease has to run out, and nobody has to clean up."""
    marker = RunMarker(tmp_path / "_locks")
    for _ in range(3):
        with another_process(tmp_path) as pid:
            assert marker.is_alive("R1")
            with pytest.raises(Locked) as caught:
                locks.acquire(NAME, "R2")
            assert caught.value.owner
            assert caught.value.owner.pid == pid
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert not marker.is_alive("R1")
            locks.acquire(NAME, "R2").release()


def test_a_stopped_owner_is_not_taken_for_dead(locks: PartitionLocks, tmp_path: Path) -> None:
    """A laptop that sleeps, a debugger: whoever comes back must still be the only writer."""
    marker = RunMarker(tmp_path / "_locks")
    with another_process(tmp_path) as pid:
        os.kill(pid, signal.SIGSTOP)
        assert marker.is_alive("R1")
        with pytest.raises(Locked):
            locks.acquire(NAME, "R2", wait=0.2)
        os.kill(pid, signal.SIGCONT)
        assert marker.is_alive("R1")


def test_the_same_pid_in_an_old_file_means_nothing(locks: PartitionLocks, tmp_path: Path) -> None:
    """A file left by a killed owner, whose pid another process has by now: this one."""
    file = tmp_path / "_locks" / f"{NAME}.lock"
    file.parent.mkdir()
    file.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": "x", "run_id": "R0"}))
    assert not locks.is_locked(NAME)
    with locks.acquire(NAME, "R1") as lock:
        assert locks.owner(NAME) == lock.owner


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"host": 1}', "\udce9"])
def test_an_unreadable_owner_is_an_unknown_one(locks: PartitionLocks, tmp_path: Path, text: str) -> None:
    with locks.acquire(NAME, "R1"):
        (tmp_path / "_locks" / f"{NAME}.lock").write_bytes(text.encode("utf-8", "surrogateescape"))
        assert locks.is_locked(NAME)
        with pytest.raises(Locked, match="another process") as caught:
            locks.acquire(NAME, "R2")
        assert caught.value.owner is None


@pytest.mark.parametrize(
    "harm",
    [Path.unlink, lambda file: _another(file).replace(file)],
    ids=["removed", "replaced"],
)
def test_an_owner_notices_that_its_file_is_gone(
    locks: PartitionLocks, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    """Then somebody else may get the lock, and whoever checks before it publishes does not."""
    first = locks.acquire(NAME, "R1")
    harm(tmp_path / "_locks" / f"{NAME}.lock")
    assert not first.is_held()
    with locks.acquire(NAME, "R2") as second:
        first.release()
        assert second.is_held()
        assert locks.owner(NAME) == second.owner


def _another(file: Path) -> Path:
    other = file.with_suffix(".other")
    other.write_text("")
    return other


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(locks: PartitionLocks) -> None:
    """A hook may use multiprocessing: its workers can outlive a killed run, its locks must not."""
    lock = locks.acquire(NAME, "R1")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"held" if lock.is_held() else b"free")
        time.sleep(600)
    assert os.read(reading, 4) == b"free"
    assert lock.is_held()
    lock.release()
    try:
        with locks.acquire(NAME, "R2") as next_one:
            assert next_one.is_held()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_lock_excludes_the_threads_of_one_process(locks: PartitionLocks) -> None:
    inside, most = [0], [0]

    def work(run: int) -> None:
        with locks.acquire(NAME, f"R{run}", wait=ANY_TIME) as lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            assert lock.is_held()
            time.sleep(0.001)
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(100)))
    assert most == [1]


def increment(folder: str, counter: str, times: int, seed: int) -> None:
    """Adds to a number in a file, which only works where nobody else does so at the same time."""
    chance = random.Random(seed)
    for _ in range(times):
        with PartitionLocks(Path(folder)).acquire(NAME, "R1", wait=ANY_TIME):
            number = int(Path(counter).read_text() or 0)
            time.sleep(chance.uniform(0, 0.002))
            Path(counter).write_text(str(number + 1))


def test_a_lock_excludes_processes_while_its_file_comes_and_goes(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("")
    folder = str(tmp_path / "_locks")
    workers = [SPAWN.Process(target=increment, args=(folder, str(counter), 50, seed)) for seed in range(4)]
    for worker in workers:
        worker.start()
    asked = PartitionLocks(Path(folder))
    while any(worker.is_alive() for worker in workers):
        asked.is_locked(NAME)  # questions disturb nobody
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert counter.read_text() == "200"


def test_a_question_creates_nothing(tmp_path: Path) -> None:
    assert not RunMarker(tmp_path / "_locks").is_alive("R1")
    assert PartitionLocks(tmp_path / "_locks").owner(NAME) is None
    assert not (tmp_path / "_locks").exists()


def test_a_run_has_one_performer(tmp_path: Path) -> None:
    marker = RunMarker(tmp_path)
    with marker.hold("R1"):
        assert marker.is_alive("R1")
        assert not marker.is_alive("R2")
        with pytest.raises(Locked):
            marker.hold("R1")
    assert not marker.is_alive("R1")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "_locks").write_text("a file in its place")
    with pytest.raises(StorageFailed) as caught:
        PartitionLocks(tmp_path / "_locks").acquire(NAME, "R1")
    assert str(tmp_path / "_locks") in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("name", ["", "../ltv", "a/b", ".hidden", "a" * 201, "a\x00"])
def test_a_lock_cannot_lie_elsewhere(locks: PartitionLocks, name: str) -> None:
    with pytest.raises(ValueError, match="name of a lock"):
        locks.acquire(name, "R1")
