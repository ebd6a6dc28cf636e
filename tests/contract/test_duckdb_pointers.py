"""Which file of a partition is live, where several threads and processes write it?"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from augury.testing.warehouse_rows import DAY, PEOPLE, write
from augury.warehouses.contract import Warehouse
from augury.warehouses.duckdb import layout
from tests.contract.duckdb_room import opened


def test_what_somebody_else_wrote_or_removed_is_seen_at_once(warehouse: Warehouse, tmp_path: Path) -> None:
    """However quickly it follows on a write of one's own, which is remembered without being read."""
    other = opened(tmp_path)
    for _ in range(20):
        warehouse.create(write(run_id="mine"), PEOPLE)
        for run in ("theirs", "others"):  # the second may get the very inode of mine
            other.create(write(run_id=run), PEOPLE)
        seen = warehouse.partition("people", DAY)
        assert seen is not None
        assert seen == other.partition("people", DAY)
        assert seen.run_id == "others"
    other.remove("people", DAY)
    assert warehouse.partition("people", DAY) is None
    other.close()


def test_threads_and_processes_that_write_one_partition_agree_in_the_end(warehouse: Warehouse, tmp_path: Path) -> None:
    other = opened(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        writers = [warehouse, other] * 20
        list(pool.map(lambda at: writers[at].create(write(run_id=f"run_{at:02}"), PEOPLE), range(len(writers))))
    assert warehouse.partition("people", DAY) == other.partition("people", DAY)
    live = json.loads((tmp_path / "dev/people/run_date=2026-01-15/live.json").read_text())
    assert [seen.run_id for seen in (warehouse.partition("people", DAY),) if seen] == [live["run_id"]]
    other.close()


def test_a_replaced_file_carries_the_nanosecond_of_its_writing(tmp_path: Path) -> None:
    """Clocks of file systems stand still for milliseconds: by that time alone two pointers would be the same."""
    path = tmp_path / "live.json"
    for number in range(50):
        begun = time.time_ns()
        text, signature = layout.replace(path, {"number": number})
        stat = path.stat()
        assert begun <= stat.st_mtime_ns <= time.time_ns()
        assert stat.st_mtime_ns == stat.st_atime_ns  # the system's own clock would not have stood still in between
        assert signature == layout.signature(stat)
        assert path.read_bytes() == text
