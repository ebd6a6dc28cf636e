"""The same models in SQL, through the session, on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import xgboost
from onnx import TensorProto, helper

from augury.bigquery_ml.duckdb_engine import DuckDBEngine
from augury.bigquery_ml.session import Session
from augury.bigquery_ml.store import ModelStore
from augury.bigquery_ml.unsupervised import options
from augury.errors import AuguryError, SpecError
from augury.sql.bigquery_ml.catalogue.supported import SESSION, SUPPORTED


class Tables:
    def table(self, parts: tuple[str, ...]) -> str | None:
        return f'"{parts[-1]}"'

    def shards(self, prefix: tuple[str, ...]) -> Sequence[tuple[str, str]]:
        return ()


class Room:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.connection.execute(
            "CREATE TABLE visits AS SELECT i AS id, (i % 10)::DOUBLE + (i % 2) * 100 AS pages, "
            "(i % 7)::BIGINT AS days, CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END AS channel, "
            "TIMESTAMPTZ '2026-01-01 00:00:00+00' + "
            "INTERVAL (i) HOUR AS at, {'w': i % 4, 'h': i % 2 = 0} AS box FROM range(200) AS r(i)"
        )
        self.connection.execute(
            "CREATE TABLE ratings AS SELECT i % 20 AS reader, 'book ' || (i % 9) AS book, "
            "((i * 7) % 5 + 1)::DECIMAL(3, 1) AS stars FROM range(150) AS r(i)"
        )
        engine = DuckDBEngine(self.connection, batch_rows=64)
        self.session = Session(engine, ModelStore(folder / "models"), tables=Tables(), root=folder)

    def run(self, sql: str) -> None:
        self.session.execute(sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.session.read(sql) as reader:
            table = reader.read_all()
        # What a query is said to return is what it returns.
        assert self.session.describe(sql).names == table.schema.names
        found: list[dict[str, Any]] = table.to_pylist()
        return found


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_kmeans_from_create_to_anomalies(room: Room) -> None:
    room.run(
        "CREATE MODEL d.groups OPTIONS(model_type='KMEANS', num_clusters=4, kmeans_init_method='KMEANS++', "
        "distance_type='EUCLIDEAN', standardize_features=TRUE, max_iterations=10, early_stop=FALSE) AS "
        "SELECT pages, days, channel, at, box FROM d.visits"
    )
    groups = room.rows(
        "SELECT centroid_id, COUNT(*) AS n, MIN(nearest_centroids_distance[OFFSET(0)].distance) AS near "
        "FROM ML.PREDICT(MODEL d.groups, TABLE d.visits) GROUP BY 1 ORDER BY 1"
    )
    assert [group["centroid_id"] for group in groups] == [1, 2, 3, 4]
    assert sum(group["n"] for group in groups) == 200
    plain = room.rows("SELECT * EXCEPT (nearest_centroids_distance) FROM ML.PREDICT(MODEL d.groups, TABLE d.visits)")
    assert list(plain[0]) == ["centroid_id", "id", "pages", "days", "channel", "at", "box"]
    names = room.rows("SELECT DISTINCT feature FROM ML.CENTROIDS(MODEL d.groups) ORDER BY 1")
    assert {"pages", "days", "channel", "at", "box_w", "box_h", "_TS_HOD_at"} <= {row["feature"] for row in names}
    shares = room.rows(
        "SELECT c.category, c.value FROM ML.CENTROIDS(MODEL d.groups, STRUCT(TRUE AS standardize)), "
        "UNNEST(categorical_value) AS c WHERE feature = 'channel' AND centroid_id = 1"
    )
    assert sum(row["value"] for row in shares) == pytest.approx(1)
    found = room.rows(
        "SELECT * FROM ML.DETECT_ANOMALIES(MODEL d.groups, STRUCT(0.1 AS contamination), TABLE d.visits) "
        "WHERE is_anomaly"
    )
    assert len(found) == 20
    info = room.rows("SELECT iteration, loss, cluster_info FROM ML.TRAINING_INFO(MODEL d.groups) ORDER BY iteration")
    assert len(info) == 10
    figures = room.rows("SELECT * FROM ML.EVALUATE(MODEL d.groups)")
    again = room.rows("SELECT * FROM ML.EVALUATE(MODEL d.groups, TABLE d.visits)")
    assert figures[0] == pytest.approx(again[0])  # the table may come back in another order


def test_kmeans_is_tuned_in_sql(room: Room) -> None:
    room.run(
        "CREATE MODEL d.tuned OPTIONS(model_type='kmeans', num_clusters=HPARAM_RANGE(2, 5), num_trials=3, "
        "hparam_tuning_algorithm='RANDOM_SEARCH', hparam_tuning_objectives=['DAVIES_BOULDIN_INDEX']) AS "
        "SELECT pages, days FROM d.visits"
    )
    trials = room.rows(
        "SELECT trial_id, hyperparameters.num_clusters AS k, is_optimal FROM ML.TRIAL_INFO(MODEL d.tuned)"
    )
    best = next(trial for trial in trials if trial["is_optimal"])
    assert len(trials) == 3
    seen = room.rows("SELECT MAX(centroid_id) AS k FROM ML.PREDICT(MODEL d.tuned, TABLE d.visits)")
    assert seen == [{"k": best["k"]}]
    other = next(trial for trial in trials if not trial["is_optimal"])
    chosen = f"MODEL d.tuned, TABLE d.visits, STRUCT({other['trial_id']} AS trial_id)"
    assert room.rows(f"SELECT MAX(centroid_id) AS k FROM ML.PREDICT({chosen})") == [{"k": other["k"]}]


def test_kmeans_learns_from_what_transform_makes(room: Room) -> None:
    room.run(
        "CREATE MODEL d.shaped TRANSFORM(ML.STANDARD_SCALER(pages) OVER () AS pages, "
        "ML.ONE_HOT_ENCODER(channel) OVER () AS channel, days) "
        "OPTIONS(model_type='kmeans', num_clusters=3, standardize_features=FALSE) AS "
        "SELECT pages, channel, days FROM d.visits"
    )
    rows = room.rows("SELECT * FROM ML.PREDICT(MODEL d.shaped, (SELECT id, pages, channel, days FROM d.visits))")
    assert list(rows[0]) == ["centroid_id", "nearest_centroids_distance", "id", "pages", "channel", "days"]
    features = {row["feature"] for row in room.rows("SELECT feature FROM ML.CENTROIDS(MODEL d.shaped)")}
    assert {"pages", "days", "channel[1]"} <= features


def test_pca_from_create_to_reconstruction(room: Room) -> None:
    room.run(
        "CREATE MODEL d.axes OPTIONS(model_type='PCA', num_principal_components=3, pca_solver='FULL', "
        "scale_features=TRUE) AS SELECT pages, days, channel FROM d.visits"
    )
    rows = room.rows("SELECT * FROM ML.PREDICT(MODEL d.axes, TABLE d.visits)")
    made = ["principal_component_1", "principal_component_2", "principal_component_3"]
    assert list(rows[0]) == [*made, "id", "at", "box"]
    kept = room.rows("SELECT * FROM ML.PREDICT(MODEL d.axes, TABLE d.visits, STRUCT(TRUE AS keep_original_columns))")
    assert list(kept[0]) == [*made, "id", "pages", "days", "channel", "at", "box"]
    info = room.rows("SELECT * FROM ML.PRINCIPAL_COMPONENT_INFO(MODEL d.axes)")
    total = room.rows("SELECT total_explained_variance_ratio AS r FROM ML.EVALUATE(MODEL d.axes)")[0]["r"]
    assert total == pytest.approx(info[-1]["cumulative_explained_variance_ratio"])
    spread = room.rows("SELECT STDDEV_SAMP(principal_component_1) AS s FROM ML.PREDICT(MODEL d.axes, TABLE d.visits)")
    assert spread[0]["s"] ** 2 == pytest.approx(info[0]["eigenvalue"])
    lengths = room.rows(
        "SELECT SUM(POW(IFNULL(numerical_value, 0), 2) + IFNULL((SELECT SUM(POW(c.value, 2)) FROM "
        "UNNEST(categorical_value) AS c), 0)) AS n FROM ML.PRINCIPAL_COMPONENTS(MODEL d.axes) "
        "GROUP BY principal_component_id"
    )
    assert [row["n"] for row in lengths] == pytest.approx([1, 1, 1])
    found = room.rows("SELECT * FROM ML.DETECT_ANOMALIES(MODEL d.axes, STRUCT(0.05 AS contamination), TABLE d.visits)")
    assert list(found[0])[:2] == ["is_anomaly", "mean_squared_error"]
    losses = room.rows("SELECT mean_squared_error FROM ML.RECONSTRUCTION_LOSS(MODEL d.axes, TABLE d.visits)")
    assert sorted(row["mean_squared_error"] for row in losses) == sorted(row["mean_squared_error"] for row in found)


@pytest.mark.parametrize("feedback", ["EXPLICIT", "IMPLICIT"])
def test_matrix_factorization_from_create_to_recommendations(room: Room, feedback: str) -> None:
    room.run(
        f"CREATE MODEL d.books OPTIONS(model_type='MATRIX_FACTORIZATION', feedback_type='{feedback}', num_factors=3, "
        "user_col='reader', item_col='book', rating_col='stars', l2_reg=0.2, max_iterations=5) "
        "AS SELECT * FROM d.ratings"
    )
    name = "predicted_stars" + ("_confidence" if feedback == "IMPLICIT" else "")
    assert room.rows(f"SELECT COUNT({name}) AS n FROM ML.RECOMMEND(MODEL d.books)") == [{"n": 180}]
    top = room.rows(
        f"SELECT reader, book, {name} FROM ML.RECOMMEND(MODEL d.books, (SELECT 3 AS reader)) "
        f"QUALIFY ROW_NUMBER() OVER (PARTITION BY reader ORDER BY {name} DESC) <= 2"
    )
    assert [row["reader"] for row in top] == [3, 3]
    scored = room.rows("SELECT * FROM ML.RECOMMEND(MODEL d.books, TABLE d.ratings)")
    assert list(scored[0]) == ["reader", "book", name, "stars"]
    assert len(room.rows("SELECT * FROM ML.PREDICT(MODEL d.books, TABLE d.ratings)")) == 150
    weights = room.rows(
        "SELECT processed_input, COUNT(*) AS n, MAX(ARRAY_LENGTH(factor_weights)) AS f FROM ML.WEIGHTS(MODEL d.books) "
        "GROUP BY 1 ORDER BY 1"
    )
    counted = {row["processed_input"]: (row["n"], row["f"]) for row in weights}
    assert counted == {None: (1, None), "book": (9, 3), "reader": (20, 3)}
    assert room.rows("SELECT * FROM ML.EVALUATE(MODEL d.books)") == [
        pytest.approx(row) for row in room.rows("SELECT * FROM ML.EVALUATE(MODEL d.books, TABLE d.ratings)")
    ]


def test_an_onnx_file_is_imported_in_sql(room: Room) -> None:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("pages", "twice")]
    graph = helper.make_graph([helper.make_node("Add", ["pages", "pages"], ["twice"])], "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (room.folder / "twice.onnx").write_bytes(model.SerializeToString())
    room.run("CREATE MODEL d.twice OPTIONS(model_type='ONNX', model_path='twice.onnx')")
    rows = room.rows("SELECT id, pages, twice FROM ML.PREDICT(MODEL d.twice, TABLE d.visits)")
    assert all(row["twice"] == 2 * row["pages"] for row in rows)
    with pytest.raises(AuguryError, match=r"ML\.EVALUATE is not for models of type onnx"):
        room.rows("SELECT * FROM ML.EVALUATE(MODEL d.twice, TABLE d.visits)")
    with pytest.raises(AuguryError, match=r"gs://b/m\.onnx"):
        room.run("CREATE MODEL d.far OPTIONS(model_type='ONNX', model_path='gs://b/m.onnx')")


def test_an_xgboost_file_is_imported_in_sql(room: Room) -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    found = xgboost.train({"verbosity": 0, "nthread": 1}, xgboost.DMatrix(values, values.sum(axis=1)), 3)
    found.save_model(room.folder / "sum.ubj")
    room.run(
        "CREATE MODEL d.sums INPUT(pages FLOAT64, days INT64) OUTPUT(total FLOAT64) "
        "OPTIONS(model_type='XGBOOST', model_path='sum.ubj')"
    )
    rows = room.rows("SELECT pages, days, total FROM ML.PREDICT(MODEL d.sums, TABLE d.visits) ORDER BY id")
    wanted = found.inplace_predict(np.array([[row["pages"], row["days"]] for row in rows]))
    np.testing.assert_array_equal([row["total"] for row in rows], wanted)
    listed = room.rows("SELECT feature FROM ML.FEATURE_IMPORTANCE(MODEL d.sums)")
    assert [row["feature"] for row in listed] == ["pages", "days"]


def test_models_are_exported_as_plain_files(room: Room) -> None:
    room.run("CREATE MODEL d.g OPTIONS(model_type='kmeans', num_clusters=2) AS SELECT pages FROM d.visits")
    room.run("EXPORT MODEL d.g OPTIONS(uri='out')")
    assert sorted(file.name for file in (room.folder / "out").iterdir()) == ["kmeans.json", "kmeans.npz"]


def test_the_catalogue_takes_exactly_the_options_that_are_honoured() -> None:
    for model_type, names in options.SUPPORTED.items():
        catalogue = {entry.name for entry in SUPPORTED if model_type in entry.types} - {entry.name for entry in SESSION}
        assert catalogue - set(options.REFUSED) == set(names), model_type


def test_mistakes_in_the_statement_are_told_before_anything_is_trained(room: Room) -> None:
    with pytest.raises(SpecError) as refused:
        room.run(
            "CREATE MODEL d.g OPTIONS(model_type='kmeans', num_cluster=3, distance_type='MANHATTAN') AS SELECT 1 AS x"
        )
    assert "num_clusters" in str(refused.value)
    assert "distance_type" in str(refused.value)
    room.run("CREATE MODEL d.g OPTIONS(model_type='kmeans', num_clusters=2) AS SELECT pages, days FROM d.visits")
    with pytest.raises(AuguryError, match="days"):
        room.rows("SELECT * FROM ML.PREDICT(MODEL d.g, (SELECT pages FROM d.visits))")


def test_an_answer_is_arrow_with_the_documented_types(room: Room) -> None:
    room.run("CREATE MODEL d.g OPTIONS(model_type='kmeans', num_clusters=2) AS SELECT pages FROM d.visits")
    schema = room.session.describe("SELECT * FROM ML.PREDICT(MODEL d.g, TABLE d.visits)")
    assert schema.field("centroid_id").type == pa.int64()
    pair = schema.field("nearest_centroids_distance").type.value_type
    assert {field.name: field.type for field in pair} == {"centroid_id": pa.int64(), "distance": pa.float64()}
