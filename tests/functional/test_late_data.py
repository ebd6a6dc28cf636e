"""Rows that arrive after the date that should have known them: seen, reported, and rebuilt where somebody says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import REVENUE, SPENT, Order, Shop, outcomes, reasons_of

FIRST: tuple[Order, ...] = tuple(("ann", f"2026-01-0{at}", 10) for at in range(1, 9))
LATE: Order = ("bob", "2026-01-04", 99)
LEARNS = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 0 8 * *", every: 1d, window: 3d, folds: 1}
"""
REBUILDS = "name: shop\nsources: {orders: {path: data/orders.csv, event_time: ordered_at, late: {rebuild: 2d}}}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop").orders(*FIRST).pipeline(prepare=SPENT)


def fresh(shop: Shop, at: Path) -> Shop:
    """The same files, never run."""
    other = Shop.at(at)
    for path in ("augury.yml", "data/orders.csv", "pipelines/ltv/pipeline.yml", "pipelines/ltv/prepare.sql"):
        other.write(path, (shop.root / path).read_text("utf-8"))
    return other


def test_late_rows_are_reported_with_their_day_and_rebuild_nothing_by_themselves(shop: Shop) -> None:
    shop.run("ltv", "2026-01-03", "2026-01-08")
    shop.orders(*FIRST, LATE)
    plan = shop.plan("ltv", "2026-01-03", "2026-01-08")
    said = "late data: orders changed for 2026-01-04 after dates had used it; take it in with --refresh late"
    assert (plan.is_empty, plan.notes) == (True, (said,))
    assert shop.run("ltv", "2026-01-03", "2026-01-08").run_id is None
    assert shop.plan("ltv", "2026-01-03", "2026-01-08").notes == (said,)


def test_refreshing_rebuilds_exactly_the_dates_that_knew_the_day_and_equals_a_fresh_build(
    shop: Shop, tmp_path: Path
) -> None:
    shop.run("ltv", "2026-01-03", "2026-01-08")
    shop.orders(*FIRST, LATE)
    plan = shop.plan("ltv", "2026-01-03", "2026-01-08", refresh_late=True)
    assert reasons_of(plan, "prepare") == dict.fromkeys(
        ["2026-01-05", "2026-01-06", "2026-01-07"], "late data: orders 2026-01-04"
    )
    result = shop.run("ltv", "2026-01-03", "2026-01-08", refresh_late=True)
    assert list(outcomes(result)) == ["2026-01-05", "2026-01-06", "2026-01-07"]
    anew = fresh(shop, tmp_path / "fresh")
    anew.run("ltv", "2026-01-03", "2026-01-08")
    for at in range(3, 8):
        assert shop.published("ltv", f"2026-01-0{at}") == anew.published("ltv", f"2026-01-0{at}")
    assert shop.run("ltv", "2026-01-03", "2026-01-08", refresh_late=True).run_id is None


def test_a_rule_rebuilds_with_the_next_run_and_then_never_again(shop: Shop) -> None:
    shop.write("augury.yml", REBUILDS)
    shop.run("ltv", "2026-01-03", "2026-01-08")
    shop.orders(*FIRST, LATE)
    result = shop.run("ltv", "2026-01-03", "2026-01-08")
    assert list(outcomes(result)) == ["2026-01-05", "2026-01-06"]
    assert shop.run("ltv", "2026-01-03", "2026-01-08").run_id is None
    assert [row["customer_id"] for row in shop.published("ltv", "2026-01-06")] == ["ann", "bob"]
    assert [row["customer_id"] for row in shop.published("ltv", "2026-01-07")] == ["ann"]


