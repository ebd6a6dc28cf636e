"""What does BigQuery learn of a write: labels, descriptions, limits, ids, layouts?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augury.errors import DataRefused, Fenced, LimitExceeded, NamespaceError, QueryRefused, StorageFailed, UsageError
from augury.fences import Fence
from augury.spec.columns import Column
from augury.testing.bigquery import BigQueryServer, Refuse
from augury.testing.warehouse_rows import DAY, NEXT, PEOPLE, ids, live, rows, stream, write
from augury.warehouses.contract import Billed, Estimate, NativeModels, Warehouse
from tests.contract.bigquery_warehouse.room import PROJECT, opened

LABELS = {"pipeline": "ltv", "run": "run_1", "step": "prepare", "owner": "growth@Example.com"}


@pytest.fixture
def client(server: BigQueryServer) -> Iterator[Any]:
    with server.client(PROJECT) as client:
        yield client


def wide(rows: int) -> str:
    """A SELECT that reads a table of 16 bytes a row."""
    return f"SELECT n AS customer_id, CAST(n AS FLOAT64) AS amount FROM UNNEST(GENERATE_ARRAY(1, {rows})) AS n"


def test_jobs_and_tables_carry_labels_and_descriptions_c7(
    server: BigQueryServer, dataset: str, tmp_path: Path, client: Any
) -> None:
    warehouse = opened(server, dataset, tmp_path, labels={"team": "Growth"})
    columns = {"customer_id": Column(type="INT64", description="Who it is.")}
    for day in (DAY, NEXT):
        warehouse.create(write("prepare", day, labels=LABELS, columns=columns, description="Features."), PEOPLE)
    warehouse.load(write("scores", None, labels=LABELS, description="Whole."), stream(pa.table({"n": [1]})))
    warehouse.close()
    expected = {"pipeline": "ltv", "owner": "growth_example_com", "team": "growth", "augury_namespace": "dev"}
    for name, description in (("prepare", "Features."), ("scores", "Whole.")):
        table = client.get_table(f"{dataset}.{name}")
        assert table.description == description
        assert {**expected, "run": "run_1"}.items() <= table.labels.items()
    described = {field.name: field.description for field in client.get_table(f"{dataset}.prepare").schema}
    assert described["customer_id"] == "Who it is."
    jobs = [
        job for job in client.list_jobs() if job.labels.get("step") == "prepare" and dataset in str(job.destination)
    ]
    assert jobs
    assert all(expected.items() <= job.labels.items() for job in jobs)


def test_a_table_is_partitioned_or_sharded_by_run_date(
    server: BigQueryServer, dataset: str, tmp_path: Path, client: Any
) -> None:
    for layout in ("partitioned", "sharded"):
        with_layout = f"{dataset}_{layout}"
        warehouse = opened(server, with_layout, tmp_path, layout=layout)
        for day in (DAY, NEXT):
            warehouse.create(write("people", day), PEOPLE)
            # Its name only begins alike.
            warehouse.create(write("people_staging", day), "SELECT 'x' AS customer_id")
        warehouse.set_view("current_people", "people")
        tables = {one.table_id for one in client.list_tables(with_layout)}
        shown = client.query(f"SELECT run_date, COUNT(*) AS n FROM `{with_layout}.current_people` GROUP BY 1").result()
        assert {row.run_date: row.n for row in shown} == {DAY: 2, NEXT: 2}
        if layout == "sharded":
            assert {"people_20260115", "people_20260116"} <= tables
        else:
            assert client.get_table(f"{with_layout}.people").time_partitioning.field == "run_date"
        found = warehouse.partition("people", DAY)
        assert found.path == f"{PROJECT}.{with_layout}.people{'_' if layout == 'sharded' else '$'}20260115"
        warehouse.close()


def test_one_job_replaces_a_partition(warehouse: Warehouse, dataset: str, client: Any) -> None:
    """With WRITE_TRUNCATE, under an id that the next attempt does not repeat."""
    for run in ("run_1", "run_1", "run_2"):
        warehouse.create(write(run_id=run), PEOPLE)
    warehouse.load(write(run_id="run_3"), stream(pa.table({"customer_id": [1], "name": ["ann"]})))
    changes = [
        job
        for job in client.list_jobs()
        if (job.job_type in ("query", "load") and str(job.destination or "").find(f"{dataset}.people") > 0)
        or (
            job.destination is not None
            and job.destination.table_id == "people$20260115"
            and job.destination.dataset_id == dataset
        )
    ]
    assert sorted(job.job_type for job in changes) == ["load", "query", "query", "query"]
    assert {job.write_disposition for job in changes} == {"WRITE_TRUNCATE"}
    assert len({job.job_id for job in changes}) == 4
    assert all(re.fullmatch(r"augury_[0-9a-f]{40}_[12]", job.job_id) for job in changes)


def test_a_limit_of_bytes_is_set_on_the_job(warehouse: Warehouse) -> None:
    """G: refused with the figures, and nothing is replaced."""
    warehouse.create(write("big"), wide(2000))
    warehouse.create(write(), PEOPLE)
    sql = f"SELECT customer_id, 'x' AS name FROM {warehouse.partition_sql('big', [DAY])} AS b"
    with pytest.raises(LimitExceeded) as refused:
        warehouse.create(write(run_id="run_2", max_bytes=1000), sql)
    assert "1,000 bytes are allowed" in str(refused.value)
    assert ids(live(warehouse)) == [1, 2]
    warehouse.create(write(run_id="run_2", max_bytes=100_000_000), sql)
    assert len(live(warehouse)) == 2000


def test_its_queries_have_a_price(warehouse: Any) -> None:
    assert warehouse.features.bills
    assert isinstance(warehouse, Billed)
    assert warehouse.price_per_tib == 6.25


def test_an_estimate_knows_columns_and_dates(warehouse: Any, dataset: str) -> None:
    for day in (DAY, NEXT):
        warehouse.create(write("big", day), wide(1_000_000))
    partition = f"FROM `{dataset}.big` WHERE run_date = DATE '{DAY}'"
    whole = warehouse.estimate(f"SELECT * {partition}")
    column = warehouse.estimate(f"SELECT amount {partition}")
    assert (whole, column) == (Estimate(24_000_000), Estimate(16_000_000))
    assert warehouse.estimate(f"SELECT amount FROM `{dataset}.big`") == Estimate(16_000_000)
    assert warehouse.estimate("SELECT 1 AS n") == Estimate(0)
    assert warehouse.partition("big", DAY).bytes == whole.bytes


def test_large_results_and_uploads_come_in_pieces(warehouse: Warehouse) -> None:
    """Above 5 MB an upload is resumable, and a result is more than one message."""
    n = 900_000
    sent = pa.table({"customer_id": pa.array(range(n), pa.int64()), "amount": pa.array(range(n), pa.float64())})
    warehouse.load(write(), stream(sent, 100_000))
    with warehouse.read(f"SELECT * FROM {warehouse.partition_sql('people', [DAY])} AS t", 10_000) as reader:
        batches = list(reader)
    assert max(batch.num_rows for batch in batches) <= 10_000
    assert sum(batch.num_rows for batch in batches) == n
    assert sum(sum(batch.column("customer_id").to_pylist()) for batch in batches) == n * (n - 1) // 2


def test_rows_come_in_the_order_that_was_asked_for(warehouse: Warehouse) -> None:
    warehouse.create(write(), wide(5000))
    found = rows(warehouse, f"SELECT customer_id FROM {warehouse.partition_sql('people', [DAY])} ORDER BY 1 DESC")
    assert [row["customer_id"] for row in found] == list(range(5000, 0, -1))


def test_without_the_storage_api_rows_come_by_rest(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    plain = opened(server, dataset, tmp_path, storage_endpoint=None)
    plain.create(write(), PEOPLE)
    assert ids(live(plain)) == [1, 2]
    plain.close()
    server.faults.add(Refuse("accessDenied"), method="GRPC", path="/CreateReadSession")
    denied = opened(server, dataset, tmp_path)
    assert ids(live(denied)) == [1, 2]
    server.faults.clear()
    denied.close()


def test_a_line_of_the_query_is_one_of_the_users_own(warehouse: Warehouse) -> None:
    sql = "SELECT 1 AS a,\n  'x' AS b,\n  nobody AS c\nFROM (SELECT 1 AS n) AS t"
    for verb in (lambda: warehouse.create(write(), sql), lambda: rows(warehouse, sql)):
        with pytest.raises(QueryRefused) as refused:
            verb()
        assert refused.value.where.line == 3
        assert "nobody" in str(refused.value)


def test_a_permission_names_the_role_to_ask_for(server: BigQueryServer, warehouse: Warehouse) -> None:
    message = "Access Denied: Project test-project: User does not have bigquery.jobs.create permission in project"
    server.faults.add(Refuse("accessDenied", message=message), method="POST", path="/jobs")
    with pytest.raises(UsageError) as refused:
        warehouse.describe("SELECT 1 AS a")
    server.faults.clear()
    assert "roles/bigquery.jobUser" in (refused.value.fix or "")
    assert "bigquery.jobs.create" in (refused.value.fix or "")


def test_a_column_cannot_become_another_one_for_one_date(warehouse: Warehouse) -> None:
    warehouse.create(write(), "SELECT 'x' AS customer_id")
    with pytest.raises(DataRefused, match=r"customer_id.*STRING.*INT64"):
        warehouse.create(write(day=NEXT), "SELECT 1 AS customer_id")
    assert list(warehouse.partitions("people")) == [DAY]


def test_columns_come_and_go(warehouse: Warehouse) -> None:
    """Added to the table for the date that has them; a date without them does not lose the others' rows."""
    third = NEXT + timedelta(days=1)
    warehouse.create(write(), "SELECT 1 AS customer_id, 'x' AS gone")
    warehouse.load(write(day=NEXT), stream(pa.table({"came": ["new"], "customer_id": [2]})))
    warehouse.create(write(day=third), "SELECT 3 AS customer_id")
    found = live(warehouse, "people", DAY, NEXT, third)
    assert sorted((row["customer_id"], row["gone"], row["came"]) for row in found) == [
        (1, "x", None),
        (2, None, "new"),
        (3, None, None),
    ]
    assert live(warehouse, "people", third) == [{"run_date": third, "customer_id": 3}]
    warehouse.publish("people", third, write("predictions", third))
    assert live(warehouse, "predictions", third) == [{"run_date": third, "customer_id": 3}]


