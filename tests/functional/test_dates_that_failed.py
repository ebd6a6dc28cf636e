"""What a date that did not end well leaves alone, and what it is called until it does (K5, M3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, worked
from tests.projects import SPENT, Shop, outcomes

TYPED = """\
name: shop
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: STRING, ordered_at: DATE, amount: FLOAT64}
"""
NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('filter', days=2) }})
"""
BOUGHT = "select customer_id, sum(amount) as spent from {{ window('orders') }} group by customer_id"
DECLARED = "steps: {filter: {columns: {customer_id: STRING}}}"
SPAN = ("--start", "2026-01-03", "--end", "2026-01-04")
RANGE = ("--start", "2026-01-02", "--end", "2026-01-05")


@pytest.fixture
def quiet(tmp_path: Path) -> Shop:
    """2 to 4 January were run: only the 3rd had a customer, and the filter looks back at itself."""
    shop = Shop.at(tmp_path / "shop", TYPED).orders(("ann", "2026-01-02", 10))
    shop.pipeline(settings=DECLARED, prepare=BOUGHT, filter=NEW)
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-05")) == {
        "2026-01-02": "skipped: empty",
        "2026-01-03": "succeeded",
        "2026-01-04": "skipped: empty",
    }
    return shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """3 January is published."""
    made = Shop.at(tmp_path / "shop", TYPED).orders(("ann", "2026-01-02", 10)).pipeline(prepare=SPENT)
    made.run("ltv", "2026-01-03")
    return made


def fail(shop: Shop) -> None:
    """The SQL is broken, and 3 January fails."""
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount)", "sum(totl)")
    refused(called("run", "ltv", "--date", "2026-01-03", folder=shop.root), 1, "totl")


def test_a_date_without_rows_is_not_failed_by_a_filter_that_others_read_of_it(quiet: Shop) -> None:
    """The filter is broken: dates without rows have nothing to filter and stay as they are, those that read theirs are
    blocked, and the counts add up."""
    quiet.edit("pipelines/ltv/filter.sql", "where", "where totl > 0 and")
    answer = called("backfill", "ltv", *RANGE, "--output", "json", folder=quiet.root)
    refused(answer, 1, "ltv / 2026-01-01 / filter", "totl")
    run = answer.document["run"]
    assert run["up_to_date"] == ["2026-01-02", "2026-01-04"]
    assert run["counts"] == {"blocked": 1, "up to date": 2}
    assert quiet.statuses() == {
        "2026-01-02": "skipped: empty",
        "2026-01-03": "blocked",
        "2026-01-04": "skipped: empty",
    }
    again = called("backfill", "ltv", *RANGE, "--output", "json", folder=quiet.root)
    assert (again.code, again.document["run"]["counts"]) == (1, {"blocked": 1, "up to date": 2})


def test_reprocess_missing_leaves_a_failed_date_and_does_not_call_it_published_m3(shop: Shop) -> None:
    fail(shop)
    asked = (*SPAN, "--reprocess", "missing")
    for command in ("plan", "backfill"):
        said = worked(called(command, "ltv", *asked, folder=shop.root)).out
        assert said == "Nothing to do: ltv 2026-01-03 was tried before; --reprocess missing leaves it as it is.\n"
    run = worked(called("backfill", "ltv", *asked, "--output", "json", folder=shop.root)).document["run"]
    assert (run["up_to_date"], run["left"], run["counts"]) == ([], ["2026-01-03"], {"left as they are": 1})


def test_reprocess_counts_what_it_leaves_apart_from_what_is_up_to_date_m3(shop: Shop) -> None:
    fail(shop)
    asked = ("--start", "2026-01-03", "--end", "2026-01-05", "--reprocess", "missing")
    shop.edit("pipelines/ltv/prepare.sql", "sum(totl)", "sum(amount)")
    assert "2 dates: 2026-01-03 to 2026-01-04 (end excluded), 1 to build, 1 left as they are" in (
        worked(called("plan", "ltv", *asked, folder=shop.root)).out
    )
    done = worked(called("backfill", "ltv", *asked, folder=shop.root))
    assert "1 to build, 1 left as they are" in done.err
    assert "1 published, 0 held, 0 failed, 1 left as they are" in done.out


