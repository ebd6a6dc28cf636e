"""Of two pipelines, one of which reads the other: in whatever order they run, they end with the same tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.projects import Order, Shop, days

PROJECT = """\
name: shop
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: STRING, ordered_at: DATE, amount: FLOAT64}
"""
SCORED = "select customer_id, sum(amount) as score from {{ window('orders') }} group by customer_id"
SHAPES = {
    "the same date": {
        "prepare": "select distinct customer_id from {{ source('orders') }}",
        "filter": "select customer_id, s.score from {{ ref('prepare') }} "
        "join {{ ref('scores.predictions') }} s using (customer_id)",
    },
    "the dates before": {
        "prepare": "select customer_id, sum(score) as lately, count(*) as times "
        "from {{ history('scores.predictions', days=2) }} group by customer_id",
    },
    "features of the dates before": {
        "prepare": "select customer_id, score from {{ ref('scores.prepare') }}",
        "filter": "select customer_id, score from {{ ref('prepare') }} "
        "where customer_id not in (select customer_id from {{ history('prepare', days=2) }} h)",
    },
}
START, END = "2026-01-02", "2026-01-06"
DATES = list(map(str, days(START, END)))
COLUMNS = "steps: {publish: {columns: {customer_id: STRING, score: FLOAT64}}}"
"""What stands for predictions none of which was ever published."""

orders: st.SearchStrategy[list[Order]] = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(days("2026-01-01", END)).map(str), st.integers(1, 9).map(float)),
    max_size=8,
)
acts = st.lists(st.tuples(st.sampled_from(("scores", "reader")), st.sampled_from(DATES)), max_size=6)


@contextmanager
def shop_of(rows: list[Order], shape: str) -> Iterator[Shop]:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop.at(Path(folder), PROJECT).orders(*rows).pipeline("scores", COLUMNS, start=START, prepare=SCORED)
        yield shop.pipeline("reader", start=START, **SHAPES[shape])


def told(shop: Shop) -> dict[str, Any]:
    """All tables, and how every date ended."""
    return {"scores": shop.statuses("scores"), "reader": shop.statuses("reader"), **shop.contents()}


@settings(
    max_examples=24 if settings.get_current_profile_name() == "ci" else 4,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
)
@given(rows=orders, acts=acts, shape=st.sampled_from(sorted(SHAPES)))
def test_the_order_of_pipelines_does_not_matter_for_their_tables_n5(
    rows: list[Order], acts: list[tuple[str, str]], shape: str
) -> None:
    with shop_of(rows, shape) as plain:
        plain.run("scores", START, END)
        plain.run("reader", START, END)
        expected = told(plain)
        assert plain.plan("reader", START, END).is_empty
    with shop_of(rows, shape) as other:
        for name, day in acts:
            other.run(name, day)
        other.run("reader", START, END)
        other.run("scores", START, END)
        other.run("reader", START, END)
        assert told(other) == expected
        assert other.plan("reader", START, END).is_empty
