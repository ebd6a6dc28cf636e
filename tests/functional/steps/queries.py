"""Orders of four days, and the queries that the stories of this room are made of."""

from __future__ import annotations

from typing import Any

WINDOW = "select * from {{ window('orders') }}"
"""Raw rows of the day."""
BOUGHT = "select customer_id, sum(amount) as spent from {{ ref('extract') }} group by customer_id"
BOUGHT_EVER = "select customer_id, sum(amount)::double as spent from {{ source('orders') }} group by 1"
NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('prepare', days=__) }})
"""
FOUR_DAYS = (
    ("ann", "2026-01-01", 10),
    ("bob", "2026-01-02", 20),
    ("ann", "2026-01-03", 30),
    ("cid", "2026-01-04", 40),
)
MODEL = """\
horizon: 3d
model: {type: linear_reg, label: revenue, missing_label: zero, train: {every: 1d, window: 7d, folds: 1}}
"""


def who(rows: list[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]
