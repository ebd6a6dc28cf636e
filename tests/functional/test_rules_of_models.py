"""Which model scored a date, as its rows say: ticks, grace, gates, people; in any order of dates (G, H, K7, M2)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from augury.errors import UsageError
from augury.events import DateFinished, ModelTrained
from tests.projects import REVENUE, Order, Shop, day, days, outcomes

MODEL = """\
horizon: 3d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 7d, grace: 2d, folds: 2}
"""
"""Mondays are ticks: 5, 12, 19 and 26 January 2026."""
SPENT_LATELY = """\
select customer_id, count(*) as orders, sum(amount)::double as spent
from {{ source('orders') }} where ordered_at >= {{ run_date }} - 7
group by customer_id
"""


def purchases() -> list[Order]:
    """Twelve customers, each with habits of their own: what was spent says what will be."""
    dice = random.Random(7)
    return [
        (f"c{who:02}", str(when), round(who + dice.random(), 2))
        for when in days("2026-01-01", "2026-02-20")
        for who in range(12)
        if dice.random() < 0.6
    ]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop").orders(*purchases()).pipeline(settings=MODEL, prepare=SPENT_LATELY, label=REVENUE)


def gate(shop: Shop, condition: str) -> Shop:
    return shop.edit(
        "pipelines/ltv/pipeline.yml", "missing_label: zero", f"missing_label: zero\n  gate: {{{condition}}}"
    )


def scored(shop: Shop) -> dict[str, str]:
    """Run date to the rule that chose its model, as every row carries it."""
    rows = shop.query("select distinct run_date, model_version, model_rule from ltv_predictions order by 1")
    assert len({row["run_date"] for row in rows}) == len(rows)
    tick_of = {model.number: str(model.tick) for model in shop.models()}
    return {str(row["run_date"]): f"{tick_of[row['model_version']]} ({row['model_rule']})" for row in rows}


# -- ticks and grace -----------------------------------------------------------------------------------------


def test_every_row_says_which_model_scored_it_and_by_which_rule_h5_h6(shop: Shop) -> None:
    """The first model scores at once; after that a model waits two days."""
    shop.run("ltv", "2026-01-12", "2026-01-23", max_parallel=2)
    assert scored(shop) == {
        **{f"2026-01-{at}": "2026-01-05 (tick 2026-01-05)" for at in (12, 13)},
        **{f"2026-01-{at}": "2026-01-12 (tick 2026-01-12)" for at in range(14, 21)},
        **{f"2026-01-{at}": "2026-01-19 (tick 2026-01-19)" for at in (21, 22)},
    }


def test_a_second_run_trains_nothing_and_scores_nothing_m7(shop: Shop) -> None:
    shop.run("ltv", "2026-01-14")
    trained, files = shop.models(), shop.files()
    assert shop.run("ltv", "2026-01-14").run_id is None
    assert (shop.models(), shop.files()) == (trained, files)


def test_training_is_a_command_of_its_own_and_nothing_trains_without_a_schedule_g1(shop: Shop) -> None:
    shop.edit("pipelines/ltv/pipeline.yml", 'schedule: "0 3 * * 1", ', "")
    held = shop.run("ltv", "2026-01-14")
    assert outcomes(held) == {"2026-01-14": "held"}
    assert held.outcomes[0].detail.startswith("no champion")
    assert shop.models() == []
    result = shop.train("ltv", "2026-01-13")
    assert [(str(model.tick), model.passed) for model in result.trained] == [("2026-01-13", True)]
    assert not shop.dates()[day("2026-01-14")].status.complete
    assert outcomes(shop.run("ltv", "2026-01-14")) == {"2026-01-14": "succeeded"}
    assert scored(shop) == {"2026-01-14": "2026-01-13 (tick 2026-01-13)"}


def test_a_model_learns_only_from_labels_that_were_closed_at_its_tick(shop: Shop) -> None:
    shop.train("ltv", "2026-01-19")
    rows = shop.query("select distinct training_date from ltv_v1_training order by 1")
    assert [str(row["training_date"]) for row in rows] == [f"2026-01-{at}" for at in range(10, 17)]


def test_what_happens_after_the_tick_changes_neither_model_nor_prediction_e6(shop: Shop, tmp_path: Path) -> None:
    """The source ends with the tick in one shop and goes on in the other: rows and scores are the same."""
    blind = Shop.at(tmp_path / "blind").orders(*(each for each in purchases() if each[1] < "2026-01-14"))
    blind.pipeline(settings=MODEL, prepare=SPENT_LATELY, label=REVENUE)
    for each in (shop, blind):
        each.run("ltv", "2026-01-14")
    assert shop.published("ltv", "2026-01-14") == blind.published("ltv", "2026-01-14")
    assert shop.models()[0].snapshot == blind.models()[0].snapshot


def test_outcomes_that_take_longer_make_older_training_dates(shop: Shop) -> None:
    shop.edit("pipelines/ltv/pipeline.yml", "every: 1d", "label_delay: 4d, every: 1d")
    shop.train("ltv", "2026-01-19")
    rows = shop.query("select max(training_date) as last from ltv_v1_training")
    assert str(rows[0]["last"]) == "2026-01-12"


def test_a_tick_without_anything_to_learn_from_is_refused_by_train_and_passed_over_by_runs(shop: Shop) -> None:
    with pytest.raises(UsageError, match="no label is closed by then"):
        shop.train("ltv", "2026-01-03")
    assert outcomes(shop.run("ltv", "2026-01-03")) == {"2026-01-03": "held"}


# -- the gate ------------------------------------------------------------------------------------------------


def test_a_candidate_below_its_threshold_scores_nothing_and_the_one_before_goes_on_h7_k7(shop: Shop) -> None:
    """The gate becomes impossible before the second tick: its verdict is written down, the first verdict stays."""
    shop.run("ltv", "2026-01-12")
    gate(shop, "mean_absolute_error: '<= 0.0001'")
    shop.run("ltv", "2026-01-14")
    assert [(str(model.tick), model.passed) for model in shop.models()] == [
        ("2026-01-05", True),
        ("2026-01-12", False),
    ]
    assert scored(shop)["2026-01-14"] == "2026-01-05 (tick 2026-01-05)"
    assert "mean_absolute_error" in shop.models()[1].verdict or "gate <= 0.0001" in shop.models()[1].verdict


def test_a_failed_gate_trains_the_tick_before_where_it_is_missing(shop: Shop) -> None:
    """Nothing is trained yet. 21 January asks for the 19th, which fails; the 12th is trained, and passes."""
    judged: list[str] = []

    def wrap(project: Any) -> None:
        ledger = project._writing.ledger
        finish = ledger.finish_task

        def failing(*args: Any, model: Any = None, **rest: Any) -> Any:
            if model is not None:
                judged.append(str(model.tick))
                if model.tick == day("2026-01-19"):
                    from dataclasses import replace

                    model = replace(model, passed=False, verdict="not good enough")
            return finish(*args, model=model, **rest)

        ledger.finish_task = failing

    shop.wrap = wrap
    result = shop.run("ltv", "2026-01-21")
    assert outcomes(result) == {"2026-01-21": "succeeded"}
    assert judged == ["2026-01-19", "2026-01-12"]
    assert scored(shop) == {"2026-01-21": "2026-01-12 (tick 2026-01-12)"}
    assert [event.status for event in shop.events if isinstance(event, DateFinished)] == ["succeeded"]


def test_where_no_model_passed_the_date_is_held_and_says_which_failed_h7(shop: Shop) -> None:
    gate(shop, "mean_absolute_error: '<= 0.0001'")
    result = shop.run("ltv", "2026-01-14")
    assert (outcomes(result), int(result.exit_code)) == ({"2026-01-14": "held"}, 3)
    (outcome,) = result.outcomes
    assert outcome.error is not None
    assert "no model passed its gate; the newest, model 1" in (outcome.error.why or "")
    told = [event.status for event in shop.events if isinstance(event, DateFinished)]
    assert told == ["held"]
    again = shop.run("ltv", "2026-01-14")
    assert (outcomes(again), again.trained) == ({"2026-01-14": "held"}, ())


def test_beating_the_champion_trains_and_judges_every_tick_oldest_first(shop: Shop) -> None:
    gate(shop, "beats: champion")
    result = shop.run("ltv", "2026-01-28")
    assert [str(model.tick) for model in result.trained] == ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"]
    best = [model for model in result.trained if model.passed][-1]
    assert scored(shop) == {"2026-01-28": f"{best.tick} (tick {best.tick})"}
    assert all("against" in model.verdict for model in result.trained[1:])


def test_everybody_is_told_about_a_training_once(shop: Shop) -> None:
    shop.write(
        "pipelines/ltv/hooks.py",
        """\
        def on_trained(context):
            with open(context.vars["calls"], "a") as file:
                file.write(f"{context.event.tick} {context.event.model_version} {context.event.passed}\\n")
        """,
    )
    calls = shop.root / "calls.txt"
    shop.edit("pipelines/ltv/pipeline.yml", "horizon: 3d", f"horizon: 3d\nvars: {{calls: {calls}}}")
    shop.run("ltv", "2026-01-14")
    assert calls.read_text() == "2026-01-12 1 True\n"
    assert [str(event.tick) for event in shop.events if isinstance(event, ModelTrained)] == ["2026-01-12"]


# -- people --------------------------------------------------------------------------------------------------


def test_promote_and_rollback_count_from_their_date_and_rewrite_nothing_h2(shop: Shop) -> None:
    shop.run("ltv", "2026-01-12", "2026-01-17")
    with shop.open() as project:
        project.promote("ltv", 1, from_date=day("2026-01-17"))
    assert shop.plan("ltv", "2026-01-12", "2026-01-17").is_empty
    shop.run("ltv", "2026-01-17", "2026-01-19")
    with shop.open() as project:
        project.rollback("ltv", number=2, from_date=day("2026-01-19"))
    shop.run("ltv", "2026-01-19", "2026-01-21")
    assert {at: rule for at, rule in scored(shop).items() if at >= "2026-01-16"} == {
        "2026-01-16": "2026-01-12 (tick 2026-01-12)",
        "2026-01-17": "2026-01-05 (promoted from 2026-01-17)",
        "2026-01-18": "2026-01-05 (promoted from 2026-01-17)",
        "2026-01-19": "2026-01-12 (rolled back from 2026-01-19)",
        "2026-01-20": "2026-01-12 (rolled back from 2026-01-19)",
    }


def test_todays_model_scores_the_past_when_asked_to(shop: Shop) -> None:
    """Fresh project: today's tick learns from dates that it then scores."""
    shop.now = shop.now.replace(month=1, day=28)
    result = shop.run("ltv", "2026-01-18", "2026-01-24", model="current", max_parallel=2)
    assert set(outcomes(result).values()) == {"succeeded"}
    assert set(scored(shop).values()) == {"2026-01-26 (current: tick 2026-01-26)"}


