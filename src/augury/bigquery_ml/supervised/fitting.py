"""What does fitting a model give, whatever its type?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.options import Task

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What is learned, for all rows of the training query."""

    task: Task
    values: npt.NDArray[Any]
    """Numbers, or the position of each row's class."""
    classes: int
    """0 for a regression."""
    weights: Vector | None

    @property
    def outputs(self) -> int:
        """Raw values per row: one for a regression or two classes, else one per class."""
        return self.classes if self.classes > 2 else 1


@dataclass(frozen=True)
class Iteration:
    """One row of ML.TRAINING_INFO."""

    loss: float
    eval_loss: float | None
    learning_rate: float | None
    duration_ms: int


def probabilities(raw: Vector) -> Vector:
    """Rows x classes from raw values: the logistic function of one, the softmax of several."""
    if raw.ndim == 1 or raw.shape[1] == 1:
        return two_classes(sigmoid(raw.reshape(-1)))
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    out: Vector = powers / powers.sum(axis=1, keepdims=True)
    return out


def two_classes(positive: npt.NDArray[Any]) -> Vector:
    """Rows x 2 from the probability of the second class; in memory it stands first, as predictions have it."""
    out = np.empty((len(positive), 2))
    out[:, 0] = positive
    np.subtract(1.0, out[:, 0], out=out[:, 1])
    return out[:, ::-1]


def sigmoid(raw: Vector) -> Vector:
    """Without overflow on either side."""
    power = np.exp(-np.abs(raw))
    out: Vector = np.where(raw >= 0, 1.0, power) / (1.0 + power)
    return out


def log_loss(chances: Vector, positions: npt.NDArray[Any], weights: Vector | None = None) -> float:
    """Clipped as scikit-learn does, so that one sure miss does not make the mean infinite."""
    hit = np.clip(chances[np.arange(len(positions)), positions], 2.2e-16, 1.0)
    return float(np.average(-np.log(hit), weights=weights))
