"""What is planned and why: reasons, purity, JSON, edits that change nothing, reprocess modes, single steps."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from augury.ledger.records import DateRecord, Status
from augury.plan.explain import explain
from augury.plan.facts import LateDay, SourceFact
from augury.plan.steps import Plan, Purpose, Reason
from tests.projects import SPENT, reasons_of, steps_of
from tests.unit.plan.conftest import MODEL
from tests.unit.plan.world import AT, World, model

PREPARE = "pipelines/ltv/prepare.sql"


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


# -- edits that change nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (PREPARE, "select customer_id", "-- features\nSELECT   customer_id /* who */"),
        (PREPARE, "group by customer_id\n", "group by\n    customer_id;\n"),
        ("pipelines/ltv/pipeline.yml", "entity:", "description: Who spent what\nowner: ann\nnote: x\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "# a comment\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "steps: {prepare: {description: Features}}\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "limits: {time: 60s}\nlabels: {team: growth}\nentity:"),
        ("augury.yml", "name: shop", "description: A shop\nname: shop"),
        ("augury.yml", "name: shop", "vars: {unused: 1}\nname: shop"),
    ],
)
def test_comments_white_space_and_descriptions_build_nothing(sql_only: World, path: str, old: str, new: str) -> None:
    sql_only.do("2026-01-05", "2026-01-08")
    sql_only.shop.edit(path, old, new)
    assert sql_only.plan("2026-01-05", "2026-01-08").is_empty


def test_a_variable_that_is_used_does_change_something(sql_only: World) -> None:
    sql_only.shop.edit(PREPARE, "sum(amount)", "sum(amount) * {{ var('factor') }}")
    sql_only.shop.edit("augury.yml", "name: shop", "name: shop\nvars: {factor: 1}")
    sql_only.do("2026-01-05")
    sql_only.shop.edit("augury.yml", "factor: 1", "factor: 2")
    why = reasons_of(sql_only.plan("2026-01-05"), "prepare")
    assert why == {"2026-01-05": "definition changed: prepare.sql: variables, macros or declared columns"}


def test_the_lag_and_the_zone_bound_what_is_known_so_they_rebuild(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    for settings in ("schedule: {lag: 1d}", "schedule: {timezone: Asia/Tokyo}"):
        changed = World(sql_only.shop, sql_only.facts)
        sql_only.shop.edit("pipelines/ltv/pipeline.yml", "entity:", f"{settings}\nentity:")
        assert reasons_of(changed.plan("2026-01-05"), "prepare") == {"2026-01-05": "upstream changed"}
        sql_only.shop.edit("pipelines/ltv/pipeline.yml", f"{settings}\nentity:", "entity:")
    assert sql_only.plan("2026-01-05").is_empty


# -- a plan is a value ---------------------------------------------------------------------------------------------


def everything(world: World) -> Plan:
    """A plan in which every field says something."""
    world.shop.pipeline(
        settings=MODEL,
        prepare=SPENT,
        filter="select customer_id from {{ ref('prepare') }} "
        "where customer_id not in (select customer_id from {{ history('prepare', days=3) }})",
        label="select customer_id, sum(amount) as revenue from {{ outcome('orders') }} group by 1",
        validation="select count(*) > 0 as some from {{ staging() }}, {{ published() }}",
    )
    return world.plan("2026-04-05", "2026-04-08", accept=("some",), ticks=())


def test_the_same_inputs_give_the_same_bytes(modelled: World) -> None:
    first = everything(modelled)
    again = World(modelled.shop, modelled.facts).plan("2026-04-05", "2026-04-08", accept=("some",), ticks=())
    assert first.to_json() == again.to_json()


def test_a_plan_comes_back_from_json_as_it_was(modelled: World) -> None:
    plan = everything(modelled)
    assert Plan.from_json(plan.to_json()) == plan
    assert {task.kind for task in plan.tasks} == {"date", "train"}
    trained = modelled.ask((), ticks=(plan.request.dates[0],))
    assert Plan.from_json(trained.to_json()) == trained
    assert trained.request.ticks == (plan.request.dates[0],)


def test_every_field_of_a_step_survives_json(modelled: World) -> None:
    """A field that JSON would flatten (a tuple, an enum, a date) is the one that a resumed run would trip over."""
    plan = everything(modelled)
    back = Plan.from_json(plan.to_json())
    for one, other in zip(plan.tasks, back.tasks, strict=True):
        for name in (each.name for each in dataclasses.fields(one)):
            assert type(getattr(one, name)) is type(getattr(other, name)), name


@pytest.mark.parametrize("text", ["{}", "[]", '{"request": {}}', "not json"])
def test_other_texts_are_not_plans(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Plan.from_json(text)


def in_vain(plan: Plan) -> list[tuple[str, str]]:
    """Tasks and what they wait for that comes only later in the plan."""
    found = []
    for at, task in enumerate(plan.tasks):
        for other in plan.tasks[at + 1 :]:
            waited = any(wait.level == other.level and wait.first <= other.day <= wait.last for wait in task.waits)
            if other.kind == "date" and (waited or (other.day == task.day and other.level < task.level)):
                found.append((task.key, other.key))
            if other.kind == "train" and task.tick is not None and other.day <= task.tick:
                found.append((task.key, other.key))
    return found


def test_a_plan_can_be_performed_one_by_one_in_its_own_order(modelled: World) -> None:
    assert in_vain(everything(modelled)) == []


def test_a_date_scored_by_a_model_that_learns_from_it_has_its_features_first(modelled: World) -> None:
    """Today's model learns from April's dates, and `--model current` scores April with it: no ring."""
    modelled.know(now=datetime(2026, 6, 20, 9, tzinfo=UTC))
    plan = modelled.plan("2026-04-20", "2026-05-05", model="current")
    assert in_vain(plan) == []
    learned = next(task for task in plan.tasks if task.kind == "train").dates
    asked = [task for task in plan.tasks if task.day in learned and task.day in plan.request.dates]
    assert [(str(task.day), [step.step for step in task.steps][:2]) for task in asked] == [
        ("2026-04-23", ["prepare", "label"]),
        ("2026-04-30", ["prepare", "label"]),
        ("2026-04-23", ["predict", "post_process"]),
        ("2026-04-30", ["predict", "post_process"]),
    ]


def test_a_training_that_reads_the_features_of_its_own_tick_makes_no_ring(modelled: World) -> None:
    """training.sql over ref('prepare'), as in BatchML; without grace the tick's own date is scored by it."""
    modelled.shop.pipeline(
        settings=MODEL.replace("grace: 2d", "grace: 0d"),
        prepare=SPENT,
        training="select *, spent as revenue from {{ ref('prepare') }}",
    )
    (modelled.shop.root / "pipelines/ltv/label.sql").unlink()
    plan = modelled.plan("2026-04-01", "2026-04-03")
    assert in_vain(plan) == []
    assert [task.key for task in plan.tasks] == [
        "2026-04-01",
        "train 2026-04-01",
        "2026-04-01 +1",
        "2026-04-02",
        "2026-04-02 +1",
    ]


