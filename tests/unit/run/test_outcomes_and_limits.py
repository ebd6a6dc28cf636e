"""How a run ends, and whether a date is still inside its limits (BB1)."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest

from augury.errors import ExitCode, LimitExceeded, WorkFailed
from augury.ledger.records import Status
from augury.plan.steps import Plan, Request
from augury.run import memory
from augury.run.limits import Meter, peak_memory
from augury.run.memory import measured
from augury.run.outcome import DateOutcome, RunResult
from augury.spec.pipeline import Limits

DAY = date(2026, 1, 15)
PLAN = Plan(Request("ltv", "v1", (DAY,)), "dev", ())


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([Status.SUCCEEDED, Status.SKIPPED_EMPTY, Status.SKIPPED_MISSING, Status.SKIPPED_NO_POPULATION], ExitCode.DONE),
        ([Status.SUCCEEDED, Status.HELD], ExitCode.HELD),
        ([Status.HELD, Status.REFUSED], ExitCode.REFUSED),
        ([Status.REFUSED, Status.BLOCKED], ExitCode.FAILED),
        ([Status.LOCKED, Status.SUCCEEDED], ExitCode.LOCKED),
        ([Status.CRASHED], ExitCode.FAILED),
        ([], ExitCode.DONE),
    ],
)
def test_the_exit_code_follows_from_what_became_of_the_dates(statuses: list[Status], code: ExitCode) -> None:
    outcomes = tuple(DateOutcome(DAY, status) for status in statuses)
    assert RunResult("r", PLAN, outcomes).exit_code is code


def test_a_failure_beside_the_dates_counts_as_well() -> None:
    result = RunResult("r", PLAN, (DateOutcome(DAY, Status.SUCCEEDED),), failures=(WorkFailed("label"),))
    assert result.exit_code is ExitCode.FAILED


def test_every_status_has_a_meaning_for_those_who_wait() -> None:
    complete = {status for status in Status if status.complete}
    assert complete == {
        Status.SUCCEEDED,
        Status.SKIPPED_EMPTY,
        Status.SKIPPED_MISSING,
        Status.SKIPPED_NO_POPULATION,
    }


def test_time_is_that_of_all_tasks_of_a_date_bb1() -> None:
    meter = Meter(Limits(time="60s"), before=59.0)
    meter.check("publishing")
    with pytest.raises(LimitExceeded) as caught:
        replace(meter, before=61.0).check("publishing")
    assert caught.value.what.endswith("of the 60 s that limits.time allows")
    assert caught.value.why == "stopped before publishing"


def test_memory_is_that_of_the_process_bb1() -> None:
    Meter(Limits(memory="64GB")).check("predict")
    with pytest.raises(LimitExceeded, match=r"limits\.memory"):
        Meter(Limits(memory="1MB")).check("predict")
    assert peak_memory() > 1_000_000


def test_without_limits_nothing_is_refused() -> None:
    Meter(Limits(), before=1e9).check("publishing")


STEPS = Limits(
    steps={"prepare": {"time": "0.001s"}, "train": {"memory": "1MB"}, "predict": {"time": "60s", "memory": "64GB"}}
)


def wait(seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        pass


def test_the_time_of_a_step_is_its_own_bb2() -> None:
    with pytest.raises(LimitExceeded) as caught, Meter(STEPS).step("prepare"):
        wait(0.002)
    assert caught.value.what == "prepare took 0.0 s of the 0.001 s that limits.steps.prepare.time allows"
    assert caught.value.why == "stopped after prepare"
    for step in ("predict", "filter"):
        with Meter(STEPS, before=1e9).step(step):
            wait(0.002)


def test_the_memory_of_a_training_is_limited_too_bb2() -> None:
    with pytest.raises(LimitExceeded, match=r"limits\.steps\.train\.memory") as caught, Meter(STEPS).step("train"):
        pass
    assert caught.value.fix is not None
    assert caught.value.fix.startswith("No model was registered.")


def test_what_a_step_raises_is_not_replaced_by_its_limit_bb2() -> None:
    def work() -> None:
        with Meter(STEPS).step("prepare"):
            wait(0.002)
            raise WorkFailed("no column")

    with pytest.raises(WorkFailed, match="no column"):
        work()


LARGE = 200_000_000


def fill() -> None:
    assert len(b"x" * LARGE)


def test_steps_that_overlap_are_measured_side_by_side_bb2() -> None:
    with measured() as first:
        fill()
        with measured() as second:
            pass
    with measured() as third:
        pass
    assert first.peak > second.peak + LARGE / 2
    assert first.peak > third.peak + LARGE / 2
    assert peak_memory() >= first.peak


def test_where_the_peak_cannot_be_set_back_nobody_pays_for_another_bb2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_set_back", lambda: False)
    fill()
    with measured() as small:
        pass
    with measured() as large:
        assert len(b"x" * 2 * LARGE)
    assert small.peak == 0
    assert large.peak > LARGE
