"""Which work do augury and the hand-written script do? The queries, dates and tables that both share.

Each query is a function of the relations it reads and of the run date, all given as SQL text: augury's
project gets template functions in their place, the script gets paths and literals. So the SQL is the same,
character by character. Money is summed as DECIMAL and rounded at the end, so that results do not depend on
the order of rows and threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

FIRST_DAY = date(2024, 1, 1)
"""First day of transactions."""
DAYS = 540
"""Days of transactions: the oldest of the 30 run dates has its 365-day window full."""
LAST_DATE = FIRST_DAY + timedelta(days=DAYS)
"""The run date that knows every transaction."""
PIPELINE_START = LAST_DATE - timedelta(days=400)
LABEL = "revenue"
PREDICTED = f"predicted_{LABEL}"
HORIZON_DAYS = 90
STEPS = ("prepare", "filter", "predict", "post_process", "validate", "publish", "archive")
"""What happens for one date, in both."""

FEATURES = (
    "orders",
    "orders_90d",
    "orders_30d",
    "spend",
    "spend_90d",
    "spend_30d",
    "largest_order",
    "recency_days",
    "tenure_days",
    "web_orders",
    "gift_orders",
    "weekend_orders",
)


@dataclass(frozen=True)
class Size:
    name: str
    rows: int
    customers: int

    @property
    def folder(self) -> Path:
        return Path(__file__).parent / ".cache" / self.name

    @property
    def orders(self) -> Path:
        return self.folder / "orders.parquet"

    @property
    def model(self) -> Path:
        return self.folder / "model.txt"


SIZES = {
    size.name: size
    for size in (Size("smoke", 6_000, 300), Size("200k", 200_000, 4_000), Size("5M", 5_000_000, 100_000))
}


def last_dates(count: int) -> list[date]:
    """The newest `count` run dates, ascending."""
    return [LAST_DATE - timedelta(days=back) for back in range(count - 1, -1, -1)]


def prepare(orders: str, run_date: str) -> str:
    """Features of everyone who ordered within the 365 days before `run_date`; `orders` ends at the cutoff."""
    return f"""\
SELECT
  o.customer_id,
  count(*) AS orders,
  count(*) FILTER (WHERE o.ordered_at >= {run_date} - INTERVAL 90 DAY) AS orders_90d,
  count(*) FILTER (WHERE o.ordered_at >= {run_date} - INTERVAL 30 DAY) AS orders_30d,
  CAST(sum(o.amount) AS DOUBLE) AS spend,
  CAST(coalesce(sum(o.amount) FILTER (WHERE o.ordered_at >= {run_date} - INTERVAL 90 DAY), 0) AS DOUBLE)
    AS spend_90d,
  CAST(coalesce(sum(o.amount) FILTER (WHERE o.ordered_at >= {run_date} - INTERVAL 30 DAY), 0) AS DOUBLE)
    AS spend_30d,
  CAST(max(o.amount) AS DOUBLE) AS largest_order,
  {run_date} - CAST(max(o.ordered_at) AS DATE) AS recency_days,
  {run_date} - CAST(min(o.ordered_at) AS DATE) AS tenure_days,
  count(*) FILTER (WHERE o.channel = 'web') AS web_orders,
  count(*) FILTER (WHERE o.category = 'gift') AS gift_orders,
  count(*) FILTER (WHERE isodow(o.ordered_at) >= 6) AS weekend_orders
FROM {orders} AS o
WHERE o.ordered_at >= {run_date} - INTERVAL 365 DAY
GROUP BY o.customer_id
"""


def filter_(prepare: str) -> str:
    """Customers who get a prediction: bought lately, and more than once."""
    return f"""\
SELECT p.customer_id
FROM {prepare} AS p
WHERE p.recency_days <= 60 AND p.orders >= 3
"""


def label(orders: str) -> str:
    """What a customer spends over the horizon; `orders` holds exactly those rows."""
    return f"""\
SELECT o.customer_id, CAST(sum(o.amount) AS DOUBLE) AS {LABEL}
FROM {orders} AS o
GROUP BY o.customer_id
"""


def post_process(predict: str) -> str:
    return f"""\
SELECT
  p.customer_id,
  CAST(round(greatest(p.{PREDICTED}, 0), 2) AS DECIMAL(12, 2)) AS {PREDICTED},
  CAST(round(greatest(p.{PREDICTED}, 0) * 0.35, 2) AS DECIMAL(12, 2)) AS predicted_margin,
  CASE WHEN p.{PREDICTED} >= 500 THEN 'high' WHEN p.{PREDICTED} >= 100 THEN 'middle' ELSE 'low' END AS segment
FROM {predict} AS p
"""


def validation(staging: str) -> str:
    return f"""\
SELECT
  count(*) > 0 AS has_rows,
  count(*) = count(DISTINCT s.customer_id) AS one_row_per_customer,
  count(*) = count(s.{PREDICTED}) AS no_missing_values,
  avg(s.{PREDICTED}) BETWEEN 0 AND 1000000 AS average_in_range
FROM {staging} AS s
"""
