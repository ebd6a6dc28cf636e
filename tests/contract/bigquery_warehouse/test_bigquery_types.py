"""Does every type that a column may be declared with come back as it went in, written by a query and by a stream?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import DataRefused
from augury.spec.columns import TYPES, Column
from augury.testing.warehouse_rows import DAY, NEXT, live, stream, write
from augury.warehouses.contract import Warehouse

WALL = datetime(2026, 1, 15, 12, 30, 0, 123456)  # noqa: DTZ001  a wall time
VALUES: dict[str, tuple[str, pa.DataType, list[Any]]] = {
    "STRING": ("'a\\'b\\n\\u2603'", pa.string(), ["a'b\n\N{SNOWMAN}", "", None]),
    "INT64": ("9223372036854775807", pa.int64(), [2**63 - 1, -(2**63), None]),
    "FLOAT64": ("0.1", pa.float64(), [0.1, -1.5e300, None]),
    "NUMERIC": (
        "NUMERIC '99999999999999999999999999999.999999999'",
        pa.decimal128(38, 9),
        [Decimal("99999999999999999999999999999.999999999"), Decimal("-0.000000001"), None],
    ),
    "BOOL": ("TRUE", pa.bool_(), [True, False, None]),
    "DATE": ("DATE '0001-01-01'", pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
    "DATETIME": ("DATETIME '2026-01-15 12:30:00.123456'", pa.timestamp("us"), [WALL, datetime(1, 1, 1), None]),  # noqa: DTZ001
    "TIMESTAMP": (
        "TIMESTAMP '2026-01-15 12:30:00.123456+00'",
        pa.timestamp("us", "UTC"),
        [WALL.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), None],
    ),
    "BYTES": ("b'\\x00\\xff'", pa.binary(), [b"\x00\xff", b"", None]),
}


def test_every_declared_type_is_here() -> None:
    assert set(VALUES) == set(TYPES)


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_comes_back(warehouse: Warehouse, kind: str) -> None:
    sql, arrow, values = VALUES[kind]
    columns = {"v": Column(type=kind), "vs": Column(type=f"ARRAY<{kind}>")}
    warehouse.create(write(columns=columns), f"SELECT 0 AS n, {sql} AS v, [{sql}, {sql}] AS vs")
    assert live(warehouse) == [{"run_date": DAY, "n": 0, "v": values[0], "vs": [values[0], values[0]]}]
    present = [value for value in values if value is not None]
    sent = pa.table(
        {
            "n": pa.array(range(len(values)), pa.int64()),
            "v": pa.array(values, arrow),
            "vs": pa.array([present, [], present[:1]], pa.list_(arrow)),
        }
    )
    warehouse.load(write(day=NEXT, columns=columns), stream(sent))
    with warehouse.read(f"SELECT n, v, vs FROM {warehouse.partition_sql('people', [NEXT])} ORDER BY n") as reader:
        assert reader.schema.field("v").type == arrow
        assert reader.read_all().to_pylist() == sent.to_pylist()


def test_a_record_comes_back(warehouse: Warehouse) -> None:
    record = pa.struct([pa.field("a", pa.int64()), pa.field("b", pa.list_(pa.string()))])
    sent = pa.table({"r": pa.array([{"a": 1, "b": ["x"]}, {"a": None, "b": []}], record)})
    warehouse.load(write(), stream(sent))
    found = live(warehouse)
    assert sorted((row["r"] for row in found), key=str) == sorted(sent["r"].to_pylist(), key=str)
    warehouse.create(write(day=NEXT), "SELECT STRUCT(2 AS a, ['y'] AS b) AS r")
    assert [row["r"] for row in live(warehouse, "people", NEXT)] == [{"a": 2, "b": ["y"]}]


@pytest.mark.parametrize(
    ("values", "declared", "word"),
    [
        (pa.array([2**63], pa.uint64()), "INT64", "does not fit"),
        (pa.array([2**53 + 1], pa.int64()), "FLOAT64", "rounded"),
        (pa.array(["x"]), "INT64", "STRING"),
        (pa.array([[["a"]]]), None, "cannot keep"),
        (pa.array([1], pa.timestamp("ns")), "DATETIME", "does not fit"),
    ],
)
def test_what_would_be_lost_is_refused(warehouse: Warehouse, values: Any, declared: str | None, word: str) -> None:
    columns = {"v": Column(type=declared)} if declared else {}
    with pytest.raises(DataRefused, match=word):
        warehouse.load(write(columns=columns), stream(pa.table({"v": values})))
    assert warehouse.partition("people", DAY) is None
