"""Do predictions stream, with BigQuery ML's columns, and do they depend on the rows alone?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Call, ModelType, TrainedModel
from augury.bigquery_ml.supervised.options import SUPPORTED
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import CLASSIFIERS, REGRESSORS, TYPES, ask, labelled, numbers, train


def rows_for(model_type: str, classes: tuple[Any, ...] = ("a", "b", "c")) -> Any:
    rows = labelled(classes)
    return rows if model_type in CLASSIFIERS else rows.set_column(3, "label", pa.array(np.arange(300.0)))


@pytest.mark.parametrize("model_type", TYPES)
def test_types_and_models_keep_the_contract(model_type: str) -> None:
    model = train(model_type, rows_for(model_type))

    assert isinstance(TYPES[model_type], ModelType)
    assert isinstance(model, TrainedModel)
    assert model.features == (("size", "FLOAT64"), ("wiki", "FLOAT64"), ("colour", "STRING"))
    assert model.labels == ("label",)
    assert set(TYPES) == set(SUPPORTED)


@pytest.mark.parametrize("model_type", REGRESSORS)
def test_a_regression_adds_one_column_before_those_of_the_rows(model_type: str) -> None:
    rows = numbers().append_column("id", pa.array(range(300)))
    table = ask(train(model_type, rows.drop_columns(["id"])), "predict", rows)

    assert table.schema.names == ["predicted_label", "size", "wiki", "label", "id"]
    assert table.schema.field("predicted_label").type == pa.float64()
    assert table["id"].to_pylist() == list(range(300))


@pytest.mark.parametrize("model_type", CLASSIFIERS)
@pytest.mark.parametrize(
    ("classes", "kind"), [((0, 1), pa.int64()), ((False, True), pa.bool_()), (("n", "y"), pa.string())]
)
def test_a_classifier_adds_the_class_and_the_probabilities(model_type: str, classes: Any, kind: Any) -> None:
    rows = labelled(classes)
    table = ask(train(model_type, rows), "predict", rows)

    assert table.schema.names[:2] == ["predicted_label", "predicted_label_probs"]
    assert table.schema.field(0).type == kind
    assert table.schema.field(1).type == pa.list_(pa.struct([("label", kind), ("prob", pa.float64())]))
    for row in table.to_pylist():
        positive, negative = row["predicted_label_probs"]
        # The higher label is the positive class, and stands first.
        assert (positive["label"], negative["label"]) == (classes[1], classes[0])
        assert positive["prob"] + negative["prob"] == pytest.approx(1.0)
        assert row["predicted_label"] == (positive if positive["prob"] > 0.5 else negative)["label"]
    assert np.mean(np.array(table["predicted_label"].to_pylist()) == np.array(rows["label"].to_pylist())) > 0.8


def test_the_threshold_decides_between_two_classes() -> None:
    rows = labelled((0, 1))
    model = train("logistic_reg", rows)
    chances = np.array([row[0]["prob"] for row in ask(model, "predict", rows)["predicted_label_probs"].to_pylist()])

    strict = ask(model, "predict", rows, threshold=0.9)["predicted_label"].to_numpy()

    assert strict.tolist() == (chances > 0.9).astype(int).tolist()
    assert 0 < strict.sum() < (chances > 0.5).sum()


def test_a_label_of_another_name_names_the_columns() -> None:
    rows = numbers().rename_columns(["size", "wiki", "Forks"])
    model = train("linear_reg", rows, input_label_cols=["forks"])

    assert ask(model, "predict", rows).schema.names[0] == "predicted_forks"
    assert ask(model, "evaluate", rows)["r2_score"][0].as_py() > 0.9


def test_columns_are_found_in_any_order_and_letter_case() -> None:
    rows = numbers()
    model = train("boosted_tree_regressor", rows)
    turned = pa.table({"WIKI": rows["wiki"], "label": rows["label"], "Size": rows["size"]})

    expected = ask(model, "predict", rows)["predicted_label"]
    assert ask(model, "predict", turned)["predicted_label"].equals(expected)


def test_numbers_of_another_type_are_taken() -> None:
    rows = numbers()
    model = train("boosted_tree_regressor", rows)
    whole = rows.set_column(0, "size", rows["size"].cast(pa.int32(), safe=False))
    same = whole.set_column(0, "size", whole["size"].cast(pa.float64()))

    assert ask(model, "predict", whole)["predicted_label"].equals(ask(model, "predict", same)["predicted_label"])


def test_columns_that_transform_made_are_read_and_hidden() -> None:
    rows = numbers()
    model = train("linear_reg", rows)
    seen = pa.table({"raw": rows["size"], "wiki": rows["wiki"], "__1": rows["size"], "__2": rows["label"]})
    inputs = {"size": "__1", "label": "__2"}

    table = model.call(Call("predict", seen.to_reader(), inputs=inputs)).read_all()
    figures = model.call(Call("evaluate", seen.to_reader(), inputs=inputs)).read_all()

    assert table.schema.names == ["predicted_label", "raw", "wiki"]
    assert table["predicted_label"].equals(ask(model, "predict", rows)["predicted_label"])
    assert figures.equals(ask(model, "evaluate", rows))


def test_rows_are_read_as_the_answer_is_read() -> None:
    """Memory follows the batch: nothing is read ahead, and the schema is known before the first row."""
    rows = numbers()
    model = train("boosted_tree_regressor", rows)
    read = []

    def batches() -> Iterator[Any]:
        for at in range(1000):
            read.append(at)
            yield rows.to_batches()[0]

    answer = model.call(Call("predict", pa.RecordBatchReader.from_batches(rows.schema, batches())))
    assert answer.schema.names[0] == "predicted_label"
    assert read == []
    answer.read_next_batch()
    assert len(read) == 1


def test_no_rows_give_no_predictions() -> None:
    for model_type in TYPES:
        rows = rows_for(model_type)
        model = train(model_type, rows)
        for function in ("predict", "explain_predict"):
            empty = ask(model, function, rows.slice(0, 0))
            assert empty.num_rows == 0
            assert empty.schema == ask(model, function, rows).schema


def test_a_column_that_is_called_like_the_prediction_is_refused() -> None:
    rows = numbers()
    model = train("linear_reg", rows)

    with pytest.raises(ModelFailed, match="predicted_label") as caught:
        ask(model, "predict", rows.append_column("Predicted_Label", rows["label"]))
    assert "EXCEPT" in str(caught.value)


def test_missing_and_changed_columns_are_named_together() -> None:
    rows = labelled((0, 1))
    model = train("logistic_reg", rows)
    changed = pa.table({"sise": rows["size"], "wiki": rows["colour"], "colour": rows["colour"]})

    with pytest.raises(ModelFailed) as caught:
        ask(model, "predict", changed)
    assert "size: there is no such column, did you mean sise?" in str(caught.value)
    assert "wiki: expected a number, got STRING" in str(caught.value)


@pytest.mark.parametrize("model_type", ["linear_reg", "boosted_tree_regressor"])
def test_infinities_are_refused_by_name_and_count(model_type: str) -> None:
    rows = numbers()
    model = train(model_type, rows)
    broken = rows.set_column(1, "wiki", pa.array([float("inf"), float("-inf"), *[1.0] * 298]))

    for job in (lambda: train(model_type, broken), lambda: ask(model, "predict", broken)):
        with pytest.raises(ModelFailed, match="the feature wiki is infinite in 2 rows"):
            job()


@pytest.mark.parametrize(
    ("function", "settings", "message"),
    [
        ("predict", {"treshold": 0.4}, "did you mean threshold"),
        ("predict", {"threshold": 1.4}, "from 0 to 1"),
        ("predict", {"threshold": "high"}, "from 0 to 1"),
        ("predict", {"trial_id": 1}, "was not tuned"),
        ("explain_predict", {"top_k_features": 0}, "1 or more"),
        ("explain_predict", {"approx_feature_contrib": True}, "only applies to trees"),
        ("confusion_matrix", {"thresholds": [0.1]}, "did you mean threshold"),
        ("roc_curve", {"thresholds": 0.5}, "ARRAY"),
    ],
)
def test_settings_are_checked(function: str, settings: dict[str, Any], message: str) -> None:
    rows = labelled((0, 1))
    with pytest.raises(UsageError, match=message):
        ask(train("logistic_reg", rows), function, rows, **settings)


def test_a_threshold_needs_two_classes() -> None:
    for rows, model_type in ((numbers(), "linear_reg"), (labelled(("a", "b", "c")), "logistic_reg")):
        with pytest.raises(UsageError, match="two classes"):
            ask(train(model_type, rows), "predict", rows, threshold=0.4)


def test_functions_of_other_models_are_refused_with_advice() -> None:
    model = train("boosted_tree_regressor", numbers())

    assert "weights" not in model.functions
    for function, advice in (
        ("weights", "FEATURE_IMPORTANCE"),
        ("global_explain", "ENABLE_GLOBAL_EXPLAIN"),
        ("confusion_matrix", "is not for models of type boosted_tree_regressor"),
        ("trial_info", "NUM_TRIALS"),
        ("forecast", "it answers ML.EVALUATE"),
    ):
        with pytest.raises(UsageError, match=advice):
            ask(model, function)
    with pytest.raises(UsageError, match="needs rows"):
        ask(model, "predict")


def test_a_broken_file_is_no_traceback(tmp_path: Path) -> None:
    model = train("boosted_tree_regressor", numbers())
    model.save(tmp_path)
    kind = TYPES["boosted_tree_regressor"]

    with pytest.raises(ModelFailed, match="not a random_forest_regressor"):
        TYPES["random_forest_regressor"].load(tmp_path, "random_forest_regressor", 1)
    (tmp_path / "trial_1.ubj").unlink()
    with pytest.raises(ModelFailed, match=r"trial_1\.ubj"):
        kind.load(tmp_path, "boosted_tree_regressor", 1)
    (tmp_path / "model.json").write_text('{"version": 9}')
    with pytest.raises(ModelFailed, match="not a model that this version reads"):
        kind.load(tmp_path, "boosted_tree_regressor", 1)
    (tmp_path / "model.json").unlink()
    with pytest.raises(ModelFailed, match=r"model\.json cannot be read"):
        kind.load(tmp_path, "boosted_tree_regressor", 1)


def test_exports_are_files_of_other_tools(tmp_path: Path) -> None:
    import json

    import xgboost

    trees, line = tmp_path / "trees", tmp_path / "line"
    trees.mkdir()
    line.mkdir()

    assert train("boosted_tree_regressor", numbers()).export(trees) == ("features.json", "model.ubj")
    assert train("linear_reg", numbers()).export(line) == ("features.json",)
    booster = xgboost.Booster()
    booster.load_model(trees / "model.ubj")
    assert booster.num_features() == 2
    assert json.loads((line / "features.json").read_text())["label"] == "label"
