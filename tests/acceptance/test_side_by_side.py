"""What happens when several processes want the same at once, and somebody reads meanwhile?"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from augury.project import Project
from tests.cli_runner import ended, rows, started, typed, worked
from tests.tiny import tiny


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tiny(tmp_path / "shop", spend=True).root


def test_of_eight_processes_on_one_partition_one_publishes_and_the_others_say_who(shop: Path) -> None:
    processes = [started("run", "spend", "--date", "2024-01-29", folder=shop) for _ in range(8)]
    answers = [ended(process) for process in processes]
    assert sorted({answer.code for answer in answers}) in ([0], [0, 5]), [answer.said for answer in answers]
    for answer in answers:
        if answer.code == 5:
            assert "locked" in answer.err
            assert "pid" in answer.err
    published = rows("select count(*) as n, count(distinct customer_id) as customers from spend_predictions", shop)
    assert published == [{"n": 12, "customers": 12}]
    runs = worked(typed("runs", "--output", "json", folder=shop)).document["runs"]
    assert [run["status"] for run in runs] == ["succeeded"]
    assert rows("select count(distinct run_id) as n from spend_predictions", shop) == [{"n": 1}]


def test_a_reader_sees_whole_dates_while_two_processes_publish(shop: Path) -> None:
    dates = ("--start", "2024-01-10", "--end", "2024-01-14")
    worked(typed("backfill", "visits", *dates, folder=shop))
    sql = (
        "select run_date, count(*) as n, count(distinct run_id) as runs, min(worth / spent) as low, "
        "max(worth / spent) as high from visits_predictions p "
        "join visits_v1_prepare q using (run_date, customer_id) group by run_date order by run_date"
    )
    stop, errors = Event(), list[Exception]()
    seen: list[list[dict[str, Any]]] = []

    def read() -> None:
        try:
            with Project.open(shop) as project:
                while not stop.is_set():
                    with project.query(sql) as reader:
                        seen.append(reader.read_all().to_pylist())
        except Exception as error:  # noqa: BLE001  any error at all is what this test is about
            errors.append(error)

    readers = [Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for factor in ("3", "2", "3"):
        again = ("backfill", "visits", *dates, "--reprocess", "all", "--vars", f"factor={factor}")
        both = [started(*again, folder=shop) for _ in range(2)]
        assert {ended(process).code for process in both} <= {0, 5}
    stop.set()
    for reader in readers:
        reader.join()
    assert not errors
    assert len(seen) > 10
    for answer in seen:
        assert [row["n"] for row in answer] == [12, 12, 12, 12], "a date was gone or torn"
        assert all(row["runs"] == 1 for row in answer), "a date was a mix of two runs"
        assert all(round(row["low"], 6) == round(row["high"], 6) for row in answer)
    factors = {round(row["low"]) for answer in seen for row in answer}
    assert factors == {2, 3}, "the reader saw old and new"


def held_by(shop: Path, name: str, seconds: float = 30) -> None:
    """Wait until a lock file of that beginning exists: its owner is at work."""
    deadline = time.monotonic() + seconds
    while not list((shop / ".augury/dev/_locks").glob(f"{name}*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stopped_owner_is_not_robbed(shop: Path) -> None:
    owner = started("run", "spend", "--date", "2024-01-29", folder=shop)
    held_by(shop, "spend-v1-2024-01-29")
    os.kill(owner.pid, signal.SIGSTOP)
    try:
        other = typed("run", "spend", "--date", "2024-01-29", folder=shop)
    finally:
        os.kill(owner.pid, signal.SIGCONT)
    assert other.code == 5
    assert f"pid {owner.pid}" in other.err
    assert ended(owner).code == 0
    assert rows("select count(*) as n from spend_predictions", shop) == [{"n": 12}]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_ends_cleanly_and_goes_on_later(shop: Path, number: signal.Signals) -> None:
    dates = ("--start", "2024-01-10", "--end", "2024-02-08")
    calm = shutil.copytree(shop, shop.with_name("calm"))
    worked(typed("backfill", "visits", *dates, folder=calm))
    process = started("backfill", "visits", *dates, "--max-parallel", "1", folder=shop)
    held_by(shop, "visits-v1-2024-01-1")
    process.send_signal(number)
    answer = ended(process)
    assert answer.code in (128 + number, -number)
    assert "Traceback" not in answer.said
    statuses = [run["status"] for run in worked(typed("runs", "--output", "json", folder=shop)).document["runs"]]
    assert statuses in (["cancelled"], ["crashed"])
    worked(typed("backfill", "visits", *dates, folder=shop))
    sql = "select columns(lambda c: c not in ('run_id', 'predicted_at')) from visits_predictions order by all"
    assert rows(sql, shop) == rows(sql, calm)
