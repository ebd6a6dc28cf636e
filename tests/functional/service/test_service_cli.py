"""The service as it is typed: every command with its exit code and its JSON (S-3, M5, P5, R2)."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import called, ended, refused, started, worked
from tests.projects import SPENT, Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"
ABSENT = "01J9X2AAAAAAAAAAAAAAAAAAAA"
WAITS = """\
import time
from pathlib import Path
import pyarrow as pa

HERE = Path(__file__).parents[2]

def prepare(context, orders):
    with (HERE / "begun").open("a") as log:
        log.write(f"{context.run_date}\\n")
    while not (HERE / "go").exists():
        time.sleep(0.02)
    return pa.table({"customer_id": ["ann"], "spent": [1.0]})
"""
JOB = """\
import pyarrow as pa
from augury.hooks import Context, Operation

def prepare(context: Context):
    if context.operation is None:
        return Operation(f"job-{context.run_date}", timeout="1h")
    return pa.table({"customer_id": ["ann"], "spent": [float(context.operation.result["spent"])]})
"""
BREAKS = SPENT.replace("sum(amount)", "error('bad')")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings=BY_HAND, prepare=SPENT)


def document(shop: Shop, *words: str, code: int = 0) -> Any:
    answer = called(*words, "--output", "json", folder=shop.root)
    assert answer.code == code, answer.said
    return answer.document


def submitted(shop: Shop, start: str, end: str) -> str:
    return str(document(shop, "submit", "ltv", "--start", start, "--end", end)["run_id"])


def served(shop: Shop) -> str:
    """What `up` says while it does all that there is to do."""
    return ended(started("up", "--until-idle", folder=shop.root)).err


@contextmanager
def serving(shop: Shop, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = started("up", *words, folder=shop.root)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_until(seen: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, f"{what}: not in {seconds} s"
        time.sleep(0.05)


def begun(shop: Shop) -> list[str]:
    path = shop.root / "begun"
    return path.read_text().split() if path.exists() else []


# -- in, through, and out -----------------------------------------------------------------------------------------


def test_what_is_submitted_is_told_everywhere_until_a_service_does_it_r2(shop: Shop) -> None:
    answer = worked(called("submit", "ltv", "--start", "2026-01-05", "--end", "2026-01-07", folder=shop.root))
    assert answer.out.startswith("Queued ltv: 2 dates: 2026-01-05 to 2026-01-06 (end excluded), 2 tasks; run ")
    assert answer.err.strip() == "No service is running. Start one: augury up"
    again = worked(called("submit", "ltv", "--date", "2026-01-05", folder=shop.root))
    assert again.out.startswith("1 date queued already, by run ")

    status = document(shop, "status")
    (ltv,) = status["pipelines"]
    assert (status["served"], ltv["queued"]) == (False, ["2026-01-05", "2026-01-06"])
    text = called("status", folder=shop.root).said
    assert "ltv: 2 dates queued (2026-01-05, 2026-01-06), no service is running: augury up" in text
    assert "ltv is stale since 2026-01-05" in text
    (run,) = document(shop, "runs")["runs"]
    assert (run["status"], run["origin"]) == ("queued", "submit")
    shown = called("show", "ltv", "--date", "2026-01-05", folder=shop.root)
    assert shown.out.strip() == f"ltv 2026-01-05 is queued by run {run['run_id']}, no service is running: augury up"
    assert {task["why"] for task in document(shop, "tasks")["tasks"]} == {"no service is running: augury up"}

    said = served(shop)
    assert "ltv 2026-01-05  published   1 row" in said
    assert document(shop, "tasks")["tasks"] == []
    assert {task["state"] for task in document(shop, "tasks", "--all")["tasks"]} == {"ended"}
    assert [run["status"] for run in document(shop, "runs")["runs"]] == ["succeeded"]


def test_submit_can_wait_for_its_end_and_ends_with_its_code(shop: Shop) -> None:
    with serving(shop):
        done = document(shop, "submit", "ltv", "--date", "2026-01-05", "--wait")
        assert (done["status"], done["counts"]) == ("succeeded", {"succeeded": 1})
        assert "Nothing to do" in worked(called("submit", "ltv", "--date", "2026-01-05", folder=shop.root)).out
        shop.pipeline(settings=BY_HAND, prepare=BREAKS)
        failed = called("submit", "ltv", "--date", "2026-01-06", "--wait", folder=shop.root)
    assert failed.code == 1
    assert "bad" in failed.out
    assert "Ctrl-C stops following it, not the run." in failed.err
    assert "No service" not in failed.err
    assert "augury tasks --run" in failed.err


def test_who_waits_where_nobody_serves_is_told_and_may_go_away(shop: Shop) -> None:
    process = started("submit", "ltv", "--date", "2026-01-05", "--wait", folder=shop.root)
    assert process.stderr is not None
    assert "No service is running. Start one: augury up" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert ended(process, 60).code == 130
    assert _states(shop) == ["waiting"], "the run goes on"


def test_a_database_of_the_service_that_is_damaged_can_be_moved_away(shop: Shop) -> None:
    submitted(shop, "2026-01-05", "2026-01-06")
    file = shop.root / ".augury/dev/_service.db"
    file.write_bytes(b"no database" * 500)
    refused(ended(started("up", "--until-idle", folder=shop.root)), 1, str(file), "move it away")
    file.unlink()
    served(shop)
    assert shop.statuses() == {"2026-01-05": "succeeded"}


def test_a_run_that_is_cancelled_ends_and_a_second_time_is_refused(shop: Shop) -> None:
    run_id = submitted(shop, "2026-01-05", "2026-01-08")
    assert document(shop, "cancel", run_id) == {"version": 1, "run_id": run_id, "cancelled": 3}
    refused(called("cancel", run_id, folder=shop.root), 2, "nothing left to cancel", "cancelled")
    refused(called("cancel", ABSENT, folder=shop.root), 2, "there is no run", "augury runs")
    assert document(shop, "runs")["runs"][0]["status"] == "cancelled"


def test_dead_letters_are_listed_with_their_reason_and_sent_again_p5(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, prepare=BREAKS)
    run_id = submitted(shop, "2026-01-05", "2026-01-07")
    served(shop)
    tasks = called("tasks", folder=shop.root)
    assert "Send dead letters again: augury retry --failed" in tasks.err
    dead = tasks.out.count("dead")
    assert dead == 2
    assert all("bad" in task["why"] for task in document(shop, "tasks", "--run", run_id)["tasks"])
    shop.pipeline(settings=BY_HAND, prepare=SPENT)
    assert document(shop, "retry", run_id)["revived"] == 2
    served(shop)
    assert set(shop.statuses().values()) == {"succeeded"}
    assert document(shop, "retry", "--failed")["revived"] == 0
    refused(called("retry", run_id, folder=shop.root), 2, "has no dead letters")
    refused(called("retry", "ltv", "--failed", folder=shop.root), 2, "'ltv' is none")


def test_a_paused_pipeline_says_so_until_it_is_resumed_s_3(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT)
    assert document(shop, "pause", "ltv")["changed"] is True
    assert document(shop, "pause", "ltv")["changed"] is False
    assert document(shop, "status")["pipelines"][0]["paused"].startswith("paused by ")
    assert "ltv  paused by " in served(shop)
    assert shop.statuses() == {}
    assert document(shop, "resume", "ltv")["changed"] is True
    assert document(shop, "resume", "ltv")["changed"] is False
    assert document(shop, "status")["pipelines"][0]["paused"] == ""
    refused(called("pause", "lvt", folder=shop.root), 2, "there is no pipeline called 'lvt'")


def test_somebody_says_that_a_job_outside_is_over(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, hooks=JOB)
    submitted(shop, "2026-01-05", "2026-01-06")
    refused(called("notify", "job-2026-01-05", folder=shop.root), 2, "nobody waits", "nothing is waited for")
    with serving(shop):
        wait_until(lambda: _states(shop) == ["suspended"], "the step waits")
        refused(called("notify", "job-2026-01-06", folder=shop.root), 2, "Did you mean 'job-2026-01-05'?")
        refused(called("notify", "job-2026-01-05", "--result", "7", folder=shop.root), 2, "--result is a mapping")
        refused(called("notify", "job-2026-01-05", "--result", "{", folder=shop.root), 2, "--result is not JSON")
        assert document(shop, "notify", "job-2026-01-05", "--result", '{"spent": 7}')["tasks"] == 1
        wait_until(lambda: _states(shop) == [], "the step goes on")
    assert shop.published("ltv", "2026-01-05") == [{"customer_id": "ann", "spent": 7.0}]


def _states(shop: Shop) -> list[str]:
    return [task["state"] for task in document(shop, "tasks")["tasks"]]


# -- who may serve ------------------------------------------------------------------------------------------------


def test_several_workers_need_a_shared_ledger(shop: Shop) -> None:
    refused(called("worker", folder=shop.root), 2, "several workers need a ledger in PostgreSQL", "augury up")


def test_a_second_service_is_refused_with_the_owner_named(shop: Shop) -> None:
    with serving(shop) as first:
        wait_until(lambda: bool(document(shop, "status")["served"]), "the service runs")
        said = refused(ended(started("up", folder=shop.root)), 5, "served already", f"pid {first.pid}", "augury tasks")
        assert "--wait" not in said
        assert document(shop, "doctor")["findings"] == []


def test_a_project_that_cannot_be_read_is_not_served(shop: Shop) -> None:
    shop.pipeline(settings="schedule: [paused\n", prepare=SPENT)
    refused(ended(started("up", folder=shop.root)), 2, "pipelines/ltv/pipeline.yml")


# -- how it ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_told_to_stop_lets_running_steps_finish(shop: Shop, number: signal.Signals) -> None:
    shop.pipeline(settings=BY_HAND, hooks=WAITS)
    submitted(shop, "2026-01-05", "2026-01-08")
    with serving(shop, "--concurrency", "1", "--grace", "60") as process:
        wait_until(lambda: len(begun(shop)) == 1, "a step is under way")
        process.send_signal(number)
        (shop.root / "go").touch()
        answer = ended(process, 60)
    assert answer.code == 0, answer.said
    assert "Traceback" not in answer.said
    statuses = shop.statuses()
    assert list(statuses.values()) == ["succeeded"], "what ran is published, and nothing more was begun"
    assert _states(shop) == ["queued", "queued"]
    served(shop)
    assert set(shop.statuses().values()) == {"succeeded"}
    assert sorted(begun(shop)) == ["2026-01-05", "2026-01-06", "2026-01-07"], "each date was built once"


def test_what_does_not_end_in_time_is_handed_back_and_done_by_the_next_one(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, hooks=WAITS)
    submitted(shop, "2026-01-05", "2026-01-06")
    with serving(shop, "--grace", "0") as process:
        wait_until(lambda: len(begun(shop)) == 1, "a step is under way")
        process.send_signal(signal.SIGTERM)
        answer = ended(process, 60)
    assert answer.code == 0, answer.said
    assert "is handed back" in answer.err
    assert _states(shop) == ["queued"]
    (shop.root / "go").touch()
    served(shop)
    assert shop.statuses() == {"2026-01-05": "succeeded"}
    (task,) = shop.tasks(everything=True)
    assert task.task.starts == 1, "the start that was taken back does not count"


def test_a_second_signal_ends_the_patience(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, hooks=WAITS)
    submitted(shop, "2026-01-05", "2026-01-06")
    with serving(shop, "--grace", "600") as process:
        wait_until(lambda: len(begun(shop)) == 1, "a step is under way")
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "stopping" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        answer = ended(process, 60)
    assert answer.code == 0, answer.said
    assert _states(shop) == ["queued"]
