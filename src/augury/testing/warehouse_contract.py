"""What must every warehouse do? Subclass `WarehouseContract`, give it the fixtures `warehouse` and `lay`, and every
promise is tested.

    class TestMine(WarehouseContract):
        @pytest.fixture
        def warehouse(self) -> Iterator[Warehouse]:
            yield MyWarehouse.open(...)        # an empty namespace for each test

        @pytest.fixture
        def lay(self) -> Lay:                  # puts rows where the warehouse reads sources
            return lambda rows, columns: SourceSpec(...)

A promise that an engine cannot keep is a strict expected failure with a reason: override the test, mark it
`pytest.mark.xfail(strict=True, reason=...)` and call `super()`. The statements are standard SQL.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import DataRefused, UsageError, WorkFailed
from augury.spec.columns import Column
from augury.testing.warehouse_fences import FencePromises
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, RowPromises, ids, live, stream, write
from augury.testing.warehouse_sources import SourcePromises
from augury.warehouses.contract import TableColumn, Warehouse


class WarehouseContract(RowPromises, SourcePromises, FencePromises):
    """The suite. Every test gets an empty namespace."""

    @pytest.fixture
    def warehouse(self) -> Iterator[Warehouse]:
        raise AssertionError("give your suite a `warehouse` fixture")

    # -- writing ---------------------------------------------------------------------------------------------

    def test_it_is_a_warehouse(self, warehouse: Warehouse) -> None:
        assert isinstance(warehouse, Warehouse)
        assert warehouse.features.dialect
        assert warehouse.features.parallel_dates >= 1

    def test_create_then_read(self, warehouse: Warehouse) -> None:
        written = warehouse.create(write(facts={"model_version": 3}), PEOPLE)
        assert live(warehouse) == [
            {"run_date": DAY, "customer_id": 1, "name": "ann"},
            {"run_date": DAY, "customer_id": 2, "name": "bob"},
        ]
        assert written.partition.rows == 2
        assert [column.name for column in written.partition.columns] == ["run_date", "customer_id", "name"]
        assert warehouse.partition("people", DAY) == written.partition
        assert written.partition.facts == {"model_version": 3}

    def test_the_run_date_of_a_query_gives_way_to_the_partitions_own(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), "SELECT 1 AS customer_id, 'yesterday' AS run_date")
        assert live(warehouse) == [{"run_date": DAY, "customer_id": 1}]

    def test_writing_twice_is_writing_once_d1(self, warehouse: Warehouse) -> None:
        for run in ("run_1", "run_1", "run_2"):
            warehouse.create(write(run_id=run), PEOPLE)
        assert ids(live(warehouse)) == [1, 2]

    def test_a_write_leaves_other_days_alone_b17(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), PEOPLE)
        warehouse.create(write(day=NEXT), "SELECT 9 AS customer_id, 'zoe' AS name")
        warehouse.create(write(day=NEXT), "SELECT 8 AS customer_id, 'yan' AS name")
        assert ids(live(warehouse, "people", DAY, NEXT)) == [1, 2, 8]
        assert list(warehouse.partitions("people")) == [DAY, NEXT]

    def test_a_table_that_is_one_whole_keeps_its_own_columns(self, warehouse: Warehouse) -> None:
        warehouse.create(write("augury_runs", None), "SELECT 1 AS n, 'x' AS run_date")
        warehouse.create(write("augury_runs", None), "SELECT 2 AS n, 'y' AS run_date")
        with warehouse.query("SELECT n, run_date FROM augury_runs") as reader:
            assert reader.read_all().to_pylist() == [{"n": 2, "run_date": "y"}]

    def test_types_come_back_as_they_went_in_c2(self, warehouse: Warehouse) -> None:
        noon = datetime(2026, 1, 15, 12, 30, 0, 123456)  # noqa: DTZ001  a wall time
        sent = pa.table(
            {
                "whole": pa.array([1, None, 2**63 - 1], pa.int64()),
                "all_null": pa.array([None, None, None], pa.float64()),
                "money": pa.array([Decimal("0.10"), None, Decimal("-1.25")], pa.decimal128(12, 2)),
                "at": pa.array([noon.replace(tzinfo=UTC), None, None], pa.timestamp("us", "UTC")),
                "wall": pa.array([noon, None, None], pa.timestamp("us")),
                "day": pa.array([DAY, None, None], pa.date32()),
                "flag": pa.array([True, None, False]),
                "text": pa.array(["", None, "a'b\n\N{SNOWMAN}"]),
                "raw": pa.array([b"\x00\xff", None, b""], pa.binary()),
                "tags": pa.array([["a", "b"], [], ["c"]], pa.list_(pa.string())),
            }
        )
        warehouse.load(write(), stream(sent))
        with warehouse.read(f"SELECT * FROM {warehouse.partition_sql('people', [DAY])} AS t") as reader:
            got = reader.read_all().drop_columns("run_date")
        key = "text"
        assert sorted(got.to_pylist(), key=lambda row: str(row[key])) == sorted(
            sent.to_pylist(), key=lambda row: str(row[key])
        )
        assert got.schema.field("whole").type == pa.int64()
        assert pa.types.is_decimal(got.schema.field("money").type)

    def test_a_decimal_keeps_its_precision_and_scale(self, warehouse: Warehouse) -> None:
        sent = pa.table({"money": pa.array([Decimal("0.10")], pa.decimal128(12, 2))})
        warehouse.load(write(), stream(sent))
        with warehouse.read(f"SELECT * FROM {warehouse.partition_sql('people', [DAY])} AS t") as reader:
            assert reader.schema.field("money").type == pa.decimal128(12, 2)

    def test_a_list_that_is_null_is_no_empty_list(self, warehouse: Warehouse) -> None:
        sent = pa.table({"n": [1, 2], "tags": pa.array([[], None], pa.list_(pa.string()))})
        warehouse.load(write(), stream(sent))
        assert [row["tags"] for row in live(warehouse)] == [[], None]

    def test_sums_of_large_integers_stay_exact(self, warehouse: Warehouse) -> None:
        large = 2**53 + 1
        warehouse.create(write(), f"SELECT sum(n) AS total FROM (SELECT {large} AS n) AS t")
        assert live(warehouse)[0]["total"] == large

    def test_an_empty_result_keeps_its_schema(self, warehouse: Warehouse) -> None:
        written = warehouse.create(write(), f"SELECT * FROM ({PEOPLE}) AS p WHERE 1 = 0")
        assert written.partition.rows == 0
        with warehouse.read(f"SELECT * FROM {warehouse.partition_sql('people', [DAY])} AS t") as reader:
            assert reader.schema.names == ["run_date", "customer_id", "name"]
            assert reader.read_all().num_rows == 0

    def test_batches_are_streamed_and_their_exception_comes_back_as_it_is(self, warehouse: Warehouse) -> None:
        class Mine(Exception):
            pass

        first = pa.table({"customer_id": [1], "name": ["ann"]})

        def failing() -> Iterator[pa.RecordBatch]:
            yield from first.to_batches()
            raise Mine("in the middle")

        warehouse.load(write(), stream(first))
        with pytest.raises(Mine, match="in the middle"):
            warehouse.load(write(run_id="run_2"), pa.RecordBatchReader.from_batches(first.schema, failing()))
        assert ids(live(warehouse)) == [1]
        assert warehouse.load(write(), stream(first.slice(0, 0))).partition.rows == 0

    def test_a_system_error_of_whoever_feeds_the_rows_is_not_taken_for_the_warehouses_own(
        self, warehouse: Warehouse
    ) -> None:
        schema = pa.schema([("a", pa.int64())])

        def failing(_: int) -> pa.RecordBatch:
            raise FileNotFoundError("prices.csv")

        batches = map(failing, range(1))
        with pytest.raises(FileNotFoundError, match=r"prices\.csv"):
            warehouse.load(write(), pa.RecordBatchReader.from_batches(schema, batches))

    def test_a_stream_may_be_fed_by_a_read_of_the_same_thread(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), PEOPLE)
        with warehouse.read(f"SELECT * FROM {warehouse.partition_sql('people', [DAY])} AS t", 1) as reader:
            warehouse.load(write("scored"), reader)
        assert ids(live(warehouse, "scored")) == [1, 2]

    def test_the_columns_of_a_shape_hold_for_its_next_write(self, warehouse: Warehouse) -> None:
        for day, text in ((DAY, "ann"), (NEXT, "bob")):
            warehouse.create(write(day=day, shape="s"), f"SELECT 1 AS customer_id, '{text}' AS name")
        assert live(warehouse, "people", DAY, NEXT) == [
            {"run_date": DAY, "customer_id": 1, "name": "ann"},
            {"run_date": NEXT, "customer_id": 1, "name": "bob"},
        ]
        with pytest.raises(WorkFailed, match="name"):
            warehouse.create(write(day=NEXT, shape="s", run_id="run_2"), "SELECT 1 AS customer_id")
        warehouse.create(write(day=NEXT, shape="t", run_id="run_2"), "SELECT 2 AS customer_id")
        assert live(warehouse, "people", NEXT)[0]["customer_id"] == 2

    # -- reading partitions ----------------------------------------------------------------------------------

    def test_the_first_rows_by_column(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), PEOPLE)
        relation = warehouse.partition_sql("people", [DAY])
        assert warehouse.rows(f"SELECT count(*) AS n, count(*) = 2 AS whole FROM {relation} AS t -- all", 2) == [
            {"n": 2, "whole": True}
        ]
        assert len(warehouse.rows(f"SELECT * FROM {relation} AS t", 1)) == 1
        assert warehouse.rows(f"SELECT * FROM {relation} AS t WHERE 1 = 0", 2) == []
        with pytest.raises(WorkFailed, match="nmae"):
            warehouse.rows(f"SELECT nmae FROM {relation} AS t", 2)

    def test_days_that_are_not_there_are_empty_with_the_tables_schema(self, warehouse: Warehouse) -> None:
        like = (TableColumn("customer_id", "INT64"), TableColumn("name", "STRING"))
        with pytest.raises(DataRefused, match="people"):
            warehouse.partition_sql("people", [DAY])
        for known in (like, None):
            relation = warehouse.partition_sql("people", [DAY], known)
            with warehouse.read(f"SELECT * FROM {relation} AS t") as reader:
                assert reader.schema.names == ["run_date", "customer_id", "name"]
                assert reader.read_all().num_rows == 0
            warehouse.create(write(day=NEXT), PEOPLE)
        assert "\n" not in warehouse.partition_sql("people", [DAY, NEXT])

    def test_a_schema_that_grew_is_one_schema_for_readers(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), "SELECT 1 AS customer_id, 'x' AS gone")
        newest = write(day=NEXT, columns={"customer_id": Column(type="FLOAT64")})
        warehouse.create(newest, "SELECT 2 AS customer_id, 'new' AS came")
        assert live(warehouse, "people", DAY, NEXT) == [
            {"run_date": DAY, "customer_id": 1.0, "came": None, "gone": "x"},
            {"run_date": NEXT, "customer_id": 2.0, "came": "new", "gone": None},
        ]

    def test_describe_says_what_create_will_record(self, warehouse: Warehouse) -> None:
        sql = "SELECT 1.5 AS a, 'x' AS b, DATE '2026-01-15' AS c, 1 = 1 AS d, NULL AS e"
        assert warehouse.describe(sql) == warehouse.create(write(), sql).partition.columns[1:]

    # -- publishing ------------------------------------------------------------------------------------------

    def test_publishing_shows_the_staged_rows_without_their_later_changes(self, warehouse: Warehouse) -> None:
        warehouse.create(write("staging"), PEOPLE)
        published = warehouse.publish("staging", DAY, write("predictions", run_id="run_2", facts={"a": 1}))
        warehouse.create(write("staging", run_id="run_3"), "SELECT 9 AS customer_id, 'no' AS name")
        assert ids(live(warehouse, "predictions")) == [1, 2]
        assert (published.rows, published.run_id, published.facts) == (2, "run_2", {"a": 1})
        assert warehouse.partition("predictions", DAY) == published
        warehouse.publish("staging", DAY, write("predictions", run_id="run_3"))
        assert ids(live(warehouse, "predictions")) == [9]

    def test_only_what_is_there_can_be_published(self, warehouse: Warehouse) -> None:
        warehouse.create(write("staging", NEXT), PEOPLE)
        with pytest.raises(DataRefused):
            warehouse.publish("staging", DAY, write("predictions"))
        assert warehouse.partition("predictions", DAY) is None

    def test_a_removed_partition_is_gone(self, warehouse: Warehouse) -> None:
        warehouse.create(write(), PEOPLE)
        assert warehouse.remove("people", DAY)
        assert not warehouse.remove("people", DAY)
        assert warehouse.partition("people", DAY) is None
        assert warehouse.partitions("people") == {}

    # -- tables and views ------------------------------------------------------------------------------------

    def test_tables_and_views_are_listed_with_their_figures(self, warehouse: Warehouse) -> None:
        warehouse.create(write(description="who we know"), PEOPLE)
        warehouse.create(write(day=NEXT, description="who we know"), PEOPLE)
        warehouse.set_view("known", "people")
        people = {info.name: info for info in warehouse.tables()}["people"]
        assert (people.kind, people.partitions, people.rows) == ("partitioned", 2, 4)
        assert (people.first_day, people.last_day, people.description) == (DAY, NEXT, "who we know")
        assert {(info.name, info.kind) for info in warehouse.tables()} == {
            ("people", "partitioned"),
            ("known", "view"),
        }
        warehouse.drop("known")
        warehouse.drop("people")
        assert warehouse.tables() == ()
        assert warehouse.view("known") is None

    def test_a_view_shows_one_table_and_then_another(self, warehouse: Warehouse) -> None:
        warehouse.create(write("v1"), "SELECT 1 AS n")
        warehouse.create(write("v2"), "SELECT 2 AS n")
        for table, n in (("v1", 1), ("v2", 2)):
            warehouse.set_view("current_rows", table)
            assert warehouse.view("current_rows") == table
            with warehouse.query("SELECT n FROM current_rows") as reader:
                assert reader.read_all().to_pylist() == [{"n": n}]

    @pytest.mark.parametrize(
        "sql",
        ["DROP TABLE people", "DELETE FROM people", "SELECT 1; SELECT 2", "", "CREATE TABLE x AS SELECT 1 AS a"],
    )
    def test_a_query_only_reads(self, warehouse: Warehouse, sql: str) -> None:
        warehouse.create(write(), PEOPLE)
        with pytest.raises(UsageError):
            warehouse.check_select(sql)
        with pytest.raises(UsageError), warehouse.query(sql):
            pass
        assert ids(live(warehouse)) == [1, 2]
        warehouse.check_select("SELECT count(*) FROM people")

    def test_sweeping_removes_what_was_replaced_and_nothing_else(self, warehouse: Warehouse) -> None:
        for run in ("run_1", "run_2", "run_3"):
            warehouse.create(write("staging", run_id=run), PEOPLE)
        warehouse.publish("staging", DAY, write("predictions"))
        assert warehouse.sweep(datetime.now(UTC) - timedelta(days=1)) == 0
        assert warehouse.sweep(datetime.now(UTC) + timedelta(days=1)) == 2
        assert ids(live(warehouse, "staging")) == ids(live(warehouse, "predictions")) == [1, 2]

    # -- several at once -------------------------------------------------------------------------------------

    def test_threads_build_different_days_at_once(self, warehouse: Warehouse) -> None:
        days = [DAY + timedelta(days=n) for n in range(12)]
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda day: warehouse.create(write(day=day), PEOPLE), days))
        assert [one.partition.day for one in made] == days == list(warehouse.partitions("people"))
        assert len(live(warehouse, "people", *days)) == 24

    def test_a_reader_sees_the_old_rows_or_the_new_and_never_a_mix(self, warehouse: Warehouse) -> None:
        """K5: a consumer that never stops asking while a partition is replaced again and again."""
        done = threading.Event()
        seen: list[tuple[Any, ...]] = []
        failures: list[BaseException] = []

        asked = "SELECT count(*) AS n, min(v) AS a, max(v) AS b FROM people"

        def hammer() -> None:
            while not done.is_set():
                try:
                    with warehouse.query(asked) as reader:
                        seen.append(tuple(reader.read_all().to_pylist()[0].values()))
                except WorkFailed as error:
                    failures.append(error)

        def content(v: int) -> pa.Table:
            return pa.table({"v": [v] * (100 + v)})

        warehouse.load(write(), stream(content(0), 50))
        reader = threading.Thread(target=hammer)
        reader.start()
        for v in range(1, 40):
            warehouse.load(write("staging", run_id=f"run_{v}"), stream(content(v), 50))
            warehouse.publish("staging", DAY, write(run_id=f"run_{v}"))
        done.set()
        reader.join()
        assert failures == []
        assert seen
        assert set(seen) <= {(100 + v, v, v) for v in range(40)}
        assert [n for n, *_ in seen] == sorted(n for n, *_ in seen)