def test_a_streams_keys_are_compared_too_d3(warehouse: Warehouse, dataset: str, client: Any) -> None:
    twice = pa.table({"customer_id": [1, 2, 2], "name": ["ann", "bob", "abe"]})
    warehouse.load(write(unique=("customer_id",)), stream(twice.slice(0, 2)))
    with pytest.raises(DataRefused, match=r"customer_id 2 \(2 rows\)"):
        warehouse.load(write(run_id="run_2", unique=("customer_id",)), stream(twice))
    assert ids(live(warehouse)) == [1, 2]
    dropped = warehouse.load(write(run_id="run_3", unique=("customer_id",), drop_duplicates=True), stream(twice))
    assert (dropped.duplicates_dropped, dropped.partition.rows) == (1, 2)
    assert [row["name"] for row in live(warehouse)] == ["ann", "abe"]
    nothing = twice.set_column(0, "customer_id", pa.array([1, None, 3], pa.int64()))
    with pytest.raises(DataRefused, match="NULL"):
        warehouse.load(write(run_id="run_4", unique=("customer_id",)), stream(nothing))
    assert not [one.table_id for one in client.list_tables(dataset) if "_tmp_" in one.table_id]


def test_what_is_asked_for_a_step_carries_its_labels_and_limit(warehouse: Any, client: Any) -> None:
    warehouse.create(write("big"), wide(2000))
    sql = f"SELECT customer_id FROM {warehouse.partition_sql('big', [DAY])} AS b"
    with warehouse.charging({**LABELS, "step": "charged"}, 100_000_000):
        assert len(rows(warehouse, sql)) == 2000
    assert [job.maximum_bytes_billed for job in client.list_jobs() if job.labels.get("step") == "charged"] == [
        100_000_000
    ]
    # Another query: what was asked before comes from BigQuery's cache, and is billed nothing.
    other = f"{sql} WHERE customer_id > 0"
    with pytest.raises(LimitExceeded), warehouse.charging(LABELS, 1000):
        rows(warehouse, other)
    assert len(rows(warehouse, other)) == 2000


