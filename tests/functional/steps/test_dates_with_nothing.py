"""How does a date end that has no source, no row or no population (A3, A7, F4)?"""

from __future__ import annotations

import pytest

from tests.functional.steps.queries import BOUGHT, FOUR_DAYS, NEW, WINDOW, who
from tests.projects import SPENT, Shop, day, outcomes, reasons_of

# -- dates that have nothing ---------------------------------------------------------------------------------


def test_an_empty_source_ends_the_date_as_empty_and_not_as_failed_a7(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter="select customer_id from {{ ref('prepare') }}")
    result = shop.run("ltv", "2026-01-07")
    assert outcomes(result) == {"2026-01-07": "skipped: empty"}
    assert int(result.exit_code) == 0
    assert [step.step for step in shop.steps() if str(step.status) == "succeeded"] == []
    assert shop.published("ltv", "2026-01-07") == []
    assert shop.plan("ltv", "2026-01-07").is_empty


def test_an_absent_source_ends_the_date_as_missing_and_a_later_poll_takes_it_up_a3_a7(shop: Shop) -> None:
    (shop.root / "data/orders.csv").unlink()
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: missing"}
    assert shop.dates()[day("2026-01-02")].detail == "source orders is not there"
    assert shop.run("ltv", "2026-01-02").run_id is None
    shop.orders(*FOUR_DAYS)
    assert reasons_of(shop.plan("ltv", "2026-01-02"), "extract") == {"2026-01-02": "missing"}
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "succeeded"}
    assert shop.run("ltv", "2026-01-02").run_id is None
    assert who(shop.published("ltv", "2026-01-02")) == ["ann"]


def test_an_absent_shard_is_missing_and_an_empty_one_is_empty_a3_a4_a7(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    shop.orders(FOUR_DAYS[0], path="data/orders_20260101.csv").orders(path="data/orders_20260102.csv")
    result = shop.run("ltv", "2026-01-02", "2026-01-05")
    assert outcomes(result) == {
        "2026-01-02": "succeeded",
        "2026-01-03": "skipped: empty",
        "2026-01-04": "skipped: missing",
    }
    assert shop.dates()[day("2026-01-04")].detail == "source orders has no shard for 2026-01-03"
    assert shop.run("ltv", "2026-01-02", "2026-01-05").run_id is None
    shop.orders(FOUR_DAYS[2], path="data/orders_20260103.csv")
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-05")) == {"2026-01-04": "succeeded"}


def test_nobody_passes_the_filter_and_later_steps_do_not_happen_f4(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT, filter="select customer_id from {{ ref('prepare') }} where spent > 1000")
    result = shop.run("ltv", "2026-01-05")
    assert outcomes(result) == {"2026-01-05": "skipped: no population"}
    done = {step.step: str(step.status) for step in shop.steps()}
    assert done == {
        "prepare": "succeeded",
        "filter": "skipped: no population",
        **dict.fromkeys(("post_process", "validate", "publish", "archive"), "skipped: no population"),
    }
    assert shop.run("ltv", "2026-01-05").run_id is None


@pytest.mark.parametrize("reason", ["no population", "empty", "missing"])
def test_a_skipped_date_removes_what_an_earlier_run_published_f4(shop: Shop, reason: str) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter="select customer_id from {{ ref('prepare') }} where spent > 0")
    shop.run("ltv", "2026-01-02", "2026-01-04")
    if reason == "no population":
        shop.edit("pipelines/ltv/filter.sql", "> 0", "> 1000")
    elif reason == "empty":
        shop.orders(FOUR_DAYS[3])
    else:
        (shop.root / "data/orders.csv").unlink()
    result = shop.run("ltv", "2026-01-02", reprocess="all")
    assert outcomes(result) == {"2026-01-02": f"skipped: {reason}"}
    for table in ("ltv_v1_predictions", "ltv_v1_predictions_staging", "ltv_archive", "ltv_predictions"):
        assert who(shop.table(table)) == ["bob"], table
    assert shop.table("ltv_v1_filter", "2026-01-02") == []
    assert not list(shop.root.glob(".augury/dev/_latest/*/run_date=2026-01-02"))
    assert shop.run("ltv", "2026-01-02").run_id is None


def test_history_counts_a_skipped_date_as_complete_and_keeps_its_schema_a7(shop: Shop) -> None:
    """The first run date is empty; the filter of the second looks back over it and finds its columns."""
    shop.orders(("ann", "2026-01-02", 10), ("bob", "2026-01-03", 20))
    new = (
        "select customer_id from {{ ref('prepare') }} anti join {{ history('prepare', days=2) }} h using (customer_id)"
    )
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=new)
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-05")) == {
        "2026-01-02": "skipped: empty",
        "2026-01-03": "succeeded",
        "2026-01-04": "succeeded",
    }
    (empty,) = [each for each in shop.tables() if each.name == "ltv_v1_prepare"]
    assert [column.name for column in empty.columns] == ["run_date", "customer_id", "spent"]
    assert (str(empty.first_day), empty.partitions, empty.rows) == ("2026-01-01", 4, 2)


def test_a_date_whose_history_is_missing_is_run_again_when_the_history_arrives(shop: Shop) -> None:
    """2 January's shard comes late: 3 January, which looked back over nothing, says why it is built again."""
    shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    shop.orders(("ann", "2026-01-02", 30), path="data/orders_20260102.csv")
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "2"))
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-04")) == {
        "2026-01-02": "skipped: missing",
        "2026-01-03": "succeeded",
    }
    shop.orders(("ann", "2026-01-01", 10), path="data/orders_20260101.csv")
    assert reasons_of(shop.plan("ltv", "2026-01-03"), "filter") == {"2026-01-03": "upstream changed"}
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-04")) == {
        "2026-01-02": "succeeded",
        "2026-01-03": "skipped: no population",
    }
    assert shop.published("ltv", "2026-01-03") == []


def test_a_date_that_was_only_history_so_far_gets_an_outcome_of_its_own_a7(shop: Shop) -> None:
    """2 January was built, and found empty, as the past of the 3rd: asked for itself it ends as empty, once."""
    shop.orders(("bob", "2026-01-02", 20))
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "1"))
    shop.run("ltv", "2026-01-03")
    assert shop.statuses() == {"2026-01-03": "succeeded"}
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: empty"}
    assert shop.run("ltv", "2026-01-02").run_id is None