def test_every_partition_is_planned_once(modelled: World) -> None:
    planned = [(step.table or step.step, step.day) for step in everything(modelled).steps()]
    assert len(planned) == len(set(planned))


# -- a person reads it ---------------------------------------------------------------------------------------------


def test_the_counts_of_an_explanation_add_up(modelled: World) -> None:
    plan = everything(modelled)
    said = explain(plan, modelled.pipeline, {"prepare": 0.5}, engine="duckdb-2")
    trainings = [task for task in plan.tasks if task.kind == "train"]
    assert sum(row.partitions for row in said.rows) == len(list(plan.steps())) + len(trainings)
    prepare = next(row for row in said.rows if row.step == "prepare")
    assert prepare.why == "missing: 15 dates of history, 3 dates, 4 training dates"
    assert prepare.estimate_seconds == 0.5 * prepare.partitions
    assert said.next_command == "augury backfill ltv --start 2026-04-05 --end 2026-04-08"


def test_one_date_shows_its_cutoff_and_its_command(sql_only: World) -> None:
    said = explain(sql_only.plan("2026-01-05"), sql_only.pipeline, {}, engine="duckdb-2")
    assert said.header == "ltv v1 on dev (duckdb-2)   1 date: 2026-01-05, cutoff 2026-01-05 00:00 UTC"
    assert said.next_command == "augury run ltv --date 2026-01-05"


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


# -- sources that are not there ------------------------------------------------------------------------------------


def test_a_date_without_its_source_is_skipped_once_and_planned_when_it_arrives_a3_a7(sql_only: World) -> None:
    sql_only.know(sources={})
    plan = sql_only.plan("2026-01-05")
    assert [(task.key, task.skip, task.steps) for task in plan.tasks] == [
        ("2026-01-05", "source orders is not there", ())
    ]
    sql_only.perform(plan)
    assert sql_only.plan("2026-01-05").is_empty
    sql_only.know(sources={"orders": SourceFact(True, "s1")})
    assert reasons_of(sql_only.plan("2026-01-05"), "prepare") == {"2026-01-05": "missing"}


