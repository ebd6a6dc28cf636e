"""Are tree models those that XGBoost trains on the same matrix, with the documented defaults?"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from augury.bigquery_ml.supervised.tree_inputs import Encoder
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import ask, labelled, numbers, train

FOREST = {
    "eta": 1.0,
    "num_parallel_tree": 100,
    "max_depth": 15,
    "subsample": 0.8,
    "colsample_bynode": 0.8,
    "lambda": 1.0,
    "tree_method": "hist",
}
BOOSTED = {"eta": 0.3, "max_depth": 6, "lambda": 1.0, "tree_method": "hist"}


def direct(model: Any, rows: Any, parameters: dict[str, Any], rounds: int, label: Any, weights: Any = None) -> Any:
    """What XGBoost's own package predicts when it is trained on what the model encodes."""
    kept = model.kept
    arrays = [rows.column(column.name).combine_chunks() for column in kept.columns]
    encoded = Encoder(kept.columns, kept.tree_inputs).encode(arrays, rows.num_rows)
    data = xgboost.DMatrix(encoded, label=label, weight=weights)
    return xgboost.train({**parameters, "nthread": 1, "seed": 0}, data, rounds).predict(xgboost.DMatrix(encoded))


def test_a_boosted_regressor_is_that_of_xgboost() -> None:
    rows = numbers()
    model = train("boosted_tree_regressor", rows, early_stop=False)
    expected = direct(model, rows, {**BOOSTED, "objective": "reg:squarederror"}, 20, rows["label"].to_numpy())

    assert ask(model, "predict", rows)["predicted_label"].to_numpy() == pytest.approx(expected, abs=0)


def test_a_boosted_classifier_is_that_of_xgboost() -> None:
    rows = labelled(("no", "yes"))
    model = train("boosted_tree_classifier", rows, early_stop=False, learn_rate=0.1, max_tree_depth=3, max_iterations=7)
    label = np.array([name == "yes" for name in rows["label"].to_pylist()])
    parameters = {**BOOSTED, "eta": 0.1, "max_depth": 3, "objective": "binary:logistic"}
    expected = direct(model, rows, parameters, 7, label)

    found = ask(model, "predict", rows).to_pylist()

    assert [row["predicted_label_probs"][0]["prob"] for row in found] == pytest.approx(expected, abs=0)
    assert {row["predicted_label_probs"][0]["label"] for row in found} == {"yes"}


def test_a_boosted_classifier_of_three_classes_is_that_of_xgboost() -> None:
    rows = labelled(("hi", "lo", "mid"))
    model = train("boosted_tree_classifier", rows, early_stop=False)
    label = np.array([("hi", "lo", "mid").index(name) for name in rows["label"].to_pylist()])
    expected = direct(model, rows, {**BOOSTED, "objective": "multi:softprob", "num_class": 3}, 20, label)

    found = [row["predicted_label_probs"] for row in ask(model, "predict", rows).to_pylist()]

    assert [[entry["label"] for entry in row] for row in found] == [["mid", "lo", "hi"]] * 300
    assert [[entry["prob"] for entry in row] for row in found] == pytest.approx(expected[:, ::-1], abs=0)


@pytest.mark.parametrize("model_type", ["random_forest_regressor", "random_forest_classifier"])
def test_a_forest_is_one_round_of_a_hundred_trees(model_type: str) -> None:
    rows = numbers()
    label = rows["label"].to_numpy()
    goal: dict[str, Any] = {"objective": "reg:squarederror"}
    if model_type.endswith("classifier"):
        label = label > np.median(label)
        rows = rows.set_column(2, "label", pa.array(label))
        goal = {"objective": "binary:logistic"}
    model = train(model_type, rows)
    expected = direct(model, rows, {**FOREST, **goal}, 1, label)

    table = ask(model, "predict", rows)

    if model_type.endswith("classifier"):
        found = [row[0]["prob"] for row in table["predicted_label_probs"].to_pylist()]
    else:
        found = table["predicted_label"].to_pylist()
    assert found == pytest.approx(expected, abs=0)


def test_instance_weights_reach_xgboost_and_are_no_feature() -> None:
    rows = numbers().append_column("importance", pa.array(np.linspace(0.0, 3.0, 300)))
    model = train("boosted_tree_regressor", rows, early_stop=False, instance_weight_col="importance")
    weights = rows["importance"].to_numpy()
    parameters = {**BOOSTED, "objective": "reg:squarederror"}
    expected = direct(model, rows, parameters, 20, rows["label"].to_numpy(), weights)

    assert [name for name, _ in model.features] == ["size", "wiki"]
    assert ask(model, "predict", rows)["predicted_label"].to_numpy() == pytest.approx(expected, abs=0)


