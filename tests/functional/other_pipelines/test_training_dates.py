"""A model learns from what another pipeline had published for its training dates."""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.events import Event
from tests.cli_runner import called, refused, worked
from tests.functional.other_pipelines.conftest import PROJECT, SCORED
from tests.projects import REVENUE, Shop, days, orders_of, outcomes

LEARNING = """\
end: 2026-02-20
horizon: 3d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 1 * *", every: 1d, window: 6d, folds: 2, seed: 7}
"""
FEATURES = "select customer_id, score from {{ ref('scores.predictions') }}"
NEEDED = [f"2026-01-{day}" for day in (24, 25, 26, 27, 28, 29)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """`value` learns from the scores of six days; nothing has run."""
    shop = Shop.at(tmp_path / "shop", PROJECT)
    shop.orders(*orders_of("abcd", days("2026-01-01", "2026-02-10")), ("e", "2026-01-20", 99.0))
    shop.pipeline("scores", "end: 2026-02-20\nvars: {weight: 1}\n", start="2026-01-03", prepare=SCORED)
    return shop.pipeline("value", LEARNING, start="2026-01-03", prepare=FEATURES, label=REVENUE)


def test_missing_training_dates_are_told_once_with_their_count_and_the_command(shop: Shop) -> None:
    shop.run("scores", "2026-02-03")
    shop.run("scores", "2026-01-26")
    plan = worked(called("plan", "value", "--date", "2026-02-03", folder=shop.root)).out
    assert (
        "note: scores.predictions is not built for 5 dates, 2026-01-24 to 2026-01-29; 5 training dates wait for that. "
        "First: augury backfill scores --start 2026-01-24 --end 2026-01-30"
    ) in plan
    said = refused(
        called("run", "value", "--date", "2026-02-03", folder=shop.root),
        1,
        "scores.predictions is not built for 5 dates, 2026-01-24 to 2026-01-29",
        "Build it: augury backfill scores --start 2026-01-24 --end 2026-01-30",
        "blocked: training of tick 2026-02-01 failed: 2026-01-24 failed: scores.predictions 2026-01-24 is not built",
    )
    assert said.count("error:") == 2
    assert shop.models("value") == []
    train = called("train", "value", "--date", "2026-02-01", folder=shop.root)
    refused(train, 1, "scores.predictions is not built", "augury backfill scores")
    worked(called("backfill", "scores", "--start", "2026-01-24", "--end", "2026-01-30", folder=shop.root))
    worked(called("run", "value", "--date", "2026-02-03", folder=shop.root))
    assert [str(model.tick) for model in shop.models("value")] == ["2026-02-01"]
    assert shop.plan("value", "2026-02-03").is_empty


def test_what_a_model_learned_from_makes_it_stale_when_it_is_rebuilt_and_not_when_it_is_gone(shop: Shop) -> None:
    shop.run("scores", "2026-01-24", "2026-02-04")
    assert outcomes(shop.run("value", "2026-02-03")) == {"2026-02-03": "succeeded"}
    worked(called("state", "reset", "scores", "--yes", folder=shop.root))
    assert shop.plan("value", "2026-02-03").is_empty
    shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
    shop.run("scores", "2026-01-24", "2026-02-04")
    shop.run("value", "2026-02-03")
    assert [str(model.tick) for model in shop.models("value")] == ["2026-02-01", "2026-02-01"]
    assert shop.plan("value", "2026-02-03").is_empty


def test_what_arrives_between_plan_and_training_is_what_the_model_is_known_by(shop: Shop) -> None:
    todo = ["2026-02-04"]

    def listen(_: Event) -> None:
        """At the first event the plan is made, and nothing of it is performed."""
        if todo:
            shop.run("scores", "2026-01-24", todo.pop())

    shop.listeners.append(listen)
    assert outcomes(shop.run("value", "2026-02-03")) == {"2026-02-03": "succeeded"}
    assert shop.plan("value", "2026-02-03").is_empty
    assert len(shop.models("value")) == 1


def test_a_training_by_hand_may_read_the_history_of_another_pipeline(shop: Shop) -> None:
    shop.write(
        "pipelines/value/training.sql",
        """\
        select p.customer_id, p.score, coalesce(l.revenue, 0) as revenue, p.run_date
        from {{ history('scores.predictions', days=6) }} as p
        left join {{ history('label', days=8) }} as l using (customer_id, run_date)
        """,
    )
    shop.run("scores", "2026-02-03")
    refused(
        called("run", "value", "--date", "2026-02-03", folder=shop.root),
        1,
        "value / 2026-02-01 / train: scores.predictions is not built for 6 dates, 2026-01-26 to 2026-01-31",
        "Build it: augury backfill scores --start 2026-01-26 --end 2026-02-01",
    )
    shop.run("scores", "2026-01-26", "2026-02-01")
    worked(called("run", "value", "--date", "2026-02-03", folder=shop.root))
    assert shop.plan("value", "2026-02-03").is_empty
    shop.edit("pipelines/scores/pipeline.yml", "weight: 1", "weight: 2")
    shop.run("scores", "2026-01-26", "2026-02-01")
    trainings = [task.reason for task in shop.plan("value", "2026-02-03").tasks if task.kind == "train"]
    assert trainings == ["upstream changed"]


def test_a_label_may_be_the_outcome_that_another_pipeline_found(shop: Shop) -> None:
    """Its partitions are built for themselves: no published date needs them."""
    same = LEARNING.replace("end: 2026-02-20\n", "end: 2026-02-20\nvars: {weight: 1}\n")
    shop.pipeline("scores", same, start="2026-01-03", prepare=SCORED, label=REVENUE)
    shop.pipeline("value", LEARNING, start="2026-01-03", prepare=SCORED.replace("{{ var('weight') }}", "1"))
    shop.write("pipelines/value/label.sql", "select customer_id, revenue from {{ ref('scores.label') }}")
    refused(
        called("run", "value", "--date", "2026-02-03", folder=shop.root),
        1,
        "scores.label is not built for 6 dates, 2026-01-24 to 2026-01-29",
        "augury backfill scores --start 2026-01-24 --end 2026-01-30 --step label",
    )
    worked(
        called(
            "backfill", "scores", "--start", "2026-01-24", "--end", "2026-01-30", "--step", "label", folder=shop.root
        )
    )
    worked(called("run", "value", "--date", "2026-02-03", folder=shop.root))
    assert len(shop.published("value", "2026-02-03")) == 5
