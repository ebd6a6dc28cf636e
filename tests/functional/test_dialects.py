"""Does a pipeline in BigQuery's SQL do on DuckDB what any pipeline does?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.sql.bigquery.farmhash import fingerprint
from tests.cli_runner import called, refused, rows, worked

PREPARE = """\
# What is known of each customer
SELECT
  customer_id,
  DATE_DIFF(@run_date, MAX(DATE(ordered_at)), DAY) AS recency_days,
  COUNTIF(ordered_at >= TIMESTAMP_SUB({{ cutoff }}, INTERVAL 7 DAY)) AS orders_7d,
  SAFE_DIVIDE(SUM(amount), COUNT(*)) AS mean_amount,
  MOD(ABS(FARM_FINGERPRINT(ANY_VALUE(name))), 10) AS bucket,
  ML.BUCKETIZE(SUM(amount), [5, 50]) AS size
FROM `shop-1.raw.orders`
WHERE name != "it's"
GROUP BY customer_id
"""
FILES = {
    "augury.yml": """\
name: shop
dialect: bigquery
sources:
  orders:
    table: shop-1.raw.orders
    event_time: ordered_at
    columns: {customer_id: INT64, ordered_at: TIMESTAMP, amount: FLOAT64, name: STRING}
targets:
  dev: {sources: {orders: {path: orders.csv}}}
""",
    "pipelines/spend/pipeline.yml": "entity: customer_id\nstart: 2026-01-01\n",
    "pipelines/spend/prepare.sql": PREPARE,
    "pipelines/spend/filter.sql": "SELECT customer_id FROM {{ ref('prepare') }} WHERE recency_days <= 30",
    "pipelines/spend/validation.sql": """\
