"""Which rows of its source does a run date see (A1, A2, A4, A6, A19, D5)?"""

from __future__ import annotations

import pytest

from tests.functional.steps.queries import BOUGHT, FOUR_DAYS, WINDOW, who
from tests.projects import SPENT, Shop, day, days, orders_of, outcomes

# -- the window of a run date --------------------------------------------------------------------------------


def test_a_run_date_has_the_rows_of_its_own_window_and_running_it_again_replaces_them_a1(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    for _ in range(2):
        shop.run("ltv", "2026-01-02", "2026-01-05", reprocess="all")
    extracted = shop.query("select run_date, customer_id, amount from ltv_v1_extract order by all")
    assert [(str(row["run_date"]), row["customer_id"]) for row in extracted] == [
        ("2026-01-02", "ann"),
        ("2026-01-03", "bob"),
        ("2026-01-04", "ann"),
    ]


def test_windows_of_a_weekly_pipeline_join_without_gap_or_overlap_d5(shop: Shop) -> None:
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-02-01")))
    shop.pipeline(settings="schedule: {cron: '0 6 * * 1'}", extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-12", "2026-01-27")
    seen = shop.query("select run_date, min(ordered_at) a, max(ordered_at) b from ltv_v1_extract group by 1 order by 1")
    assert [(str(row["run_date"]), str(row["a"]), str(row["b"])) for row in seen] == [
        ("2026-01-12", "2026-01-05", "2026-01-11"),
        ("2026-01-19", "2026-01-12", "2026-01-18"),
        ("2026-01-26", "2026-01-19", "2026-01-25"),
    ]


def test_the_lag_is_declared_and_the_data_date_recorded_a2(shop: Shop) -> None:
    shop.pipeline(settings="schedule: {lag: 2d}", extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-05")
    assert [(str(row["ordered_at"]), row["customer_id"]) for row in shop.table("ltv_v1_extract", "2026-01-05")] == [
        ("2026-01-02", "bob")
    ]
    assert [str(record.data_date) for record in shop.dates().values()] == ["2026-01-02"]


@pytest.mark.parametrize("sharded", [True, False])
def test_dated_and_plain_files_differ_in_configuration_alone_a4(shop: Shop, sharded: bool) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    if sharded:
        for when in ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"):
            rows = [order for order in FOUR_DAYS if order[1] == when]
            shop.orders(*rows, path=f"data/orders_{when.replace('-', '')}.csv")
        shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    result = shop.run("ltv", "2026-01-02", "2026-01-05")
    assert set(outcomes(result).values()) == {"succeeded"}
    assert [who(shop.published("ltv", at)) for at in ("2026-01-02", "2026-01-03", "2026-01-04")] == [
        ["ann"], ["bob"], ["ann"]
    ]  # fmt: skip


PASTED = r'''/* From the old system; "do not touch" -- it said: it's fine
*/
SELECT
  customer_id,   -- who's the customer? {# a note to ourselves #}
  'it''s a \ backslash; -- no comment, @run_date no parameter' AS said,
  "amount" * 1.0 AS spent,
  @run_date AS as_of, DATE '2026-01-02' <= @run_date AS "Odd ""Name"""
FROM {{ source('orders') }}
WHERE ordered_at >= @run_date - 1   -- @run_date's day before yesterday;
;
'''


def test_pasted_sql_works_unchanged_a6(shop: Shop) -> None:
    shop.pipeline(prepare=PASTED)
    result = shop.run("ltv", "2026-01-03")
    assert outcomes(result) == {"2026-01-03": "succeeded"}
    (row,) = shop.published("ltv", "2026-01-03")
    assert row == {
        "customer_id": "bob",
        "said": "it's a \\ backslash; -- no comment, @run_date no parameter",
        "spent": 20.0,
        "as_of": day("2026-01-03"),
        'Odd "Name"': True,
    }


def test_a_source_is_named_in_one_place_a19(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT)
    shop.run("ltv", "2026-01-05")
    before = shop.published("ltv", "2026-01-05")
    (shop.root / "data/orders.csv").rename(shop.root / "data/purchases.csv")
    shop.edit("augury.yml", "data/orders.csv", "data/purchases.csv")
    shop.run("ltv", "2026-01-05", reprocess="all")
    assert shop.published("ltv", "2026-01-05") == before
