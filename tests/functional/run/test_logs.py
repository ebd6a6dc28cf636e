"""Does every line say what it is about, is it whole, and can it be found again?"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.run.log_bridge import LogBridge, capture_logging
from augury.run.logs import RunLog, log_context, read_logs

SPAWN = multiprocessing.get_context("spawn")
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = date(2026, 1, 15)


def a_log(folder: Path, run_id: str = "R1", **options: Any) -> RunLog:
    return RunLog(folder, run_id, pipeline="ltv", version="v1", now=lambda: NOON, **options)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RunLog]:
    with a_log(tmp_path / "_logs") as log:
        yield log


def lines(log: RunLog) -> list[dict[str, Any]]:
    return list(read_logs(log.path.parent))


def test_every_line_carries_what_it_is_about(log: RunLog) -> None:
    """R1: run id, pipeline, version, date and step."""
    with log_context(date=DAY):
        with log_context(step="prepare"):
            log.write("info", "built", rows=604)
        log.write("warning", "slow", step="filter")
    log.write("error", "over")
    same = {"time": "2026-01-15T12:00:00.000Z", "run_id": "R1", "pipeline": "ltv", "version": "v1"}
    on_the_day = {"date": "2026-01-15"}
    assert lines(log) == [
        same | on_the_day | {"level": "info", "step": "prepare", "message": "built", "extra": {"rows": 604}},
        same | on_the_day | {"level": "warning", "step": "filter", "message": "slow"},
        same | {"level": "error", "date": None, "step": None, "message": "over"},
    ]
    assert list(lines(log)[2]) == [
        "time",
        "level",
        "run_id",
        "pipeline",
        "version",
        "date",
        "step",
        "message",
    ]


def test_lines_are_found_by_date_pipeline_level_and_run(tmp_path: Path) -> None:
    """R1: a date has its whole story, whichever run told it."""
    for run_id, pipeline in (("R2", "rfm"), ("R1", "ltv")):
        with RunLog(tmp_path, run_id, pipeline=pipeline) as log:
            for day in ("2026-01-15", "2026-01-16"):
                log.write("info", f"about {day}", date=day)
            log.write("error", "mentions 2026-01-15", table="2026-01-15", other="rfm")

    def found(**asked: Any) -> list[tuple[str, str]]:
        return [(line["run_id"], line["message"]) for line in read_logs(tmp_path, **asked)]

    assert found(date=DAY) == [("R1", "about 2026-01-15"), ("R2", "about 2026-01-15")]
    assert found(pipeline="rfm", date="2026-01-16") == [("R2", "about 2026-01-16")]
    assert found(level="warning", run_ids=["R1"]) == [("R1", "mentions 2026-01-15")]
    assert len(found(level="debug")) == len(found()) == 6
    assert found(run_ids=["R9"]) == found(date="2026-01-17") == []
    assert list(read_logs(tmp_path / "absent")) == []


def test_secrets_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    """In messages, in extras at any depth, in their keys, in exceptions."""
    with a_log(tmp_path, mask=lambda text: text.replace("hunter2", "***")) as log:
        log.write(
            "info",
            'password "hunter2"',
            url=["u:hunter2@host", {"hunter2": ("hunter2",)}],
            path=Path("hunter2"),
        )
        with capture_logging(log):
            try:
                raise ValueError("hunter2")
            except ValueError:
                logging.getLogger("hook").exception("failed with %s", "hunter2")
    assert b"hunter2" not in log.path.read_bytes()
    assert log.path.read_bytes().count(b"***") >= 6


def test_odd_values_do_not_break_a_line(log: RunLog) -> None:
    log.write(
        "info",
        "two\nlines \x1b[31mred\x1b[0m \udc80 ñ 日本 \u2028",
        nan=float("nan"),
        day=DAY,
        one={1: None},
        yes=True,
    )
    (line,) = lines(log)
    assert line["message"] == "two\nlines red \udc80 ñ 日本 \u2028"
    assert line["extra"] == {"nan": "nan", "day": "2026-01-15", "one": {"1": None}, "yes": True}
    assert "日本".encode() in log.path.read_bytes()


@given(st.text(st.characters()), st.dictionaries(st.text(), st.floats() | st.text() | st.none()))
def test_any_text_is_one_line(tmp_path_factory: pytest.TempPathFactory, message: str, figures: dict[str, Any]) -> None:
    with a_log(tmp_path_factory.mktemp("logs")) as log:
        log.write("info", message, figures=figures)
        raw = log.path.read_bytes()
    assert raw.count(b"\n") == 1
    assert b"\x1b" not in raw
    assert json.loads(raw)["run_id"] == "R1"


def test_a_torn_last_line_is_skipped_and_does_not_spoil_the_next(log: RunLog) -> None:
    log.write("info", "whole")
    log.close()
    with log.path.open("ab") as file:
        file.write(b'{"time": "2026-01-15T12:00:00.000Z", "level": "info", "mess')
    assert [line["message"] for line in lines(log)] == ["whole"]
    with a_log(log.path.parent) as resumed:
        resumed.write("info", "resumed")
    assert [line["message"] for line in lines(log)] == ["whole", "resumed"]


def test_threads_share_a_log_and_keep_their_contexts_apart(log: RunLog) -> None:
    def work(n: int) -> None:
        with log_context(date=f"2026-01-{n:02}", step="prepare"):
            for k in range(50):
                log.write("info", "x" * 5000 if k % 10 == 0 else "short", n=n)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1, 17)))
    found = lines(log)
    assert len(found) == 16 * 50
    assert all(line["date"] == f"2026-01-{line['extra']['n']:02}" for line in found)
    assert log.lost == 0


def test_logging_of_hooks_and_libraries_becomes_lines(log: RunLog) -> None:
    before = logging.getLogger().level
    with capture_logging(log), log_context(run_id="R1", date=DAY, step="prepare"):
        logging.getLogger("shop.hooks").info("%d customers", 604)
        logging.getLogger("shop.hooks").debug("unseen")
    logging.getLogger("shop.hooks").info("too late")
    (line,) = lines(log)
    assert (line["message"], line["level"], line["date"], line["step"]) == (
        "604 customers",
        "info",
        "2026-01-15",
        "prepare",
    )
    assert line["extra"] == {"logger": "shop.hooks"}
    assert logging.getLogger().level == before


def test_a_record_that_cannot_be_formatted_is_dropped(log: RunLog) -> None:
    """logging itself would print a traceback to stderr, in the middle of the progress bar."""
    LogBridge(log).handle(logging.LogRecord("lib", logging.ERROR, __file__, 1, "broken %d", ("format",), None))
    assert (lines(log), log.lost) == ([], 1)


def test_two_runs_of_one_process_keep_their_lines_apart(tmp_path: Path) -> None:
    before = logging.getLogger().level
    one, two = a_log(tmp_path, "R1"), a_log(tmp_path, "R2")
    first, second = capture_logging(one), capture_logging(two)
    first.__enter__()
    second.__enter__()
    for run_id in ("R1", "R2"):
        with log_context(run_id=run_id):
            logging.getLogger("hook").info("of %s", run_id)
    first.__exit__(None, None, None)
    with log_context(run_id="R2"):
        logging.getLogger("hook").info("of R2 still")
    second.__exit__(None, None, None)
    one.close()
    two.close()
    assert [line["message"] for line in lines(one)] == ["of R1", "of R2", "of R2 still"]
    assert [line["run_id"] for line in lines(one)] == ["R1", "R2", "R2"]
    assert logging.getLogger().level == before


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "_logs").write_text("a file in its place")
    with a_log(tmp_path / "_logs") as log:
        log.write("info", "lost")
    assert log.lost == 1


def test_a_run_that_says_nothing_leaves_no_file(tmp_path: Path) -> None:
    a_log(tmp_path / "_logs").close()
    assert not (tmp_path / "_logs").exists()


def chatter(folder: str) -> None:
    with a_log(Path(folder)) as log:
        for n in range(10**9):
            log.write("info", "still here", n=n)


def test_lines_outlive_a_killed_process(tmp_path: Path) -> None:
    process = SPAWN.Process(target=chatter, args=(str(tmp_path),))
    process.start()
    file = tmp_path / "R1.ndjson"
    while not file.exists() or file.stat().st_size < 50_000:
        time.sleep(0.005)
    seen = file.read_bytes().count(b"\n")
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    found = [line["extra"]["n"] for line in read_logs(tmp_path)]
    assert len(found) >= seen
    assert found == list(range(len(found)))
