"""Runs, plans and trainings as people and programs read them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from augury.cli.render.plans import plan_report
from augury.cli.render.runs import Published, many_reports, run_report, train_report
from augury.cli.values import plain
from augury.errors import ExitCode, WorkFailed
from augury.ledger.records import Status
from augury.plan.explain import ExplainRow, Explanation
from augury.plan.steps import Plan
from augury.run.outcome import DateOutcome, RunResult
from tests.unit.cli.values import DAY, RUN, days, model, plan_of, published, result_of

ABOUT = Published("ltv_predictions", "customer", {3: model()})
EXPLAINED = Explanation(
    header="ltv on dev",
    rows=(ExplainRow("prepare", 27, "missing: 1 date", 0.9), ExplainRow("publish", 1, "missing", None, "4 checks")),
    notes=("a look-back crosses the start",),
    next_command="augury run ltv --date 1998-01-15",
)


def test_one_date_names_its_model_and_what_it_published() -> None:
    report = run_report(result_of(published()), ABOUT)
    assert report.text.splitlines() == [
        "  model      ltv@3 (boosted_tree_regressor), trained as of 1998-01-01: "
        "MAE 21.4 ± 1.9 over 4 folds, gate <= 40 ok",
        "  published  ltv_predictions, run_date 1998-01-15: 604 customers",
    ]
    assert report.next == f"  see        augury show ltv --date 1998-01-15        run {RUN}"


def test_a_range_adds_up() -> None:
    outcomes = [published(day) for day in days(29)]
    result = result_of(*outcomes, counts={"succeeded": 29, "held": 1, "up to date": 1})
    first, second = run_report(result, ABOUT).text.splitlines()
    assert first == f"ltv  29 published, 1 held, 0 failed, 1 up to date   3.4 s   run {RUN}"
    assert second == "  scored by  ltv@3 for 29 dates"


def test_d_a_second_run_has_nothing_to_do() -> None:
    result = RunResult(None, plan_of(DAY, tasks=False))
    report = run_report(result, ABOUT)
    assert report.text.startswith("Nothing to do: ltv 1998-01-15 is published")
    assert report.records == []
    assert json.loads(json.dumps(plain(report.document)))["run"]["up_to_date"] == ["1998-01-15"]


def test_a_step_of_a_date_says_that_nothing_was_published() -> None:
    result = result_of(DateOutcome(DAY, Status.SUCCEEDED, rows=10))
    result = RunResult(**{**vars(result), "plan": plan_of(DAY, step="prepare")})
    assert run_report(result, ABOUT).text.endswith("10 rows; nothing was published")


def test_a_range_that_stops_at_a_step_counts_what_it_built() -> None:
    made = result_of(*(DateOutcome(day, Status.SUCCEEDED) for day in days(3)))
    result = replace(made, plan=plan_of(*days(3), step="prepare"))
    assert run_report(result, ABOUT).text.startswith("ltv  3 built up to prepare, 0 held, 0 failed")


def test_a_date_that_failed_leaves_the_words_to_its_error() -> None:
    result = result_of(DateOutcome(DAY, Status.FAILED))
    report = run_report(result, ABOUT, shown=[WorkFailed("no")])
    assert (report.text, report.next) == ("", "")
    assert report.records[0]["status"] == "failed"


def test_a_resumed_run_says_so() -> None:
    assert "run 01ABC, which had crashed" in run_report(result_of(published(), resumed="01ABC"), ABOUT).text


def test_several_runs_are_one_document() -> None:
    both = many_reports([run_report(result_of(published(day)), ABOUT) for day in days(2)])
    assert len(both.document["runs"]) == len(both.records) == 2


def asked_for(*ticks: date, **more: object) -> RunResult:
    """What training these ticks left."""
    made = result_of(**more)
    return replace(made, plan=replace(made.plan, request=replace(made.plan.request, ticks=ticks)))


def test_g_a_training_shows_the_verdict_of_the_gate() -> None:
    held = train_report(asked_for(model().tick, trained=(model(passed=False),)), "augury models ltv")
    assert "gate <= 40 not met" in held.text
    assert "the champion before it goes on" in held.next
    assert held.records[0]["passed"] is False


def test_g_a_training_is_judged_by_the_tick_that_was_asked_for() -> None:
    before = replace(model(2, passed=False), tick=date(1997, 12, 1))
    result = asked_for(model().tick, trained=(before, model()))
    report = train_report(result, "augury models ltv")
    assert report.text.splitlines() == [
        "  model      ltv@3 (boosted_tree_regressor), trained as of 1998-01-01: "
        "MAE 21.4 ± 1.9 over 4 folds, gate <= 40 ok",
        "  before it  1 earlier tick, 0 passed the gate",
    ]
    assert report.next == "  see        augury models ltv"
    assert result.exit_code is ExitCode.DONE


def test_a_plan_shows_counts_reasons_and_the_command_that_performs_it() -> None:
    report = plan_report(plan_of(DAY), EXPLAINED, "augury run ltv --date 1998-01-15 --refresh late")
    assert report.text.splitlines() == [
        "ltv on dev",
        "",
        "  step     partitions  why              estimate",
        "  prepare          27  missing: 1 date  0.9 s",
        "  publish           1  missing                    4 checks",
        "",
        "note: a look-back crosses the start",
    ]
    assert report.next.strip() == "Nothing was written. Run it: augury run ltv --date 1998-01-15 --refresh late"


def test_the_json_of_a_plan_is_the_plan() -> None:
    plan = plan_of(*days(3))
    document = plain(plan_report(plan, EXPLAINED, "augury run").whole())
    assert Plan.from_json(json.dumps(document["plan"])) == plan
    assert document["explanation"]["rows"][0]["partitions"] == 27


def test_an_empty_plan_has_no_next_command() -> None:
    report = plan_report(plan_of(*days(2), tasks=False), EXPLAINED, "augury run")
    assert report.text.startswith("Nothing to do: all 2 dates of ltv from 1998-01-15 to 1998-01-16 are published")
    assert report.next == ""
