"""In which order steps run, what waits for what, and which rings are refused (N3, N5)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augury.errors import SpecError
from augury.plan.steps import Task, Wait
from augury.plan.windows import WindowSums
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day, steps_of
from tests.unit.plan.conftest import MODEL
from tests.unit.plan.world import World

NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('prepare', days=365) }})
"""
RELATIVE = "select count(*) >= (select count(*) from {{ published() }}) as enough from {{ staging() }}"


def by_key(world: World, start: str, end: str | None = None) -> dict[str, Task]:
    return {task.key: task for task in world.plan(start, end).tasks}


def names(task: Task) -> list[str]:
    return [step.step for step in task.steps]


def test_steps_of_a_date_follow_what_they_read(shop: Draft) -> None:
    """Whatever their names: `a_last` reads `b_middle`, which reads `prepare`."""
    world = World(
        shop.pipeline(
            extract="select * from {{ window('orders') }}",
            prepare=SPENT,
            b_middle="select * from {{ ref('prepare') }}",
            a_last="select * from {{ ref('b_middle') }}",
            filter="select * from {{ ref('a_last') }}",
            validation="select true as fine from {{ staging() }}",
        )
    )
    (task,) = world.plan("2026-01-05").tasks
    assert names(task) == [
        "extract", "prepare", "b_middle", "a_last", "filter", "post_process", "validate", "publish", "archive"
    ]  # fmt: skip


def test_a_step_that_nothing_reads_is_not_built(shop: Draft) -> None:
    world = World(shop.pipeline(prepare=SPENT, orphan="select * from {{ ref('prepare') }}"))
    assert "orphan" not in {step for step, _ in steps_of(world.plan("2026-01-05"))}


def test_a_filter_over_a_year_waits_for_exactly_its_window_n3(shop: Draft) -> None:
    """30 dates: the filter of each waits for prepare of the dates before it, and for nothing else."""
    world = World(shop.pipeline(start="2026-01-01", prepare=SPENT, filter=NEW))
    tasks = by_key(world, "2026-01-01", "2026-01-31")
    assert {task.level: names(task) for task in tasks.values()} == {
        0: ["prepare"],
        1: ["filter", "post_process", "validate", "publish", "archive"],
    }
    for at in range(30):
        run_date = date(2026, 1, 1) + timedelta(days=at)
        assert tasks[f"{run_date}"].waits == ()
        assert tasks[f"{run_date} +1"].waits == (
            Wait(0, run_date - timedelta(days=365), run_date - timedelta(days=1), ("ltv_v1_prepare",)),
        )


def test_a_short_look_back_plans_the_missing_history_and_nothing_more_m4(shop: Draft) -> None:
    week = NEW.replace("365", "7")
    world = World(shop.pipeline(start="2026-01-01", prepare=SPENT, filter=week))
    plan = world.plan("2026-02-01")
    assert [str(step.day) for step in plan.steps() if step.step == "prepare"] == [
        *(f"2026-01-{at}" for at in range(25, 32)),
        "2026-02-01",
    ]
    assert {str(step.day) for step in plan.steps() if step.step == "filter"} == {"2026-02-01"}
    assert not plan.notes


def test_a_year_of_look_back_begins_365_dates_back_and_ends_the_date_before_f2(shop: Draft) -> None:
    world = World(shop.pipeline(start="2024-01-01", prepare=SPENT, filter=NEW))
    prepared = [step.day for step in world.plan("2026-01-31").steps() if step.step == "prepare"]
    assert (str(prepared[0]), str(prepared[-2]), len(prepared)) == ("2025-01-31", "2026-01-30", 366)


def test_history_that_is_there_is_not_built_again(shop: Draft) -> None:
    world = World(shop.pipeline(start="2026-01-01", prepare=SPENT, filter=NEW.replace("365", "7")))
    world.do("2026-01-20", "2026-01-30")
    plan = world.plan("2026-02-01")
    assert [str(step.day) for step in plan.steps() if step.step == "prepare"] == [
        "2026-01-30",
        "2026-01-31",
        "2026-02-01",
    ]


def test_a_look_back_that_crosses_the_start_is_said(shop: Draft) -> None:
    world = World(shop.pipeline(start="2026-01-01", prepare=SPENT, filter=NEW))
    assert world.plan("2026-01-01").notes == ()
    (note,) = world.plan("2026-01-10").notes
    assert note.startswith("filter looks back 365 days over prepare: for 2026-01-10 that reaches past the start")


def test_history_steps_on_the_grid(shop: Draft) -> None:
    """A weekly pipeline that looks back 21 days reads three Mondays."""
    weekly = World(
        shop.pipeline(
            settings="schedule: {cron: '0 6 * * 1'}", start="2026-01-01", prepare=SPENT, filter=NEW.replace("365", "21")
        )
    )
    plan = weekly.plan("2026-02-02")
    assert [str(step.day) for step in plan.steps() if step.step == "prepare"] == [
        "2026-01-12",
        "2026-01-19",
        "2026-01-26",
        "2026-02-02",
    ]


