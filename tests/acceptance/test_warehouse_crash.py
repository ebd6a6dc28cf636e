"""Real processes that write one namespace at once, and real processes killed with -9 in the middle of a write."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pytest

from augury.errors import QueryRefused
from augury.testing.warehouse_rows import DAY, live, rows, stream, write
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import opened

ROWS = 20_000

# A server that has imported what the writers need forks them: as fresh as spawned ones, without their imports.
FRESH = multiprocessing.get_context("forkserver")
FRESH.set_forkserver_preload(["pytest", "pyarrow", "augury.warehouses.duckdb", "tests.contract.duckdb_room"])


def work(root: Path, who: int, rounds: int, days: int, n: int, line: Connection) -> None:
    """Write and publish, round after round, and tell each value that is published."""
    pa.table({"v": [0], "i": range(1)})  # imports what pyarrow imports late
    warehouse = opened(root, threads=1)
    line.send("ready")
    line.recv()
    for turn in range(rounds):
        v = who * 100_000 + turn
        day = DAY + timedelta(days=(who * 10 if days > 1 else 0) + turn % days)
        staged = write("staging", day, f"run_{who}_{turn}", facts={"v": v})
        count = n + v % 7
        if turn % 2:
            warehouse.create(staged, f"SELECT {v} AS v, i FROM range({count}) AS t(i)")
        else:
            warehouse.load(staged, stream(pa.table({"v": [v] * count, "i": range(count)}), 5_000))
        warehouse.publish("staging", day, write("predictions", day, f"run_{who}_{turn}", facts={"v": v}))
        line.send(v)


@dataclass(frozen=True)
class Writer:
    """A process that works, and the line on which it tells."""

    process: BaseProcess
    line: Connection

    @classmethod
    def start(cls, root: Path, who: int, *, rounds: int, days: int, n: int = ROWS) -> Self:
        ours, theirs = FRESH.Pipe()
        process = FRESH.Process(target=work, args=(root, who, rounds, days, n, theirs))
        process.start()
        theirs.close()
        return cls(process, ours)

    def told(self) -> list[int]:
        """Every value that it published, once it has ended."""
        found = []
        with suppress(EOFError):
            while True:
                found.append(self.line.recv())
        self.process.join()
        return found


def release(*writers: Writer) -> None:
    """Wait until all are ready, then let them go at once."""
    for writer in writers:
        assert writer.line.recv() == "ready"
    for writer in writers:
        writer.line.send("go")


def content(warehouse: Warehouse, table: str, day: date = DAY) -> dict[str, Any]:
    """What a partition holds: one value in all of its rows, as many as that value asks for, or it is torn."""
    relation = warehouse.partition_sql(table, [day])
    found = rows(
        warehouse, f"SELECT count(*) AS n, min(v) AS low, max(v) AS high, count(DISTINCT i) AS i FROM {relation}"
    )[0]
    assert found["low"] == found["high"]
    assert found["n"] == found["i"] == ROWS + found["low"] % 7
    return found


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = opened(tmp_path)
    yield warehouse
    warehouse.close()


@pytest.mark.parametrize("kills", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_moment_leaves_the_old_rows_or_the_new(
    warehouse: Warehouse, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(7)
    for table in ("staging", "predictions"):
        warehouse.create(write(table, facts={"v": 0}), f"SELECT 0 AS v, i FROM range({ROWS}) AS t(i)")
    acknowledged = 0
    for kill in range(1, kills + 1):
        writer = Writer.start(tmp_path, kill, rounds=1000, days=1)
        release(writer)
        time.sleep(chance.uniform(0.001, 0.25))
        writer.process.kill()
        acknowledged = max([acknowledged, *writer.told()])
        assert writer.process.exitcode == -signal.SIGKILL
        for table in ("staging", "predictions"):
            partition = warehouse.partition(table, DAY)
            assert partition is not None
            assert content(warehouse, table)["low"] == partition.facts["v"]
        published = warehouse.partition("predictions", DAY)
        assert published is not None
        assert published.facts["v"] >= acknowledged  # what was said to be published stays published

    assert acknowledged
    warehouse.sweep(datetime.now(UTC) + timedelta(days=1))
    left = sorted(str(path.relative_to(tmp_path / "dev")) for path in tmp_path.rglob("*") if path.is_file())
    parts = [name for name in left if name.startswith(("staging", "predictions"))]
    assert len([name for name in parts if name.endswith(".parquet")]) == 2
    assert len([name for name in parts if name.endswith("live.json")]) == 2
    assert len(parts) == 4
    assert not [name for name in left if ".tmp-" in name]
    fixed = tmp_path / "dev/_latest/predictions" / f"{DAY}.parquet"
    live_now = warehouse.partition("predictions", DAY)
    assert live_now is not None
    assert fixed.read_bytes() == Path(live_now.path).read_bytes()


def test_eight_processes_on_one_partition_leave_one_of_their_results(warehouse: Warehouse, tmp_path: Path) -> None:
    """Nobody holds a lock here: even then the partition is never torn."""
    writers = [Writer.start(tmp_path, who, rounds=6, days=1) for who in range(8)]
    release(*writers)
    written = {v for writer in writers for v in writer.told()}
    assert [writer.process.exitcode for writer in writers] == [0] * 8
    assert len(written) == 48
    assert content(warehouse, "predictions")["low"] in written
    assert content(warehouse, "staging")["low"] in written
    assert content(opened(tmp_path), "predictions") == content(warehouse, "predictions")


def test_two_processes_write_different_days_while_a_third_reads(warehouse: Warehouse, tmp_path: Path) -> None:
    n_days, rounds, n = 5, 30, 500
    writers = [Writer.start(tmp_path, who, rounds=rounds, days=n_days, n=n) for who in (0, 1)]
    release(*writers)
    asked = "SELECT run_date, count(*) AS n, min(v) AS a, max(v) AS b FROM predictions GROUP BY run_date"
    seen = 0
    while any(writer.process.is_alive() for writer in writers):
        try:
            with warehouse.query(asked) as reader:
                found = reader.read_all().to_pylist()
        except QueryRefused:  # nothing was published yet
            assert not seen
            continue
        for row in found:
            assert row["a"] == row["b"]
            assert row["n"] == n + row["a"] % 7
        seen += len(found)
    assert [writer.process.exitcode for writer in writers] == [0, 0]
    assert seen
    expected = {
        DAY + timedelta(days=who * 10 + turn % n_days): who * 100_000 + turn for who in (0, 1) for turn in range(rounds)
    }
    partitions = warehouse.partitions("predictions")
    assert {day: partition.facts["v"] for day, partition in partitions.items()} == expected
    assert all(len(live(warehouse, "predictions", day)) == n + expected[day] % 7 for day in expected)
