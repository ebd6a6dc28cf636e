"""Does the SQLite ledger keep the promises of every ledger, and those of a file?"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from augury.errors import CannotStart, StorageFailed
from augury.ledger import tables
from augury.ledger.migrations import upgrade
from augury.ledger.records import (
    DateRecord,
    Decision,
    Definition,
    ModelRecord,
    PartitionRecord,
    RunRecord,
    SourceDay,
    SourceProbe,
    Status,
    StepRecord,
)
from augury.ledger.store import Ledger
from augury.testing.ledger_contract import LedgerContract
from augury.testing.records import DAY, NOON, a_date, a_model, a_partition, a_run, a_step

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "namespace" / "_ledger.db"


class TestLedgerInAFile(LedgerContract):
    @pytest.fixture
    def open_ledger(self, path: Path) -> Callable[[], Ledger]:
        return lambda: Ledger.open(path)


class TestLedgerInMemory(LedgerContract):
    @pytest.fixture
    def open_ledger(self) -> Iterator[Callable[[], Ledger]]:
        ledger = Ledger.absent()
        yield lambda: ledger
        ledger.close()


# The schema


def schema_of(path: Path) -> list[tuple[Any, ...]]:
    """Tables, columns, keys and indexes as SQLite has them, apart from the spelling of the statements."""
    found: list[tuple[Any, ...]] = []
    raw = sqlite3.connect(path)
    for (table,) in raw.execute("select name from sqlite_master where type = 'table' order by 1").fetchall():
        found.append((table, *raw.execute("select * from pragma_table_info(?)", [table]).fetchall()))
        found.append((table, *raw.execute("select * from pragma_foreign_key_list(?)", [table]).fetchall()))
        indexes = raw.execute("select name, [unique], origin from pragma_index_list(?)", [table]).fetchall()
        found += [
            (*index, *raw.execute("select * from pragma_index_info(?)", index[:1]).fetchall())
            for index in sorted(indexes)
        ]
    raw.close()
    return found


def test_a_new_ledger_is_what_the_migrations_add_up_to(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "new.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    assert schema_of(tmp_path / "new.db") == schema_of(tmp_path / "migrated.db")
    assert schema_of(tmp_path / "new.db")


@pytest.mark.parametrize(
    ("table", "record", "more"),
    [
        (tables.runs, RunRecord, []),
        (tables.steps, StepRecord, ["position"]),
        (tables.dates, DateRecord, []),
        (tables.partitions, PartitionRecord, []),
        (tables.definitions, Definition, []),
        (tables.models, ModelRecord, []),
        (tables.decisions, Decision, []),
        (tables.source_probes, SourceProbe, []),
        (tables.source_days, SourceDay, []),
    ],
)
def test_a_table_has_a_column_for_each_field(table: Any, record: Any, more: list[str]) -> None:
    assert sorted(table.columns.keys()) == sorted([item.name for item in fields(record)] + more)


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    """The way of an older ledger: through the migrations."""
    path.parent.mkdir()
    path.touch()
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run(), "{}")
    with Ledger.open(path) as ledger:
        assert ledger.run("R1") == a_run()


def test_a_ledger_of_a_newer_augury_is_refused(path: Path) -> None:
    Ledger.open(path).close()
    raw = sqlite3.connect(path)
    raw.execute("update alembic_version set version_num = '9999'")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(CannotStart, match="newer augury") as caught:
        Ledger.open(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_opening_an_up_to_date_ledger_does_not_load_alembic(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from augury.ledger.store import Ledger\n"
        f"for _ in range(2): Ledger.open(Path({str(path)!r})).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert path.exists()


# The file


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


# Several processes


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
    workers = [SPAWN.Process(target=write_dates, args=(str(path), n, 25)) for n in range(8)]
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
        worker = SPAWN.Process(target=write_until_killed, args=(str(path), kill * 100_000))
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
