"""How does the BigQuery warehouse read tables and files that somebody else writes?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from augury.errors import DataRefused, StorageFailed
from augury.spec.columns import Column
from augury.spec.project import SourceSpec
from augury.testing.bigquery import BigQueryServer
from augury.testing.warehouse_rows import rows
from augury.warehouses.contract import Bounds, SourceState, Warehouse
from tests.contract.bigquery_warehouse.room import PROJECT, opened

EVERYTHING = Bounds(None, None, None)


@pytest.fixture
def client(server: BigQueryServer) -> Iterator[Any]:
    with server.client(PROJECT) as client:
        yield client


@pytest.fixture
def shop(client: Any, dataset: str) -> str:
    """A dataset of somebody else's."""
    client.create_dataset(f"{dataset}_shop")
    return f"{dataset}_shop"


def run(client: Any, sql: str) -> None:
    client.query(sql).result()


def state(warehouse: Warehouse, source: SourceSpec) -> SourceState:
    found = warehouse.source_state(source)
    assert found is not None
    return found


def seen(warehouse: Warehouse, source: SourceSpec, bounds: Bounds = EVERYTHING, zone: str = "UTC") -> list[Any]:
    """Values of the first column of the rows inside `bounds`, ascending."""
    relation = warehouse.source_sql(source, state(warehouse, source), bounds, zone)
    assert "\n" not in relation
    return sorted(next(iter(row.values())) for row in rows(warehouse, f"SELECT * FROM {relation} AS t"))


def until(day: int) -> Bounds:
    cutoff = datetime(2026, 1, day, tzinfo=UTC)
    return Bounds(None, cutoff, cutoff)


def test_times_mean_what_their_type_says(warehouse: Warehouse, client: Any, shop: str) -> None:
    run(
        client,
        f"CREATE TABLE `{shop}.events` AS SELECT 1 AS id, TIMESTAMP '2026-01-05 23:30:00+00' AS at, "
        "DATETIME '2026-01-06 00:30:00' AS wall, DATE '2026-01-05' AS day UNION ALL "
        "SELECT 2, TIMESTAMP '2026-01-06 00:30:00+00', DATETIME '2026-01-06 01:30:00', DATE '2026-01-06'",
    )
    for time, zone, expected in (
        ("at", "UTC", [1]),
        ("wall", "Europe/Madrid", [1]),
        ("wall", "UTC", []),
        ("day", "UTC", [1]),
    ):
        source = SourceSpec(table=f"{shop}.events", event_time=time)
        assert seen(warehouse, source, until(6), zone) == expected


def test_a_table_a_day(warehouse: Warehouse, client: Any, shop: str) -> None:
    for day in ("20260104", "20260105", "20260106", "20261399"):
        run(client, f"CREATE TABLE `{shop}.events_{day}` AS SELECT {day[-2:].lstrip('0')} AS id")
    run(client, f"CREATE TABLE `{shop}.events_20260107` AS SELECT 7 AS id, 'new' AS came")
    source = SourceSpec(table=f"{shop}.events_{{date}}")
    assert state(warehouse, source).shards == tuple(date(2026, 1, day) for day in (4, 5, 6, 7))
    assert seen(warehouse, source, until(6)) == [4, 5]
    relation = warehouse.source_sql(source, state(warehouse, source), until(9), "UTC")
    assert [row["came"] for row in rows(warehouse, f"SELECT * FROM {relation} AS t WHERE id > 5 ORDER BY id")] == [
        None,
        "new",
    ]


def test_a_change_is_noticed_and_its_days_are_named(warehouse: Warehouse, client: Any, shop: str) -> None:
    run(
        client,
        f"CREATE TABLE `{shop}.orders` AS SELECT 1 AS id, DATE '2026-01-05' AS day "
        "UNION ALL SELECT 2, DATE '2026-01-06'",
    )
    source = SourceSpec(table=f"{PROJECT}.{shop}.orders", event_time="day")
    before = state(warehouse, source)
    first = warehouse.probe(source, before, "UTC")
    assert [(one.day.day, one.rows) for one in first] == [(5, 1), (6, 1)]
    assert warehouse.probe(source, before, "UTC") == first
    run(client, f"INSERT INTO `{shop}.orders` VALUES (3, DATE '2026-01-06')")
    after = state(warehouse, source)
    assert after.signature != before.signature
    second = warehouse.probe(source, after, "UTC")
    assert second[0] == first[0]
    assert (second[1].rows, second[1].digest != first[1].digest) == (2, True)


