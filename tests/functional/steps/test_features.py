"""Do training and scoring read the same features, one step after the other (E3, E5, E12)?"""

from __future__ import annotations

import pytest

from tests.functional.steps.queries import BOUGHT, MODEL, WINDOW
from tests.projects import REVENUE, SPENT, Shop, day, days, orders_of

# -- features and the model ----------------------------------------------------------------------------------


def modelled(shop: Shop) -> Shop:
    shop.orders(*orders_of(["ann", "bob", "cid"], days("2026-01-01", "2026-02-01")))
    shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE)
    shop.train("ltv", "2026-01-15")
    return shop


def test_training_and_scoring_read_one_table_of_features_e3(shop: Shop) -> None:
    """The features of a training date are the very partition that the same date is scored from."""
    modelled(shop)
    trained = shop.partitions()["ltv_v1_prepare", day("2026-01-10")]
    shop.now = shop.now.replace(year=2026, month=1, day=20)
    shop.run("ltv", "2026-01-15")
    scored = shop.query("select * exclude predicted_revenue from ltv_v1_predict order by all")
    features = shop.query("select * from ltv_v1_prepare where run_date = '2026-01-15' order by all")
    assert scored == features
    assert shop.partitions()["ltv_v1_prepare", day("2026-01-10")] == trained


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("count(*) as orders", "count(*) as purchases", "orders"),
        ("count(*) as orders", "count(*)::varchar as orders", "orders"),
    ],
    ids=["missing", "another type"],
)
def test_features_are_compared_with_what_the_model_learned_before_anything_is_scored_e5(
    shop: Shop, old: str, new: str, named: str
) -> None:
    """Promoted by hand, so that the model of the old features is the one that must score the new ones."""
    modelled(shop)
    with shop.open() as project:
        project.promote("ltv", 1, from_date=day("2026-01-20"))
    shop.edit("pipelines/ltv/prepare.sql", old, new)
    (outcome,) = shop.run("ltv", "2026-01-20").outcomes
    assert str(outcome.status) == "failed"
    assert outcome.error is not None
    assert (outcome.error.where.step, named in str(outcome.error)) == ("predict", True)
    assert shop.published("ltv", "2026-01-20") == []


def test_steps_run_one_by_one_and_go_on_where_they_were_left_e12(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-02", step="extract")
    assert {step.step for step in shop.steps()} == {"extract"}
    assert shop.published("ltv", "2026-01-02") == []
    result = shop.run("ltv", "2026-01-02")
    assert [step.step for step in shop.steps(result.run_id)] == [
        "prepare", "post_process", "validate", "publish", "archive"
    ]  # fmt: skip