# -- the same whatever the order -----------------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["mean_absolute_error: '<= 100'", "beats: champion"])
def test_dates_in_any_order_and_side_by_side_give_the_same_predictions_m2(tmp_path: Path, condition: str) -> None:
    asked = ["2026-01-12", "2026-01-13", "2026-01-15", "2026-01-21", "2026-01-22"]
    shuffled = [asked[at] for at in (3, 0, 4, 2, 1)]
    said = []
    for name, order in (("forward", asked), ("shuffled", shuffled), ("at once", [])):
        shop = Shop.at(tmp_path / name).orders(*purchases())
        gate(shop.pipeline(settings=MODEL, prepare=SPENT_LATELY, label=REVENUE), condition)
        for at in order:
            shop.run("ltv", at)
        if not order:
            shop.run("ltv", "2026-01-12", "2026-01-23", max_parallel=3, order="desc")
        kept = [row for at in asked for row in shop.published("ltv", at)]
        rules = {at: rule for at, rule in scored(shop).items() if at in asked}
        said.append((kept, rules))
    assert said[0] == said[1] == said[2]


# -- held dates and their labels -----------------------------------------------------------------------------


def test_a_held_or_failed_date_still_gives_its_label_to_trainings(shop: Shop) -> None:
    """All dates of a backfill are held, and a later tick learns from them: with their real outcomes, not with zeros."""
    shop.write("pipelines/ltv/validation.sql", "select false as never")
    shop.run("ltv", "2026-01-12", "2026-01-22", max_parallel=2)
    learned = shop.query(
        "select training_date, sum(revenue) > 0 as some from ltv_v1_training where run_date = '2026-01-19' group by 1"
    )
    assert [row["some"] for row in learned] == [True] * 7


