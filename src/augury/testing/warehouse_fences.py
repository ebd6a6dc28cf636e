"""What must every warehouse do with a writer whose lock somebody took over? A part of `WarehouseContract`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import ExitCode, Fenced
from augury.fences import Fence
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, stream, write
from augury.warehouses.contract import Warehouse

LOCK = "ltv-v1-2026-01-15"
OLD, NEW = Fence(LOCK, 7), Fence(LOCK, 8)


class FencePromises:
    def test_the_owner_of_a_lock_writes(self, warehouse: Warehouse) -> None:
        for fence in (None, OLD, NEW):
            if fence is not None:
                warehouse.raise_fence(fence)
                warehouse.raise_fence(fence)
            warehouse.create(write("staging", fence=fence), PEOPLE)
            warehouse.publish("staging", DAY, write("predictions", fence=fence))
            assert ids(live(warehouse, "predictions")) == [1, 2]
            assert warehouse.remove("predictions", DAY, fence=fence)

    def test_who_lost_a_lock_changes_nothing(self, warehouse: Warehouse) -> None:
        """The new owner need not have written anything."""
        warehouse.raise_fence(OLD)
        for table in ("staging", "people"):
            warehouse.create(write(table, fence=OLD), PEOPLE)
        warehouse.raise_fence(NEW)
        rows = pa.table({"customer_id": [9], "name": ["zoe"]})
        late: list[Callable[[], Any]] = [
            lambda: warehouse.create(write(run_id="run_2", fence=OLD), "SELECT 9 AS customer_id, 'zoe' AS name"),
            lambda: warehouse.load(write(run_id="run_2", fence=OLD), stream(rows)),
            lambda: warehouse.publish("staging", DAY, write("people", run_id="run_2", fence=OLD)),
            lambda: warehouse.publish("staging", DAY, write("predictions", fence=OLD)),
            lambda: warehouse.remove("people", DAY, fence=OLD),
            lambda: warehouse.raise_fence(OLD),
        ]
        before = warehouse.partition("people", DAY)
        for each in late:
            with pytest.raises(Fenced) as caught:
                each()
            assert caught.value.exit_code is ExitCode.LOCKED
        assert warehouse.partition("people", DAY) == before
        assert warehouse.partition("predictions", DAY) is None
        warehouse.create(write(run_id="run_3", fence=NEW), "SELECT 3 AS customer_id, 'cat' AS name")
        assert ids(live(warehouse)) == [3]

    def test_a_lock_is_lost_while_the_rows_are_on_their_way(self, warehouse: Warehouse) -> None:
        """What counts is the moment at which readers would begin to see them."""
        warehouse.raise_fence(OLD)
        rows = pa.table({"customer_id": [9], "name": ["zoe"]})

        def batches() -> Iterator[pa.RecordBatch]:
            yield from rows.to_batches()
            warehouse.raise_fence(NEW)

        with pytest.raises(Fenced):
            warehouse.load(write(fence=OLD), pa.RecordBatchReader.from_batches(rows.schema, batches()))
        assert warehouse.partition("people", DAY) is None

    def test_locks_do_not_know_each_other(self, warehouse: Warehouse) -> None:
        warehouse.raise_fence(OLD)
        warehouse.raise_fence(Fence("ltv-v1-2026-01-16", 99))
        warehouse.create(write(fence=OLD), PEOPLE)
        warehouse.create(write(day=NEXT, fence=Fence("never-raised", 1)), PEOPLE)
        assert len(live(warehouse, "people", DAY, NEXT)) == 4

    def test_of_two_owners_at_once_the_rows_are_of_one_and_in_the_end_of_the_last(self, warehouse: Warehouse) -> None:
        began, over = Event(), Event()
        refused: list[Fenced] = []

        def old_owner() -> None:
            n = 0
            while not over.is_set():
                n += 1
                try:
                    warehouse.create(write(run_id=f"old_{n}", fence=OLD), "SELECT 1 AS customer_id, 'old' AS name")
                except Fenced as error:
                    refused.append(error)
                began.set()

        warehouse.raise_fence(OLD)
        thread = Thread(target=old_owner)
        thread.start()
        began.wait(60)
        warehouse.raise_fence(NEW)
        warehouse.create(write(run_id="new", fence=NEW), "SELECT 2 AS customer_id, 'new' AS name")
        seen = {live(warehouse)[0]["name"] for _ in range(20)}
        over.set()
        thread.join()
        assert (seen, live(warehouse)[0]["name"]) == ({"new"}, "new")