def test_auto_class_weights_balance_the_classes() -> None:
    rows = labelled((False, True))
    rare = rows.filter(pa.array([not yes or at % 6 == 0 for at, yes in enumerate(rows["label"].to_pylist())]))
    label = rare["label"].to_numpy(False).astype(int)
    counts = np.bincount(label)
    weights = (len(label) / (2 * counts))[label]
    model = train("boosted_tree_classifier", rare, early_stop=False, auto_class_weights=True)
    expected = direct(model, rare, {**BOOSTED, "objective": "binary:logistic"}, 20, label, weights)

    found = [row[0]["prob"] for row in ask(model, "predict", rare)["predicted_label_probs"].to_pylist()]

    assert found == pytest.approx(expected, abs=0)


def test_dart_drops_trees_as_asked() -> None:
    rows = numbers()
    options: dict[str, Any] = {"booster_type": "DART", "dropout": 0.5, "dart_normalize_type": "FOREST"}
    model = train("boosted_tree_regressor", rows, early_stop=False, **options)
    parameters = {**BOOSTED, "objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5}
    expected = direct(model, rows, {**parameters, "normalize_type": "forest"}, 20, rows["label"].to_numpy())

    assert ask(model, "predict", rows)["predicted_label"].to_numpy() == pytest.approx(expected, rel=1e-5)


def test_early_stop_watches_the_rows_that_are_held_out() -> None:
    model = train("boosted_tree_regressor", numbers(800), max_iterations=100)
    info = ask(model, "training_info")
    losses = info["eval_loss"].to_pylist()
    progress = [1 - after / before for before, after in pairwise(losses)]

    assert len(losses) < 100
    assert progress[-1] < 0.01
    assert all(share >= 0.01 for share in progress[:-1])
    assert info["learning_rate"].to_pylist() == [0.3] * len(losses)


def test_without_a_split_there_is_no_loss_of_held_out_rows() -> None:
    info = ask(train("boosted_tree_regressor", numbers(800), data_split_method="NO_SPLIT"), "training_info")

    assert info["eval_loss"].null_count == len(info)


def test_importances_name_every_feature_once() -> None:
    rows = labelled((0, 1)).append_column("same", pa.array([1.0] * 300))
    model = train("boosted_tree_classifier", rows, category_encoding_method="ONE_HOT_ENCODING", early_stop=False)
    table = ask(model, "feature_importance")
    found = {row["feature"]: row for row in table.to_pylist()}
    booster: Any = xgboost.Booster()
    booster.load_model(bytearray(model.boosters[1]))
    splits, gains = booster.get_score(importance_type="weight"), booster.get_score(importance_type="total_gain")
    colours = [f"f{at}" for at in range(2, 6)]

    assert table.schema.names == ["feature", "importance_weight", "importance_gain", "importance_cover"]
    assert list(found) == ["size", "wiki", "colour", "same"]
    weight = sum(splits.get(name, 0.0) for name in colours)
    assert found["colour"]["importance_weight"] == weight
    assert found["colour"]["importance_gain"] == pytest.approx(sum(gains.get(name, 0.0) for name in colours) / weight)
    assert found["same"]["importance_weight"] == 0.0


def test_the_seed_decides_what_is_sampled() -> None:
    rows = numbers()
    first, again, other = (train("random_forest_regressor", rows, seed=seed) for seed in (1, 1, 2))

    assert first.boosters == again.boosters
    assert first.boosters != other.boosters


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": 0.5}, "booster_type dart"),
        ({"subsample": 0.0}, "subsample"),
        ({"approx_global_feature_contrib": True}, "enable_global_explain"),
        ({"xgboost_version": "7"}, "xgboost_version"),
        ({"tree_method": "gpu_hist"}, "tree_method"),
        ({"category_encoding_method": "dummy_encoding"}, "category_encoding_method"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("boosted_tree_regressor", numbers(), **options)


@pytest.mark.parametrize("weights", [[-1.0] * 300, [0.0] * 300, [None, *[1.0] * 299]])
def test_weights_that_are_none_are_refused(weights: list[float | None]) -> None:
    rows = numbers().append_column("importance", pa.array(weights, pa.float64()))
    with pytest.raises(ModelFailed, match="instance_weight_col importance"):
        train("boosted_tree_regressor", rows, instance_weight_col="importance")
