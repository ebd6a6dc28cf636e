"""Are BigQuery ML's statements performed, and its models listed?"""

from __future__ import annotations

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from tests.contract.bigquery_server.room import Room


@pytest.fixture
def trained(room: Room) -> str:
    """The name of a model that has learned y = 2x + 1."""
    name = room.name("line")
    points = "SELECT x, 2.0 * x + 1 AS y FROM UNNEST(GENERATE_ARRAY(1, 200)) AS x"
    room.job(f"CREATE TABLE `{room.name('points')}` AS {points}")
    job = room.job(
        f"CREATE MODEL `{name}` OPTIONS(model_type='linear_reg', input_label_cols=['y'],\n"
        f"  data_split_method='no_split', labels=[('team', 'growth')]) AS SELECT x, y FROM `{room.name('points')}`"
    )
    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_MODEL", "CREATE")
    assert job.total_bytes_processed == 200 * 16
    return name


def test_a_model_predicts_inside_of_other_queries(room: Room, trained: str) -> None:
    rows = "SELECT @x AS x UNION ALL SELECT 20"
    sql = f"SELECT x, ROUND(predicted_y, 1) AS p FROM ML.PREDICT(MODEL `{trained}`, ({rows})) ORDER BY x"
    values = [bigquery.ScalarQueryParameter("x", "INT64", 10)]
    assert room.rows(sql, query_parameters=values) == [(10, 21.0), (20, 41.0)]
    table = room.name("predictions")
    sql = f"SELECT * FROM ML.PREDICT(MODEL `{trained}`, TABLE `{room.name('points')}`)"
    room.job(sql, destination=table)
    room.job(f"CREATE TABLE `{table}_too` AS {sql}")
    for name in (table, f"{table}_too"):
        assert room.rows(f"SELECT COUNT(*), MAX(ABS(predicted_y - y)) < 0.1 FROM `{name}`") == [(200, True)]
    assert room.rows(f"SELECT r2_score > 0.999 FROM ML.EVALUATE(MODEL `{trained}`)") == [(True,)]


def test_a_model_is_a_resource(room: Room, trained: str) -> None:
    model = room.client.get_model(trained)
    assert (model.model_type, model.labels) == ("LINEAR_REGRESSION", {"team": "growth"})
    assert [(one.name, one.type.type_kind.name) for one in model.feature_columns] == [("x", "INT64")]
    assert [one.name for one in model.label_columns] == ["y"]
    assert trained.rpartition(".")[2] in [one.model_id for one in room.client.list_models(room.dataset)]
    model.description = "a line"
    assert room.client.update_model(model, ["description"]).description == "a line"
    room.client.delete_model(trained)
    with pytest.raises(NotFound):
        room.client.get_model(trained)


def test_what_cannot_be_done_says_so(room: Room, trained: str) -> None:
    create = "OPTIONS(model_type='linear_reg', input_label_cols=['y']) AS SELECT 1 AS x, 2.0 AS y"
    assert isinstance(room.refusal(f"CREATE MODEL `{trained}` {create}"), Conflict)
    assert room.job(f"CREATE MODEL IF NOT EXISTS `{trained}` {create}").ddl_operation_performed == "SKIP"
    absent = room.refusal(f"SELECT * FROM ML.PREDICT(MODEL `{room.name('nope')}`, TABLE `{room.name('points')}`)")
    assert isinstance(absent, NotFound)
    assert "Model" in str(absent)
    assert isinstance(room.refusal(f"DROP MODEL `{room.name('nope')}`"), NotFound)
    room.job(f"DROP MODEL IF EXISTS `{room.name('nope')}`")
    wrong = room.refusal(
        f"CREATE MODEL `{room.name('wrong')}` OPTIONS(model_type='linear_reg', max_iteratons=3) AS SELECT 1 AS label"
    )
    assert isinstance(wrong, BadRequest)
    assert "max_iteratons" in str(wrong).lower()
    dry = bigquery.QueryJobConfig(dry_run=True)
    assert (
        room.client.query(f"CREATE MODEL `{room.name('dry')}` {create}", job_config=dry).statement_type
        == "CREATE_MODEL"
    )
    with pytest.raises(NotFound):
        room.client.get_model(room.name("dry"))
