"""Tree models are XGBoost under BigQuery ML's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from pydantic import ValidationError

from augury.errors import ModelFailed
from augury.models.boosted_trees import (
    BoostedClassifierOptions,
    BoostedOptions,
    BoostedTreeClassifier,
    BoostedTreeRegressor,
    ForestOptions,
    RandomForestRegressor,
)
from augury.models.contract import TrainingSet
from augury.testing.model_contract import COUNTRIES, example


def by_hand(training: TrainingSet) -> Any:
    """The columns of `example` as XGBoost wants them, without augury."""
    values = {name: training.features[name].to_pylist() for name in training.features.schema.names}
    values["seen"] = training.features["seen"].cast(pa.timestamp("us", "UTC")).to_pylist()
    turn: dict[str, Callable[[Any], float]] = {
        "country": lambda name: COUNTRIES.index(name),
        "joined": lambda day: (day - date(1970, 1, 1)).days * 86_400.0,
        "seen": lambda at: at.timestamp(),
    }
    columns = [
        [math.nan if value is None else turn.get(name, float)(value) for value in column]
        for name, column in values.items()
    ]
    types = ["c" if name == "country" else "q" for name in values]
    label = np.asarray(training.label)
    return xgboost.DMatrix(np.column_stack(columns), label=label, feature_types=types, enable_categorical=True)


def predicted(model: Any, training: TrainingSet) -> Any:
    return model.predict(training.features.combine_chunks().to_batches()[0]).column(0).to_numpy()


def test_predictions_equal_xgboost_called_directly() -> None:
    training = example("regression")
    options = BoostedOptions(
        max_iterations=15, learn_rate=0.1, max_tree_depth=4, subsample=0.7, colsample_bytree=0.9,
        colsample_bylevel=0.8, colsample_bynode=0.9, l1_reg=0.5, l2_reg=2, min_split_loss=0.1,
        min_tree_child_weight=3, num_parallel_tree=2, tree_method="HIST",
    )  # fmt: skip
    native = xgboost.train(
        {
            "objective": "reg:squarederror", "eta": 0.1, "max_depth": 4, "subsample": 0.7,
            "colsample_bytree": 0.9, "colsample_bylevel": 0.8, "colsample_bynode": 0.9, "reg_alpha": 0.5,
            "reg_lambda": 2, "gamma": 0.1, "min_child_weight": 3, "num_parallel_tree": 2,
            "tree_method": "hist", "seed": 11,
        },
        by_hand(training),
        15,
    )  # fmt: skip
    model = BoostedTreeRegressor.fit(training, options, 11, 1)
    np.testing.assert_array_equal(predicted(model, training), native.predict(by_hand(training)).astype(np.float64))


def test_a_random_forest_is_one_round_of_many_trees() -> None:
    training = example("regression")
    native = xgboost.train(
        {
            "objective": "reg:squarederror", "eta": 1.0, "max_depth": 15, "subsample": 0.8,
            "colsample_bynode": 0.8, "num_parallel_tree": 10, "seed": 11,
        },
        by_hand(training),
        1,
    )  # fmt: skip
    assert ForestOptions().num_parallel_tree == 100
    model = RandomForestRegressor.fit(training, ForestOptions(num_parallel_tree=10), 11, 1)
    np.testing.assert_array_equal(predicted(model, training), native.predict(by_hand(training)).astype(np.float64))


def test_another_seed_gives_another_model() -> None:
    training = example("regression")
    first, second = (
        predicted(BoostedTreeRegressor.fit(training, BoostedOptions(subsample=0.5), seed, 1), training)
        for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_early_stop_ends_where_the_last_dates_no_longer_improve() -> None:
    training = example("regression")
    rounds = []
    for more in ({}, {"early_stop": True}, {"early_stop": True, "min_rel_progress": 0.2}):
        fitted = BoostedTreeRegressor.fit(training, BoostedOptions(max_iterations=200, **more), 0, 1)
        model = bytearray(fitted.booster.save_raw())  # type: ignore[attr-defined]
        rounds.append(xgboost.Booster(model_file=model).num_boosted_rounds())
    assert rounds[0] == 200
    assert 200 > rounds[1] > rounds[2] >= 1


@pytest.mark.parametrize("label", [["no", "yes"], [False, True], [3, 7]], ids=["text", "boolean", "integer"])
def test_a_class_label_keeps_its_type(label: list[Any]) -> None:
    table = pa.table({"x": [0.0, 1.0] * 20})
    days = example("regression", 40).dates
    training = TrainingSet(table, pa.chunked_array([pa.array(label * 20)]), days, "y")
    model = BoostedTreeClassifier.fit(training, BoostedClassifierOptions(), 0, 1)
    row = model.predict(pa.record_batch({"x": [1.0]})).to_pylist()[0]
    assert row["predicted_y"] == label[1]
    assert type(row["predicted_y"]) is type(label[1])
    assert [entry["label"] for entry in row["predicted_y_probs"]] == label


def test_names_that_xgboost_forbids_are_allowed() -> None:
    table = pa.table({"a[1] < b": [0.0, 1.0] * 20, "x": [1.0] * 40})
    training = TrainingSet(table, pa.chunked_array([pa.array([0.0, 1.0] * 20)]), example("regression", 40).dates, "y")
    model = BoostedTreeRegressor.fit(training, BoostedOptions(), 0, 1)
    assert model.importances()[0][0] == "a[1] < b"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": 0.1}, "dropout needs booster_type: dart"),
        ({"dart_normalize_type": "FOREST"}, "dart_normalize_type needs booster_type: dart"),
        ({"min_rel_progress": 0.1}, "min_rel_progress needs early_stop: true"),
        ({"xgboost_version": "1.1"}, "xgboost_version"),
        ({"instance_weight_col": "w"}, "instance_weight_col"),
        ({"category_encoding_method": "target_encoding"}, "category_encoding_method"),
        ({"auto_class_weights": True}, "auto_class_weights"),  # a regression has no classes
        ({"booster_type": "gblinear"}, "booster_type"),
        ({"subsample": 1.5}, "subsample"),
    ],
    ids=str,
)
def test_options_that_would_be_ignored_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BoostedOptions.model_validate(options)


@pytest.mark.parametrize("option", ["learn_rate", "max_iterations", "early_stop"])
def test_a_forest_has_no_options_of_boosting(option: str) -> None:
    with pytest.raises(ValidationError, match=option):
        ForestOptions.model_validate({option: 1})


def test_two_ways_of_weighing_classes_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="auto_class_weights and class_weights exclude each other"):
        BoostedClassifierOptions(auto_class_weights=True, class_weights={"a": 1})


def test_what_xgboost_refuses_is_told_without_its_stack_trace() -> None:
    with pytest.raises(ModelFailed, match="XGBoost refused the training set") as caught:
        BoostedTreeRegressor.fit(example("regression"), BoostedOptions(tree_method="exact"), 0, 1)
    assert "bt]" not in str(caught.value)