def test_validation_against_the_published_chains_publishing_and_not_predicting(shop: Draft) -> None:
    world = World(shop.pipeline(settings=MODEL, start="2025-09-01", prepare=SPENT, label=REVENUE, validation=RELATIVE))
    world.do("2026-01-04")
    tasks = by_key(world, "2026-01-05", "2026-01-08")
    for at in ("2026-01-05", "2026-01-06", "2026-01-07"):
        assert names(tasks[at]) == ["prepare", "predict", "post_process"]
        assert tasks[at].waits == ()
        chained = tasks[f"{at} +1"]
        assert names(chained) == ["validate", "publish", "archive"]
        assert chained.waits == (Wait(1, day("2025-09-01"), day(at) - timedelta(days=1)),)


def test_a_step_may_carry_its_own_past_forward(shop: Draft) -> None:
    """Its own history is no ring: each date waits for the one before."""
    carried = SPENT + " -- and the balance\n"
    carried = f"select * from ({SPENT}) o left join {{{{ history('prepare', days=1) }}}} h using (customer_id)"
    world = World(shop.pipeline(prepare=carried))
    (first, second) = world.plan("2026-01-02", "2026-01-04").tasks[-2:]
    assert (first.level, second.level) == (0, 0)
    assert second.waits == (Wait(0, day("2026-01-02"), day("2026-01-02"), ("ltv_v1_prepare",)),)


def test_a_change_in_the_first_date_reaches_the_last_through_a_carried_balance(shop: Draft) -> None:
    """365 dates deep, and still a plan."""
    carried = f"select * from ({SPENT}) o left join {{{{ history('prepare', days=1) }}}} h using (customer_id)"
    world = World(shop.pipeline(start="2025-03-01", prepare=carried))
    plan = world.plan("2026-02-28")
    assert len([step for step in plan.steps() if step.step == "prepare"]) == 365


@pytest.mark.parametrize(
    ("steps", "ring"),
    [
        (
            {"prepare": "select * from {{ ref('extra') }}", "extra": "select * from {{ ref('prepare') }}"},
            ["prepare", "extra", "prepare"],
        ),
        (
            {
                "prepare": SPENT + "union all select * from {{ ref('a_part') }}",
                "a_part": "select * from {{ ref('b_part') }}",
                "b_part": "select * from {{ ref('a_part') }}",
            },
            ["a_part", "b_part", "a_part"],
        ),
        (
            {
                "prepare": SPENT + "union all select * from {{ history('filter', days=7) }}",
                "filter": "select * from {{ ref('prepare') }}",
            },
            ["prepare", "filter", "prepare"],
        ),
    ],
    ids=["two steps", "beside the path", "through history"],
)
def test_a_ring_of_steps_is_refused_and_named(shop: Draft, steps: dict[str, str], ring: list[str]) -> None:
    world = World(shop.pipeline(**steps))
    with pytest.raises(SpecError) as caught:
        world.plan("2026-01-05")
    (problem,) = caught.value.problems
    named = problem.message.rpartition(": ")[2].split(" -> ")
    assert "cycle" in problem.message
    assert (named[0], set(named), len(named)) == (named[-1], set(ring), len(ring))


def test_a_step_that_does_not_exist_is_refused_with_its_file(shop: Draft) -> None:
    world = World(shop.pipeline(prepare="select * from {{ ref('extrat') }}"))
    with pytest.raises(SpecError) as caught:
        world.plan("2026-01-05")
    assert caught.value.problems[0].file == "pipelines/ltv/prepare.sql"


def test_the_future_reaches_features_by_no_detour(shop: Draft) -> None:
    """An intermediate step may read outcomes, but then nothing that is scored may read it."""
    world = World(
        shop.pipeline(
            settings=MODEL,
            spend_ahead=REVENUE,
            prepare="select * from {{ ref('spend_ahead') }}",
            label="select * from {{ ref('spend_ahead') }}",
        )
    )
    with pytest.raises(SpecError, match="knowledge of the future"):
        world.plan("2026-04-05")


def test_a_closed_label_may_be_a_feature(shop: Draft) -> None:
    """history('label') holds the labels that are closed at the cutoff: 30 days and more before it."""
    world = World(
        shop.pipeline(
            settings=MODEL,
            start="2026-01-01",
            prepare="select customer_id, sum(revenue) as before from {{ history('label', days=60) }} group by 1",
            label=REVENUE,
        )
    )
    plan = world.plan("2026-02-10", step="prepare")
    labels = [str(step.day) for step in plan.steps() if step.step == "label"]
    assert labels[0] == "2026-01-01"
    assert labels[-1] == "2026-01-11"


# -- sums over windows ---------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12))
def test_a_sum_over_a_window_is_that_of_its_dates_in_whatever_order_they_are_asked(
    asked: list[tuple[int, int]],
) -> None:
    first = date(2026, 1, 1)
    prints = {first + timedelta(days=at): f"{at * 0x9E3779B97F4A7C15 + 7:x}" for at in range(100)}
    sums = WindowSums(prints.__getitem__)
    for begin, length in asked:
        window = [first + timedelta(days=at) for at in range(begin, begin + length)]
        assert sums.over(window) == WindowSums(prints.__getitem__).over(window)
