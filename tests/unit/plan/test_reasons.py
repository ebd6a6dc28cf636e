"""Why is each partition of a plan built, and which dates does a reprocess mode take?"""

from __future__ import annotations

import pytest

from augury.ledger.records import DateRecord, Status
from augury.plan.steps import Purpose
from tests.projects import reasons_of, steps_of
from tests.unit.plan.conftest import PREPARE
from tests.unit.plan.world import AT, World

# -- reasons -----------------------------------------------------------------------------------------------------


def test_what_was_never_built_is_missing(sql_only: World) -> None:
    plan = sql_only.plan("2026-01-05")
    assert steps_of(plan) == [
        (step, "2026-01-05") for step in ("prepare", "filter", "post_process", "validate", "publish")
    ]
    assert reasons_of(plan, "prepare") == {"2026-01-05": "missing"}
    assert reasons_of(plan, "validate") == {"2026-01-05": "after"}


def test_what_is_published_from_what_is_wanted_needs_nothing_m7(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-08")
    plan = sql_only.plan("2026-01-05", "2026-01-08")
    assert plan.is_empty
    assert [str(day) for day in plan.up_to_date] == ["2026-01-05", "2026-01-06", "2026-01-07"]


def test_a_changed_definition_is_named_with_its_line(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    sql_only.shop.edit(PREPARE, "sum(amount) as spent", "max(amount) as spent")
    plan = sql_only.plan("2026-01-05")
    assert reasons_of(plan, "prepare") == {"2026-01-05": "definition changed: prepare.sql line 1 (spent)"}
    assert reasons_of(plan, "filter") == {"2026-01-05": "upstream changed"}
    assert reasons_of(plan, "publish") == {"2026-01-05": "upstream changed"}


def test_a_change_downstream_leaves_what_lies_upstream_alone(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    sql_only.shop.edit("pipelines/ltv/filter.sql", "> 1", "> 2")
    plan = sql_only.plan("2026-01-05")
    assert reasons_of(plan, "filter")["2026-01-05"].startswith("definition changed: filter.sql line 1")
    assert not reasons_of(plan, "prepare")


@pytest.mark.parametrize("status", [Status.FAILED, Status.HELD, Status.CRASHED, Status.REFUSED, Status.BLOCKED])
def test_a_date_that_did_not_finish_says_so(sql_only: World, status: Status) -> None:
    day = sql_only.plan("2026-01-05").request.dates[0]
    sql_only.know(dates={day: DateRecord("ltv", "v1", day, status, "r", AT)})
    assert reasons_of(sql_only.plan("2026-01-05"), "publish") == {"2026-01-05": f"not finished before: {status}"}


def test_reprocess_all_requests_what_is_up_to_date_m3(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    plan = sql_only.plan("2026-01-05", reprocess="all")
    assert {str(step.reason) for step in plan.steps()} == {"requested", "after"}
    assert [step for step, _ in steps_of(plan)] == ["prepare", "filter", "post_process", "validate", "publish"]


def test_reprocess_missing_leaves_out_dates_that_were_tried_and_failed_takes_them_m3(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    failed = sql_only.plan("2026-01-06").request.dates[0]
    sql_only.know(dates={**sql_only.facts.dates, failed: DateRecord("ltv", "v1", failed, Status.FAILED, "r", AT)})
    sql_only.shop.edit(PREPARE, "sum(amount)", "max(amount)")
    chosen = {
        mode: [str(day) for day in sql_only.plan("2026-01-05", "2026-01-08", reprocess=mode).to_build]
        for mode in ("missing", "failed", "all", None)
    }
    assert chosen == {
        "missing": ["2026-01-07"],
        "failed": ["2026-01-06", "2026-01-07"],
        "all": ["2026-01-05", "2026-01-06", "2026-01-07"],
        None: ["2026-01-05", "2026-01-06", "2026-01-07"],
    }


def test_a_date_whose_process_died_counts_as_missing_m3(sql_only: World) -> None:
    crashed = sql_only.plan("2026-01-06").request.dates[0]
    sql_only.know(dates={crashed: DateRecord("ltv", "v1", crashed, Status.CRASHED, "r", AT)})
    assert [str(day) for day in sql_only.plan("2026-01-06", reprocess="missing").to_build] == ["2026-01-06"]


def test_reprocessing_a_date_leaves_its_history_as_it_is_m3(sql_only: World) -> None:
    looks_back = "select customer_id from {{ history('prepare', days=3) }} group by 1"
    sql_only.shop.write("pipelines/ltv/filter.sql", looks_back)
    sql_only.do("2026-01-05", "2026-01-08")
    plan = sql_only.plan("2026-01-07", reprocess="all")
    assert {str(step.day) for step in plan.steps()} == {"2026-01-07"}


def test_another_engine_version_rebuilds(sql_only: World) -> None:
    sql_only.do("2026-01-05").to_json()
    assert not sql_only.know(engine="duckdb-3").plan("2026-01-05").is_empty


# -- single steps --------------------------------------------------------------------------------------------------


def test_a_step_is_planned_with_what_it_lacks_and_nothing_after_it(modelled: World) -> None:
    plan = modelled.plan("2026-04-05", step="prepare")
    assert steps_of(plan) == [("prepare", "2026-04-05")]
    assert not [task for task in plan.tasks if task.kind == "train"]
    modelled.do("2026-04-05")
    again = modelled.plan("2026-04-05", step="predict")
    assert steps_of(again) == [("predict", "2026-04-05")]
    assert reasons_of(again, "predict") == {"2026-04-05": "requested"}


def test_predicting_alone_still_plans_the_training_that_it_needs(modelled: World) -> None:
    plan = modelled.plan("2026-04-05", step="predict")
    assert [str(task.day) for task in plan.tasks if task.kind == "train"] == ["2026-04-01"]
    assert not reasons_of(plan, "publish")


def test_partitions_say_what_they_are_for(modelled: World) -> None:
    plan = modelled.plan("2026-04-05")
    assert {step.purpose for step in plan.steps() if step.day.month == 4} == {Purpose.REQUESTED}
    assert {step.purpose for step in plan.steps() if step.day.month < 4} == {Purpose.TRAINING}
    assert {step.step for step in plan.steps() if step.purpose is Purpose.TRAINING} == {"prepare", "label"}
