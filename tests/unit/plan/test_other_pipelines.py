"""A plan knows what it reads of other pipelines: what is there decides fingerprints, what is not is waited for."""

from __future__ import annotations

import pytest

from augury.ledger.records import Status
from augury.plan.resume import remaining
from augury.plan.steps import External, Plan
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day, days, reasons_of, steps_of
from tests.unit.plan.others import JOINED, TRAINED, built, ended, tidied, waits_for
from tests.unit.plan.world import World, model


@pytest.fixture
def reader(shop: Draft) -> World:
    """`ltv` filters by what `scores` published; both run every day from 2026-01-01 on."""
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    return World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=JOINED))


# -- what is there -----------------------------------------------------------------------------------------------


def test_what_is_there_is_an_input_and_nothing_is_waited_for(reader: World) -> None:
    plan = built(reader, "2026-01-10").plan("2026-01-10")
    assert waits_for(plan) == {}
    assert [task.key for task in plan.tasks] == ["2026-01-10"]
    assert reader.perform(plan).plan("2026-01-10").is_empty


def test_a_rebuilt_input_is_upstream_changed_and_an_equal_one_is_not(reader: World) -> None:
    built(reader, "2026-01-10", "2026-01-11").do("2026-01-10", "2026-01-12")
    built(reader, "2026-01-10")
    assert reader.plan("2026-01-10", "2026-01-12").is_empty
    built(reader, "2026-01-10", fingerprint="b" * 32)
    plan = reader.plan("2026-01-10", "2026-01-12")
    changed = {"2026-01-10": "upstream changed: scores.predictions"}
    assert (reasons_of(plan, "publish"), reasons_of(plan, "filter")) == (changed, changed)
    assert reasons_of(plan, "prepare") == {}
    assert reader.perform(plan).plan("2026-01-10", "2026-01-12").is_empty


def test_what_was_tidied_away_over_there_makes_nothing_out_of_date(reader: World) -> None:
    built(reader, "2026-01-10").do("2026-01-10")
    assert tidied(reader).plan("2026-01-10").is_empty
    reader.shop.edit("pipelines/ltv/filter.sql", "score from", "score * 2 as score from")
    plan = reader.plan("2026-01-10")
    assert waits_for(plan) == {"2026-01-10 +1": ["scores.predictions 2026-01-10 is not built"]}


def test_a_step_that_reads_no_other_pipeline_has_the_fingerprint_that_it_always_had(reader: World) -> None:
    (task,) = built(reader, "2026-01-10").plan("2026-01-10").tasks
    sizes = {step.step: len(step.fingerprint) for step in task.steps}
    assert sizes == {"prepare": 32, "filter": 64, "post_process": 64, "validate": 64, "publish": 64}
    assert len({step.fingerprint[:32] for step in task.steps}) == len(task.steps)


# -- what is not ---------------------------------------------------------------------------------------------------


def test_a_date_whose_input_is_missing_waits_for_exactly_that_and_the_rest_goes_on(reader: World) -> None:
    built(reader, "2026-01-10", "2026-01-12")
    plan = reader.plan("2026-01-10", "2026-01-13")
    assert waits_for(plan) == {"2026-01-11 +1": ["scores.predictions 2026-01-11 is not built"]}
    first = next(task for task in plan.tasks if task.key == "2026-01-11")
    assert [step.step for step in first.steps] == ["prepare"]
    need = External("scores", "v1", "publish", "scores_v1_predictions", day("2026-01-11"), why="is not built")
    assert [task.needs for task in plan.tasks if task.needs] == [(need,)]


def test_what_a_plan_waits_for_is_stored_with_it(reader: World) -> None:
    plan = reader.plan("2026-01-10", "2026-01-12")
    assert waits_for(plan)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("status", "detail", "why"),
    [
        (Status.HELD, "1 of 2 checks is not true", "was held: 1 of 2 checks is not true"),
        (Status.FAILED, "no column", "failed: no column"),
        (Status.BLOCKED, "", "is blocked"),
        (Status.CRASHED, "", "is not built: its run crashed"),
    ],
)
def test_a_date_that_did_not_end_well_is_waited_for_with_its_reason(
    reader: World, status: Status, detail: str, why: str
) -> None:
    ended(reader, "2026-01-10", status, detail)
    assert waits_for(reader.plan("2026-01-10")) == {"2026-01-10 +1": [f"scores.predictions 2026-01-10 {why}"]}


def test_the_last_good_partition_is_read_whatever_became_of_a_later_attempt(reader: World) -> None:
    built(reader, "2026-01-10").do("2026-01-10")
    ended(reader, "2026-01-10", Status.HELD, "1 of 2 checks is not true")
    assert reader.plan("2026-01-10").is_empty


@pytest.mark.parametrize("status", [Status.SKIPPED_EMPTY, Status.SKIPPED_NO_POPULATION, Status.SKIPPED_MISSING])
def test_a_skipped_date_is_complete_and_what_follows_it_is_a_change(reader: World, status: Status) -> None:
    ended(reader, "2026-01-10", status)
    assert waits_for(reader.do("2026-01-10")) == {}
    assert reader.plan("2026-01-10").is_empty
    built(reader, "2026-01-10")
    assert reasons_of(reader.plan("2026-01-10"), "filter") == {"2026-01-10": "upstream changed: scores.predictions"}