def test_what_was_published_stays_when_the_source_goes_away(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    sql_only.know(sources={})
    assert sql_only.plan("2026-01-05").is_empty
    assert not sql_only.plan("2026-01-05", reprocess="all").is_empty


# -- late data -----------------------------------------------------------------------------------------------------


def late(world: World, *event_days: str, probe: int = 2) -> World:
    found = tuple(LateDay(world.plan(day, reprocess="missing").request.dates[0], probe, 5) for day in event_days)
    return world.know(late={"orders": found}, probe=probe)


def test_late_data_is_reported_and_not_rebuilt_unless_somebody_says_so(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12")
    assert plan.is_empty
    assert plan.notes == (
        "late data: orders changed for 2026-01-07 after dates had used it; take it in with --refresh late",
    )


def test_refresh_late_rebuilds_exactly_the_dates_that_could_see_the_day(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12", refresh_late=True)
    assert reasons_of(plan, "prepare") == {
        f"2026-01-{day:02}": "late data: orders 2026-01-07" for day in (8, 9, 10, 11)
    }
    sql_only.perform(plan)
    assert sql_only.plan("2026-01-05", "2026-01-12", refresh_late=True).is_empty
    assert sql_only.plan("2026-01-05", "2026-01-12").notes == ()


def test_a_rule_rebuilds_run_dates_up_to_its_distance(sql_only: World) -> None:
    sql_only.shop.edit("augury.yml", "event_time: ordered_at}", "event_time: ordered_at, late: {rebuild: 2d}}")
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12")
    assert list(reasons_of(plan, "prepare")) == ["2026-01-08", "2026-01-09"]
    assert "2026-01-07" in plan.notes[0]


def test_a_day_that_arrives_for_the_first_time_is_late_only_for_dates_after_it(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-08")
    late(sql_only, "2026-01-07")
    assert sql_only.plan("2026-01-05", "2026-01-08", refresh_late=True).is_empty


# -- model changes -------------------------------------------------------------------------------------------------


def test_another_champion_rescores_and_leaves_the_features_alone(modelled: World) -> None:
    modelled.do("2026-04-05")
    first = modelled.facts.models[-1]
    retrained = model(9, first.tick, fingerprint=first.fingerprint, sha="another")
    modelled.know(models=(*modelled.facts.models, retrained))
    plan = modelled.plan("2026-04-05")
    assert reasons_of(plan, "predict") == {"2026-04-05": f"model changed: {first.number} -> 9: tick {first.tick}"}
    assert not reasons_of(plan, "prepare")


def test_changed_features_train_again_and_rescore(modelled: World) -> None:
    modelled.do("2026-04-05")
    modelled.shop.edit(PREPARE, "sum(amount)", "max(amount)")
    plan = modelled.plan("2026-04-05")
    trainings = [(str(task.day), task.reason) for task in plan.tasks if task.kind == "train"]
    assert trainings == [("2026-04-01", "upstream changed")]
    assert reasons_of(plan, "predict") == {"2026-04-05": "upstream changed: tick 2026-04-01 is trained first"}


@pytest.mark.parametrize(
    ("old", "new", "trains"),
    [
        ("missing_label: zero", "missing_label: drop", True),
        ("type: linear_reg", "type: linear_reg\n  options: {l2_reg: 1.0}", True),
        ("window: 28d", "window: 35d", True),
        ("grace: 2d", "grace: 3d", False),
        ("label: revenue", "label: revenue\n  gate: {mean_absolute_error: '<= 3'}", False),
    ],
)
def test_what_decides_a_model_trains_it_again_and_nothing_else_does(
    modelled: World, old: str, new: str, *, trains: bool
) -> None:
    """A verdict is never decided again: a new gate judges new models only."""
    modelled.do("2026-04-05")
    modelled.shop.edit("pipelines/ltv/pipeline.yml", old, new)
    plan = modelled.plan("2026-04-05")
    assert bool([task for task in plan.tasks if task.kind == "train"]) is trains
    assert plan.is_empty is not trains


def test_partitions_say_what_they_are_for(modelled: World) -> None:
    plan = modelled.plan("2026-04-05")
    assert {step.purpose for step in plan.steps() if step.day.month == 4} == {Purpose.REQUESTED}
    assert {step.purpose for step in plan.steps() if step.day.month < 4} == {Purpose.TRAINING}
    assert {step.step for step in plan.steps() if step.purpose is Purpose.TRAINING} == {"prepare", "label"}


def test_a_plan_of_a_year_stays_small_enough_to_store(sql_only: World) -> None:
    plan = sql_only.plan("2026-01-01", "2026-11-01")
    assert len(json.loads(plan.to_json())["tasks"]) == 304
    assert {step.reason for step in plan.steps()} == {Reason.MISSING, Reason.AFTER}
