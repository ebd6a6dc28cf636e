"""How good are predictions?

BigQuery docs: 'The ML.EVALUATE function', 'The ML.CONFUSION_MATRIX function' and 'The ML.ROC_CURVE function'. A
figure that is not defined for the rows at hand is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.options import Task
from augury.models import metrics

Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Better = Literal["lower", "higher"]

METRICS: Mapping[Task, Mapping[str, Better]] = {
    "regression": {
        "mean_absolute_error": "lower",
        "mean_squared_error": "lower",
        "mean_squared_log_error": "lower",
        "median_absolute_error": "lower",
        "r2_score": "higher",
        "explained_variance": "higher",
    },
    "classification": {
        "precision": "higher",
        "recall": "higher",
        "accuracy": "higher",
        "f1_score": "higher",
        "log_loss": "lower",
        "roc_auc": "higher",
    },
}
"""Columns of ML.EVALUATE in their order, and the direction in which each gets better; tuning objectives as well."""

DEFAULT_OBJECTIVE: Mapping[Task, str] = {"regression": "r2_score", "classification": "roc_auc"}
THRESHOLD = 0.5
PERCENTILES = 100
"""Steps of ML.ROC_CURVE where no thresholds are given."""

Figures = dict[str, float | None]


def regression(actual: Vector, predicted: Vector) -> Figures:
    found = metrics.regression(actual, predicted)
    return {name: found.get(name) for name in METRICS["regression"]}


def classification(actual: Codes, chances: Vector, threshold: float = THRESHOLD) -> Figures:
    """`actual` is -1 for a class that the model does not know. More than two classes are averaged, each counting
    the same.
    """
    known = metrics.classification(actual, chances, range(chances.shape[1]))
    if not known:
        return dict.fromkeys(METRICS["classification"])
    said = predicted(chances, threshold)
    judged = [1] if chances.shape[1] == 2 else sorted({*actual.tolist(), *said.tolist()} - {-1})
    scores = [_hits(actual == place, said == place) for place in judged]
    precision, recall, f1 = (_mean([score[at] for score in scores]) for at in range(3))
    return {
        "precision": precision,
        "recall": recall,
        "accuracy": float(np.mean(said == actual)),
        "f1_score": f1,
        "log_loss": known.get("log_loss"),
        "roc_auc": known.get("roc_auc"),
    }


def predicted(chances: Vector, threshold: float = THRESHOLD) -> Codes:
    """The class of each row: of two by the threshold, of more the most probable one."""
    if chances.shape[1] == 2:
        return (chances[:, 1] > threshold).astype(np.int64)
    best: Codes = np.argmax(chances, axis=1)
    return best


def _hits(is_class: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> tuple[float | None, float | None, float]:
    hits, claims, cases = int((is_class & said).sum()), int(said.sum()), int(is_class.sum())
    f1 = 2 * hits / (claims + cases) if claims + cases else 0.0
    return (hits / claims if claims else None), (hits / cases if cases else None), f1


def _mean(values: Sequence[float | None]) -> float | None:
    """Without those that are not defined."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def confusion(actual: Codes, said: Codes, rows: int, classes: int) -> list[list[int]]:
    """Rows of actual labels (of which there may be more than classes) x columns of predicted classes."""
    pairs = np.bincount(actual * classes + said, minlength=rows * classes)
    return [list(map(int, row)) for row in pairs.reshape(rows, classes)]


def roc_curve(actual: Codes, positive: Vector, thresholds: Sequence[float] | None) -> list[tuple[Any, ...]]:
    """(threshold, recall, false_positive_rate, true_positives, false_positives, true_negatives, false_negatives)."""
    if thresholds is None:
        steps = np.quantile(positive, np.linspace(1.0, 0.0, PERCENTILES + 1)) if len(positive) else np.empty(0)
        thresholds = list(dict.fromkeys(map(float, steps)))
    cases, others = np.sort(positive[actual == 1]), np.sort(positive[actual != 1])
    out = []
    for threshold in thresholds:
        hits = len(cases) - int(np.searchsorted(cases, threshold, side="left"))
        alarms = len(others) - int(np.searchsorted(others, threshold, side="left"))
        recall = hits / len(cases) if len(cases) else None
        rate = alarms / len(others) if len(others) else None
        out.append((float(threshold), recall, rate, hits, alarms, len(others) - alarms, len(cases) - hits))
    return out