def test_other_dates_that_look_back_wait_for_the_features_and_not_for_the_other_pipeline(shop: Draft) -> None:
    """prepare needs nothing of scores, so the dates that look back over it go on."""
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    lately = JOINED + " where customer_id not in (select customer_id from {{ history('prepare', days=2) }})"
    world = World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=lately))
    plan = built(world, "2026-01-12").plan("2026-01-10", "2026-01-13")
    waiting = [task.key for task in plan.tasks if task.needs]
    assert waiting == ["2026-01-10 +3", "2026-01-11 +3"]
    assert {(task.key, tuple(step.step for step in task.steps)) for task in plan.tasks if task.level == 0} == {
        (f"2026-01-{each:02}", ("prepare",)) for each in (8, 9, 10, 11, 12)
    }


# -- look-backs --------------------------------------------------------------------------------------------------


def test_a_look_back_over_another_pipeline_needs_its_run_dates_and_no_others(shop: Draft) -> None:
    shop.pipeline("scores", "archive: false\nschedule: {cron: '0 6 * * 1'}", start="2026-01-05", prepare=SPENT)
    past = "select customer_id from {{ ref('prepare') }}, {{ history('scores.prepare', days=14) }} s"
    world = World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=past))
    assert waits_for(world.plan("2026-01-20")) == {
        "2026-01-20 +1": ["scores.prepare 2026-01-12 is not built", "scores.prepare 2026-01-19 is not built"]
    }
    assert waits_for(world.plan("2026-01-05")) == {}, "nothing lies before the start of scores"
    built(world, "2026-01-12", "2026-01-19", table="scores_v1_prepare").do("2026-01-20")
    assert world.plan("2026-01-20").is_empty
    built(world, "2026-01-12", table="scores_v1_prepare", fingerprint="b" * 32)
    assert reasons_of(world.plan("2026-01-20"), "filter") == {"2026-01-20": "upstream changed: scores.prepare"}


def test_a_look_back_over_own_partitions_changes_with_what_those_were_made_from(shop: Draft) -> None:
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    made = "select customer_id, score from {{ ref('scores.predictions') }}"
    late = "select customer_id from {{ history('prepare', days=2) }}"
    world = World(shop.pipeline(settings="archive: false", prepare=made, filter=late))
    built(world, "2026-01-08", "2026-01-09", "2026-01-10").do("2026-01-10")
    assert world.plan("2026-01-10").is_empty
    built(world, "2026-01-09", fingerprint="b" * 32)
    plan = world.plan("2026-01-10")
    assert ("prepare", "2026-01-09") in steps_of(plan)
    assert list(reasons_of(plan, "filter")) == ["2026-01-10"]
    assert list(reasons_of(plan, "prepare")) == ["2026-01-09"]


# -- versions and labels -------------------------------------------------------------------------------------------


def test_a_label_of_another_pipeline_is_built_for_itself(shop: Draft) -> None:
    shop.pipeline("scores", TRAINED, prepare=SPENT, label=REVENUE)
    learns = "select customer_id, revenue from {{ ref('scores.label') }}"
    world = World(shop.pipeline(settings=TRAINED, prepare=SPENT, label=learns))
    ended(world, "2026-01-21", Status.SKIPPED_EMPTY)
    needs = {str(need) for task in world.plan("2026-02-10").tasks for need in task.needs}
    # A skipped date says nothing about a label, which is built for a training alone.
    assert needs == {f"scores.label 2026-01-{each} is not built" for each in (21, 22, 23, 24, 25)}
    assert all(need.apart for task in world.plan("2026-02-10").tasks for need in task.needs)


def test_training_dates_wait_for_their_inputs_and_a_tidied_one_makes_no_model_stale(shop: Draft) -> None:
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    made = "select customer_id, score from {{ ref('scores.predictions') }}"
    world = World(shop.pipeline(settings=TRAINED, prepare=made, label=REVENUE))
    plan = built(world, "2026-02-10").plan("2026-02-10")
    learned = next(task for task in plan.tasks if task.kind == "train").dates
    assert [str(each) for each in learned] == [f"2026-01-{each}" for each in (21, 22, 23, 24, 25)]
    assert {need.day for task in plan.tasks for need in task.needs} == set(learned)
    built(world, *map(str, learned)).do("2026-02-10")
    assert world.plan("2026-02-10").is_empty
    assert tidied(world).plan("2026-02-10").is_empty
    kept = {key: record for key, record in world.facts.partitions.items() if record.step in ("publish", "archive")}
    assert world.know(partitions=kept).plan("2026-02-10").is_empty, "not even where its own features are gone"
    built(world, *map(str, learned), "2026-02-10").do("2026-02-10")
    assert world.plan("2026-02-10").is_empty
    built(world, "2026-01-23", fingerprint="b" * 32)
    trainings = [task.reason for task in world.plan("2026-02-10").tasks if task.kind == "train"]
    assert trainings == ["upstream changed"]


def test_a_model_of_the_crashed_run_itself_is_not_trained_again(shop: Draft) -> None:
    """It was trained from what arrived after the plan was made, so its fingerprint is not the planned one."""
    shop.pipeline("scores", settings="archive: false", prepare=SPENT)
    made = "select customer_id, score from {{ ref('scores.predictions') }}"
    plan = World(shop.pipeline(settings=TRAINED, prepare=made, label=REVENUE)).plan("2026-02-10")
    trained = model(1, day("2026-02-01"), fingerprint="another")

    def trainings(run_id: str) -> int:
        return sum(task.kind == "train" for task in remaining(plan, run_id, {}, (trained,)).tasks)

    assert (trainings(trained.run_id), trainings("another run")) == (0, 1)


def test_many_dates_that_read_another_pipeline_are_planned_as_fast_as_any(reader: World) -> None:
    asked = days("2026-01-01", "2026-10-01")
    plan = built(reader, *map(str, asked)).ask(asked)
    assert len(plan.tasks) == len(asked)
    assert not any(task.needs for task in plan.tasks)
