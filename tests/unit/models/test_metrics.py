"""Metrics are BigQuery ML's, and agree with scikit-learn where both are defined (G5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from augury.models.metrics import METRICS, PRIMARY, classification, regression


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_regression_agrees_with_scikit_learn(random: np.random.Generator) -> None:
    actual = random.gamma(2.0, 10.0, 500)
    predicted = actual + random.normal(2, 1, 500).clip(0)
    assert regression(actual, predicted) == pytest.approx(
        {
            "mean_absolute_error": reference.mean_absolute_error(actual, predicted),
            "mean_squared_error": reference.mean_squared_error(actual, predicted),
            "root_mean_squared_error": reference.root_mean_squared_error(actual, predicted),
            "mean_squared_log_error": reference.mean_squared_log_error(actual, predicted),
            "median_absolute_error": reference.median_absolute_error(actual, predicted),
            "mean_absolute_percentage_error": reference.mean_absolute_percentage_error(actual, predicted),
            "r2_score": reference.r2_score(actual, predicted),
            "explained_variance": reference.explained_variance_score(actual, predicted),
        }
    )


def _reference(actual: Any, chances: Any, average: str, scores: Any) -> dict[str, float]:
    best = chances.argmax(axis=1)
    classes = list(range(chances.shape[1]))
    return {
        "precision": reference.precision_score(actual, best, average=average, zero_division=0.0),
        "recall": reference.recall_score(actual, best, average=average),
        "accuracy": reference.accuracy_score(actual, best),
        "f1_score": reference.f1_score(actual, best, average=average),
        "log_loss": reference.log_loss(actual, chances, labels=classes),
        "roc_auc": reference.roc_auc_score(actual, scores, multi_class="ovr"),
    }


def test_two_classes_agree_with_scikit_learn(random: np.random.Generator) -> None:
    actual = random.integers(0, 2, 400)
    # Rounded, so that many scores tie.
    second = np.round((actual + random.random(400)) / 2, 1)
    chances = np.column_stack([1 - second, second])
    expected = _reference(actual, chances, "binary", second)
    assert classification(actual, chances, ("no", "yes")) == pytest.approx(expected)


def test_three_classes_agree_with_scikit_learn(random: np.random.Generator) -> None:
    actual = random.integers(0, 3, 400)
    chances = random.random((400, 3)) + np.eye(3)[actual]
    chances /= chances.sum(axis=1, keepdims=True)
    expected = _reference(actual, chances, "macro", chances)
    assert classification(actual, chances, ("a", "b", "c")) == pytest.approx(expected)


def test_metrics_that_are_not_defined_are_absent() -> None:
    constant = regression(np.zeros(3), np.array([-2.0, 0.0, 1.0]))
    assert set(constant) == {
        "mean_absolute_error",
        "mean_squared_error",
        "root_mean_squared_error",
        "median_absolute_error",
    }
    one_class = classification(np.array([1, 1]), np.array([[0.4, 0.6], [0.1, 0.9]]), (False, True))
    assert "roc_auc" not in one_class
    assert regression(np.array([]), np.array([])) == {}
    assert classification(np.array([]), np.empty((0, 2)), (0, 1)) == {}


def test_a_class_that_the_model_never_saw_counts_as_missed() -> None:
    found = classification(np.array([0, -1]), np.array([[1.0, 0.0], [0.0, 1.0]]), ("a", "b"))
    assert found["accuracy"] == 0.5
    assert found["log_loss"] > 10


def test_what_a_gate_may_name_is_what_is_measured() -> None:
    assert list(regression(np.array([1.0, 2.0]), np.array([1.0, 3.0]))) == list(METRICS["regression"])
    found = classification(np.array([0, 1]), np.array([[0.6, 0.4], [0.2, 0.8]]), ("a", "b"))
    assert list(found) == list(METRICS["classification"])
    assert all(PRIMARY[task] in METRICS[task] for task in METRICS)
