"""Whatever the data: twice = once, any order = day by day, crash then resume = uninterrupted, late = fresh."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.crashing import DIED, Children
from tests.projects import REVENUE, Order, Shop, day, days

BOUGHT = "select customer_id, count(*) as orders, sum(amount) as spent from {{ window('orders') }} group by customer_id"
EVER = "select customer_id, count(*) as orders, sum(amount) as spent from {{ source('orders') }} group by customer_id"
SHAPES: dict[str, dict[str, str]] = {
    "everybody": {"prepare": EVER},
    "new customers": {
        "extract": "select * from {{ window('orders') }}",
        "prepare": "select customer_id, sum(amount) as spent from {{ ref('extract') }} group by customer_id",
        "filter": "select customer_id from {{ ref('prepare') }} "
        "where customer_id not in (select customer_id from {{ history('prepare', days=3) }})",
    },
    "a balance carried on": {
        "prepare": f"select customer_id, coalesce(o.spent, 0) + coalesce(h.spent, 0) as spent from ({BOUGHT}) o "
        "full join (select customer_id, spent from {{ history('prepare', days=1) }}) h using (customer_id)",
    },
    "compared with the day before": {
        "prepare": EVER,
        "validation": "select count(*) <= (select count(*) from {{ published() }}) + 1 as slowly from {{ staging() }}",
    },
}
BALANCE = "steps: {prepare: {columns: {customer_id: STRING, spent: FLOAT64}}}"
"""What stands for the past of a step on its very first date."""
TYPED = """\
name: shop
sources:
  orders:
    path: data/orders.csv
    event_time: ordered_at
    columns: {customer_id: STRING, ordered_at: DATE, amount: FLOAT64}
"""
"""A file without rows says nothing about its types."""
START, END = "2026-01-02", "2026-01-08"


def real(examples: int) -> settings:
    """Every example is whole runs on a real warehouse: few, more in CI, and none is shrunk, which takes minutes."""
    more = 3 if settings.get_current_profile_name() == "ci" else 1
    return settings(max_examples=more * examples, phases=[Phase.explicit, Phase.reuse, Phase.generate], print_blob=True)


amounts = st.integers(1, 50).map(float)
orders: st.SearchStrategy[list[Order]] = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(days("2026-01-01", END)).map(str), amounts), max_size=14
)
shapes = st.sampled_from(sorted(SHAPES))


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def shop_of(root: Path, rows: list[Order], shape: str) -> Shop:
    settings = BALANCE if shape == "a balance carried on" else ""
    return Shop.at(root, TYPED).orders(*rows).pipeline(settings=settings, **SHAPES[shape])


def told(shop: Shop) -> dict[str, Any]:
    """Everything that a person could find in the tables, apart from when and by which run it was made."""
    return {"dates": shop.statuses(), **shop.contents()}


@real(3)
@given(orders, shapes)
def test_running_twice_is_running_once_d1_m7(rows: list[Order], shape: str) -> None:
    """The second run writes no file and changes no table, and a forced third one changes no row. What was held is asked
    again, and says the same."""
    with folder() as root:
        shop = shop_of(root, rows, shape)
        shop.run("ltv", START, END, max_parallel=2)
        first, files = told(shop), shop.files()
        again = shop.run("ltv", START, END)
        if again.run_id is None:
            assert shop.files() == files
        else:
            assert {str(each.status) for each in again.outcomes} == {"held"}
        assert told(shop) == first
        shop.run("ltv", START, END, reprocess="all")
        assert told(shop) == first


@real(3)
@given(orders, shapes.filter(lambda shape: shape != "compared with the day before"), st.data())
def test_any_order_and_any_number_at_a_time_is_day_by_day_m3(
    rows: list[Order], shape: str, data: st.DataObject
) -> None:
    asked = [str(each) for each in days(START, END)]
    with folder() as root:
        forward = shop_of(root / "forward", rows, shape)
        for at in asked:
            forward.run("ltv", at)
        other = shop_of(root / "other", rows, shape)
        first = data.draw(st.permutations(asked))[: data.draw(st.integers(0, 3))]
        for at in first:
            other.run("ltv", at)
        order = data.draw(st.sampled_from(["asc", "desc"]))
        other.run("ltv", START, END, max_parallel=data.draw(st.integers(1, 3)), order=order)
        assert told(other) == told(forward)


@real(2)
@given(orders, st.integers(1, 3))
def test_publishing_in_a_chain_is_the_same_for_any_number_at_a_time_k3(rows: list[Order], parallel: int) -> None:
    """What a date is compared with is the latest published before it, so a range is that of day by day."""
    with folder() as root:
        forward = shop_of(root / "forward", rows, "compared with the day before")
        for at in days(START, END):
            forward.run("ltv", str(at))
        other = shop_of(root / "other", rows, "compared with the day before")
        other.run("ltv", START, END, max_parallel=parallel)
        assert told(other) == told(forward)


@real(3)
@given(orders, orders, shapes.filter(lambda shape: shape != "compared with the day before"))
def test_taking_late_rows_in_equals_a_fresh_build(rows: list[Order], late: list[Order], shape: str) -> None:
    with folder() as root:
        shop = shop_of(root / "shop", rows, shape)
        shop.run("ltv", START, END, max_parallel=2)
        shop.orders(*rows, *late)
        shop.run("ltv", START, END, refresh_late=True, max_parallel=2)
        fresh = shop_of(root / "fresh", [*rows, *late], shape)
        fresh.run("ltv", START, END, max_parallel=2)
        assert told(shop) == told(fresh)
        assert shop.run("ltv", START, END, refresh_late=True).run_id is None


# -- crashes -------------------------------------------------------------------------------------------------

LEARNS = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 3d, folds: 1}
"""
"""Monday 12 January is the tick of the dates below."""
RICH = {
    "extract": "select * from {{ window('orders') }}",
    "prepare": EVER,
    "filter": "select customer_id from {{ ref('prepare') }} "
    "where customer_id in (select customer_id from {{ history('prepare', days=2) }})",
    "label": REVENUE,
    "validation": "select count(*) > 0 and (select count(*) from {{ published() }}) > 0 as some from {{ staging() }}",
}
CRASH_START, CRASH_END = "2026-01-12", "2026-01-14"


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as made:
        yield made


