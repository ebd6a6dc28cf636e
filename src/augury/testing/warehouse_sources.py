"""What does a warehouse promise about data that it reads and does not own? Part of the suite for warehouses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.warehouse_rows import rows
from augury.warehouses.contract import Bounds, Nulls, SourceState, Warehouse

Lay = Callable[[pa.Table, dict[str, Column]], SourceSpec]
"""Puts rows where the warehouse reads sources, in place of those that were there, and returns the source with its
declared columns. It has a column `at`, which is its event time."""
EVERYTHING = Bounds(None, None, None)
ORDERED = {
    "customer_id": Column(type="INT64", required=True),
    "at": Column(type="DATE"),
    "amount": Column(type="FLOAT64"),
}


def until(day: int) -> Bounds:
    """What a date in January 2026 may see."""
    cutoff = datetime(2026, 1, day, tzinfo=UTC)
    return Bounds(None, cutoff, cutoff)


def orders(*found: tuple[int | None, int | None, float | None]) -> pa.Table:
    """Customer, day of January 2026, amount."""
    return pa.table(
        {
            "customer_id": pa.array([one[0] for one in found], pa.int64()),
            "at": pa.array([one[1] and date(2026, 1, one[1]) for one in found], pa.date32()),
            "amount": pa.array([one[2] for one in found], pa.float64()),
        }
    )


def state_of(warehouse: Warehouse, source: SourceSpec) -> SourceState:
    found = warehouse.source_state(source)
    assert found is not None
    return found


def nulls(warehouse: Warehouse, source: SourceSpec, bounds: Bounds = EVERYTHING) -> tuple[Nulls, ...]:
    return warehouse.nulls(source, state_of(warehouse, source), bounds, "UTC")


class SourcePromises:
    """Part of `WarehouseContract`."""

    @pytest.fixture
    def lay(self) -> Lay:
        raise AssertionError("give your suite a `lay` fixture: augury.testing.warehouse_sources.Lay says what it does")

    def test_a_source_shows_the_rows_before_the_cutoff(self, warehouse: Warehouse, lay: Lay) -> None:
        source = lay(orders((1, 5, 10.0), (2, 8, 20.0)), ORDERED)
        state = state_of(warehouse, source)
        assert [(column.name, column.type) for column in state.columns] == [
            (name, column.type) for name, column in ORDERED.items()
        ]
        for day, seen in ((5, []), (6, [1]), (8, [1]), (9, [1, 2])):
            relation = warehouse.source_sql(source, state, until(day), "UTC")
            found = rows(warehouse, f"SELECT customer_id FROM {relation} AS t ORDER BY 1")
            assert [row["customer_id"] for row in found] == seen

    def test_a_null_in_a_required_column_of_a_source_is_counted_and_shown_c1(
        self, warehouse: Warehouse, lay: Lay
    ) -> None:
        source = lay(orders((1, 5, 10.0), (None, 9, 30.0), (None, 8, 20.0), (2, 9, None)), ORDERED)
        (found,) = nulls(warehouse, source)
        assert (found.column, found.rows) == ("customer_id", 2)
        assert found.sample == {"at": date(2026, 1, 8), "amount": 20.0}

    def test_only_what_a_date_may_see_is_held_against_required_columns(self, warehouse: Warehouse, lay: Lay) -> None:
        source = lay(orders((1, 5, 10.0), (None, 8, 20.0), (None, 9, 30.0)), ORDERED)
        found = [sum(each.rows for each in nulls(warehouse, source, until(day))) for day in (10, 8, 9, 6, 10)]
        assert found == [2, 0, 1, 0, 2]

    def test_a_row_without_its_required_time_is_seen_by_every_date(self, warehouse: Warehouse, lay: Lay) -> None:
        source = lay(orders((1, 5, 10.0), (2, None, 20.0)), {**ORDERED, "at": Column(type="DATE", required=True)})
        for bounds in (until(2), until(9), EVERYTHING):
            assert [(each.column, each.rows) for each in nulls(warehouse, source, bounds)] == [("at", 1)]
        assert nulls(warehouse, lay(orders((1, 5, 10.0), (2, None, 2.0)), ORDERED), until(9)) == ()

    def test_no_row_breaks_no_promise(self, warehouse: Warehouse, lay: Lay) -> None:
        assert nulls(warehouse, lay(orders(), ORDERED), until(9)) == ()

    def test_nulls_are_looked_for_again_once_the_source_changed(self, warehouse: Warehouse, lay: Lay) -> None:
        for customers, missing in (((1, 2), 0), ((1, 2, None), 1), ((1, 2, 3, 4), 0)):
            source = lay(orders(*((customer, 5, 1.0) for customer in customers)), ORDERED)
            assert sum(each.rows for each in nulls(warehouse, source)) == missing