def test_partitions_expire_where_the_target_says_so(
    server: BigQueryServer, dataset: str, tmp_path: Path, client: Any
) -> None:
    for layout in ("partitioned", "sharded"):
        warehouse = opened(server, f"{dataset}_{layout}", tmp_path, layout=layout, expiration="90d")
        warehouse.create(write(), PEOPLE)
        warehouse.close()
    partitioned = client.get_table(f"{dataset}_partitioned.people")
    assert (partitioned.time_partitioning.expiration_ms, partitioned.expires) == (90 * 86_400_000, None)
    shard = client.get_table(f"{dataset}_sharded.people_20260115")
    assert timedelta(days=89) < shard.expires - datetime.now(UTC) <= timedelta(days=90)


def test_sweeping_forgets_old_tokens_and_keeps_the_highest(warehouse: Any, dataset: str, client: Any) -> None:
    for token in (1, 2, 3):
        warehouse.raise_fence(Fence("ltv", token))
    assert warehouse.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
    found = client.query(f"SELECT body FROM `{dataset}._augury_partitions` WHERE kind = 'fence'").result()
    assert ['"token":3' in row.body for row in found] == [True]
    with pytest.raises(Fenced):
        warehouse.create(write(fence=Fence("ltv", 2)), PEOPLE)


