"""Which model scores a date: ticks, grace, gate, people; the same in any order of dates (H2, H5, H7, M2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augury.ledger.records import Decision, ModelRecord
from augury.plan.champion import Candidates, Champion, NoChampion, Untrained
from augury.plan.ticks import Ticks
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day, steps_of
from tests.unit.plan.conftest import MODEL
from tests.unit.plan.world import World, decision, model

GRACE = """\
horizon: 7d
model: {type: linear_reg, label: revenue, missing_label: zero, train: {grace: 2d}}
"""
NEVER_STALE: Callable[[ModelRecord], bool] = lambda _: False  # noqa: E731


@pytest.fixture(scope="module")
def manual() -> World:
    """Ticks only where models are; a grace of two days."""
    return World(Draft().pipeline(settings=GRACE, prepare=SPENT, label=REVENUE))


def chosen(world: World, at: str, *models: ModelRecord, decisions: tuple[Decision, ...] = ()) -> str:
    """`number: rule`, or why nobody."""
    ticks = Ticks(world.pipeline, frozenset(each.tick for each in models))
    choice = Candidates.of(ticks, models, decisions).choose(day(at))
    if isinstance(choice, Champion):
        return f"{choice.model.number}: {choice.rule}"
    return choice.why if isinstance(choice, NoChampion) else f"untrained {choice.tick}"


MARCH, MAY = model(1, day("2026-03-01")), model(2, day("2026-05-01"))


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-02-28", "no model has been trained at or before this date"),
        ("2026-03-01", "1: tick 2026-03-01"),  # the only model, used at once
        ("2026-05-01", "1: tick 2026-03-01"),  # the newest is new
        ("2026-05-02", "1: tick 2026-03-01"),  # one day old
        ("2026-05-03", "2: tick 2026-05-01"),  # two days old
        ("2027-01-01", "2: tick 2026-05-01"),
    ],
)
def test_the_newest_model_that_waited_out_its_grace_h5(manual: World, at: str, said: str) -> None:
    assert chosen(manual, at, MARCH, MAY) == said


def test_a_model_that_failed_its_gate_scores_nothing_h7(manual: World) -> None:
    failed = model(2, day("2026-05-01"), passed=False)
    assert chosen(manual, "2026-06-01", MARCH, failed) == "1: tick 2026-03-01"
    assert chosen(manual, "2026-06-01", failed) == ("no model passed its gate; the newest, model 2, did not: too large")


def test_a_tick_that_was_not_trained_for_want_of_rows_scores_nothing_h7(manual: World) -> None:
    """It has a record without a folder, as S4's rows without a model name: nobody may load it."""
    nothing = model(3, day("2026-05-01"), passed=False, sha="")
    assert chosen(manual, "2026-06-01", nothing, MARCH) == "1: tick 2026-03-01"


def test_training_a_tick_again_does_not_double_it_h5(manual: World) -> None:
    again = model(3, MARCH.tick)
    assert chosen(manual, "2026-06-01", MARCH, again) == "3: tick 2026-03-01"
    worse = model(4, MARCH.tick, passed=False)
    assert chosen(manual, "2026-06-01", MARCH, MAY, worse) == "2: tick 2026-05-01"


def test_promote_counts_from_its_date_and_until_the_next_tick_is_ripe_h2(manual: World) -> None:
    failed = model(3, day("2026-05-10"), passed=False)
    promoted = decision("promote", 1, day("2026-06-01"))
    june = model(4, day("2026-06-10"))
    said = {at: chosen(manual, at, MARCH, MAY, failed, june, decisions=(promoted,)) for at in (
        "2026-05-31", "2026-06-01", "2026-06-11", "2026-06-12")}  # fmt: skip
    assert said == {
        "2026-05-31": "2: tick 2026-05-01",
        "2026-06-01": "1: promoted from 2026-06-01",
        "2026-06-11": "1: promoted from 2026-06-01",
        "2026-06-12": "4: tick 2026-06-10",
    }


def test_a_rollback_rewrites_no_past_date_h2(manual: World) -> None:
    rolled = decision("rollback", 1, day("2026-06-01"))
    assert chosen(manual, "2026-05-31", MARCH, MAY, decisions=(rolled,)) == "2: tick 2026-05-01"
    assert chosen(manual, "2026-06-01", MARCH, MAY, decisions=(rolled,)) == "1: rolled back from 2026-06-01"


def test_on_one_date_a_person_outranks_the_schedule_and_a_later_word_an_earlier(manual: World) -> None:
    on_tick = decision("promote", 1, day("2026-05-03"))
    assert chosen(manual, "2026-05-03", MARCH, MAY, decisions=(on_tick,)) == "1: promoted from 2026-05-03"
    back = decision("promote", 2, day("2026-05-03"))
    assert chosen(manual, "2026-05-03", MARCH, MAY, decisions=(on_tick, back)) == "2: promoted from 2026-05-03"


def test_a_decision_about_a_model_that_is_gone_is_passed_over(manual: World) -> None:
    assert chosen(manual, "2026-06-01", MARCH, decisions=(decision("promote", 9, day("2026-05-01")),)) == (
        "1: tick 2026-03-01"
    )


