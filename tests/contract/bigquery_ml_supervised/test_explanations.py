"""Do attributions add up to what the model says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from augury.bigquery_ml.supervised.tree_inputs import Encoder
from augury.errors import UsageError
from tests.contract.bigquery_ml_supervised.asking import TYPES, ask, labelled, numbers, train

ATTRIBUTIONS = pa.list_(pa.struct([("feature", pa.string()), ("attribution", pa.float64())]))


def total(row: dict[str, Any]) -> float:
    return float(row["baseline_prediction_value"] + sum(e["attribution"] for e in row["top_feature_attributions"]))


@pytest.mark.parametrize("classes", [(), (0, 1), ("a", "b", "c")])
@pytest.mark.parametrize("family", ["linear", "boosted", "forest"])
def test_baseline_and_attributions_add_up_to_the_prediction(family: str, classes: tuple[Any, ...]) -> None:
    model_type = {
        "linear": ("linear_reg", "logistic_reg"),
        "boosted": ("boosted_tree_regressor", "boosted_tree_classifier"),
        "forest": ("random_forest_regressor", "random_forest_classifier"),
    }[family][bool(classes)]
    rows = labelled(classes or (1, 2, 3, 4))
    rows = rows if classes else rows.set_column(3, "label", rows["label"].cast(pa.float64()))
    model = train(model_type, rows)
    predicted = ask(model, "predict", rows).to_pylist()

    for row, said in zip(ask(model, "explain_predict", rows).to_pylist(), predicted, strict=True):
        assert row["predicted_label"] == said["predicted_label"]
        assert total(row) == pytest.approx(row["prediction_value"], abs=1e-4)
        assert row["approximation_error"] == 0.0
        if not classes:
            assert row["prediction_value"] == row["predicted_label"]
        elif len(classes) == 2:
            assert 1 / (1 + np.exp(-row["prediction_value"])) == pytest.approx(row["probability"], abs=1e-5)
        if classes:
            best = next(e["prob"] for e in said["predicted_label_probs"] if e["label"] == said["predicted_label"])
            assert row["probability"] == best


def test_columns_are_the_documented_ones_before_those_of_the_rows() -> None:
    rows = labelled((0, 1))
    classes = ask(train("logistic_reg", rows), "explain_predict", rows).schema
    line = ask(train("linear_reg", numbers()), "explain_predict", numbers()).schema

    tail = ["top_feature_attributions", "baseline_prediction_value", "prediction_value", "approximation_error"]
    assert classes.names == ["predicted_label", "probability", *tail, "size", "wiki", "colour", "label"]
    assert line.names == ["predicted_label", *tail, "size", "wiki", "label"]
    assert classes.field("top_feature_attributions").type == ATTRIBUTIONS


def test_attributions_of_a_linear_model_are_its_terms() -> None:
    rows = numbers()
    model = train("linear_reg", rows)
    weights = {row["processed_input"]: row["weight"] for row in ask(model, "weights", standardize=True).to_pylist()}
    size = rows["size"].to_numpy()
    terms = (size - size.mean()) / size.std() * weights["size"]

    explained = ask(model, "explain_predict", rows).to_pylist()

    assert {row["baseline_prediction_value"] for row in explained} == {weights["__INTERCEPT__"]}
    found = [next(e["attribution"] for e in r["top_feature_attributions"] if e["feature"] == "size") for r in explained]
    assert found == pytest.approx(terms)


def test_attributions_of_trees_are_those_of_xgboost() -> None:
    rows = labelled((0, 1))
    model = train("boosted_tree_classifier", rows, category_encoding_method="one_hot_encoding")
    kept = model.kept
    arrays = [rows.column(column.name).combine_chunks() for column in kept.columns]
    booster = xgboost.Booster()
    booster.load_model(bytearray(model.boosters[1]))
    data = xgboost.DMatrix(Encoder(kept.columns, kept.tree_inputs).encode(arrays, 300))
    for approximate in (False, True):
        expected = booster.predict(data, pred_contribs=True, approx_contribs=approximate)
        table = ask(model, "explain_predict", rows, approx_feature_contrib=approximate).to_pylist()
        for row, parts in zip(table, expected, strict=True):
            sign = 1 if row["predicted_label"] == 1 else -1
            found = {entry["feature"]: entry["attribution"] * sign for entry in row["top_feature_attributions"]}
            # The columns of one feature are one attribution.
            assert found["colour"] == pytest.approx(parts[2:6].sum(), abs=1e-5)
            assert found["size"] == pytest.approx(parts[0], abs=1e-6)


def test_the_strongest_features_come_first() -> None:
    rows = labelled((0, 1))
    row = ask(train("logistic_reg", rows), "explain_predict", rows, top_k_features=2).to_pylist()[0]
    found = [abs(entry["attribution"]) for entry in row["top_feature_attributions"]]

    assert len(found) == 2
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("model_type", TYPES)
def test_global_explanations_are_mean_attributions_of_the_rows_that_are_judged(model_type: str) -> None:
    classes = (0, 1) if model_type.endswith("classifier") or model_type == "logistic_reg" else (1, 2, 3, 4)
    rows = labelled(classes)
    model = train(
        model_type,
        rows,
        enable_global_explain=True,
        **({} if "reg" in model_type.split("_")[1] else {"approx_global_feature_contrib": False}),
    )
    table = ask(model, "global_explain")
    explained = ask(model, "explain_predict", rows).to_pylist()
    means = {
        name: np.mean(
            [
                abs(e["attribution"])
                for row in explained
                for e in row["top_feature_attributions"]
                if e["feature"] == name
            ]
        )
        for name in ("size", "wiki", "colour")
    }

    assert table.schema.names == ["feature", "attribution"]
    assert dict(zip(*table.to_pydict().values(), strict=True)) == pytest.approx(means, rel=1e-5)
    assert table["attribution"].to_pylist() == sorted(table["attribution"].to_pylist(), reverse=True)


def test_global_explanations_of_each_class() -> None:
    rows = labelled(("lo", "mid", "hi"))
    model = train("boosted_tree_classifier", rows, enable_global_explain=True)
    table = ask(model, "global_explain", class_level_explain=True)

    assert table.schema.names == ["class_name", "feature", "attribution"]
    assert table["class_name"].to_pylist() == ["hi"] * 3 + ["lo"] * 3 + ["mid"] * 3
    with pytest.raises(UsageError, match="class_level_explain needs a classifier"):
        ask(train("linear_reg", numbers(), enable_global_explain=True), "global_explain", class_level_explain=True)
