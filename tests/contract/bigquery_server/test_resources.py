"""Are datasets and tables kept as they are described?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from augury.testing.bigquery import BigQueryServer
from tests.contract.bigquery_server.room import Room, reason


def test_a_table_keeps_its_description_labels_and_columns(room: Room) -> None:
    expires = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)
    table = bigquery.Table(
        room.name("described"),
        schema=[
            SchemaField("d", "DATE", "REQUIRED", description="the day"),
            SchemaField("n", "NUMERIC", precision=10, scale=2),
            SchemaField("r", "RECORD", "REPEATED", fields=[SchemaField("k", "STRING")]),
        ],
    )
    table.description, table.labels, table.friendly_name = "hello", {"team": "growth"}, "Described"
    table.time_partitioning = bigquery.TimePartitioning(field="d", expiration_ms=86_400_000_000)
    table.clustering_fields, table.expires = ["n"], expires
    room.client.create_table(table)
    found = room.client.get_table(table.reference)
    assert (found.description, found.labels, found.friendly_name) == ("hello", {"team": "growth"}, "Described")
    assert (found.clustering_fields, found.expires) == (["n"], expires)
    assert found.time_partitioning == table.time_partitioning
    assert found.schema == table.schema
    assert (found.num_rows, found.num_bytes, found.table_type) == (0, 0, "TABLE")
    with pytest.raises(Conflict) as refused:
        room.client.create_table(table)
    assert reason(refused.value) == "duplicate"
    assert room.client.create_table(table, exists_ok=True).reference == table.reference
    assert table.table_id in [one.table_id for one in room.client.list_tables(room.dataset)]
    room.client.delete_table(table)
    with pytest.raises(NotFound) as absent:
        room.client.get_table(table)
    assert reason(absent.value) == "notFound"


def test_an_update_merges_and_holds_to_the_etag(room: Room) -> None:
    name = room.name("updated")
    table = room.client.create_table(bigquery.Table(name, schema=[SchemaField("a", "INTEGER", "REQUIRED")]))
    stale = room.client.get_table(name)
    table.description, table.labels = "new", {"a": "1", "b": "2"}
    table = room.client.update_table(table, ["description", "labels"])
    table.labels = {"a": "3", "b": None}
    table = room.client.update_table(table, ["labels"])
    assert (table.description, table.labels) == ("new", {"a": "3"})
    stale.description = "from an old copy"
    with pytest.raises(PreconditionFailed):
        room.client.update_table(stale, ["description"])
    table.schema = [SchemaField("a", "INTEGER", "NULLABLE"), SchemaField("b", "STRING", description="added")]
    assert room.client.update_table(table, ["schema"]).schema == table.schema
    table = room.client.get_table(name)
    table.schema = [SchemaField("a", "STRING"), SchemaField("b", "STRING")]
    with pytest.raises(BadRequest, match="Provided Schema does not match"):
        room.client.update_table(table, ["schema"])


def test_a_view_is_its_query(room: Room) -> None:
    table, view = room.name("base"), room.name("view")
    room.job(f"CREATE TABLE `{table}` AS SELECT 1 AS a, 'x' AS b")
    made = bigquery.Table(view)
    made.view_query = f"SELECT b, a + 1 AS c FROM `{table}`"
    room.client.create_table(made)
    found = room.client.get_table(view)
    assert (found.table_type, [field.name for field in found.schema]) == ("VIEW", ["b", "c"])
    assert room.rows(f"SELECT * FROM `{view}`") == [("x", 2)]
    room.job(f"CREATE OR REPLACE VIEW `{view}` AS SELECT a FROM `{table}` WHERE a > 100")
    assert room.rows(f"SELECT * FROM `{view}`") == []
    broken = bigquery.Table(room.name("broken"))
    broken.view_query = f"SELECT nope FROM `{table}`"
    with pytest.raises(BadRequest, match="nope"):
        room.client.create_table(broken)


def test_datasets(own: Room) -> None:
    dataset = bigquery.Dataset(f"{own.project}.shop")
    dataset.location, dataset.description, dataset.labels = "EU", "eu", {"env": "test"}
    dataset.default_table_expiration_ms = 3_600_000
    own.client.create_dataset(dataset)
    found = own.client.get_dataset("shop")
    assert (found.location, found.description, found.labels) == ("EU", "eu", {"env": "test"})
    assert found.default_table_expiration_ms == 3_600_000
    with pytest.raises(Conflict):
        own.client.create_dataset(dataset)
    found.description = None
    found = own.client.update_dataset(found, ["description"])
    assert (found.description, found.labels) == (None, {"env": "test"})
    assert [one.dataset_id for one in own.client.list_datasets(filter="labels.env:test")] == ["shop"]
    own.client.create_table(bigquery.Table(f"{own.project}.shop.t"))
    with pytest.raises(BadRequest, match="still in use"):
        own.client.delete_dataset("shop")
    own.client.delete_dataset("shop", delete_contents=True)
    with pytest.raises(NotFound):
        own.client.get_dataset("shop")


def test_a_query_runs_where_its_data_is(server: BigQueryServer, own: Room) -> None:
    for location in ("EU", "europe-west1"):
        dataset = bigquery.Dataset(f"{own.project}.in_{location.replace('-', '_')}")
        dataset.location = location
        own.client.create_dataset(dataset)
        name = f"{dataset.dataset_id}.t"
        job = own.job(f"CREATE TABLE {name} AS SELECT 1 AS a")
        assert job.location == location
        assert own.job(f"SELECT * FROM {name}").location == location
    both = own.refusal("SELECT * FROM in_EU.t, in_europe_west1.t")
    assert reason(both) == "notFound"
    assert "was not found in location EU" in str(both)
    job = own.client.query("SELECT * FROM in_EU.t", location="US", job_retry=None)
    with pytest.raises(NotFound, match="was not found in location US"):
        job.result()
    # A job outside of the US and the EU is found by its location only.
    job = own.job("SELECT * FROM in_europe_west1.t")
    server.client(own.project, location="europe-west1").get_job(job.job_id)
    with pytest.raises(NotFound):
        own.client.get_job(job.job_id)


def test_projects_do_not_know_each_other(server: BigQueryServer, own: Room) -> None:
    other = server.client("another-project")
    other.create_dataset("shop")
    other.query("CREATE TABLE shop.t AS SELECT 1 AS a").result()
    assert own.rows("SELECT * FROM `another-project.shop.t`") == [(1,)]
    assert own.rows("SELECT * FROM another-project.shop.t") == [(1,)]
    assert isinstance(own.refusal("SELECT * FROM shop.t"), NotFound)
    assert [one.dataset_id for one in own.client.list_datasets()] == [own.dataset]


HOSTILE = ["a;b", "a'b", 'a"b', "a`b", "a\nb", "../x", "a/b", "", "x" * 1025, "a\x00b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_no_name(own: Room, name: str) -> None:
    path = f"/projects/{own.project}/datasets/{own.dataset}/tables"
    reference = {"projectId": own.project, "datasetId": own.dataset, "tableId": name}
    for body, where in (
        ({"tableReference": reference}, path),
        ({"datasetReference": {"projectId": own.project, "datasetId": name}}, f"/projects/{own.project}/datasets"),
        (
            {"configuration": {"query": {"query": "SELECT 1"}}, "jobReference": {"jobId": name}},
            f"/projects/{own.project}/jobs",
        ),
        (
            {
                "tableReference": {**reference, "tableId": "t"},
                "schema": {"fields": [{"name": f"{name};", "type": "STRING"}]},
            },
            path,
        ),
    ):
        with pytest.raises(BadRequest) as refused:
            own.client._connection.api_request(method="POST", path=where, data=body)
        assert reason(refused.value) == "invalid"
    assert list(own.client.list_tables(own.dataset)) == []


@pytest.mark.parametrize("name", ["order by", "sélect", "a-b_c 1", "数据"])
def test_an_odd_name_is_a_name(own: Room, name: str) -> None:
    table = f"{own.project}.{own.dataset}.{name}"
    own.job(f"CREATE TABLE `{table}` AS SELECT 1 AS `group`")
    assert own.rows(f"SELECT `group` FROM `{table}`") == [(1,)]
    assert [one.table_id for one in own.client.list_tables(own.dataset)] == [name]


def test_labels_have_rules(own: Room) -> None:
    for labels in ({"A": "x"}, {"a": "X"}, {"1a": "x"}, {"a": "x y"}, {f"k{number}": "" for number in range(65)}):
        table = bigquery.Table(own.name("labelled"))
        table.labels = labels
        with pytest.raises(BadRequest, match=r"[Ll]abel"):
            own.client.create_table(table)


def test_what_is_not_imitated_says_so_by_name(own: Room) -> None:
    requests = own.client._connection.api_request
    for method, path, word in (
        ("GET", f"/projects/{own.project}/datasets/{own.dataset}/routines", "routines"),
        ("POST", f"/projects/{own.project}/datasets/{own.dataset}/tables/t:getIamPolicy", "getIamPolicy"),
    ):
        with pytest.raises(GoogleAPICallError) as refused:
            requests(method=method, path=path, data={} if method == "POST" else None)
        assert (refused.value.code, reason(refused.value)) == (501, "notImplemented")
        assert word in str(refused.value)
    for sql in (
        "DECLARE x INT64 DEFAULT 1",
        f"CREATE FUNCTION {own.dataset}.f() AS (1)",
        "CREATE TEMP TABLE t AS SELECT 1",
        f"CREATE MATERIALIZED VIEW {own.dataset}.v AS SELECT 1",
        "GRANT `roles/x` ON SCHEMA s TO 'user:a'",
        "SELECT SESSION_USER()",
        "SELECT CAST('2026' AS STRING(4))",
        "SELECT ST_GEOGPOINT(1, 2)",
        f"SELECT * FROM {own.dataset}.__TABLES__",
        f"CREATE VIEW {own.dataset}.v AS SELECT * FROM ML.PREDICT(MODEL m, TABLE t)",
        f"CREATE MODEL {own.dataset}.m OPTIONS(model_type='dnn_classifier') AS SELECT 1 AS label",
    ):
        assert own.refusal(sql).code == 501, sql
    for sql in ("SELECT NO_SUCH_FUNCTION_OF_DUCKDB(1)", "SELECT DATE_TRUNC(DATE '2026-01-01', HOUR)"):
        assert own.refusal(sql).code == 400, sql
    external = bigquery.Table(own.name("external"))
    external.external_data_configuration = bigquery.ExternalConfig("CSV")
    with pytest.raises(GoogleAPICallError, match="externalDataConfiguration"):
        own.client.create_table(external)
    own.job(f"CREATE TABLE `{own.name('source')}` AS SELECT 1 AS a")
    with pytest.raises(GoogleAPICallError, match="extract jobs"):
        own.client.extract_table(own.name("source"), "gs://bucket/file.csv").result()
    with pytest.raises(GoogleAPICallError, match="Cloud Storage"):
        own.client.load_table_from_uri("gs://bucket/file.csv", own.name("t")).result()
