"""What does the next process find where one died at the worst moment, or was overtaken by another?"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.errors import Fenced, QueryRefused
from augury.fences import Fence
from augury.testing.bigquery import BigQueryServer, Drop, Slow
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, write
from tests.contract.bigquery_warehouse.room import opened

ROOT = Path(__file__).parents[3]
DATA = r"augury_[0-9a-f]{40}_\d+"
LOCK = "ltv-v1-2026-01-15"


@pytest.fixture
def faults(server: BigQueryServer) -> Iterator[Any]:
    server.faults.clear()
    yield server.faults
    server.faults.clear()


def started(server: BigQueryServer, dataset: str, root: Path, code: str) -> subprocess.Popen[str]:
    """Python in a process of its own, with `warehouse`."""
    given = f"""
        from pathlib import Path
        from augury.testing.warehouse_rows import *
        from tests.contract.bigquery_warehouse.room import opened

        class server:
            endpoint, storage_endpoint = {server.endpoint!r}, {server.storage_endpoint!r}

        warehouse = opened(server, {dataset!r}, Path({str(root)!r}))
    """
    text = textwrap.dedent(given) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_killed_between_the_job_and_the_record(
    server: BigQueryServer, dataset: str, tmp_path: Path, faults: Any
) -> None:
    """The job succeeded, and nobody wrote it down: the next process does."""
    code = """
        warehouse.create(write(), PEOPLE)
        warehouse.create(write(run_id="run_2", facts={"model_version": 3}), "SELECT 9 AS customer_id, 'zoe' AS name")
        print("written", flush=True)
        input()
    """
    process = started(server, dataset, tmp_path, code)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "written\n"
        process.kill()
    warehouse = opened(server, dataset, tmp_path)
    found = warehouse.partition("people", DAY)
    assert (found.run_id, found.rows, found.facts) == ("run_2", 1, {"model_version": 3})
    assert ids(live(warehouse)) == [9]
    warehouse.close()
    with server.client("test-project") as client:
        rows = client.query(f"SELECT kind FROM `{dataset}._augury_partitions` ORDER BY 1").result()
        assert [row.kind for row in rows] == ["done", "done", "intent", "intent"]


def test_killed_while_its_job_runs(server: BigQueryServer, dataset: str, tmp_path: Path, faults: Any) -> None:
    """The job goes on without it; until it ends the old version is live."""
    warehouse = opened(server, dataset, tmp_path)
    warehouse.create(write(), PEOPLE)
    rule = faults.add(Slow(seconds=1.0), job=DATA)
    process = started(
        server, dataset, tmp_path, "warehouse.create(write(run_id='run_2'), \"SELECT 9 AS customer_id, 'z' AS name\")"
    )
    with process:
        while not rule.done:
            threading.Event().wait(0.01)
        process.kill()
    before = warehouse.partition("people", DAY)
    while (after := warehouse.partition("people", DAY)) == before:
        threading.Event().wait(0.05)
    assert (before.run_id, after.run_id, ids(live(warehouse))) == ("run_1", "run_2", [9])
    warehouse.close()


def test_killed_before_its_job_was_sent(server: BigQueryServer, dataset: str, tmp_path: Path, faults: Any) -> None:
    """An intent without a job changes nothing, and the same write can be done again."""
    rule = faults.add(Drop("before"), method="POST", job=DATA, times=1000)
    process = started(server, dataset, tmp_path, "warehouse.create(write(), PEOPLE)")
    with process:
        while not rule.done:
            threading.Event().wait(0.01)
        process.kill()
    faults.clear()
    warehouse = opened(server, dataset, tmp_path)
    assert warehouse.partition("people", DAY) is None
    warehouse.create(write(), PEOPLE)
    assert ids(live(warehouse)) == [1, 2]
    asked = len(server.faults.requests)
    warehouse.partition("people", DAY)
    assert any(one.path.endswith("_1") for one in server.faults.requests[asked:])
    # Sweeping takes the id of the job that was never sent, and forgets it.
    assert warehouse.sweep(datetime.now(UTC) + timedelta(days=1)) == 1
    asked = len(server.faults.requests)
    assert ids(live(warehouse)) == [1, 2]
    assert not any(one.path.endswith("_1") for one in server.faults.requests[asked:])
    warehouse.close()


def test_a_table_that_somebody_removed_is_made_again(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    warehouse = opened(server, dataset, tmp_path)
    warehouse.create(write(), PEOPLE)
    with server.client("test-project") as client:
        client.delete_table(f"{dataset}.people")
    for _ in range(2):
        with suppress(QueryRefused):
            warehouse.create(write(day=NEXT), PEOPLE)
    assert ids(live(warehouse, "people", NEXT)) == [1, 2]
    warehouse.close()


class _Pausing(Mapping[str, str]):
    """Labels that are read when the job is about to be sent: the writer stops there until it is let go."""

    def __init__(self, server: BigQueryServer) -> None:
        self._server = server
        self._sent = self._count()
        self.there, self.go = threading.Event(), threading.Event()

    def _count(self) -> int:
        return sum(one.method == "POST" and one.path.endswith("/jobs") for one in self._server.faults.requests)

    def __getitem__(self, key: str) -> str:
        return "x"

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        # A dry run, then the INSERT of the intent: what follows is the job itself.
        if self._count() >= self._sent + 2 and not self.there.is_set():
            self.there.set()
            self.go.wait(60)
        yield "step"


def test_a_writer_that_was_stopped_just_before_its_job_finds_its_id_taken(
    server: BigQueryServer, dataset: str, tmp_path: Path
) -> None:
    """The new owner is not kept waiting, and the old one can do nothing any more, however late it goes on."""
    writer, owner = (opened(server, dataset, tmp_path) for _ in range(2))
    old, new = Fence(LOCK, 7), Fence(LOCK, 8)
    writer.raise_fence(old)
    writer.create(write(day=NEXT, fence=old), PEOPLE)
    labels = _Pausing(server)
    refused: list[Fenced] = []

    def late() -> None:
        try:
            writer.create(write(fence=old, labels=labels), "SELECT 1 AS customer_id, 'old' AS name")
        except Fenced as error:
            refused.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    assert labels.there.wait(60)
    owner.raise_fence(new)
    owner.create(write(run_id="run_2", fence=new), "SELECT 2 AS customer_id, 'new' AS name")
    labels.go.set()
    thread.join(60)
    assert len(refused) == 1
    for warehouse in (owner, writer):
        assert [row["name"] for row in live(warehouse)] == ["new"]
        warehouse.close()


def test_a_new_owner_waits_for_a_job_that_is_under_way(
    server: BigQueryServer, dataset: str, tmp_path: Path, faults: Any
) -> None:
    writer, owner = (opened(server, dataset, tmp_path) for _ in range(2))
    old, new = Fence(LOCK, 7), Fence(LOCK, 8)
    writer.raise_fence(old)
    rule = faults.add(Slow(seconds=0.7), job=DATA)
    thread = threading.Thread(target=lambda: writer.create(write(fence=old), PEOPLE))
    thread.start()
    while not rule.done:
        threading.Event().wait(0.01)
    owner.raise_fence(new)
    assert ids(live(owner)) == [1, 2]
    thread.join(60)
    for warehouse in (owner, writer):
        warehouse.close()


def test_two_processes_see_each_others_partitions(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    one, other = (opened(server, dataset, tmp_path) for _ in range(2))
    for n, (writer, reader) in enumerate(((one, other), (other, one), (one, other))):
        writer.create(write(run_id=f"run_{n}"), f"SELECT {n} AS customer_id, 'x' AS name")
        assert reader.partition("people", DAY).run_id == f"run_{n}"
        assert ids(live(reader)) == [n]
    one.remove("people", DAY)
    assert other.partition("people", DAY) is None
    for warehouse in (one, other):
        warehouse.close()