def test_a_failed_label_fails_its_training_and_not_the_date_it_is_of(shop: Shop) -> None:
    """Who is scored by that training is blocked with the reason; everybody else is published."""
    breaks = "case when {{ run_date }} = date '2026-01-13' then error('no ' || amount)::double else amount end"
    shop.write("pipelines/ltv/label.sql", REVENUE.replace("amount", breaks))
    result = shop.run("ltv", "2026-01-12", "2026-01-23", max_parallel=2)
    ended = outcomes(result)
    assert {at: ended[at] for at in ("2026-01-12", "2026-01-13", "2026-01-20", "2026-01-21", "2026-01-22")} == {
        "2026-01-12": "succeeded",
        "2026-01-13": "succeeded",
        "2026-01-20": "succeeded",
        "2026-01-21": "blocked",
        "2026-01-22": "blocked",
    }
    assert int(result.exit_code) == 1
    assert [str(error.where) for error in result.failures] == ["ltv / 2026-01-13 / label"]
    blocked = next(each for each in result.outcomes if str(each.run_date) == "2026-01-21")
    assert blocked.detail.startswith("training of tick 2026-01-19 failed: 2026-01-13 failed: ")


def test_a_label_is_not_built_before_it_is_closed(shop: Shop) -> None:
    """A half-closed label would be taken for the whole one by every later training."""
    shop.now = shop.now.replace(month=1, day=14)
    with pytest.raises(UsageError, match="label of 2026-01-13 closes"):
        shop.run("ltv", "2026-01-13", step="label")
    assert outcomes(shop.run("ltv", "2026-01-11", step="label")) == {"2026-01-11": "succeeded"}
