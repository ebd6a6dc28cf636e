"""Runs that the service performs: the same tables as the foreground, whatever happens on the way (M2, M6, N1-N3)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.events import StepFinished
from augury.ledger.queue_records import TaskState
from augury.ledger.records import Status
from tests.projects import REVENUE, SPENT, Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"
"""No schedule of these pipelines is served: what happens was submitted."""
NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('prepare', days=2) }})
"""
MODEL = (
    BY_HAND
    + """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 0 */7 * *", every: 1d, window: 30d, folds: 2}
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob", "cid"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings=BY_HAND, prepare=SPENT)


def twin(shop: Shop, tmp_path: Path) -> Shop:
    """The same project elsewhere, for the foreground to do the same."""
    other = Shop(tmp_path / "twin")
    for file in shop.root.rglob("*"):
        if file.is_file() and ".augury" not in file.parts:
            other.write(str(file.relative_to(shop.root)), file.read_text("utf-8"))
    return other


def test_thirty_dates_give_the_tables_of_the_foreground_m2(shop: Shop, tmp_path: Path) -> None:
    other = twin(shop, tmp_path)
    shop.submit("ltv", "2026-01-02", "2026-02-01")
    shop.serve()
    other.run("ltv", "2026-01-02", "2026-02-01")
    assert set(shop.statuses().values()) == {"succeeded"}
    assert shop.contents() == other.contents()
    assert [task.task.state for task in shop.tasks(everything=True)] == [TaskState.ENDED] * 30


def test_a_model_is_trained_on_the_way_and_scores_the_same(shop: Shop, tmp_path: Path) -> None:
    shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE)
    other = twin(shop, tmp_path)
    shop.submit("ltv", "2026-01-10", "2026-01-20")
    shop.serve()
    other.run("ltv", "2026-01-10", "2026-01-20")
    assert set(shop.statuses().values()) == {"succeeded"}
    assert shop.contents() == other.contents()


def test_two_runs_that_need_the_same_model_train_it_once(shop: Shop) -> None:
    """The second was planned before the model was there, and begins after."""
    shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE)
    shop.submit("ltv", "2026-01-16")
    shop.submit("ltv", "2026-01-17")
    shop.serve(concurrency=1)
    assert set(shop.statuses().values()) == {"succeeded"}
    ticks = [model.tick for model in shop.models()]
    assert sorted(ticks) == sorted(set(ticks))


def test_every_step_may_be_a_task_of_its_own(shop: Shop, tmp_path: Path) -> None:
    throttle = "throttle: {predict: {max_concurrent: 1}, post_process: {}, publish: {}}\n"
    shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE)
    other = twin(shop, tmp_path)
    shop.pipeline(settings=MODEL + throttle, prepare=SPENT, label=REVENUE)
    submission = shop.submit("ltv", "2026-01-10", "2026-01-14")
    steps = [task.task.step for task in shop.tasks() if str(task.task.day) == "2026-01-12" and task.task.requested]
    assert steps == ["", "predict", "post_process", "", "publish", ""]
    assert submission.run_id is not None
    shop.serve()
    other.run("ltv", "2026-01-10", "2026-01-14")
    assert shop.contents() == other.contents()


def test_no_filter_starts_before_the_prepares_that_it_reads_n1_n2_n3(shop: Shop, tmp_path: Path) -> None:
    shop.pipeline(settings=BY_HAND, prepare=SPENT, filter=NEW)
    other = twin(shop, tmp_path)
    shop.submit("ltv", "2026-01-02", "2026-02-01")
    shop.serve(concurrency=4)
    ends: Mapping[tuple[str, str], int] = {
        (event.step, str(event.run_date)): at
        for at, event in enumerate(shop.events)
        if isinstance(event, StepFinished) and event.step in ("prepare", "filter")
    }
    for at, day in enumerate(days("2026-01-02", "2026-02-01")):
        for before in days("2026-01-02", "2026-02-01")[max(0, at - 2) : at + 1]:
            assert ends["filter", str(day)] > ends["prepare", str(before)]
    other.run("ltv", "2026-01-02", "2026-02-01")
    assert shop.contents() == other.contents()


def test_a_failed_prepare_blocks_exactly_those_that_look_back_at_it(shop: Shop) -> None:
    breaks = SPENT.replace("sum(amount)", "case when {{ run_date }} = date '2026-01-04' then error('bad') end")
    shop.pipeline(settings=BY_HAND, prepare=breaks, filter=NEW)
    shop.submit("ltv", "2026-01-02", "2026-01-09")
    shop.serve()
    statuses = shop.statuses()
    assert statuses["2026-01-04"] == "failed"
    assert [day for day, status in statuses.items() if status == "blocked"] == ["2026-01-05", "2026-01-06"]
    assert shop.runs()[0].status is Status.FAILED
    (dead,) = [task for task in shop.tasks() if task.task.state is TaskState.DEAD]
    assert (str(dead.task.day), "bad" in dead.why) == ("2026-01-04", True)


def test_a_dead_letter_is_sent_again_with_what_it_held_up(shop: Shop) -> None:
    breaks = SPENT.replace("sum(amount)", "case when {{ run_date }} = date '2026-01-04' then error('bad') end")
    shop.pipeline(settings=BY_HAND, prepare=breaks, filter=NEW)
    shop.submit("ltv", "2026-01-02", "2026-01-09")
    shop.serve()
    shop.pipeline(settings=BY_HAND, prepare=SPENT, filter=NEW)
    with shop.open() as project:
        assert project.revive() == 1
    shop.serve()
    assert set(shop.statuses().values()) <= {"succeeded", "skipped: no population"}
    assert shop.tasks() == []
    assert shop.runs()[0].status is Status.SUCCEEDED


def test_a_failure_is_retried_as_often_as_the_throttle_says(shop: Shop) -> None:
    shop.pipeline(
        settings=BY_HAND + "throttle: {default: {retries: 2, backoff: 0s}}\n",
        hooks="""\
        import pyarrow as pa
        from pathlib import Path

        def prepare(orders):
            seen = Path(__file__).parent / "tries"
            seen.write_text(seen.read_text() + "x" if seen.exists() else "x")
            if len(seen.read_text()) < 3:
                raise OSError("the network is away")
            return pa.table({"customer_id": ["ann"], "spent": [1.0]})
        """,
    )
    shop.submit("ltv", "2026-01-04")
    shop.serve()
    (task,) = shop.tasks(everything=True)
    assert (task.task.state, task.task.failures) == (TaskState.ENDED, 2)
    assert shop.statuses() == {"2026-01-04": "succeeded"}


def test_dates_that_are_queued_already_stay_with_their_run(shop: Shop) -> None:
    first = shop.submit("ltv", "2026-01-02", "2026-01-05")
    second = shop.submit("ltv", "2026-01-04", "2026-01-07")
    assert {str(day): run for day, run in second.queued_before.items()} == {"2026-01-04": first.run_id}
    assert [str(day) for day in second.plan.to_build] == ["2026-01-05", "2026-01-06"]
    shop.serve()
    assert {str(run.first_date): str(run.status) for run in shop.runs()} == {
        "2026-01-02": "succeeded",
        "2026-01-05": "succeeded",
    }


def test_a_definition_that_changes_while_its_tasks_wait_is_planned_again(shop: Shop, tmp_path: Path) -> None:
    shop.submit("ltv", "2026-01-02", "2026-01-05")
    shop.pipeline(settings=BY_HAND, prepare=SPENT.replace("sum(amount)", "sum(2 * amount)"))
    other = twin(shop, tmp_path)
    shop.serve()
    other.run("ltv", "2026-01-02", "2026-01-05")
    assert shop.contents() == other.contents()


def test_a_cancelled_run_ends_and_its_dates_say_so(shop: Shop) -> None:
    run_id = shop.submit("ltv", "2026-01-02", "2026-01-05").run_id
    assert run_id is not None
    with shop.open() as project:
        assert project.cancel(run_id) == 3
    assert set(shop.statuses().values()) == {"cancelled"}
    assert shop.runs()[0].status is Status.CANCELLED
    shop.serve()
    assert shop.table("ltv_v1_predictions") == []


def test_a_task_of_another_version_of_augury_closes_its_run(shop: Shop) -> None:
    shop.submit("ltv", "2026-01-02")
    with shop.open() as project:
        ledger: Any = project._writing.ledger
        with ledger._database.write() as connection:
            connection.exec_driver_sql("update plans set plan = '{}'")
    said = shop.serve()
    assert any("another version" in line for line in said)
    assert shop.runs()[0].status is Status.FAILED


def test_files_that_change_while_it_serves_are_read_again(shop: Shop) -> None:
    """A broken edit stops nothing: the service goes on with what it read before, and says so."""
    said: list[str] = []
    stop = threading.Event()

    def broken() -> None:
        shop.pipeline(settings="schedule: [paused\n", prepare=SPENT)

    def tell(level: str, message: str) -> None:
        said.append(level)
        if level == "error":
            shop.pipeline(settings=BY_HAND, prepare=SPENT.replace("sum(amount)", "sum(2 * amount)"))
        else:
            shop.submit("ltv", "2026-01-04")

    def watch() -> None:
        while not stop.wait(0.1):
            if "error" in said and shop.statuses().get("2026-01-04") == "succeeded":
                stop.set()

    shop.submit("ltv", "2026-01-02")
    threading.Thread(target=watch).start()
    limit = threading.Timer(60, stop.set)
    limit.start()
    with shop.open() as project:
        project.serve(stop, concurrency=1, tell=tell, began=broken)
    limit.cancel()
    assert said == ["error", "info"]
    assert [row["spent"] for row in shop.published("ltv", "2026-01-02")] == [10.0] * 3
    assert [row["spent"] for row in shop.published("ltv", "2026-01-04")] == [60.0] * 3


def test_another_throttle_is_no_reason_to_plan_again(shop: Shop) -> None:
    run_id = shop.submit("ltv", "2026-01-02", "2026-01-05").run_id
    shop.pipeline(settings=BY_HAND + "throttle: {default: {rate: 100/s}}\n", prepare=SPENT)
    shop.serve()
    assert [task.task.attempt for task in shop.tasks(run_id=run_id, everything=True)] == [1, 1, 1]


def test_a_pipeline_starts_by_itself_when_what_it_reads_is_there_a8_n6(shop: Shop) -> None:
    reads = "select customer_id, spent * 2 as worth from {{ ref('ltv.predictions') }}"
    shop.pipeline("targeting", settings=BY_HAND, prepare=reads)
    shop.submit("targeting", "2026-01-02", "2026-01-04")
    shop.serve_until(lambda: {task.task.state for task in shop.tasks()} == {TaskState.QUEUED})
    assert shop.statuses("targeting") == {}
    shop.submit("ltv", "2026-01-02", "2026-01-04")
    shop.now += timedelta(minutes=1)
    shop.serve()
    assert shop.statuses("targeting") == {"2026-01-02": "succeeded", "2026-01-03": "succeeded"}
    assert [row["worth"] for row in shop.published("targeting", "2026-01-03")] == [40.0] * 3


def test_success_and_failure_are_both_told_once_after_the_last_attempt_p11(shop: Shop) -> None:
    hooks = """\
    from pathlib import Path

    def _log(line):
        with (Path(__file__).parent / "told").open("a") as log:
            log.write(line + "\\n")

    def on_completed(context):
        _log(f"{context.run_date} {context.event.status}")

    def on_failed(context):
        _log(f"{context.run_date} {context.event.status}")
    """
    breaks = SPENT.replace("sum(amount)", "case when {{ run_date }} = date '2026-01-03' then error('bad') end")
    retried = BY_HAND + "throttle: {default: {retries: 2, backoff: 0s}}\n"
    shop.pipeline(settings=retried, prepare=breaks, hooks=hooks)
    shop.submit("ltv", "2026-01-02", "2026-01-04")
    shop.serve()
    told = (shop.root / "pipelines/ltv/told").read_text().splitlines()
    assert sorted(told) == ["2026-01-02 succeeded", "2026-01-03 failed"]


def test_runs_that_are_over_hold_nothing_open(shop: Shop) -> None:
    """Each has a log of its own, and a service sees thousands of runs."""
    held: list[int] = []

    def count(event: object) -> None:
        if isinstance(event, StepFinished):
            names = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
            held.append(sum(str(shop.root) in name and name.endswith(".ndjson") for name in names))

    shop.listeners.append(count)
    for at in range(2, 7):
        shop.submit("ltv", f"2026-01-0{at}")
    shop.serve(concurrency=1)
    assert len(shop.statuses()) == 5
    assert 1 <= max(held) <= 2


@pytest.mark.slow
def test_a_year_through_the_service_equals_the_foreground_m6(shop: Shop, tmp_path: Path) -> None:
    shop.orders(*orders_of(["ann", "bob"], days("2025-01-01", "2026-01-01")))
    shop.pipeline(settings=BY_HAND, start="2025-01-01", prepare=SPENT, filter=NEW)
    other = twin(shop, tmp_path)
    shop.submit("ltv", "2025-01-02", "2026-01-02")
    shop.serve(seconds=600)
    other.run("ltv", "2025-01-02", "2026-01-02", max_parallel=2)
    assert len(shop.statuses()) == 365
    assert shop.statuses() == other.statuses()
    assert shop.contents() == other.contents()
