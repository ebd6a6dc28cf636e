"""K-means is scikit-learn's, with BigQuery ML's rules for stopping, its columns and its words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import davies_bouldin_score

from augury.bigquery_ml.contract import Candidates, Range
from augury.bigquery_ml.unsupervised.types import KMeans
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, column, in_batches, keeps_its_promises, rows_of, train

CENTERS = [(0.0, 0.0), (6.0, 50.0), (12.0, -50.0)]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    random = np.random.default_rng(7)
    at = np.array(CENTERS)[random.integers(0, 3, 400)]
    points = at + random.normal(size=(400, 2)) * (1.0, 8.0)
    plan = random.choice(["free", "paid"], 400).tolist()
    plan[5] = plan[6] = None
    return pa.table({"x": points[:, 0], "y": points[:, 1], "plan": pa.array(plan), "id": np.arange(400)})


def marked(rows: pa.Table, places: list[int]) -> pa.Table:
    return rows.append_column("first", pa.array([at in places for at in range(rows.num_rows)]))


@pytest.fixture(scope="module")
def numeric(rows: pa.Table) -> pa.Table:
    return rows.select(["x", "y"])


def standardized(rows: pa.Table) -> Any:
    points = np.column_stack([column(rows, name) for name in ("x", "y")])
    return (points - points.mean(axis=0)) / points.std(axis=0)


def test_clusters_are_those_of_scikit_learn_from_the_same_start(numeric: pa.Table) -> None:
    start = [3, 50, 200]
    model = train(
        KMeans,
        marked(numeric, start),
        num_clusters=3,
        kmeans_init_method="CUSTOM",
        kmeans_init_col="first",
        max_iterations=50,
        early_stop=False,
    )
    points = standardized(numeric)
    reference = Reference(3, init=points[start], n_init=1, max_iter=50, tol=0).fit(points)
    found = ask(model, "predict", numeric)
    np.testing.assert_array_equal(column(found, "centroid_id"), reference.labels_ + 1)
    figures = rows_of(ask(model, "evaluate"))[0]
    assert figures["mean_squared_distance"] == pytest.approx(reference.inertia_ / len(points), rel=1e-12)
    assert figures["davies_bouldin_index"] == pytest.approx(davies_bouldin_score(points, reference.labels_), rel=1e-12)
    places = {
        (row["centroid_id"], row["feature"]): row["numerical_value"]
        for row in rows_of(ask(model, "centroids", standardize=True))
    }
    for number, center in enumerate(reference.cluster_centers_, 1):
        assert [places[number, name] for name in ("x", "y")] == pytest.approx(center.tolist(), rel=1e-9)


def test_a_cluster_that_loses_its_rows_takes_the_farthest_one_as_in_scikit_learn() -> None:
    # From these first five of them, one cluster is left without rows on the way.
    points = np.random.default_rng(2120).normal(size=(14, 2)).round(3)
    rows = pa.table({"x": points[:, 0], "y": points[:, 1]})
    model = train(
        KMeans,
        marked(rows, [0, 1, 2, 3, 4]),
        num_clusters=5,
        kmeans_init_method="CUSTOM",
        kmeans_init_col="first",
        standardize_features=False,
        early_stop=False,
    )
    reference = Reference(5, init=points[:5], n_init=1, max_iter=50, tol=0).fit(points)
    np.testing.assert_array_equal(column(ask(model, "predict", rows), "centroid_id"), reference.labels_ + 1)


def test_evaluation_of_many_rows_is_the_same_in_any_batches() -> None:
    rows = pa.table({"x": np.random.default_rng(2).normal(size=40_000) ** 3})
    model = train(KMeans, rows.slice(0, 500), num_clusters=3)
    whole = ask(model, "evaluate", rows)
    for size in (501, 7_001, 16_384):
        assert ask(model, "evaluate", in_batches(rows, size)).equals(whole)


def test_columns_of_predict_come_before_those_of_the_rows(rows: pa.Table) -> None:
    model = train(KMeans, rows.select(["x", "y", "plan"]), num_clusters=7)
    found = ask(model, "predict", rows)
    assert found.schema.names == ["centroid_id", "nearest_centroids_distance", "x", "y", "plan", "id"]
    assert found.schema.field("centroid_id").type == pa.int64()
    first = rows_of(found)[0]["nearest_centroids_distance"]
    assert len(first) == 5  # the lesser of the clusters and 5
    assert [each["distance"] for each in first] == sorted(each["distance"] for each in first)
    assert first[0]["centroid_id"] == rows_of(found)[0]["centroid_id"]
    assert found.select(rows.schema.names).equals(rows)


def test_centroids_say_what_each_cluster_is_made_of(rows: pa.Table) -> None:
    model = train(KMeans, rows.select(["x", "plan"]), num_clusters=2, early_stop=False, max_iterations=50)
    labels = column(ask(model, "predict", rows), "centroid_id")
    for number in (1, 2):
        mine = rows.filter(pa.array(labels == number))
        found = {row["feature"]: row for row in rows_of(ask(model, "centroids")) if row["centroid_id"] == number}
        assert found["x"]["numerical_value"] == pytest.approx(column(mine, "x").mean())
        assert found["x"]["categorical_value"] == []
        assert found["plan"]["numerical_value"] is None
        shares = {each["category"]: each["value"] for each in found["plan"]["categorical_value"]}
        values = [value or "_null_filler" for value in mine.column("plan").to_pylist()]
        assert shares == pytest.approx({value: values.count(value) / len(values) for value in set(values)})


def test_one_hot_distances_are_those_of_the_spread_out_row() -> None:
    rows = pa.table({"kind": ["a", "a", "b", "b"], "n": [0.0, 0.0, 4.0, 4.0]})
    model = train(KMeans, rows, num_clusters=2, standardize_features=False)
    found = rows_of(ask(model, "predict", pa.table({"kind": ["a", "c", None], "n": [0.0, 0.0, None]})))
    near = [[each["distance"] for each in row["nearest_centroids_distance"]] for row in found]
    assert near[0] == pytest.approx([0.0, np.sqrt(16 + 2)])
    assert near[1] == pytest.approx([1.0, np.sqrt(16 + 1)])  # a value that training did not see is none at all
    assert near[2] == pytest.approx([np.sqrt(4 + 1), np.sqrt(4 + 1)])  # a missing number is the mean


def test_cosine_distance_is_the_documented_one(numeric: pa.Table) -> None:
    model = train(KMeans, numeric, num_clusters=3, distance_type="COSINE", standardize_features=False)
    places = rows_of(ask(model, "centroids"))
    centers = np.array([row["numerical_value"] for row in places]).reshape(3, 2)
    points = np.column_stack([column(numeric, "x"), column(numeric, "y")])
    lengths = np.linalg.norm(points, axis=1)[:, None] * np.linalg.norm(centers, axis=1)[None, :]
    wanted = np.sqrt(np.clip(1 - points @ centers.T / lengths, 0, None))
    found = rows_of(ask(model, "predict", numeric))
    for row, distances in zip(found, wanted, strict=True):
        near = {each["centroid_id"]: each["distance"] for each in row["nearest_centroids_distance"]}
        assert [near[number] for number in (1, 2, 3)] == pytest.approx(distances.tolist(), abs=1e-7)


def test_each_iteration_improves_and_training_stops_when_it_hardly_does(numeric: pa.Table) -> None:
    whole = rows_of(ask(train(KMeans, numeric, num_clusters=6, early_stop=False, max_iterations=15), "training_info"))
    assert [row["iteration"] for row in whole] == list(range(15))
    losses = [row["loss"] for row in whole]
    assert losses == sorted(losses, reverse=True)
    for least in (0.3, 0.1, 0.05, 0.02, 0.01, 0.005):
        stopped = rows_of(ask(train(KMeans, numeric, num_clusters=6, min_rel_progress=least), "training_info"))
        assert [row["loss"] for row in stopped] == losses[: len(stopped)]
        progress = [1 - after / before for before, after in pairwise(losses[: len(stopped)])]
        # The first iteration is held against where the centroids began.
        assert all(step > least for step in progress[:-1])
        assert len(stopped) == 1 or progress[-1] <= least
    info = stopped[-1]["cluster_info"]
    assert [each["centroid_id"] for each in info] == [1, 2, 3, 4, 5, 6]
    assert sum(each["cluster_size"] for each in info) == numeric.num_rows
    mean = sum(each["cluster_size"] * each["cluster_radius"] ** 2 for each in info) / numeric.num_rows
    assert mean == pytest.approx(stopped[-1]["loss"])
    assert list(stopped[0]) == ["training_run", "iteration", "loss", "learning_rate", "duration_ms", "cluster_info"]


def test_anomalies_are_the_contaminated_share_of_training(numeric: pa.Table) -> None:
    model = train(KMeans, numeric, num_clusters=3)
    found = ask(model, "detect_anomalies", numeric, contamination=0.05)
    assert found.schema.names == ["is_anomaly", "normalized_distance", "centroid_id", "x", "y"]
    assert column(found, "is_anomaly").sum() == 20
    assert not column(ask(model, "detect_anomalies", numeric, contamination=0), "is_anomaly").any()
    far = pa.table({"x": [1000.0], "y": [0.0]})
    assert rows_of(ask(model, "detect_anomalies", far, contamination=0.05))[0]["is_anomaly"] is True
    radii = {
        each["centroid_id"]: each["cluster_radius"] for each in rows_of(ask(model, "training_info"))[-1]["cluster_info"]
    }
    first = rows_of(ask(model, "predict", numeric))[0]
    wanted = min(each["distance"] / radii[each["centroid_id"]] for each in first["nearest_centroids_distance"])
    assert rows_of(found)[0]["normalized_distance"] == pytest.approx(wanted)


def test_a_cluster_of_equal_rows_is_near_to_nothing_else() -> None:
    model = train(KMeans, pa.table({"x": [0.0, 0.0, 10.0, 10.0]}), num_clusters=2)
    found = ask(model, "detect_anomalies", pa.table({"x": [0.0, 3.0]}), contamination=0.1)
    assert found.column("normalized_distance").to_pylist() == [0.0, np.inf]
    assert found.column("is_anomaly").to_pylist() == [False, True]


def test_evaluating_rows_is_evaluating_training_where_they_are_the_same(numeric: pa.Table) -> None:
    model = train(KMeans, numeric, num_clusters=3)
    assert ask(model, "evaluate", numeric).equals(ask(model, "evaluate"))


@pytest.mark.parametrize("method", ["RANDOM", "KMEANS++"])
def test_the_same_seed_gives_the_same_model(rows: pa.Table, method: str) -> None:
    first, second = (train(KMeans, rows, num_clusters=4, kmeans_init_method=method) for _ in range(2))
    assert ask(first, "centroids").equals(ask(second, "centroids"))


def test_the_default_number_of_clusters_is_the_logarithm_of_the_rows() -> None:
    random = np.random.default_rng(0)
    assert clusters(train(KMeans, pa.table({"x": random.normal(size=2000)}))) == 3
    assert clusters(train(KMeans, pa.table({"x": random.normal(size=20)}))) == 2


def clusters(model: Any) -> int:
    return len({row["centroid_id"] for row in rows_of(ask(model, "centroids"))})


def test_answers_are_the_same_after_loading_and_in_any_batches(rows: pa.Table, tmp_path: Path) -> None:
    model = train(KMeans, rows.select(["x", "y", "plan"]), num_clusters=3, kmeans_init_method="KMEANS++")
    questions: dict[str, Any] = {
        "predict": (rows, {}),
        "evaluate": (rows, {}),
        "detect_anomalies": (rows, {"contamination": 0.1}),
        "centroids": (None, {}),
        "training_info": (None, {}),
    }
    keeps_its_promises(KMeans, model, questions, tmp_path)


def test_columns_of_transform_are_found_and_not_shown(numeric: pa.Table) -> None:
    model = train(KMeans, numeric, num_clusters=3)
    raw = numeric.rename_columns(["__x", "Y"]).append_column("name", pa.array(["n"] * numeric.num_rows))
    found = ask(model, "predict", raw, inputs={"x": "__x"})
    assert found.schema.names == ["centroid_id", "nearest_centroids_distance", "Y", "name"]
    assert found.column("centroid_id").equals(ask(model, "predict", numeric).column("centroid_id"))


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ({"x": []}, {}, "returned no rows"),
        ({"x": [1.0]}, {}, "1 row cannot make 2 clusters"),
        ({"x": [1.0, 1.0, 1.0]}, {}, "only 1 different row"),
        ({"x": [1.0, None], "y": [None, None]}, {}, "y: it has no values, and no type either"),
        ({"x": [1.0, 2.0]}, {"num_clusters": 3}, "2 rows cannot make 3 clusters"),
        ({"x": [1.0, 2.0], "y": [1.0, np.inf]}, {}, "y: 1 value infinite or beyond 1e+100"),
        ({"x": [1.0, 2.0]}, {"num_clusters": 1}, "num_clusters: input should be greater than or equal to 2, not 1"),
        ({"x": [1.0, 2.0]}, {"distance_type": "MANHATTAN"}, "distance_type: "),
        ({"x": [1.0, 2.0]}, {"kmeans_init_method": "CUSTOM"}, "go together"),
        ({"x": [1.0, 2.0]}, {"kmeans_init_method": "CUSTOM", "kmeans_init_col": "X2"}, "there is no column X2"),
        ({"x": [1.0, 2.0]}, {"kmeans_init_method": "CUSTOM", "kmeans_init_col": "x"}, "must be BOOL, not FLOAT64"),
        ({"x": [1.0, 2.0]}, {"warm_start": True}, "a model is always trained from the start here"),
        ({"x": [1.0, 2.0]}, {"num_clusters": Range(2, 3)}, "tuning needs a number of trials"),
        ({"x": [1.0, 2.0]}, {"num_clusters": 2, "num_trials": 3}, "nothing is left to tune"),
        ({"x": [1.0, 2.0]}, {"max_iterations": Candidates((1, 2))}, "max_iterations: it cannot be tuned"),
        (
            {"x": [1.0, 2.0]},
            {"num_trials": 3, "hparam_tuning_objectives": ["R2_SCORE"]},
            "cannot be tuned for r2_score",
        ),
        ({"x": [[1.0], [1.0, 2.0]]}, {}, "x: its arrays have different lengths: 1, 2"),
        ({"x": [["a"], ["b"]]}, {}, "x: ARRAY<STRING> cannot be learned from here"),
    ],
)
def test_what_cannot_be_trained_says_why(rows: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises((ModelFailed, UsageError)) as refused:
        train(KMeans, pa.table(rows), **options)
    assert says in str(refused.value)


def test_custom_centroids_must_be_as_many_as_the_clusters(numeric: pa.Table) -> None:
    with pytest.raises(ModelFailed, match="first is TRUE in 2 rows, NUM_CLUSTERS is 3"):
        train(KMeans, marked(numeric, [1, 2]), num_clusters=3, kmeans_init_method="CUSTOM", kmeans_init_col="first")


@pytest.mark.parametrize(
    ("function", "settings", "says"),
    [
        ("detect_anomalies", {}, "needs contamination"),
        ("detect_anomalies", {"contamination": 0.6}, "from 0 to 0.5"),
        ("detect_anomalies", {"contamination": True}, "contamination is a number, not True"),
        ("detect_anomalies", {"contaminaton": 0.1}, "there is no setting contaminaton, did you mean contamination?"),
        ("predict", {"threshold": 0.5}, "there is no setting threshold"),
        ("predict", {"trial_id": 1}, "there is no setting trial_id"),
        ("centroids", {"standardize": 1}, "standardize is TRUE or FALSE, not 1"),
    ],
)
def test_settings_are_checked(numeric: pa.Table, function: str, settings: dict[str, Any], says: str) -> None:
    model = train(KMeans, numeric, num_clusters=3)
    with pytest.raises(UsageError) as refused:
        ask(model, function, None if function == "centroids" else numeric, **settings)
    assert says in str(refused.value)


def test_rows_that_do_not_fit_say_everything_at_once(rows: pa.Table) -> None:
    model = train(KMeans, rows.select(["x", "y", "plan"]), num_clusters=3)
    wrong = pa.table({"x": ["1"], "yy": [1.0], "plan": ["free"]})
    with pytest.raises(ModelFailed) as refused:
        ask(model, "predict", wrong)
    assert "x: expected FLOAT64, got STRING" in str(refused.value)
    assert "y: there is no such column, did you mean yy?" in str(refused.value)
    with pytest.raises(UsageError, match=r"ML\.PREDICT needs rows"):
        ask(model, "predict")
    with pytest.raises(ModelFailed, match="already have: centroid_id"):
        ask(model, "predict", rows.append_column("centroid_id", pa.array([1] * 400)))


def test_a_damaged_file_is_told_from_a_model(numeric: pa.Table, tmp_path: Path) -> None:
    saved, other = tmp_path / "saved", tmp_path / "other"
    for folder, count in ((saved, 3), (other, 2)):
        folder.mkdir()
        train(KMeans, numeric, num_clusters=count).save(folder)
    whole = (saved / "kmeans.npz").read_bytes()
    np.save(tmp_path / "one.npy", np.ones(3))
    single, foreign = (tmp_path / "one.npy").read_bytes(), (other / "kmeans.npz").read_bytes()
    for content in (whole[:100], b"", whole.replace(b"radii_1", b"radix_1"), single, foreign):
        (saved / "kmeans.npz").write_bytes(content)
        with pytest.raises(ModelFailed, match=r"kmeans\.npz cannot be read"):
            KMeans.load(saved, "kmeans", 1)
    (saved / "kmeans.json").write_text("{}")
    with pytest.raises(ModelFailed, match=r"kmeans\.json does not say what it should"):
        KMeans.load(saved, "kmeans", 1)
