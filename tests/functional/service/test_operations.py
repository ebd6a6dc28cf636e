"""Steps that wait for something outside, holding no thread (item 5 of the service; P2, P3, P7)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from augury.errors import UsageError
from augury.ledger.queue_records import TaskState
from augury.project import Project
from tests.projects import Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"
JOB = """\
import pyarrow as pa
from pathlib import Path
from augury.hooks import Context, Operation

HERE = Path(__file__).parent

def prepare(context: Context):
    if context.operation is None:
        with (HERE / "started").open("a") as log:
            log.write(f"{context.run_date}\\n")
        return Operation(f"job-{context.run_date}", poll=%s, every=0, timeout=%s)
    return pa.table({"customer_id": ["ann"], "spent": [float(context.operation.result["spent"])]})

def _is_done(operation):
    with (HERE / "polled").open("a") as log:
        log.write(f"{operation.name}\\n")
    return {"spent": 7} if (HERE / "done").exists() else None
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop").orders(*orders_of(["ann"], days("2026-01-01", "2026-02-01")))


def job(shop: Shop, *, poll: str | None = "_is_done", timeout: str = "1h") -> Shop:
    return shop.pipeline(settings=BY_HAND, hooks=JOB % (repr(poll), repr(timeout)))


def lines(shop: Shop, name: str) -> list[str]:
    path = shop.root / "pipelines/ltv" / name
    return path.read_text().split() if path.exists() else []


def serve_until(shop: Shop, done: threading.Event, *, seconds: float = 60.0) -> None:
    """Serve on the real clock until the test says that it saw what it waited for."""
    with Project.open(shop.root, environment={}) as project:
        threading.Timer(seconds, done.set).start()
        project.serve(done, concurrency=1)


def test_a_suspended_step_goes_on_with_its_result(shop: Shop) -> None:
    job(shop)
    shop.write("pipelines/ltv/done", "")
    shop.submit("ltv", "2026-01-04")
    shop.serve()
    assert shop.statuses() == {"2026-01-04": "succeeded"}
    assert shop.published("ltv", "2026-01-04") == [{"customer_id": "ann", "spent": 7.0}]
    assert lines(shop, "started") == ["2026-01-04"]


def test_it_holds_no_worker_and_outlives_the_service(shop: Shop) -> None:
    """Three jobs wait at once though one task may run at a time; another service goes on with all of them."""
    job(shop)
    shop.submit("ltv", "2026-01-04", "2026-01-07")
    stop = threading.Event()
    watch = threading.Thread(target=_when, args=(lambda: len(lines(shop, "started")) == 3, stop))
    watch.start()
    serve_until(shop, stop)
    watch.join()
    assert {task.task.state for task in shop.tasks()} == {TaskState.SUSPENDED}
    shop.write("pipelines/ltv/done", "")
    shop.now = datetime.now(UTC) + timedelta(minutes=10)
    shop.serve(concurrency=1)
    assert set(shop.statuses().values()) == {"succeeded"}
    assert len(lines(shop, "started")) == 3


def test_the_ledger_knows_what_each_task_waits_for_and_what_is_left_p3_p10(shop: Shop) -> None:
    job(shop)
    shop.submit("ltv", "2026-01-04", "2026-01-07")
    shop.serve_until(lambda: [task.task.state for task in shop.tasks()] == [TaskState.SUSPENDED] * 3)
    with shop.open() as project:
        known = project._reading.ledger.operations()
    assert [(each.task, each.step, each.name, each.poll) for each in known] == [
        (day, "prepare", f"job-{day}", "_is_done") for day in ("2026-01-04", "2026-01-05", "2026-01-06")
    ]
    assert {(each.deadline - shop.now).total_seconds() for each in known} == {3600.0}
    shop.write("pipelines/ltv/done", "")
    shop.now += timedelta(minutes=1)
    shop.serve()
    with shop.open() as project:
        assert project._reading.ledger.operations() == []
        assert project.tasks() == []


def test_somebody_may_say_that_it_is_over(shop: Shop) -> None:
    job(shop, poll=None)
    shop.submit("ltv", "2026-01-04")
    stop = threading.Event()
    watch = threading.Thread(target=_when, args=(lambda: len(lines(shop, "started")) == 1, stop))
    watch.start()
    serve_until(shop, stop)
    watch.join()
    with shop.open() as project:
        with pytest.raises(UsageError, match="nobody waits for an operation called 'job-2026-01-05'"):
            project.notify("job-2026-01-05")
        assert project.notify("job-2026-01-04", {"spent": 9}) == 1
    shop.now = datetime.now(UTC) + timedelta(minutes=10)
    shop.serve()
    assert shop.published("ltv", "2026-01-04") == [{"customer_id": "ann", "spent": 9.0}]


def test_what_takes_too_long_is_a_dead_letter(shop: Shop) -> None:
    job(shop, timeout="0s")
    shop.submit("ltv", "2026-01-04")
    shop.serve()
    (dead,) = shop.tasks()
    assert dead.task.state is TaskState.DEAD
    assert "job-2026-01-04 was not over by 2026-03-01 12:00:00 UTC" in dead.why


def test_a_poll_that_answers_in_no_usable_form_is_a_dead_letter_and_holds_up_nobody(shop: Shop) -> None:
    job(shop)
    shop.edit("pipelines/ltv/hooks.py", 'return {"spent": 7}', 'return "7" if "04" in operation.name else {"spent": 7}')
    shop.write("pipelines/ltv/done", "")
    shop.submit("ltv", "2026-01-04", "2026-01-06")
    shop.serve()
    (dead,) = shop.tasks()
    assert (dead.task.state, str(dead.task.day)) == (TaskState.DEAD, "2026-01-04")
    assert "_is_done did not say in a usable form what came of job-2026-01-04" in dead.why
    assert shop.statuses()["2026-01-05"] == "succeeded"


def test_the_foreground_waits_for_it(shop: Shop) -> None:
    job(shop)
    shop.write("pipelines/ltv/done", "")
    shop.run("ltv", "2026-01-04")
    assert shop.published("ltv", "2026-01-04") == [{"customer_id": "ann", "spent": 7.0}]
    assert lines(shop, "polled") == ["job-2026-01-04"]


def _when(seen: Callable[[], bool], stop: threading.Event) -> None:
    while not stop.wait(0.05):
        if seen():
            stop.set()
