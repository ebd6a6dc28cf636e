"""What does a warehouse promise about the rows and columns of one write? The half of the suite that refuses
things."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import DataRefused, NamespaceError, QueryRefused, UsageError
from augury.names import quote
from augury.spec.columns import Column
from augury.warehouses.contract import Warehouse, Write

DAY = date(2026, 1, 15)
NEXT = DAY + timedelta(days=1)
STRANGE = ('a"b', "a;b", "{a}", "a\\b")
"""Columns that DuckDB and PostgreSQL may have, and BigQuery may not."""
PEOPLE = "SELECT 1 AS customer_id, 'ann' AS name UNION ALL SELECT 2, 'bob'"


def write(table: str = "people", day: date | None = DAY, run_id: str = "run_1", **more: Any) -> Write:
    """A write with the fields that a test does not care about filled in."""
    return Write(table=table, day=day, run_id=run_id, fingerprint=more.pop("fingerprint", "f"), **more)


def rows(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
    with warehouse.read(sql) as reader:
        found: list[dict[str, Any]] = reader.read_all().to_pylist()
    return found


def live(warehouse: Warehouse, table: str = "people", *days: date) -> list[dict[str, Any]]:
    """Rows of the live partitions of `days`, ordered by all their columns."""
    relation = warehouse.partition_sql(table, days or (DAY,))
    return sorted(rows(warehouse, f"SELECT * FROM {relation} AS t"), key=str)


def stream(table: pa.Table, batch_rows: int = 2) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch_rows))


def ids(found: list[dict[str, Any]]) -> list[Any]:
    return sorted(row["customer_id"] for row in found)


class RowPromises:
    """Part of `WarehouseContract`."""

    @pytest.mark.parametrize(
        ("columns", "sql", "named"),
        [
            ({"age": "INT64"}, PEOPLE, ["age", "INT64"]),  # missing
            ({"nam": "STRING"}, PEOPLE, ["nam", "name"]),  # misspelt
            ({"customer_id": "STRING"}, PEOPLE, ["customer_id", "STRING"]),  # another type
            ({"n": "INT64"}, "SELECT 1.5 AS n", ["n", "INT64"]),  # would be rounded
            ({"name": "BOOL"}, PEOPLE, ["name", "BOOL", "STRING"]),
        ],
    )
    def test_declared_columns_are_enforced_c1(
        self, warehouse: Warehouse, columns: dict[str, str], sql: str, named: list[str]
    ) -> None:
        warehouse.create(write(), "SELECT 7 AS customer_id")
        declared = {name: Column(type=kind) for name, kind in columns.items()}
        with pytest.raises(DataRefused) as refused:
            warehouse.create(write(columns=declared), sql)
        for word in named:
            assert word in str(refused.value)
        assert ids(live(warehouse)) == [7]

    def test_required_columns_have_no_null_c1(self, warehouse: Warehouse) -> None:
        declared = {"name": Column(type="STRING", required=True)}
        warehouse.create(write(columns=declared), PEOPLE)
        with pytest.raises(DataRefused, match="name"):
            warehouse.create(write(columns=declared), f"{PEOPLE} UNION ALL SELECT 3, NULL")
        assert ids(live(warehouse)) == [1, 2]

    def test_a_narrower_type_becomes_the_declared_one(self, warehouse: Warehouse) -> None:
        declared = {"customer_id": Column(type="INT64"), "score": Column(type="FLOAT64")}
        written = warehouse.create(write(columns=declared), "SELECT 1 AS customer_id, 2 AS score, 3 AS more")
        kinds = {column.name: column.type for column in written.partition.columns}
        assert (kinds["customer_id"], kinds["score"]) == ("INT64", "FLOAT64")
        assert "more" in kinds

    @pytest.mark.parametrize("sql", ["SELECT 1 AS a, 2 AS a", "SELECT 1 AS a, 2 AS A"])
    def test_two_columns_of_one_name_are_refused(self, warehouse: Warehouse, sql: str) -> None:
        with pytest.raises(DataRefused, match="'a'"):
            warehouse.create(write(), sql)
        assert warehouse.partition("people", DAY) is None

    def test_duplicate_keys_are_refused_with_samples_d3(self, warehouse: Warehouse) -> None:
        warehouse.create(write(unique=("customer_id",)), PEOPLE)
        with pytest.raises(DataRefused, match=r"customer_id 2 \(3 rows\)"):
            warehouse.create(
                write(unique=("customer_id",)), f"{PEOPLE} UNION ALL SELECT 2, 'c' UNION ALL SELECT 2, 'd'"
            )
        with pytest.raises(DataRefused, match="NULL"):
            warehouse.create(write(unique=("customer_id",)), f"{PEOPLE} UNION ALL SELECT NULL, 'c'")
        with pytest.raises(DataRefused, match="order_id"):
            warehouse.create(write(unique=("customer_id", "order_id")), PEOPLE)
        assert ids(live(warehouse)) == [1, 2]

    def test_dropped_duplicates_are_counted_and_always_the_same_d4(self, warehouse: Warehouse) -> None:
        one = f"{PEOPLE} UNION ALL SELECT 2, 'abe' UNION ALL SELECT 2, 'cid'"
        other = "SELECT 2 AS customer_id, 'cid' AS name UNION ALL SELECT 2, 'bob' UNION ALL SELECT 1, 'ann'"
        found = []
        for sql in (one, f"{other} UNION ALL SELECT 2, 'abe'"):
            written = warehouse.create(write(unique=("customer_id",), drop_duplicates=True), sql)
            assert (written.duplicates_dropped, written.partition.rows) == (2, 2)
            found.append(live(warehouse))
        assert found[0] == found[1]

    def test_a_query_that_fails_changes_nothing(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), PEOPLE)
        misspelt = "SELECT nobody FROM (SELECT 1 AS somebody) AS t"
        for sql in (misspelt, "SELEC 1", "SELECT CAST('x' AS INTEGER)"):
            with pytest.raises(QueryRefused):
                warehouse.create(write(), sql)
            with pytest.raises(QueryRefused):
                rows(warehouse, sql)
        assert ids(live(warehouse)) == [1, 2]

    @pytest.mark.parametrize("name", ["a'b", "a b", "select", "a--b", "ñ", "%s"])
    def test_any_column_name_survives(self, warehouse: Warehouse, name: str) -> None:
        self._survives(warehouse, name)

    @pytest.mark.parametrize("name", STRANGE)
    def test_a_column_name_that_not_every_engine_allows_survives(self, warehouse: Warehouse, name: str) -> None:
        self._survives(warehouse, name)

    def _survives(self, warehouse: Warehouse, name: str) -> None:
        declared = {name: Column(type="INT64", required=True)}
        quoted = quote(name, warehouse.features.dialect)
        warehouse.create(write(columns=declared, unique=(name,)), f"SELECT 1 AS {quoted}")
        assert live(warehouse) == [{"run_date": DAY, name: 1}]
        assert live(warehouse, "people", NEXT) == []

    @pytest.mark.parametrize("table", ["../other", "other/people", "", "People", "_locks", 'a"b', "a.b", "x" * 300])
    def test_nothing_outside_the_namespace_can_be_named(self, warehouse: Warehouse, table: str) -> None:
        warehouse.create(write(), PEOPLE)
        verbs: list[Callable[[], object]] = [
            lambda: warehouse.create(write(table), PEOPLE),
            lambda: warehouse.load(write(table), stream(pa.table({"a": [1]}))),
            lambda: warehouse.publish("people", DAY, write(table)),
            lambda: warehouse.publish(table, DAY, write()),
            lambda: warehouse.remove(table, DAY),
            lambda: warehouse.drop(table),
            lambda: warehouse.set_view(table, "people"),
            lambda: warehouse.set_view("shown", table),
        ]
        for verb in verbs:
            with pytest.raises(NamespaceError):
                verb()
        with pytest.raises(UsageError):
            warehouse.create(write(run_id="../../x"), PEOPLE)
