"""How good are predictions?

Names are BigQuery ML's. Every figure has its usual sign: errors are positive and smaller is better. A
metric that is not defined for the rows at hand is left out, never replaced by a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy.typing as npt

    from augury.models.contract import Task

Better = Literal["lower", "higher"]

METRICS: dict[Task, dict[str, Better]] = {
    "regression": {
        "mean_absolute_error": "lower",
        "mean_squared_error": "lower",
        "root_mean_squared_error": "lower",
        "mean_squared_log_error": "lower",
        "median_absolute_error": "lower",
        "mean_absolute_percentage_error": "lower",
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
"""Metric to the direction in which it gets better. A gate may name these."""

PRIMARY: dict[Task, str] = {"regression": "mean_absolute_error", "classification": "log_loss"}
"""What is compared where a gate names no metric."""

SHORT = {
    "mean_absolute_error": "MAE",
    "mean_squared_error": "MSE",
    "root_mean_squared_error": "RMSE",
    "mean_squared_log_error": "MSLE",
    "median_absolute_error": "median error",
    "mean_absolute_percentage_error": "MAPE",
    "r2_score": "R2",
    "explained_variance": "explained variance",
    "f1_score": "F1",
    "log_loss": "log loss",
    "roc_auc": "AUC",
}
"""How people write them."""


def regression(actual: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> dict[str, float]:
    """Metrics of a regression; both arrays have the same length.

    mean_absolute_percentage_error needs labels other than 0; mean_squared_log_error labels and predictions
    above -1; r2_score and explained_variance labels that differ.
    """
    import numpy as np

    if not len(actual):
        return {}
    error = actual - predicted
    squared = float(np.mean(error**2))
    out = {
        "mean_absolute_error": float(np.mean(np.abs(error))),
        "mean_squared_error": squared,
        "root_mean_squared_error": float(np.sqrt(squared)),
        "median_absolute_error": float(np.median(np.abs(error))),
    }
    if actual.min() > -1 and predicted.min() > -1:
        out["mean_squared_log_error"] = float(np.mean((np.log1p(actual) - np.log1p(predicted)) ** 2))
    if (actual != 0).all():
        out["mean_absolute_percentage_error"] = float(np.mean(np.abs(error / actual)))
    spread = float(np.mean((actual - np.mean(actual)) ** 2))
    if spread > 0:
        out["r2_score"] = 1 - squared / spread
        out["explained_variance"] = 1 - float(np.mean((error - np.mean(error)) ** 2)) / spread
    return _known(out)


def classification(
    actual: npt.NDArray[Any], probabilities: npt.NDArray[Any], classes: Sequence[Any]
) -> dict[str, float]:
    """Metrics of a classification.

    `actual` holds the position of each row's class among `classes`, -1 for a class that the model does not
    know; `probabilities` is rows x classes. With two classes precision, recall and F1 are those of the
    second one, as sorted; with more they are averaged over the classes that occur or are predicted. roc_auc
    with more classes is the mean of each against the others. A ratio without cases counts as 0.
    """
    import numpy as np

    if not len(actual):
        return {}
    best = np.argmax(probabilities, axis=1)
    rows = np.arange(len(actual))
    # Clipped as scikit-learn does, so that one sure miss does not make the mean infinite.
    sure = np.clip(np.where(actual >= 0, probabilities[rows, np.maximum(actual, 0)], 0.0), 2.2e-16, 1.0)
    out = {"accuracy": float(np.mean(best == actual)), "log_loss": float(-np.mean(np.log(sure)))}
    judged = [1] if len(classes) == 2 else sorted({*actual.tolist(), *best.tolist()} - {-1})
    scores = [_hits(actual == position, best == position) for position in judged]
    for at, name in enumerate(("precision", "recall", "f1_score")):
        out[name] = float(np.mean([score[at] for score in scores]))
    areas = [_area(actual == position, probabilities[:, position]) for position in judged]
    if known := [area for area in areas if area is not None]:
        out["roc_auc"] = float(np.mean(known))
    return _known(out)


def _hits(is_class: npt.NDArray[Any], said: npt.NDArray[Any]) -> tuple[float, float, float]:
    """Precision, recall and F1 of one class."""
    hits, claims, cases = int((is_class & said).sum()), int(said.sum()), int(is_class.sum())
    precision, recall = (hits / claims if claims else 0.0), (hits / cases if cases else 0.0)
    f1 = 2 * hits / (claims + cases) if claims + cases else 0.0
    return precision, recall, f1


def _area(is_class: npt.NDArray[Any], score: npt.NDArray[Any]) -> float | None:
    """Area under the ROC curve: how often a case scores above a non-case, ties counting half."""
    import numpy as np

    cases = int(is_class.sum())
    others = len(is_class) - cases
    if not cases or not others:
        return None
    _, position, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = (last - counts + 1 + last) / 2
    total = float(rank[position][is_class].sum())
    return (total - cases * (cases + 1) / 2) / (cases * others)


def _known(figures: dict[str, float]) -> dict[str, float]:
    """In the order of METRICS, without those that are no number."""
    import math

    order = [name for table in METRICS.values() for name in table]
    return {name: figures[name] for name in order if math.isfinite(figures.get(name, math.nan))}