def test_a_view_changes_with_the_tables_that_it_shows(warehouse: Warehouse, client: Any, shop: str) -> None:
    run(client, f"CREATE TABLE `{shop}.orders` AS SELECT 1 AS id, DATE '2026-01-05' AS day")
    run(client, f"CREATE VIEW `{shop}.shown` AS SELECT * FROM `{shop}.orders`")
    source = SourceSpec(table=f"{shop}.shown", event_time="day")
    before = state(warehouse, source)
    assert state(warehouse, source) == before
    run(client, f"INSERT INTO `{shop}.orders` VALUES (2, DATE '2026-01-06')")
    assert state(warehouse, source).signature != before.signature
    assert seen(warehouse, source) == [1, 2]


def test_a_table_that_wants_a_filter_gets_one(warehouse: Warehouse, client: Any, shop: str) -> None:
    run(client, f"CREATE TABLE `{shop}.orders` (id INT64, day DATE) PARTITION BY day")
    run(client, f"INSERT INTO `{shop}.orders` VALUES (1, DATE '2026-01-05'), (NULL, DATE '2026-01-08')")
    run(client, f"ALTER TABLE `{shop}.orders` SET OPTIONS (require_partition_filter = TRUE)")
    source = SourceSpec(table=f"{shop}.orders", event_time="day", columns={"id": Column(type="INT64", required=True)})
    found = state(warehouse, source)
    assert seen(warehouse, source, until(6)) == [1]
    assert warehouse.nulls(source, found, until(6), "UTC") == ()
    assert [one.rows for one in warehouse.nulls(source, found, until(9), "UTC")] == [1]


def test_drift_and_absence(warehouse: Warehouse, client: Any, shop: str) -> None:
    run(client, f"CREATE TABLE `{shop}.orders` AS SELECT 'x' AS idd, DATE '2026-01-05' AS day, 1.5 AS amount")
    declared = {"id": Column(type="STRING"), "amount": Column(type="INT64")}
    with pytest.raises(DataRefused) as refused:
        warehouse.source_state(SourceSpec(table=f"{shop}.orders", event_time="day", columns=declared))
    assert all(word in str(refused.value) for word in ("'id'", "'idd' is new", "'amount'", "INT64", "FLOAT64"))
    with pytest.raises(DataRefused, match="Did you mean 'day'"):
        warehouse.source_state(SourceSpec(table=f"{shop}.orders", event_time="dya"))
    assert warehouse.source_state(SourceSpec(table=f"{shop}.nothing", event_time="day")) is None
    assert warehouse.source_state(SourceSpec(table="no_such_dataset.nothing", event_time="day")) is None
    with pytest.raises(StorageFailed, match="DuckDB"):
        warehouse.source_state(SourceSpec(database="x.duckdb", table="orders", event_time="day"))


def test_a_required_column_of_the_engine_is_believed(
    warehouse: Warehouse, client: Any, shop: str, server: BigQueryServer
) -> None:
    run(client, f"CREATE TABLE `{shop}.orders` (id INT64 NOT NULL, day DATE)")
    source = SourceSpec(table=f"{shop}.orders", event_time="day", columns={"id": Column(type="INT64", required=True)})
    found = state(warehouse, source)
    asked = sum(one.method == "POST" for one in server.faults.requests)
    assert warehouse.nulls(source, found, EVERYTHING, "UTC") == ()
    assert sum(one.method == "POST" for one in server.faults.requests) == asked


