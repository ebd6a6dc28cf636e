"""What lies in tables and logs after runs: enough to ask about any date, and nothing twice (B, D, L, M, R, S, T)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.projects import SPENT, Shop, days, outcomes

ORDERS = (("ann", "2026-01-01", 10), ("bob", "2026-01-02", 20), ("ann", "2026-01-03", 30))
RAW = "select customer_id, ordered_at, amount from {{ window('orders') }}"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Raw rows of the day, features of everybody so far, and a doubled value to publish."""
    shop = Shop.at(tmp_path / "shop").orders(*ORDERS)
    return shop.pipeline(
        extract=RAW,
        prepare=SPENT,
        post_process="select customer_id, spent * 2 as worth from {{ ref('prepare') }}",
    )


def test_a_first_run_on_an_empty_warehouse_works_b11(shop: Shop) -> None:
    assert not (shop.root / ".augury").exists()
    assert outcomes(shop.run("ltv", "2026-01-03")) == {"2026-01-03": "succeeded"}


def test_every_step_keeps_a_table_with_a_partition_per_date_b1_b2_l4(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02", "2026-01-05")
    three = list(days("2026-01-02", "2026-01-05"))
    kept = {table for table, _ in shop.partitions()}
    assert kept == {
        "ltv_v1_extract",
        "ltv_v1_prepare",
        "ltv_v1_predictions_staging",
        "ltv_v1_predictions",
        "ltv_archive",
    }
    for table in kept:
        found = shop.query(f"select distinct run_date from {table} order by 1")
        assert [row["run_date"] for row in found] == three


def test_what_was_extracted_stays_beside_what_was_made_of_it_b10(shop: Shop) -> None:
    shop.run("ltv", "2026-01-03")
    raw = shop.table("ltv_v1_extract", "2026-01-03")
    assert [(row["customer_id"], row["amount"]) for row in raw] == [("bob", 20)]
    shop.edit("pipelines/ltv/post_process.sql", "* 2", "* 3")
    shop.run("ltv", "2026-01-03")
    assert shop.table("ltv_v1_extract", "2026-01-03") == raw


def test_running_again_never_adds_and_touches_no_other_date_d1_d2_d7_b17(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02", "2026-01-05")
    before = shop.table("ltv_v1_predictions", "2026-01-02", everything=True)
    shop.edit("pipelines/ltv/post_process.sql", "* 2", "* 3")
    shop.run("ltv", "2026-01-04")
    shop.run("ltv", "2026-01-04")
    assert shop.published("ltv", "2026-01-04") == [
        {"customer_id": "ann", "worth": 120},
        {"customer_id": "bob", "worth": 60},
    ]
    assert shop.table("ltv_v1_predictions", "2026-01-02", everything=True) == before
    twice = "select customer_id, run_date from ltv_predictions group by all having count(*) > 1"
    assert shop.query(twice) == []


def test_every_partition_row_and_log_names_its_run_b9_b12_r4_r5_r7(shop: Shop) -> None:
    result = shop.run("ltv", "2026-01-03")
    run_id = result.run_id
    assert {record.run_id for record in shop.partitions().values()} == {run_id}
    assert all(record.built_at == shop.now for record in shop.partitions().values())
    (row, *_) = shop.table("ltv_v1_predictions", "2026-01-03", everything=True)
    assert (row["run_id"], row["predicted_at"], row["run_date"]) == (run_id, shop.now, date(2026, 1, 3))
    (run,) = shop.runs()
    assert (run.run_id, run.started_at, str(run.status)) == (run_id, shop.now, "succeeded")
    (told,) = shop.query("select run_id, status, published from augury_runs")
    assert told == {"run_id": run_id, "status": "succeeded", "published": 1}
    log = (shop.root / ".augury" / "dev" / "_logs" / f"{run_id}.ndjson").read_text("utf-8")
    assert {json.loads(line)["run_id"] for line in log.splitlines()} == {run_id}


def test_a_run_by_hand_months_later_equals_the_one_of_the_morning_s7_m9(shop: Shop, tmp_path: Path) -> None:
    morning = Shop(shop.root, now=datetime(2026, 1, 4, 6, tzinfo=UTC))
    morning.run("ltv", "2026-01-04")
    rows = morning.published("ltv", "2026-01-04")
    later = Shop.at(tmp_path / "later").orders(*ORDERS, ("ann", "2026-01-04", 500), ("eve", "2026-03-01", 1))
    for file in ("extract.sql", "prepare.sql", "post_process.sql", "pipeline.yml"):
        later.write(f"pipelines/ltv/{file}", (shop.root / "pipelines" / "ltv" / file).read_text("utf-8"))
    later.now = datetime(2026, 6, 1, tzinfo=UTC)
    later.run("ltv", "2026-01-04")
    assert later.published("ltv", "2026-01-04") == rows


def test_an_edit_is_run_without_building_anything_else_t14(shop: Shop) -> None:
    shop.run("ltv", "2026-01-03")
    shop.edit("pipelines/ltv/post_process.sql", "* 2", "* 3")
    result = shop.run("ltv", "2026-01-03")
    built = [step.step for step in shop.steps(result.run_id)]
    assert built == ["post_process", "validate", "publish", "archive"]
    assert [row["worth"] for row in shop.published("ltv", "2026-01-03")] == [30, 60]


def test_a_year_of_dates_that_look_back_is_backfilled_m6(tmp_path: Path) -> None:
    first = date(2025, 1, 1)
    year = [first + timedelta(days=at) for at in range(366)]
    shop = Shop.at(tmp_path / "shop").orders(*(("ann", str(day), at % 7) for at, day in enumerate(year)))
    shop.pipeline(
        start="2025-01-02",
        prepare="select customer_id, sum(amount) as spent from {{ window('orders') }} group by customer_id",
        post_process="""
            select today.customer_id, count(*) as dates, sum(before.spent) as spent
            from {{ ref('prepare') }} as today
            join {{ history('prepare', days=28) }} as before using (customer_id)
            group by all
            union all
            select customer_id, 0, 0 from {{ ref('prepare') }} where {{ run_date }} = date '2025-01-02'
        """,
    )
    result = shop.run("ltv", "2025-01-02", "2026-01-02", max_parallel=2)
    assert result.counts == {"succeeded": 365}
    found = shop.query("select run_date, dates, spent from ltv_predictions order by run_date")
    assert [row["run_date"] for row in found] == list(days("2025-01-02", "2026-01-02"))
    spent = [at % 7 for at in range(366)]  # by the day before each run date
    for at, row in enumerate(found):
        window = spent[max(at - 28, 0) : at]
        assert (row["dates"], row["spent"]) == (len(window), sum(window))
    assert shop.run("ltv", "2025-01-02", "2026-01-02").counts == {"up to date": 365}
