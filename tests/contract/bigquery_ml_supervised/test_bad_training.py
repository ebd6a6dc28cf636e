"""Does training that cannot be done say why, and what to do?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Call
from augury.errors import AuguryError, ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import CLASSIFIERS, REGRESSORS, TYPES, labelled, numbers, train


def with_label(label: Any) -> Any:
    return pa.table({"x": [float(at) for at in range(len(label))], "label": label})


@pytest.mark.parametrize("model_type", TYPES)
def test_the_label_column_must_be_there(model_type: str) -> None:
    rows = with_label([0, 1] * 20)

    with pytest.raises(ModelFailed, match="labl: there is no such column, did you mean label"):
        train(model_type, rows, input_label_cols=["labl"])


@pytest.mark.parametrize("model_type", TYPES)
def test_a_label_may_not_be_null(model_type: str) -> None:
    with pytest.raises(ModelFailed, match="NULL in all 40 rows"):
        train(model_type, with_label(pa.nulls(40, pa.int64())))
    with pytest.raises(ModelFailed, match="NULL in 1 of 40 rows") as caught:
        train(model_type, with_label(pa.array([None, *[0, 1, 1] * 13])))
    assert "WHERE label IS NOT NULL" in str(caught.value)


@pytest.mark.parametrize("model_type", TYPES)
def test_rows_and_features_are_needed(model_type: str) -> None:
    with pytest.raises(ModelFailed, match="returned no rows"):
        train(model_type, with_label(pa.array([0, 1])).slice(0, 0))
    with pytest.raises(ModelFailed, match="no column is left to learn from"):
        train(model_type, pa.table({"label": [0, 1] * 20}))


@pytest.mark.parametrize("model_type", CLASSIFIERS)
def test_a_classifier_needs_classes(model_type: str) -> None:
    with pytest.raises(ModelFailed, match="one class only: 1"):
        train(model_type, with_label([1] * 40))
    with pytest.raises(ModelFailed, match="label is FLOAT64: a classifier needs STRING, INT64 or BOOL"):
        train(model_type, with_label([0.5, 1.5] * 20))


def test_there_is_a_limit_of_classes() -> None:
    train("logistic_reg", with_label(list(range(50)) * 2), max_iterations=1)
    with pytest.raises(ModelFailed, match="51 classes: logistic_reg takes up to 50"):
        train("logistic_reg", with_label(list(range(51)) * 2))
    with pytest.raises(ModelFailed, match="1,001 classes"):
        train("boosted_tree_classifier", with_label(list(range(1001))))


@pytest.mark.parametrize("model_type", REGRESSORS)
def test_a_regression_needs_finite_numbers(model_type: str) -> None:
    with pytest.raises(ModelFailed, match="label is STRING: a regression needs a number"):
        train(model_type, with_label(["a", "b"] * 20))
    with pytest.raises(ModelFailed, match="NaN or infinite in 2 of 40 rows"):
        train(model_type, with_label([float("nan"), float("inf"), *[1.0] * 38]))


@pytest.mark.parametrize("model_type", CLASSIFIERS)
def test_a_rare_class_may_be_held_out_by_chance(model_type: str) -> None:
    rows = labelled(("a", "b", "c")).append_column("held", pa.array([at % 3 == 0 for at in range(300)]))
    kept = rows.filter(pa.array([row["held"] or row["label"] != "c" for row in rows.to_pylist()]))
    model = train(model_type, kept, data_split_method="custom", data_split_col="held")

    assert model.call(Call("confusion_matrix")).read_all()["expected_label"].to_pylist() == ["a", "b", "c"]


def test_two_classes_need_rows_that_train() -> None:
    rows = labelled((0, 1)).append_column("held", pa.array([False] * 300))
    only = rows.set_column(4, "held", pa.array([label == 1 for label in rows["label"].to_pylist()]))

    with pytest.raises(ModelFailed, match="one class only: 0"):
        train("logistic_reg", only, data_split_method="custom", data_split_col="held")


def test_class_weights_name_every_class() -> None:
    with pytest.raises(ModelFailed, match="class_weights") as caught:
        train("logistic_reg", labelled((0, 1)), class_weights=[{"label": "0", "weight": 1.0}])
    assert "expected 0, 1" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_iteration": 5}, "max_iteration: not an option of linear_reg, did you mean max_iterations"),
        ({"subsample": 0.5}, "subsample: not an option of linear_reg"),
        ({"warm_start": True}, "only on BigQuery"),
        ({"kms_key_name": "key"}, "Cloud KMS"),
        ({"model_registry": "vertex_ai"}, "Vertex AI Model Registry"),
        ({"data_split_method": "custom"}, "needs data_split_col"),
        ({"data_split_col": "day"}, "needs data_split_method custom or seq"),
        ({"data_split_eval_fraction": 0.3}, "needs data_split_method random or seq"),
        ({"data_split_method": "random", "data_split_eval_fraction": 20.0}, "data_split_eval_fraction"),
        ({"data_split_method": "random", "data_split_test_fraction": 0.2}, "needs num_trials"),
        ({"input_label_cols": ["a", "b"]}, "input_label_cols"),
        ({"hparam_tuning_objectives": ["r2_score"]}, "needs num_trials"),
    ],
)
def test_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("linear_reg", numbers(), **options)


def test_class_weights_are_given_in_one_way() -> None:
    for model_type in CLASSIFIERS:
        with pytest.raises(UsageError, match="exclude each other"):
            train(model_type, labelled((0, 1)), auto_class_weights=True, class_weights=[("0", 1.0), ("1", 2.0)])
    with pytest.raises(UsageError, match="instance_weight_col excludes"):
        train("boosted_tree_classifier", labelled((0, 1)), auto_class_weights=True, instance_weight_col="wiki")


def test_all_problems_of_the_options_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        train("linear_reg", numbers(), max_iteration=5, warm_start=True)
    assert "max_iteration" in str(caught.value)
    assert "warm_start" in str(caught.value)


def test_columns_that_become_one_feature_name_are_refused() -> None:
    rows = pa.table({"a": [{"b": 1.0}] * 20, "a_b": [1.0] * 20, "label": [1.0] * 20})

    with pytest.raises(ModelFailed, match="a_b: there are two features of that name"):
        train("linear_reg", rows)


def test_whatever_is_wrong_is_an_error_of_ours() -> None:
    """One row, one column, NULL everywhere, NaN everywhere: never a traceback of a library."""
    odd = [
        pa.table({"x": [1.0], "label": [1]}),
        pa.table({"x": pa.nulls(40), "label": [0, 1] * 20}),
        pa.table({"x": [float("nan")] * 40, "label": [0, 1] * 20}),
        pa.table({"x": pa.array([None] * 40, pa.string()), "label": [0, 1] * 20}),
        pa.table({"x": pa.array([[]] * 40, pa.list_(pa.string())), "label": [0, 1] * 20}),
        pa.table({"x": pa.array([[]] * 40, pa.list_(pa.float64())), "label": [0, 1] * 20}),
        pa.table({"x": [1e300, -1e300] * 20, "label": [0, 1] * 20}),
        pa.table({"x]<": ["é", "\x00"] * 20, "label": [0, 1] * 20}),
    ]
    done = 0
    for rows in odd:
        for model_type in TYPES:
            with suppress(AuguryError):
                train(model_type, rows)
                done += 1
    assert done > len(odd)
