"""The doctor about the service: what is queued, given up, waited for in vain, and who died (M5, Y5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from augury.ledger.queue_records import OperationRecord, WorkerRecord
from tests.functional.doctor.findings import doctor, the
from tests.projects import SPENT, Shop, days, orders_of

BY_HAND = "schedule: {paused: true}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings=BY_HAND, prepare=SPENT)


def after(shop: Shop, **time: float) -> Shop:
    return replace(shop, now=shop.now + timedelta(**time))


def test_what_is_queued_without_a_service_names_the_command_that_starts_one_y5(shop: Shop) -> None:
    run_id = shop.submit("ltv", "2026-01-05", "2026-01-07").run_id
    found = the(doctor(shop), "no service is running")
    assert found.problem.startswith("2 tasks of 1 run wait")
    assert found.mend == f"Start one: augury up. Or take a run back: augury cancel {run_id}"
    stale = the(doctor(shop), "stale since 2026-01-05")
    assert (stale.why, stale.mend) == (
        f"2026-01-05: queued by run {run_id}",
        "The service will run it. See: augury tasks",
    )
    shop.serve()
    assert not [each for each in doctor(shop) if "service" in each.problem]


def test_dead_letters_are_told_by_reason_with_the_way_on_y5(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, prepare=SPENT.replace("sum(amount)", "error('bad')"))
    run_id = shop.submit("ltv", "2026-01-05", "2026-01-08").run_id
    shop.serve()
    found = the(doctor(shop), "dead letter")
    assert found.problem == "ltv v1: 3 dead letters: 2026-01-05, 2026-01-06, 2026-01-07"
    assert "bad" in found.why
    assert found.mend.endswith(f"augury retry {run_id}")


def test_a_date_that_failed_and_is_queued_again_is_not_told_as_failed_m5(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, prepare=SPENT.replace("sum(amount)", "error('bad')"))
    shop.submit("ltv", "2026-01-05")
    shop.serve()
    assert "bad" in the(doctor(shop), "failed: 2026-01-05").why
    with shop.open() as project:
        assert project.revive() == 1
    assert not [each for each in doctor(shop) if "failed" in each.problem]


def test_whoever_waits_for_a_partition_that_nobody_builds_is_told_what_to_submit_y5(shop: Shop) -> None:
    reads = "select customer_id from {{ ref('ltv.predictions') }}"
    shop.run("ltv", "2026-01-04")
    shop.pipeline("offers", settings=BY_HAND, prepare=reads)
    # It can be released only once what it reads is there.
    shop.submit("offers", "2026-01-05")
    _open_barriers(shop)
    found = the(doctor(shop), "nobody builds")
    assert found.problem == "offers: 2026-01-05 waits for ltv 2026-01-05, which nobody builds"
    assert found.mend == "Have it built: augury submit ltv --date 2026-01-05"
    shop.submit("ltv", "2026-01-05")
    assert not [each for each in doctor(shop) if "nobody builds" in each.problem]


def _open_barriers(shop: Shop) -> None:
    """As the service does, without releasing anything."""
    with shop.open() as project:
        ledger = project._writing.ledger
        with ledger._database.write() as connection:
            connection.exec_driver_sql("update queue set state = 'queued'")


def test_an_operation_past_its_deadline_is_told_with_both_ways_on_y5(shop: Shop) -> None:
    shop.submit("ltv", "2026-01-05")
    _suspend(shop, deadline=shop.now + timedelta(hours=1))
    assert not [each for each in doctor(shop) if "job-1" in each.problem]
    late = the(doctor(after(shop, minutes=10)), "job-1")
    assert "was to be asked about at 2026-03-01 12:00 UTC" in late.problem
    over = the(doctor(after(shop, hours=2)), "job-1")
    assert "was to be over by 2026-03-01 13:00 UTC" in over.problem
    assert "augury notify job-1 --result JSON" in over.mend
    assert over.mend.endswith("start a service: augury up")


def _suspend(shop: Shop, *, deadline: datetime) -> None:
    with shop.open() as project:
        ledger = project._writing.ledger
        (task,) = ledger.queued_tasks()
        with ledger._database.write() as connection:
            connection.exec_driver_sql("update queue set state = 'released'")
        assert ledger.suspend_task(
            OperationRecord(task.run_id, task.task, "prepare", "job-1", "_ask", 60.0, shop.now, deadline), 1
        )


def test_a_worker_that_died_is_named_with_what_it_left_y5(shop: Shop) -> None:
    with shop.open() as project:
        project._writing.ledger.register_worker(WorkerRecord("box-1-abc", "box", 1, 2, shop.now, shop.now))
    found = the(doctor(shop), "box-1-abc")
    assert found.problem == "the worker box-1-abc died with 0 tasks under way"
    shop.serve()
    assert doctor(shop) == ()


def test_a_paused_pipeline_is_told_once_a_date_is_due_y5(shop: Shop) -> None:
    shop.pipeline(settings="schedule: {}\n", prepare=SPENT)
    with shop.open() as project:
        project.pause("ltv")
    found = the(doctor(shop), "is paused")
    assert (found.problem, found.mend) == (
        "ltv is paused, and 2026-03-01 is due",
        "Serve it again: augury resume ltv",
    )
    shop.run("ltv", "2026-03-01")
    assert not [each for each in doctor(shop) if "paused" in each.problem]


def test_a_clock_that_was_set_back_is_told_y5(shop: Shop) -> None:
    shop.run("ltv", "2026-01-05")
    found = the(doctor(after(shop, hours=-3)), "still to come")
    assert "a run began at 2026-03-01 12:00:00 UTC" in found.problem
    assert "says 2026-03-01 09:00:00 UTC" in found.why