def rich_shop(root: Path) -> Shop:
    rows = [
        (who, str(when), float(ord(who) + at))
        for at, when in enumerate(days("2026-01-01", "2026-01-20"))
        for who in "abc"
    ]
    return Shop.at(root).orders(*rows).pipeline(settings=LEARNS, **RICH)


@pytest.fixture(scope="module")
def uninterrupted(children: Children, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What a run leaves that nothing disturbs, and how many points it passes."""
    shop = rich_shop(tmp_path_factory.mktemp("whole"))
    code, points = children.run(shop.root, CRASH_START, CRASH_END)
    assert code == 0
    whole = told(shop)
    assert whole["dates"] == dict.fromkeys([CRASH_START, "2026-01-13"], "succeeded")
    return whole, points


@real(4)
@given(data=st.data())
def test_crashing_anywhere_and_running_again_is_running_through(
    children: Children, uninterrupted: tuple[dict[str, Any], int], data: st.DataObject
) -> None:
    """Once or twice in a row. Readers of the crashed project see no date that is not whole."""
    whole, points = uninterrupted
    with folder() as root:
        shop = rich_shop(root)
        for _ in range(data.draw(st.integers(1, 2))):
            code, _ = children.run(root, CRASH_START, CRASH_END, data.draw(st.integers(1, points)))
            assert code in (DIED, 0)
            seen = shop.contents().get("ltv_v1_predictions", [])
            assert all(row in whole["ltv_v1_predictions"] for row in seen)
        result = shop.run("ltv", CRASH_START, CRASH_END)
        assert not result.failures
        assert told(shop) == whole
        assert {str(run.status) for run in shop.runs()} <= {"succeeded", "crashed"}
        assert shop.run("ltv", CRASH_START, CRASH_END).run_id is None
        assert {model.number for model in shop.models()} == {1}
        assert all(at in (day(CRASH_START), day("2026-01-13")) for at in shop.dates())


# -- who is told ---------------------------------------------------------------------------------------------

TELLS = """\
def on_completed(context):
    with open(context.vars["calls"], "a") as file:
        file.write(f"{context.run_date}\\n")
"""
TOLD_START, TOLD_END = "2026-01-03", "2026-01-06"


def telling_shop(root: Path) -> Shop:
    shop = Shop.at(root).orders(("ann", "2026-01-01", 10), ("bob", "2026-01-02", 20))
    return shop.pipeline(settings=f"vars: {{calls: {root / 'calls.txt'}}}", prepare=EVER, hooks=TELLS)


@pytest.fixture(scope="module")
def points(children: Children, tmp_path_factory: pytest.TempPathFactory) -> int:
    """At how many points a run that nothing disturbs may die."""
    code, points = children.run(telling_shop(tmp_path_factory.mktemp("told")).root, TOLD_START, TOLD_END)
    assert code == 0
    return points


@real(5)
@given(data=st.data())
def test_crashing_anywhere_every_date_is_told_and_again_only_by_a_crash_j6(
    children: Children, points: int, data: st.DataObject
) -> None:
    with folder() as root:
        shop, crashes = telling_shop(root), 0
        for _ in range(data.draw(st.integers(1, 2))):
            code, _ = children.run(root, TOLD_START, TOLD_END, data.draw(st.integers(1, points)))
            crashes += code == DIED
        shop.run("ltv", TOLD_START, TOLD_END)
        told = Counter((root / "calls.txt").read_text().split())
        assert told.keys() == {str(at) for at in days(TOLD_START, TOLD_END)}
        assert told.total() <= len(told) + crashes
        shop.run("ltv", TOLD_START, TOLD_END)
        assert Counter((root / "calls.txt").read_text().split()) == told
