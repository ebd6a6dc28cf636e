"""Values as a run leaves them, for tests of what the terminal says about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from augury.ledger.records import ModelRecord, Status
from augury.plan.steps import Plan, PlannedStep, Reason, Request, Task
from augury.run.outcome import DateOutcome, RunResult

DAY = date(1998, 1, 15)
NOW = datetime(1998, 1, 16, 9, 30, tzinfo=UTC)
RUN = "01J9X2V7Q3M5N8P1R4T6W9Y2Z5"


def days(number: int, first: date = DAY) -> tuple[date, ...]:
    return tuple(first + timedelta(days=at) for at in range(number))


def plan_of(*dates: date, tasks: bool = True, step: str | None = None, notes: tuple[str, ...] = ()) -> Plan:
    made = tuple(
        Task("date", day, 0, (PlannedStep("publish", "ltv_v1_predictions", day, Reason.MISSING),)) for day in dates
    )
    return Plan(
        request=Request("ltv", "v1", dates, step=step),
        target="dev",
        tasks=made if tasks else (),
        up_to_date=() if tasks else dates,
        notes=notes,
    )


def model(number: int = 3, *, passed: bool = True) -> ModelRecord:
    verdict = "MAE 21.4 ± 1.9 over 4 folds, gate <= 40 "
    return ModelRecord(
        pipeline="ltv",
        version="v1",
        number=number,
        tick=date(1998, 1, 1),
        cutoff=NOW,
        trained_at=NOW,
        run_id=RUN,
        type="boosted_tree_regressor",
        label="revenue",
        passed=passed,
        verdict=verdict + ("ok" if passed else "not met"),
        fingerprint="f",
        folder="ltv_v1/3",
        sha256="s",
        seed=7,
        rows=24_000,
        dates=26,
        snapshot="t",
        metrics={"mean_absolute_error": {"mean": 21.4, "std": 1.9, "folds": 4.0}},
    )


def result_of(*outcomes: DateOutcome, **more: object) -> RunResult:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[str(outcome.status)] = counts.get(str(outcome.status), 0) + 1
    made = RunResult(
        run_id=RUN,
        plan=plan_of(*(outcome.run_date for outcome in outcomes)),
        outcomes=outcomes,
        seconds=3.41,
        counts=counts,
    )
    return RunResult(**{**vars(made), **more})


def published(day: date = DAY, rows: int = 604) -> DateOutcome:
    return DateOutcome(day, Status.SUCCEEDED, rows=rows, model_version=3, model_rule="newest")