def test_a_failed_date_is_run_again_though_its_tables_are_as_wanted(shop: Shop) -> None:
    """The edit is undone: what is published is what the SQL says, and a run says so after it looked."""
    fail(shop)
    shop.edit("pipelines/ltv/prepare.sql", "sum(totl)", "sum(amount)")
    said = worked(called("plan", "ltv", "--date", "2026-01-03", folder=shop.root)).out
    assert "not finished before: failed" in said
    assert "published  ltv_predictions, run_date 2026-01-03: 1 customer" in (
        worked(called("run", "ltv", "--date", "2026-01-03", folder=shop.root)).out
    )
    assert shop.statuses() == {"2026-01-03": "succeeded"}
    assert "Nothing to do" in worked(called("run", "ltv", "--date", "2026-01-03", folder=shop.root)).out


def test_a_held_date_is_asked_again_though_its_tables_are_as_wanted(shop: Shop) -> None:
    """All of it was done again, a check said no, and nothing is different since: it still says no."""
    shop.write("pipelines/ltv/validation.sql", "select count(*) < 2 as few from {{ staging() }}")
    worked(called("run", "ltv", "--date", "2026-01-03", folder=shop.root))
    shop.orders(("ann", "2026-01-02", 10), ("bob", "2026-01-02", 10))
    refused(called("backfill", "ltv", *SPAN, "--reprocess", "all", folder=shop.root), 3, "few")
    refused(called("run", "ltv", "--date", "2026-01-03", folder=shop.root), 3, "few")
    assert [row["customer_id"] for row in shop.published("ltv", "2026-01-03")] == ["ann"]


def test_a_failed_date_whose_source_goes_away_fails_again_and_stays_published_k5(shop: Shop) -> None:
    fail(shop)
    before = shop.published("ltv", "2026-01-03", everything=True)
    (shop.root / "data/orders.csv").unlink()
    answer = called("run", "ltv", "--date", "2026-01-03", folder=shop.root)
    refused(answer, 1, "ltv / 2026-01-03: source orders is not there", "what was published before stays")
    assert shop.statuses() == {"2026-01-03": "failed"}
    assert shop.published("ltv", "2026-01-03", everything=True) == before


SHARDED = """\
name: shop
sources: {orders: {path: "data/orders_{date}.csv", event_time: ordered_at}}
"""


def test_a_look_back_that_cannot_be_built_again_takes_nothing_from_what_is_published_k5(tmp_path: Path) -> None:
    """The features of the 3rd were cleaned away, and the file that they were made from is gone."""
    shop = Shop.at(tmp_path / "shop", SHARDED)
    for at in range(1, 5):
        shop.orders(("ann", f"2026-01-0{at}", 10), path=f"data/orders_2026010{at}.csv")
    shop.pipeline(
        prepare=BOUGHT,
        filter="select customer_id from {{ ref('prepare') }} "
        "where customer_id not in (select customer_id from {{ history('prepare', days=1) }} where spent > 100)",
    )
    worked(called("run", "ltv", "--date", "2026-01-03", folder=shop.root))
    before = shop.published("ltv", "2026-01-03", everything=True)
    worked(called("clean", "ltv", "--step", "prepare", *SPAN, "--yes", folder=shop.root))
    (shop.root / "data/orders_20260102.csv").unlink()
    refused(called("run", "ltv", "--date", "2026-01-04", folder=shop.root), 1, "source")
    assert shop.published("ltv", "2026-01-03", everything=True) == before
    assert shop.statuses() == {"2026-01-03": "succeeded", "2026-01-04": "blocked"}
