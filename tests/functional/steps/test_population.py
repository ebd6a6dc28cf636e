"""Who gets a prediction, once each (D3, D4, F1-F3)?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.functional.steps.queries import BOUGHT, NEW, WINDOW, who
from tests.projects import Shop, day, days, orders_of, outcomes

# -- keys ----------------------------------------------------------------------------------------------------


def test_one_row_per_entity_is_checked_and_duplicates_are_named_d3(shop: Shop) -> None:
    shop.pipeline(prepare="select customer_id, amount from {{ source('orders') }}")
    result = shop.run("ltv", "2026-01-05")
    (outcome,) = result.outcomes
    assert (str(outcome.status), int(result.exit_code)) == ("failed", 1)
    assert outcome.error is not None
    assert "ann" in str(outcome.error)
    assert shop.published("ltv", "2026-01-05") == []


def test_dropped_duplicates_are_counted_d4(shop: Shop) -> None:
    shop.pipeline(
        settings="steps: {prepare: {duplicates: drop}}",
        prepare="select customer_id, amount from {{ source('orders') }}",
    )
    assert outcomes(shop.run("ltv", "2026-01-05")) == {"2026-01-05": "succeeded"}
    assert who(shop.published("ltv", "2026-01-05")) == ["ann", "bob", "cid"]
    assert [step.detail for step in shop.steps() if step.step == "prepare"] == ["1 duplicates dropped"]


def test_another_key_than_the_entity_can_be_declared_d3(shop: Shop) -> None:
    shop.pipeline(
        settings="steps: {extract: {unique: [customer_id]}}",
        extract="select * from {{ source('orders') }}",
        prepare="select customer_id, sum(amount) as spent from {{ ref('extract') }} group by 1",
    )
    assert outcomes(shop.run("ltv", "2026-01-05")) == {"2026-01-05": "failed"}


# -- who gets a prediction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_seen", "is_new"),
    [("2025-12-31", True), ("2026-01-01", False), ("2026-01-05", False), ("2026-01-09", False)],
)
def test_a_customer_seen_within_the_last_n_dates_is_not_new_f2(shop: Shop, last_seen: str, is_new: bool) -> None:
    """D is 10 January and N is 9 dates: 1 January is D-9, and being prepared there excludes; 31 December is D-10."""
    bought = str(day(last_seen) - timedelta(days=1))
    shop.orders(("ann", "2026-01-09", 10), ("bob", "2026-01-09", 10), ("ann", bought, 10))
    shop.pipeline(start="2025-12-25", extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "9"))
    shop.run("ltv", "2026-01-10")
    assert who(shop.published("ltv", "2026-01-10")) == (["ann", "bob"] if is_new else ["bob"])


@pytest.mark.parametrize(
    ("cohort", "passes"),
    [
        ("select * from {{ ref('prepare') }}", ["ann", "cid"]),  # everybody
        (NEW.replace("__", "365"), ["cid"]),  # the new ones
        (NEW.replace("__", "365").replace("not in", "in"), ["ann"]),  # those who came back
    ],
)
def test_three_cohorts_f3(shop: Shop, cohort: str, passes: list[str]) -> None:
    shop.orders(("ann", "2026-01-01", 10), ("ann", "2026-01-03", 10), ("cid", "2026-01-03", 10))
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=cohort)
    shop.run("ltv", "2026-01-04")
    assert who(shop.published("ltv", "2026-01-04")) == passes


def test_a_cohort_looks_back_over_all_prepared_dates_of_its_window_f1(shop: Shop) -> None:
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-10"), amount=1))
    often = (
        "select customer_id from {{ history('prepare', days=5) }} group by 1 "
        "having count(*) = 5 and max(run_date) = {{ run_date }} - 1"
    )
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=often)
    result = shop.run("ltv", "2026-01-02", "2026-01-09", max_parallel=2)
    assert outcomes(result) == {
        **{f"2026-01-0{at}": "skipped: no population" for at in (2, 3, 4, 5, 6)},
        "2026-01-07": "succeeded",
        "2026-01-08": "succeeded",
    }