@pytest.mark.parametrize(
    ("change", "late_days"),
    [
        ("more", "2026-01-04"),
        ("another amount", "2026-01-04"),
        ("fewer", "2026-01-04"),
        ("another order", None),
        ("new day", None),
    ],
)
def test_what_counts_as_a_change_of_a_day(shop: Shop, change: str, late_days: str | None) -> None:
    """Rows that came, went or differ; not the order of rows in the file, nor days that nobody has used yet."""
    shop.run("ltv", "2026-01-03", "2026-01-08")
    others = FIRST[:3] + FIRST[4:]
    shop.orders(
        *{
            "more": (*FIRST, LATE),
            "another amount": (*others, ("ann", "2026-01-04", 11)),
            "fewer": others,
            "another order": FIRST[::-1],
            "new day": (*FIRST, ("ann", "2026-01-20", 1)),
        }[change]
    )
    notes = shop.plan("ltv", "2026-01-03", "2026-01-08").notes
    assert [late_days in note if late_days else note for note in notes] == ([True] if late_days else [])


def test_late_rows_before_the_window_of_a_date_do_not_concern_it(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT.replace("source(", "window("))
    shop.run("ltv", "2026-01-03", "2026-01-08")
    shop.orders(*FIRST, LATE)
    plan = shop.plan("ltv", "2026-01-03", "2026-01-08", refresh_late=True)
    assert list(reasons_of(plan, "prepare")) == ["2026-01-05"]


def test_late_data_reaches_the_features_and_through_them_whatever_reads_their_history(shop: Shop) -> None:
    grown = (
        "select p.customer_id from {{ ref('prepare') }} p join {{ history('prepare', days=1) }} h using (customer_id)"
    )
    shop.pipeline(prepare=SPENT.replace("source(", "window("), filter=grown)
    shop.run("ltv", "2026-01-03", "2026-01-08")
    shop.orders(*FIRST, LATE)
    plan = shop.plan("ltv", "2026-01-03", "2026-01-08", refresh_late=True)
    assert reasons_of(plan, "filter") == {"2026-01-05": "upstream changed", "2026-01-06": "upstream changed"}


def test_a_date_that_is_run_again_for_another_reason_takes_late_rows_in(shop: Shop) -> None:
    shop.run("ltv", "2026-01-05")
    shop.orders(*FIRST, LATE)
    shop.run("ltv", "2026-01-05", reprocess="all")
    assert len(shop.published("ltv", "2026-01-05")) == 2
    assert shop.plan("ltv", "2026-01-05").notes == ()


def test_late_outcomes_retrain_where_the_rule_says_so(shop: Shop) -> None:
    """A purchase arrives late inside the horizon of a training date: label, model and predictions follow."""
    shop.write("augury.yml", REBUILDS.replace("2d", "30d"))
    shop.pipeline(settings=LEARNS, prepare=SPENT, label=REVENUE)
    shop.run("ltv", "2026-01-08")
    shop.orders(*FIRST, ("ann", "2026-01-07", 500))
    plan = shop.plan("ltv", "2026-01-08")
    assert reasons_of(plan, "label") == {"2026-01-06": "late data: orders 2026-01-07"}
    assert [task.reason for task in plan.tasks if task.kind == "train"] == ["upstream changed"]
    shop.run("ltv", "2026-01-08")
    assert [(str(model.tick), model.rows) for model in shop.models()] == [("2026-01-08", 3), ("2026-01-08", 3)]
    assert shop.run("ltv", "2026-01-08").run_id is None


def test_what_was_known_at_a_time_stays_known_whatever_arrives_later(tmp_path: Path) -> None:
    """With known_at a backfill of an old date sees only what had arrived by then."""
    shop = Shop.at(
        tmp_path, "name: shop\nsources: {orders: {path: data/orders.csv, event_time: ordered_at, known_at: came}}\n"
    )
    shop.write(
        "data/orders.csv",
        "customer_id,ordered_at,came,amount\nann,2026-01-02,2026-01-02,1\nbob,2026-01-02,2026-01-05,2\n",
    )
    shop.pipeline(prepare=SPENT)
    shop.run("ltv", "2026-01-04", "2026-01-07")
    assert {at: [row["customer_id"] for row in shop.published("ltv", at)] for at in (
        "2026-01-04", "2026-01-05", "2026-01-06")} == {
        "2026-01-04": ["ann"], "2026-01-05": ["ann"], "2026-01-06": ["ann", "bob"]
    }  # fmt: skip