SELECT COUNT(*) > 0 AS anyone, LOGICAL_AND(version = 'v1') AS first_version FROM {{ staging() }}
""",
}
ORDERS = [
    (1, "2026-01-02 10:00:00+00", 4.0, "ann"),
    (1, "2026-01-09 23:59:59+00", 6.0, "ann"),
    (1, "2026-01-10 00:00:00+00", 999.0, "ann"),
    (2, "2026-01-05 12:00:00+00", 2.5, "bob"),
    (3, "2026-01-05 12:00:00+00", 2.5, "it's"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    lines = ["customer_id,ordered_at,amount,name", *(",".join(map(str, row)) for row in ORDERS), ""]
    for name, text in {**FILES, "orders.csv": "\n".join(lines)}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def edit(shop: Path, old: str, new: str) -> None:
    file = shop / "pipelines" / "spend" / "prepare.sql"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def run(shop: Path, *more: str) -> str:
    return worked(called("run", "spend", "--date", "2026-01-10", *more, folder=shop)).out


def test_bigquerys_sql_gives_bigquerys_answers_at_the_cutoff(shop: Path) -> None:
    run(shop)
    assert rows("select * from spend_v1_prepare order by customer_id", shop) == [
        {
            "run_date": "2026-01-10",
            "customer_id": 1,
            "recency_days": 1,
            "orders_7d": 1,
            "mean_amount": 5.0,
            "bucket": abs(fingerprint(b"ann")) % 10,
            "size": "bin_2",
        },
        {
            "run_date": "2026-01-10",
            "customer_id": 2,
            "recency_days": 5,
            "orders_7d": 1,
            "mean_amount": 2.5,
            "bucket": abs(fingerprint(b"bob")) % 10,
            "size": "bin_1",
        },
    ]


def test_a_tables_own_name_is_as_point_in_time_as_source_is(shop: Path) -> None:
    run(shop)
    by_name = rows("select * from spend_v1_prepare order by customer_id", shop)
    edit(shop, "`shop-1.raw.orders`", "{{ source('orders') }}")
    run(shop)
    assert rows("select * from spend_v1_prepare order by customer_id", shop) == by_name
    edit(shop, "{{ source('orders') }}", "`shop-1`.raw.orders AS o")
    run(shop)
    assert rows("select * from spend_v1_prepare order by customer_id", shop) == by_name


def test_comments_and_layout_change_nothing_and_a_change_is_named_by_its_line(shop: Path) -> None:
    run(shop)
    edit(shop, "# What is known of each customer", "-- other words\n# and 'more`\n/* of \" them */")
    assert "Nothing to do" in worked(called("plan", "spend", "--date", "2026-01-10", folder=shop)).out
    edit(shop, "INTERVAL 7 DAY", "INTERVAL 8 DAY")
    planned = worked(called("plan", "spend", "--date", "2026-01-10", folder=shop)).out
    assert "definition changed: prepare.sql line 7 (orders_7d)" in planned


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("SUM(amount), COUNT(*)", "SUM(amont), COUNT(*)", 6, "amount"),
        ("MAX(DATE(ordered_at))", "MAX(DATTE(ordered_at))", 4, "DATE"),
        ("FROM `shop-1", "FROM UNNEST([STRUCT(1 AS a)]) WITH OFFSETT, `shop-1", 9, ""),
        ("ML.BUCKETIZE", "ML.BUCKETISE", 8, "ML.BUCKETIZE"),
        ("GROUP BY customer_id", "GROUP BY customer_id;\nSELECT 1", 12, "a second statement"),
        ("SELECT\n", "DELETE\n", 2, "not DELETE"),
        ('WHERE name != "it\'s"', 'WHERE name != "it', 10, "never ends"),
    ],
)
def test_a_mistake_is_explained_with_its_line(shop: Path, old: str, new: str, line: int, words: str) -> None:
    edit(shop, old, new)
    answer = called("run", "spend", "--date", "2026-01-10", folder=shop)
    assert answer.code in (1, 2)
    refused(answer, answer.code, f"pipelines/spend/prepare.sql:{line}", words)


def test_a_pipeline_may_differ_from_its_project(shop: Path) -> None:
    other = shop / "pipelines" / "plain"
    other.mkdir()
    (other / "pipeline.yml").write_text("entity: customer_id\nstart: 2026-01-01\ndialect: duckdb\n")
    (other / "prepare.sql").write_text(
        "select customer_id, count(*) filter (where amount > 3) as big from {{ source('orders') }} group by all"
    )
    worked(called("run", "plain", "--date", "2026-01-10", folder=shop))
    assert rows("select customer_id, big from plain_predictions order by 1", shop) == [
        {"customer_id": 1, "big": 2},
        {"customer_id": 2, "big": 0},
        {"customer_id": 3, "big": 0},
    ]


def test_a_target_without_the_table_says_what_it_needs(shop: Path) -> None:
    text = (shop / "augury.yml").read_text("utf-8")
    (shop / "augury.yml").write_text(text.replace("dev: {sources: {orders: {path: orders.csv}}}", "dev: {}"))
    refused(
        called("run", "spend", "--date", "2026-01-10", folder=shop),
        2,
        "shop-1.raw.orders is a table of a warehouse that this target does not use",
        "targets.<name>.sources.<source>.path",
    )


def test_a_snapshot_has_no_window_and_no_outcome(shop: Path) -> None:
    text = (shop / "augury.yml").read_text("utf-8")
    (shop / "augury.yml").write_text(text.replace("event_time: ordered_at", "snapshot: true"))
    edit(shop, "`shop-1.raw.orders`", "{{ window('orders') }}")
    refused(called("validate", folder=shop), 2, "pipelines/spend/prepare.sql:9", "the source is a snapshot")
    edit(shop, "{{ window('orders') }}", "{{ source('orders') }}")
    run(shop)
    (row,) = rows("select mean_amount from spend_v1_prepare where customer_id = 1", shop)
    assert row == {"mean_amount": pytest.approx((4 + 6 + 999) / 3)}
