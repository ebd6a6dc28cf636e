"""Is a plan a value: the same for the same inputs, whole in JSON, in an order that works, and told to people?"""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from augury.plan.explain import explain
from augury.plan.steps import Plan, Reason
from tests.projects import SPENT
from tests.unit.plan.conftest import MODEL
from tests.unit.plan.world import World

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
    modelled.shop.remove("pipelines/ltv/label.sql")
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


def test_a_plan_of_a_year_stays_small_enough_to_store(sql_only: World) -> None:
    plan = sql_only.plan("2026-01-01", "2026-11-01")
    assert len(json.loads(plan.to_json())["tasks"]) == 304
    assert {step.reason for step in plan.steps()} == {Reason.MISSING, Reason.AFTER}
