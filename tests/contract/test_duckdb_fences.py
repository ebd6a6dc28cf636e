"""May a process that was stopped, and goes on, still move a pointer? Real processes, stopped at the worst moments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from augury import plugins
from augury.errors import Fenced, Locked
from augury.fences import Fence
from augury.testing.warehouse_fences import LOCK, NEW, OLD
from augury.testing.warehouse_rows import DAY, PEOPLE, live, write
from augury.warehouses.contract import Warehouse

OPEN = dedent("""
    import os, signal, sys
    from pathlib import Path
    from augury import plugins
    from augury.errors import Fenced
    from augury.testing.warehouse_fences import OLD
    from augury.testing.warehouse_rows import DAY, PEOPLE, write

    root = Path(sys.argv[1])
    warehouse = plugins.load("warehouses", "duckdb").open(
        root, "dev", project="shop", deployment="", target="dev", project_root=root, output_root=None, threads=1,
        memory=None,
    )
    stops = [os.kill]

    def stop(event, arguments):
        if event == MOMENT and str(arguments[1 if event == "os.rename" else 0]).endswith(FILE) and stops:
            stops.pop()(os.getpid(), signal.SIGSTOP)

    warehouse.raise_fence(OLD)
    warehouse.create(write("staging", fence=OLD), PEOPLE)
    sys.addaudithook(stop)
    for attempt in (1, 2):
        try:
            warehouse.publish("staging", DAY, write("people", run_id=f"old_{attempt}", fence=OLD))
            print("published")
        except Fenced:
            print("fenced")
""")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse: Warehouse = plugins.load("warehouses", "duckdb").open(
        tmp_path,
        "dev",
        project="shop",
        deployment="",
        target="dev",
        project_root=tmp_path,
        output_root=None,
        threads=1,
        memory=None,
    )
    yield warehouse
    warehouse.close()


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Callable[[str, str], subprocess.Popen[str]]]:
    """Starts an owner with the old token, which stops at a moment: an audit event on a file."""
    started: list[subprocess.Popen[str]] = []

    def start(moment: str, file: str) -> subprocess.Popen[str]:
        code = f"MOMENT, FILE = {moment!r}, {file!r}\n{OPEN}"
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "it ended instead of being stopped"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def goes_on(process: subprocess.Popen[str]) -> list[str]:
    """What became of its two writes."""
    process.send_signal(signal.SIGCONT)
    return process.communicate(timeout=60)[0].split()


def test_stopped_before_the_swap_it_is_overtaken_and_swaps_nothing(
    warehouse: Warehouse, stopped: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    process = stopped("open", ".parquet")  # it looks at the staged file
    warehouse.raise_fence(NEW)
    warehouse.create(write(run_id="new", fence=NEW), "SELECT 3 AS customer_id, 'cat' AS name")
    assert goes_on(process) == ["fenced", "fenced"]
    assert [row["name"] for row in live(warehouse)] == ["cat"]


def test_stopped_inside_the_swap_it_is_waited_for_and_never_overtaken(
    warehouse: Warehouse, stopped: Callable[[str, str], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = stopped("os.rename", "live.json")
    monkeypatch.setattr("augury.warehouses.duckdb.fences.PATIENCE", 0.1)
    with pytest.raises(Locked, match="in the middle of a write") as caught:
        warehouse.raise_fence(NEW)
    assert f"_fences/{LOCK}" in (caught.value.fix or "")
    monkeypatch.undo()
    assert warehouse.partition("people", DAY) is None
    process.send_signal(signal.SIGCONT)
    warehouse.raise_fence(NEW)  # waits until the write is over
    found = warehouse.partition("people", DAY)
    assert found is not None
    assert found.run_id.startswith("old_")
    warehouse.create(write(run_id="new", fence=NEW), PEOPLE)
    assert process.communicate(timeout=60)[0].split()[0] == "published"
    found = warehouse.partition("people", DAY)
    assert found is not None
    assert found.run_id == "new"


def test_a_dead_owner_keeps_nobody_waiting(
    warehouse: Warehouse, stopped: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    stopped("os.rename", "live.json").kill()
    warehouse.raise_fence(NEW)
    assert warehouse.partition("people", DAY) is None


def test_an_owner_that_died_before_it_wrote_its_token_owned_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "dev" / "_fences").mkdir()
    (tmp_path / "dev" / "_fences" / LOCK).touch()
    warehouse.create(write(fence=OLD), PEOPLE)
    warehouse.raise_fence(NEW)
    with pytest.raises(Fenced):
        warehouse.create(write(fence=OLD), PEOPLE)


@pytest.mark.parametrize("name", ["", "../ltv", "a/b", ".ltv", "a" * 201])
def test_a_fence_cannot_lie_elsewhere(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a lock"):
        Fence(name, 1)


def test_without_a_fence_nothing_is_written_about_one(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.create(write(), PEOPLE)
    warehouse.remove("people", DAY)
    assert not (tmp_path / "dev" / "_fences").exists()