def test_an_empty_partition_is_published_as_one(warehouse: Warehouse) -> None:
    for sql in (PEOPLE, f"SELECT * FROM ({PEOPLE}) AS p WHERE 1 = 0"):
        warehouse.create(write("staging"), sql)
        published = warehouse.publish("staging", DAY, write("predictions"))
        assert len(live(warehouse, "predictions")) == published.rows
    assert published.rows == 0


def test_a_dataset_of_another_target_is_refused(server: BigQueryServer, dataset: str, tmp_path: Path) -> None:
    first = opened(server, dataset, tmp_path)
    first.create(write(), PEOPLE)
    first.close()
    other = opened(server, dataset, tmp_path, name="prod")
    with pytest.raises(NamespaceError, match="target 'dev'"):
        other.tables()


def test_reading_only_makes_nothing(server: BigQueryServer, dataset: str, tmp_path: Path, client: Any) -> None:
    warehouse = opened(server, dataset, tmp_path, read_only=True)
    assert warehouse.tables() == ()
    assert warehouse.partition("people", DAY) is None
    with pytest.raises(StorageFailed, match="read only"):
        warehouse.create(write(), PEOPLE)
    warehouse.close()
    assert dataset not in {one.dataset_id for one in client.list_datasets()}


def test_a_location_that_is_not_the_datasets_is_refused(
    server: BigQueryServer, dataset: str, tmp_path: Path, client: Any
) -> None:
    from google.cloud.bigquery import Dataset

    made = Dataset(f"{PROJECT}.{dataset}")
    made.location = "EU"
    client.create_dataset(made)
    with pytest.raises(UsageError, match=r"lies in EU, not in US"):
        opened(server, dataset, tmp_path, location="US").tables()
    warehouse = opened(server, dataset, tmp_path)
    warehouse.create(write(), PEOPLE)
    assert ids(live(warehouse)) == [1, 2]
    warehouse.close()


def test_it_trains_models_itself(warehouse: Any) -> None:
    assert warehouse.features.models == "native"
    assert isinstance(warehouse, NativeModels)


def test_a_model_is_trained_by_the_engine(warehouse: Any) -> None:
    assert not warehouse.has_model("ltv_v1")
    name = warehouse.model_sql("ltv_v1")
    select = "SELECT n AS x, 2.0 * n + 1 AS label FROM UNNEST(GENERATE_ARRAY(1, 50)) AS n"
    options = "OPTIONS (model_type = 'linear_reg', input_label_cols = ['label'], data_split_method = 'no_split')"
    warehouse.create_model("ltv_v1", f"CREATE OR REPLACE MODEL {name}\n{options} AS\n{select}", LABELS)
    assert warehouse.has_model("ltv_v1")
    found = warehouse.rows(f"SELECT predicted_label AS p FROM ML.PREDICT(MODEL {name}, (SELECT 100 AS x))", 1)
    assert found[0]["p"] == pytest.approx(201, rel=0.02)
    assert warehouse.drop_model("ltv_v1")
    assert not warehouse.drop_model("ltv_v1")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "DROP MODEL m",
        "CREATE MODEL other.m OPTIONS (model_type = 'linear_reg') AS SELECT 1 AS label",
        "CREATE OR REPLACE MODEL {name} OPTIONS (model_type = 'linear_reg') AS SELECT 1 AS label; DROP TABLE x",
    ],
)
def test_only_the_model_that_was_named_is_made(warehouse: Any, sql: str) -> None:
    with pytest.raises(UsageError):
        warehouse.create_model("ltv_v1", sql.format(name=warehouse.model_sql("ltv_v1")), {})