def test_a_csv_is_loaded_once_per_content(server: BigQueryServer, dataset: str, tmp_path: Path, client: Any) -> None:
    text = "id;at;amount;flag;note\n1;2026-01-05;1.5;true;a\n2;2026-01-07;2;false;\n"
    (tmp_path / "orders.csv").write_text(text)
    source = SourceSpec(path="orders.csv", event_time="at", columns={"id": Column(type="STRING")})
    for _ in range(2):
        warehouse = opened(server, dataset, tmp_path)
        assert {one.name: one.type for one in state(warehouse, source).columns} == {
            "id": "STRING",
            "at": "DATE",
            "amount": "FLOAT64",
            "flag": "BOOL",
            "note": "STRING",
        }
        assert seen(warehouse, source, until(6)) == ["1"]
        warehouse.close()
    names = [one.table_id for one in client.list_tables(dataset)]
    assert len([name for name in names if name.startswith("_augury_source_orders_")]) == 1
    (tmp_path / "orders.csv").write_text(text.replace("1.5", "3.5"))
    warehouse = opened(server, dataset, tmp_path)
    assert seen(warehouse, source) == ["1", "2"]
    assert warehouse.sweep(datetime.now(UTC).replace(year=2099)) == 1
    assert seen(warehouse, source) == ["1", "2"]
    warehouse.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,at\nx,2026-01-05\n", ["'id'", "orders.csv"]),
        ("id,at\n1\n", ["orders.csv"]),
        ("", ["empty"]),
    ],
)
def test_a_file_that_cannot_be_read_says_why(warehouse: Warehouse, tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "orders.csv").write_text(text)
    source = SourceSpec(path="orders.csv", event_time="at", columns={"id": Column(type="INT64")})
    with pytest.raises((DataRefused, StorageFailed)) as refused:
        seen(warehouse, source)
    assert all(word in str(refused.value) for word in words)


def test_a_reference_is_a_table_of_its_content(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("sku,price\na,1\nb,2\n")
    relation = warehouse.reference_sql(tmp_path / "prices.csv")
    assert rows(warehouse, f"SELECT SUM(price) AS total FROM {relation} AS p") == [{"total": 3}]
    with pytest.raises(StorageFailed, match=r"nothing\.csv"):
        warehouse.reference_sql(tmp_path / "nothing.csv")


def test_a_source_in_another_region_is_refused_unless_it_is_copied_a5(
    server: BigQueryServer, dataset: str, tmp_path: Path, client: Any
) -> None:
    from google.cloud.bigquery import Dataset

    far = Dataset(f"{PROJECT}.{dataset}_far")
    far.location = "europe-west1"
    client.create_dataset(far)
    client.query(
        f"CREATE TABLE `{dataset}_far.orders` AS SELECT 1 AS id, DATE '2026-01-05' AS day", location=far.location
    ).result()
    source = SourceSpec(table="orders", event_time="day")
    place = {"dataset": f"{dataset}_far"}
    refusing = opened(server, dataset, tmp_path, location="US", sources=place)
    with pytest.raises(DataRefused) as refused:
        refusing.source_state(source)
    assert all(word in str(refused.value) for word in ("europe-west1", "US", "copy_tables"))
    refusing.close()
    copying = opened(server, dataset, tmp_path, location="US", sources={**place, "copy_tables": True})
    assert seen(copying, source) == [1]
    client.query(f"INSERT INTO `{dataset}_far.orders` VALUES (2, DATE '2026-01-06')", location=far.location).result()
    assert seen(copying, source) == [1, 2]
    copying.close()


def test_what_is_published_may_lie_in_another_region_a5(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    from augury.testing.warehouse_rows import DAY, PEOPLE, ids, live, write

    output = {"project": "output-project", "dataset": f"{dataset}_out", "location": "europe-west1"}
    warehouse = opened(server, dataset, tmp_path, location="US", output=output)
    warehouse.create(write("staging"), PEOPLE)
    published = warehouse.publish("staging", DAY, write("predictions"))
    assert published.path.startswith(f"output-project.{dataset}_out.predictions")
    with server.client("output-project") as there:
        found = there.query(f"SELECT customer_id FROM `{dataset}_out.predictions`", location="europe-west1").result()
        assert sorted(row.customer_id for row in found) == [1, 2]
    assert ids(live(warehouse, "staging")) == ids(live(warehouse, "predictions")) == [1, 2]
    with warehouse.query("SELECT COUNT(*) AS n FROM predictions") as reader:
        assert reader.read_all().to_pylist() == [{"n": 2}]
    warehouse.close()
