"""Are figures those of scikit-learn, over the rows that the documentation says?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from augury.bigquery_ml.supervised.assessing import column_names
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import ask, labelled, numbers, train


def chances(model: Any, rows: Any) -> Any:
    """Rows x classes, in ascending order of classes."""
    found = ask(model, "predict", rows)["predicted_label_probs"].to_pylist()
    return np.array([[entry["prob"] for entry in reversed(row)] for row in found])


def test_a_regression_is_judged_by_six_figures() -> None:
    rows, new = numbers(), numbers(200, seed=1)
    model = train("linear_reg", rows)
    actual, predicted = new["label"].to_numpy(), ask(model, "predict", new)["predicted_label"].to_numpy()
    table = ask(model, "evaluate", new)

    assert table.schema.names == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ]
    assert list(table.to_pylist()[0].values()) == pytest.approx(
        [
            metrics.mean_absolute_error(actual, predicted),
            metrics.mean_squared_error(actual, predicted),
            metrics.mean_squared_log_error(actual, predicted),
            metrics.median_absolute_error(actual, predicted),
            metrics.r2_score(actual, predicted),
            metrics.explained_variance_score(actual, predicted),
        ]
    )


def test_two_classes_are_judged_by_the_higher_one() -> None:
    rows, new = labelled(("bad", "good")), labelled(("bad", "good"), seed=1)
    model = train("boosted_tree_classifier", rows)
    good = np.array(new["label"].to_pylist()) == "good"
    positive = chances(model, new)[:, 1]
    table = ask(model, "evaluate", new, threshold=0.7)

    assert table.schema.names == ["precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc"]
    said = positive > 0.7
    assert list(table.to_pylist()[0].values()) == pytest.approx(
        [
            metrics.precision_score(good, said),
            metrics.recall_score(good, said),
            metrics.accuracy_score(good, said),
            metrics.f1_score(good, said),
            metrics.log_loss(good, positive),
            metrics.roc_auc_score(good, positive),
        ]
    )


def test_more_classes_are_averaged_each_counting_the_same() -> None:
    rows, new = labelled((1, 2, 3)), labelled((1, 2, 3), seed=1)
    model = train("logistic_reg", rows)
    actual, found = new["label"].to_numpy(), chances(model, new)
    said = np.array([1, 2, 3])[found.argmax(axis=1)]

    assert list(ask(model, "evaluate", new).to_pylist()[0].values()) == pytest.approx(
        [
            metrics.precision_score(actual, said, average="macro"),
            metrics.recall_score(actual, said, average="macro"),
            metrics.accuracy_score(actual, said),
            metrics.f1_score(actual, said, average="macro"),
            metrics.log_loss(actual, found),
            metrics.roc_auc_score(actual, found, multi_class="ovr"),
        ]
    )


@pytest.mark.parametrize("model_type", ["logistic_reg", "boosted_tree_classifier"])
def test_without_rows_the_held_out_ones_are_judged(model_type: str) -> None:
    rows = labelled((0, 1), 400)
    held = [at % 4 == 0 for at in range(400)]
    options: dict[str, Any] = {"data_split_method": "custom", "data_split_col": "held"}
    model = train(model_type, rows.append_column("held", pa.array(held)), **options)
    out = rows.filter(pa.array(held))

    for function in ("evaluate", "confusion_matrix"):
        assert ask(model, function).equals(ask(model, function, out))
    assert ask(model, "roc_curve").equals(ask(model, "roc_curve", out))


def test_without_a_split_all_rows_are_judged() -> None:
    rows = labelled((0, 1), 700)
    model = train("logistic_reg", rows, data_split_method="no_split")

    assert ask(model, "evaluate").equals(ask(model, "evaluate", rows))


def test_a_precision_without_positive_predictions_is_nan() -> None:
    rows = labelled((0, 1))
    figures = ask(train("logistic_reg", rows), "evaluate", rows, threshold=1.0).to_pylist()[0]

    assert math.isnan(figures["precision"])
    assert figures["recall"] == 0.0


def test_figures_of_no_rows_are_null() -> None:
    model = train("linear_reg", numbers())

    assert set(ask(model, "evaluate", numbers().slice(0, 0)).to_pylist()[0].values()) == {None}


def test_the_confusion_matrix_has_a_column_per_class() -> None:
    rows = labelled(("0", "a b", "a-b"))
    model = train("logistic_reg", rows)
    actual = rows["label"].to_pylist()
    said = ask(model, "predict", rows)["predicted_label"].to_pylist()
    table = ask(model, "confusion_matrix", rows)

    assert table.schema.names == ["expected_label", "_0", "a_b", "a_b_1"]
    assert table["expected_label"].to_pylist() == ["0", "a b", "a-b"]
    expected = metrics.confusion_matrix(actual, said, labels=["0", "a b", "a-b"])
    assert [list(row.values())[1:] for row in table.to_pylist()] == expected.tolist()


def test_labels_that_training_did_not_have_get_a_row() -> None:
    rows = labelled((1, 2))
    model = train("logistic_reg", rows)
    new = pa.concat_tables([rows, rows.slice(0, 5).set_column(3, "label", pa.array([7] * 5))])
    table = ask(model, "confusion_matrix", new)

    assert table.schema.names == ["expected_label", "_1", "_2"]
    assert table["expected_label"].to_pylist() == [1, 2, 7]
    assert sum(list(table.to_pylist()[2].values())[1:]) == 5


def test_labels_become_column_names_that_are_allowed_and_differ() -> None:
    assert column_names((False, True)) == ["false", "true"]
    assert column_names((-1, 0)) == ["_1", "_0"]
    assert column_names(("A", "a", "", "expected_label")) == ["A", "a_1", "_", "expected_label_1"]


def test_the_roc_curve_counts_at_each_threshold() -> None:
    rows = labelled((False, True))
    model = train("logistic_reg", rows)
    yes, positive = rows["label"].to_numpy(False).astype(bool), chances(model, rows)[:, 1]
    table = ask(model, "roc_curve", rows, thresholds=[0.2, 0.6])

    assert table.schema.names == [
        "threshold",
        "recall",
        "false_positive_rate",
        "true_positives",
        "false_positives",
        "true_negatives",
        "false_negatives",
    ]
    for row, threshold in zip(table.to_pylist(), (0.2, 0.6), strict=True):
        said = positive >= threshold
        assert row["threshold"] == threshold
        assert row["true_positives"] == (said & yes).sum()
        assert row["false_positives"] == (said & ~yes).sum()
        assert row["true_negatives"] == (~said & ~yes).sum()
        assert row["false_negatives"] == (~said & yes).sum()
        assert row["recall"] == pytest.approx(said[yes].mean())
        assert row["false_positive_rate"] == pytest.approx(said[~yes].mean())


def test_the_roc_curve_goes_by_percentiles_and_has_the_area_of_evaluate() -> None:
    rows = labelled((False, True), 3000)
    model = train("logistic_reg", rows)
    table = ask(model, "roc_curve", rows)
    rates = [0.0, *table["false_positive_rate"].to_pylist()]
    area = float(np.trapezoid([0.0, *table["recall"].to_pylist()], rates))

    assert len(table) == 101
    assert table["threshold"].to_pylist() == sorted(table["threshold"].to_pylist(), reverse=True)
    assert area == pytest.approx(ask(model, "evaluate", rows)["roc_auc"][0].as_py(), abs=0.002)


@pytest.mark.parametrize("function", ["evaluate", "confusion_matrix"])
def test_a_threshold_needs_rows(function: str) -> None:
    with pytest.raises(UsageError, match="threshold needs rows"):
        ask(train("logistic_reg", labelled((0, 1))), function, threshold=0.4)


def test_rows_to_be_judged_need_the_label() -> None:
    rows = labelled((0, 1))
    model = train("logistic_reg", rows)

    with pytest.raises(ModelFailed, match="label: there is no such column"):
        ask(model, "evaluate", rows.drop_columns(["label"]))
    with pytest.raises(ModelFailed, match="label is STRING: the model was trained with INT64"):
        ask(model, "evaluate", rows.set_column(3, "label", rows["colour"]))
    with pytest.raises(ModelFailed, match="NULL in 1 of 300 rows"):
        ask(model, "evaluate", rows.set_column(3, "label", pa.array([None, *[1] * 299])))


def test_labels_may_come_as_numbers_of_another_type() -> None:
    rows = labelled((1, 2))
    model = train("logistic_reg", rows)
    expected = ask(model, "evaluate", rows)

    for kind in (pa.float64(), pa.decimal128(22, 1), pa.int16()):
        other = rows.set_column(3, "label", rows["label"].cast(kind))
        assert ask(model, "evaluate", other).equals(expected)
        table = ask(model, "confusion_matrix", other)
        assert table.schema.field("expected_label").type == kind
        assert table["_1"].equals(ask(model, "confusion_matrix", rows)["_1"])
