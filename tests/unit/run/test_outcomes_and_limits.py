"""How a run ends, and whether a date is still inside its limits (BB1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from augury.errors import ExitCode, LimitExceeded, WorkFailed
from augury.ledger.records import Status
from augury.plan.steps import Plan, Request
from augury.run.limits import Meter, peak_memory
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