def test_who_a_candidate_must_beat_is_the_newest_earlier_one_that_passed(manual: World) -> None:
    failed = model(3, day("2026-05-10"), passed=False)
    models = (MARCH, MAY, failed)
    candidates = Candidates.of(Ticks(manual.pipeline, frozenset(each.tick for each in models)), models, ())
    beats = [candidates.before(day(at)) for at in ("2026-03-01", "2026-05-01", "2026-05-10", "2026-07-01")]
    assert beats == [None, MARCH, MAY, MAY]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=5, unique_by=lambda each: each[0]),
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 50)), max_size=3),
    st.integers(0, 50),
)
def test_what_comes_later_never_changes_who_scores_a_date_m2(
    manual: World, ticks: list[tuple[int, bool]], promoted: list[tuple[int, int]], at: int
) -> None:
    """Models of later ticks and decisions for later dates are the future: leaving them out gives the same answer."""
    first = day("2026-03-01")
    models = [model(number, first + timedelta(days=after), passed=ok) for number, (after, ok) in enumerate(ticks, 1)]
    decisions = [decision("promote", number, first + timedelta(days=after)) for number, after in promoted]
    run_date = first + timedelta(days=at)
    decisions = [each for each in decisions if int(each.subject) <= len(models)]

    def choose(models: list[ModelRecord], decisions: list[Decision]) -> tuple[str, object]:
        grid = Ticks(manual.pipeline, frozenset(each.tick for each in models))
        choice = Candidates.of(grid, models, decisions).choose(run_date)
        return type(choice).__name__, choice.model if isinstance(choice, Champion) else None

    named = {int(each.subject) for each in decisions if each.effective_from and each.effective_from <= run_date}
    known = [each for each in models if each.tick <= run_date or each.number in named]
    past = [each for each in decisions if each.effective_from and each.effective_from <= run_date]
    # A promoted model of a later tick is knowledge of the person who promoted it, not of the rules.
    assert choose(models, decisions) == choose(known, past)


# -- through the planner -------------------------------------------------------------------------------------------


def trained(world: World) -> list[str]:
    return [str(each.tick) for each in world.facts.models]


@pytest.fixture
def monthly() -> World:
    """A model on the first of each month; label of 30 days; grace of two days."""
    return World(Draft().pipeline(settings=MODEL, prepare=SPENT, label=REVENUE))


def test_a_plan_trains_the_tick_that_its_dates_need_and_no_other(monthly: World) -> None:
    monthly.do("2026-06-02", "2026-06-05")
    assert trained(monthly) == ["2026-05-01", "2026-06-01"]
    assert monthly.scored_by() == {"2026-06-02": "2026-05-01", "2026-06-03": "2026-06-01", "2026-06-04": "2026-06-01"}


def test_a_failed_gate_falls_back_to_the_newest_earlier_tick_and_trains_it_when_needed(monthly: World) -> None:
    monthly.gate = lambda tick: tick < day("2026-05-01")
    first = monthly.do("2026-06-10")
    assert [str(task.day) for task in first.tasks if task.kind == "train"] == ["2026-06-01"]
    assert trained(monthly) == ["2026-06-01", "2026-05-01", "2026-04-01"]
    assert monthly.scored_by() == {"2026-06-10": "2026-04-01"}


def test_where_no_gate_was_passed_nothing_is_scored_and_nothing_is_trained_twice(monthly: World) -> None:
    monthly.gate = lambda _: False
    monthly.do("2026-04-10")
    ticks = trained(monthly)
    assert (ticks, monthly.scored_by()) == (["2026-04-01", "2026-03-01", "2026-02-01"], {})
    again = monthly.plan("2026-04-10")
    assert not [task for task in again.tasks if task.kind == "train"]


def test_beating_the_champion_needs_every_tick_before_oldest_first(monthly: World) -> None:
    monthly.shop.edit("pipelines/ltv/pipeline.yml", "label: revenue", "label: revenue\n  gate: {beats: champion}")
    plan = monthly.plan("2026-05-10")
    assert [str(task.day) for task in plan.tasks if task.kind == "train"] == [
        "2026-02-01",
        "2026-03-01",
        "2026-04-01",
        "2026-05-01",
    ]


@pytest.mark.parametrize("beats", ["", "\n  gate: {beats: champion}"], ids=["thresholds", "beats champion"])
@settings(max_examples=8)
@given(order=st.permutations(["2026-03-02", "2026-04-02", "2026-04-03", "2026-06-10", "2026-05-20"]))
def test_dates_in_any_order_are_scored_by_the_same_ticks_m2(beats: str, order: list[str]) -> None:
    """The gate fails May: who scores is decided by the calendar, not by which date was asked for first."""
    shop = Draft().pipeline(
        settings=MODEL.replace("label: revenue", f"label: revenue{beats}"), prepare=SPENT, label=REVENUE
    )
    world = World(shop, gate=lambda tick: tick.month != 5)
    for at in order:
        world.do(at)
    assert world.scored_by() == {
        "2026-03-02": "2026-02-01",
        "2026-04-02": "2026-03-01",
        "2026-04-03": "2026-04-01",
        "2026-05-20": "2026-04-01",
        "2026-06-10": "2026-06-01",
    }
    assert all(world.plan(at).is_empty for at in order)


def test_the_current_model_scores_a_past_date_only_when_asked(monthly: World) -> None:
    monthly.know(now=datetime(2026, 6, 20, 9, tzinfo=UTC))
    monthly.do("2026-06-20")
    monthly.do("2026-04-10")
    assert monthly.scored_by() == {"2026-04-10": "2026-04-01", "2026-06-20": "2026-06-01"}
    plan = monthly.plan("2026-04-10", model="current")
    assert ("predict", "2026-04-10") in steps_of(plan)
    assert not [task for task in plan.tasks if task.kind == "train"]
    assert {str(task.tick) for task in plan.tasks} == {"2026-06-01"}


def test_a_stale_model_is_trained_again_before_it_scores(monthly: World) -> None:
    monthly.do("2026-04-10")
    ticks = Ticks(monthly.pipeline, frozenset())
    choice = Candidates.of(ticks, monthly.facts.models, ()).choose(day("2026-04-10"), lambda _: True)
    assert choice == Untrained(date(2026, 4, 1))
