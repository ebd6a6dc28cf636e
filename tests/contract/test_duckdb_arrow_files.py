"""When Arrow's own writer makes a file: is it one that is good to read, and are streams that it cannot keep left to
the engine?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from augury.testing.warehouse_rows import DAY, live, stream, write
from augury.warehouses.contract import Warehouse
from tests.contract.duckdb_room import opened


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """One that has loaded often enough."""
    warehouse = opened(tmp_path)
    for _ in range(5):
        warehouse.load(write("before"), stream(pa.table({"n": [1]})))
    yield warehouse
    warehouse.close()


def written_by_arrow(path: str) -> bool:
    return str(pq.read_metadata(path).created_by).startswith("parquet-cpp-arrow")


def test_many_small_batches_become_one_row_group(warehouse: Warehouse) -> None:
    table = pa.table({"customer_id": pa.array(range(1000), pa.int64())})
    partition = warehouse.load(write(unique=("customer_id",)), stream(table, 7)).partition
    assert written_by_arrow(partition.path)
    assert pq.read_metadata(partition.path).num_row_groups == 1
    assert partition.rows == 1000


def test_the_recorded_columns_are_those_that_the_engine_reads(warehouse: Warehouse) -> None:
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    table = pa.table(
        {
            "small": pa.array([1, None], pa.int8()),
            "count": pa.array([2**63, None], pa.uint64()),
            "ratio": pa.array([0.1, None], pa.float32()),
            "price": pa.array([-0.0, float("inf")], pa.float64()),
            "flag": pa.array([True, None]),
            "text": pa.array(["", None]),
            "day": pa.array([DAY, None], pa.date32()),
            "wall": pa.array([now.replace(tzinfo=None), None], pa.timestamp("us")),
            "at": pa.array([now, None], pa.timestamp("us", "UTC")),
        }
    )
    partition = warehouse.load(write(), stream(table)).partition
    assert written_by_arrow(partition.path)
    assert warehouse.describe(f"FROM {warehouse.partition_sql('people', [DAY])}") == partition.columns
    assert [{**row, "run_date": DAY} for row in table.to_pylist()] == [
        dict(row) for row in sorted(live(warehouse), key=lambda row: row["small"] is None)
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a"]], pa.list_(pa.string())),
        pa.array(["a"]).dictionary_encode(),
        pa.array([1], pa.timestamp("ns")),
        pa.array([None], pa.null()),
    ],
    ids=str,
)
def test_what_may_come_back_as_something_else_goes_through_the_engine(warehouse: Warehouse, column: pa.Array) -> None:
    partition = warehouse.load(write(), stream(pa.table({"value": column}))).partition
    assert not written_by_arrow(partition.path)


def test_columns_that_need_a_cast_go_through_the_engine(warehouse: Warehouse) -> None:
    from augury.spec.columns import Column

    table = pa.table({"value": pa.array([1], pa.int32())})
    partition = warehouse.load(write(columns={"value": Column(type="FLOAT64")}), stream(table)).partition
    assert not written_by_arrow(partition.path)
    assert [(column.name, column.type) for column in partition.columns][1:] == [("value", "FLOAT64")]
