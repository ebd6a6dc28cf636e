"""A shop of two pipelines: `targeting` picks customers by what `scores` published for the same run date."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import Shop, days, orders_of

PROJECT = """\
name: shop
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: STRING, ordered_at: DATE, amount: FLOAT64}
"""
SCORED = """\
select customer_id, sum(amount) * {{ var('weight') }} as score
from {{ source('orders') }}
group by customer_id
"""
KNOWN = "select distinct customer_id from {{ source('orders') }}"
PICKED = """\
select customer_id, s.score
from {{ ref('prepare') }}
join {{ ref('scores.predictions') }} as s using (customer_id)
where s.score > 20
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Nothing has run."""
    shop = Shop.at(tmp_path / "shop", PROJECT).orders(
        *orders_of("ab", days("2026-01-01", "2026-02-01")), *orders_of("c", days("2026-01-09", "2026-01-11"))
    )
    shop.pipeline("scores", "end: 2026-02-20\nvars: {weight: 1}\n", start="2026-01-03", prepare=SCORED)
    return shop.pipeline("targeting", "end: 2026-02-20\n", start="2026-01-03", prepare=KNOWN, filter=PICKED)
