"""Reference data is read in the version that belongs to the model in use (B5, B6, E4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.projects import REVENUE, Shop, day, days, orders_of, outcomes, reasons_of

MODEL = """\
horizon: 3d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 5d, folds: 1}
"""
"""Mondays: 12 and 19 January 2026."""
PRICED = """\
select o.customer_id, sum(o.amount * p.price)::double as spent, max(p.price) as price
from {{ source('orders') }} o, {{ reference('prices') }} p
group by 1
"""


def prices(shop: Shop, price: int) -> Shop:
    return shop.write("reference/prices.csv", f"name,price\nall,{price}\n")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob", "cid"], days("2026-01-01", "2026-02-01")))
    return prices(made, 1).pipeline(settings=MODEL, prepare=PRICED, label=REVENUE)


def seen(shop: Shop, table: str = "ltv_v1_prepare") -> dict[str, float]:
    """The price that each run date saw."""
    rows: list[dict[str, Any]] = shop.query(f"select distinct run_date, price from {table} order by 1")
    return {str(row["run_date"]): row["price"] for row in rows}


def test_a_date_reads_the_prices_that_its_model_learned_from_b5_b6_e4(shop: Shop) -> None:
    """Who is scored by the model of Monday the 12th sees the prices of that time; the 19th learns the new ones."""
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    shop.run("ltv", "2026-01-14")
    shop.run("ltv", "2026-01-19", "2026-01-21")
    assert seen(shop) == {"2026-01-13": 1, "2026-01-14": 1, "2026-01-19": 3, "2026-01-20": 3}
    first, second = (model.references["prices"] for model in shop.models())
    assert first != second


def test_new_prices_change_nothing_that_an_older_model_decides_b6(shop: Shop) -> None:
    shop.run("ltv", "2026-01-13", "2026-01-15")
    prices(shop, 3)
    assert shop.plan("ltv", "2026-01-13", "2026-01-15").is_empty


def test_training_dates_have_tables_of_their_own_so_that_both_versions_exist_side_by_side_b6(shop: Shop) -> None:
    """The 12th is learned from with the new prices, and was scored with the old ones."""
    shop.run("ltv", "2026-01-14")
    prices(shop, 3)
    shop.run("ltv", "2026-01-19")
    assert seen(shop)["2026-01-14"] == 1
    assert seen(shop, "ltv_v1_train_prepare")["2026-01-14"] == 3
    shop.run("ltv", "2026-01-15")
    assert seen(shop)["2026-01-15"] == 1


def test_the_version_that_a_model_learned_from_outlives_the_file_b6(shop: Shop) -> None:
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    shop.run("ltv", "2026-01-13", reprocess="all")
    assert seen(shop) == {"2026-01-13": 1}
    assert {file.name.partition("-")[0] for file in shop.root.rglob("_references/*.csv")} == {"prices"}


def test_training_again_takes_the_prices_as_they_are_b6(shop: Shop) -> None:
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    shop.train("ltv", "2026-01-12")
    plan = shop.plan("ltv", "2026-01-13")
    assert reasons_of(plan, "prepare") == {"2026-01-13": "upstream changed"}
    assert outcomes(shop.run("ltv", "2026-01-13")) == {"2026-01-13": "succeeded"}
    assert seen(shop) == {"2026-01-13": 3}


def test_a_first_run_reads_the_prices_as_they_are_b6(shop: Shop) -> None:
    shop.run("ltv", "2026-01-13")
    assert seen(shop) == {"2026-01-13": 1}
    assert shop.run("ltv", "2026-01-13").run_id is None


def test_without_a_model_a_change_of_the_file_rebuilds_b6(shop: Shop) -> None:
    shop.pipeline(settings="", prepare=PRICED)
    (shop.root / "pipelines/ltv/label.sql").unlink()
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    assert list(reasons_of(shop.plan("ltv", "2026-01-13"), "prepare")) == ["2026-01-13"]
    shop.run("ltv", "2026-01-13")
    assert seen(shop) == {"2026-01-13": 3}


def test_formulas_after_the_model_read_its_prices_too_b6(shop: Shop) -> None:
    shop.write(
        "pipelines/ltv/post_process.sql",
        "select s.customer_id, s.predicted_revenue, p.price as paid "
        "from {{ ref('predict') }} s, {{ reference('prices') }} p",
    )
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    shop.run("ltv", "2026-01-14")
    assert {row["paid"] for at in ("2026-01-13", "2026-01-14") for row in shop.published("ltv", at)} == {1}


def test_prices_read_only_after_the_model_follow_the_model_as_well_b6(shop: Shop) -> None:
    """No feature reads them, so no table needs a copy; the rows of a date still see the version of their model."""
    shop.pipeline(
        settings=MODEL,
        prepare="select customer_id, sum(amount)::double as spent from {{ source('orders') }} group by 1",
        post_process="select s.customer_id, s.predicted_revenue, p.price as paid "
        "from {{ ref('predict') }} s, {{ reference('prices') }} p",
        label=REVENUE,
    )
    shop.run("ltv", "2026-01-13")
    prices(shop, 3)
    shop.run("ltv", "2026-01-14")
    paid = {at: {row["paid"] for row in shop.published("ltv", at)} for at in ("2026-01-13", "2026-01-14")}
    again = shop.plan("ltv", "2026-01-13", "2026-01-15")
    assert again.is_empty
    assert paid == {"2026-01-13": {1}, "2026-01-14": {1}}
    assert str(day("2026-01-14")) in shop.statuses()
