"""Principal components are scikit-learn's, with BigQuery ML's columns and a sign that is always the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA as Reference

from augury.bigquery_ml.unsupervised.types import PCA
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, column, keeps_its_promises, rows_of, train

NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def points() -> Any:
    random = np.random.default_rng(3)
    hidden = random.normal(size=(300, 2))
    return hidden @ random.normal(size=(2, 5)) + 0.2 * random.normal(size=(300, 5)) + 4.0


@pytest.fixture(scope="module")
def numeric(points: Any) -> pa.Table:
    return pa.table({name: points[:, at] for at, name in enumerate(NAMES)})


@pytest.fixture(scope="module")
def rows(numeric: pa.Table) -> pa.Table:
    random = np.random.default_rng(5)
    kinds = [None if draw == "none" else draw for draw in random.choice(["x", "y", "z", "none"], 300)]
    return numeric.append_column("kind", pa.array(kinds)).append_column("id", pa.array(np.arange(300)))


def weights(model: Any, count: int) -> Any:
    return np.array([row["numerical_value"] for row in rows_of(ask(model, "principal_components"))]).reshape(count, -1)


@pytest.mark.parametrize("solver", ["FULL", "RANDOMIZED", "AUTO"])
@pytest.mark.parametrize("scale", [True, False])
def test_components_are_those_of_scikit_learn(points: Any, numeric: pa.Table, scale: bool, solver: str) -> None:
    model = train(PCA, numeric, num_principal_components=3, scale_features=scale, pca_solver=solver)
    used = (points - points.mean(axis=0)) / (points.std(axis=0) if scale else 1.0)
    reference = Reference(3, svd_solver="full").fit(used)
    found = weights(model, 3)
    signs = np.sign((found * reference.components_).sum(axis=1))
    np.testing.assert_allclose(found, reference.components_ * signs[:, None], atol=1e-6)
    info = rows_of(ask(model, "principal_component_info"))
    assert [row["principal_component_id"] for row in info] == [1, 2, 3]
    assert [row["eigenvalue"] for row in info] == pytest.approx(reference.explained_variance_.tolist(), rel=1e-9)
    ratios = reference.explained_variance_ratio_
    assert [row["explained_variance_ratio"] for row in info] == pytest.approx(ratios.tolist(), rel=1e-9)
    assert info[2]["cumulative_explained_variance_ratio"] == pytest.approx(ratios.sum())
    assert rows_of(ask(model, "evaluate")) == [{"total_explained_variance_ratio": pytest.approx(ratios.sum())}]
    predicted = ask(model, "predict", numeric)
    projected = np.column_stack([column(predicted, f"principal_component_{number}") for number in (1, 2, 3)])
    np.testing.assert_allclose(projected, reference.transform(used) * signs, atol=1e-6)


def test_the_largest_weight_of_each_component_is_positive(numeric: pa.Table) -> None:
    flipped = pa.table({name: -column(numeric, name) for name in NAMES})
    for table in (numeric, flipped):
        found = weights(train(PCA, table, num_principal_components=5), 5)
        assert (found[np.arange(5), np.abs(found).argmax(axis=1)] > 0).all()


def test_as_many_components_are_kept_as_explain_more_than_the_ratio(numeric: pa.Table) -> None:
    shares = [row["explained_variance_ratio"] for row in info_of(numeric, num_principal_components=5)]
    for wanted in (0.3, 0.8, 0.999):
        kept = info_of(numeric, pca_explained_variance_ratio=wanted)
        assert sum(shares[: len(kept)]) > wanted >= sum(shares[: len(kept) - 1])


def info_of(rows: pa.Table, **options: Any) -> list[dict[str, Any]]:
    return rows_of(ask(train(PCA, rows, **options), "principal_component_info"))


def test_categories_count_as_one_input_per_value(rows: pa.Table) -> None:
    model = train(PCA, rows.select(["a", "kind"]), num_principal_components=2)
    spread = np.column_stack(
        [(column(rows, "a") - column(rows, "a").mean()) / column(rows, "a").std()]
        + [[value == level for value in rows.column("kind").to_pylist()] for level in ("x", "y", "z", None)]
    ).astype(float)
    reference = Reference(2).fit(spread)
    info = rows_of(ask(model, "principal_component_info"))
    assert [row["eigenvalue"] for row in info] == pytest.approx(reference.explained_variance_.tolist())
    listed = rows_of(ask(model, "principal_components"))[1]["categorical_value"]
    assert [each["category"] for each in listed] == ["x", "y", "z", "_null_filler"]
    predicted = ask(model, "predict", rows)
    for number in (1, 2):
        wanted = reference.transform(spread)[:, number - 1]
        found = column(predicted, f"principal_component_{number}")
        np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-9)


def test_columns_of_the_rows_come_back_as_documented(rows: pa.Table) -> None:
    model = train(PCA, rows.select([*NAMES, "kind"]), num_principal_components=2)
    made = ["principal_component_1", "principal_component_2"]
    assert ask(model, "predict", rows).schema.names == [*made, "id"]  # what the model did not learn from
    kept = ask(model, "predict", rows, keep_original_columns=True)
    assert kept.schema.names == [*made, *NAMES, "kind", "id"]
    assert set(kept.schema.types[:2]) == {pa.float64()}


def test_rows_are_anomalies_that_the_components_rebuild_worst(points: Any, numeric: pa.Table) -> None:
    model = train(PCA, numeric, num_principal_components=2)
    found = ask(model, "detect_anomalies", numeric, contamination=0.1)
    assert found.schema.names == ["is_anomaly", "mean_squared_error", *NAMES]
    used = (points - points.mean(axis=0)) / points.std(axis=0)
    reference = Reference(2).fit(used)
    errors = np.square(reference.inverse_transform(reference.transform(used)) - used).mean(axis=1)
    np.testing.assert_allclose(column(found, "mean_squared_error"), errors, atol=1e-12)
    assert column(found, "is_anomaly").sum() == 30
    np.testing.assert_array_equal(column(found, "is_anomaly"), errors > np.quantile(errors, 0.9))


def test_reconstruction_loss_is_per_row(points: Any, numeric: pa.Table) -> None:
    found = ask(train(PCA, numeric, num_principal_components=2, scale_features=False), "reconstruction_loss", numeric)
    reference = Reference(2).fit(points)
    rebuilt = reference.inverse_transform(reference.transform(points))
    np.testing.assert_allclose(column(found, "mean_absolute_error"), np.abs(rebuilt - points).mean(axis=1), atol=1e-9)
    logs = np.square(np.log1p(points[0]) - np.log1p(rebuilt[0])).mean()
    assert rows_of(found)[0]["mean_squared_log_error"] == pytest.approx(logs)
    below = pa.table({name: [-2.0] for name in NAMES})
    unscaled = train(PCA, numeric, num_principal_components=5, scale_features=False)
    assert rows_of(ask(unscaled, "reconstruction_loss", below))[0]["mean_squared_log_error"] is None


def test_answers_are_the_same_after_loading_and_in_any_batches(rows: pa.Table, tmp_path: Path) -> None:
    model = train(PCA, rows.select([*NAMES, "kind"]), num_principal_components=3)
    questions: dict[str, Any] = {
        "predict": (rows, {"keep_original_columns": True}),
        "detect_anomalies": (rows, {"contamination": 0.1}),
        "reconstruction_loss": (rows, {}),
        "evaluate": (None, {}),
        "principal_components": (None, {}),
        "principal_component_info": (None, {}),
        "training_info": (None, {}),
    }
    keeps_its_promises(PCA, model, questions, tmp_path)


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ({"x": [1.0, 2.0]}, {}, "neither is given"),
        ({"x": [1.0, 2.0]}, {"num_principal_components": 1, "pca_explained_variance_ratio": 0.5}, "both are given"),
        ({"x": [1.0, 2.0]}, {"pca_explained_variance_ratio": 1.0}, "pca_explained_variance_ratio: "),
        ({"x": [1.0]}, {"num_principal_components": 1}, "needs at least two rows"),
        ({"x": [1.0, 2.0]}, {"num_principal_components": 2}, "is 2, there are 1 at most"),
        ({"x": [1.0, 2.0], "y": [1.0, 3.0], "z": [1, 5]}, {"num_principal_components": 3}, "is 3, there are 2 at most"),
        ({"x": [1.0, 1.0], "y": ["a", "a"]}, {"num_principal_components": 1}, "every column is constant"),
        (
            {"x": [1.0, None], "y": pa.array([None, None], pa.int64())},
            {"num_principal_components": 1},
            "y: every value",
        ),
        ({"x": [str(at) for at in range(1600)]}, {"num_principal_components": 1, "pca_solver": "FULL"}, "takes 1,500"),
    ],
)
def test_what_cannot_be_trained_says_why(rows: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises((ModelFailed, UsageError)) as refused:
        train(PCA, pa.table(rows), **options)
    assert says in str(refused.value)


def test_rows_and_settings_are_checked(numeric: pa.Table) -> None:
    model = train(PCA, numeric, num_principal_components=2)
    with pytest.raises(UsageError, match=r"did you mean keep_original_columns\?"):
        ask(model, "predict", numeric, keep_original_column=True)
    with pytest.raises(UsageError, match=r"from 0 to 0\.5"):
        ask(model, "detect_anomalies", numeric, contamination=-0.1)
    with pytest.raises(ModelFailed, match="e: there is no such column"):
        ask(model, "predict", numeric.drop_columns(["e"]))
    with pytest.raises(ModelFailed, match=r"a: 1 value infinite"):
        ask(model, "predict", numeric.slice(0, 1).set_column(0, "a", pa.array([np.inf])))
    with pytest.raises(UsageError, match="takes no table or query"):
        ask(model, "evaluate", numeric)
