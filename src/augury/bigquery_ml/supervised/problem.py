"""What does a linear model minimise over one set of rows?"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.design import Design
from augury.bigquery_ml.supervised.fitting import Iteration, Target, log_loss, probabilities
from augury.bigquery_ml.supervised.split import Rows
from augury.errors import ModelFailed

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One set of rows: inputs, target and how much each row counts."""

    inputs: Design
    target: Matrix
    """Rows x outputs: numbers, or 1 where the row has the class."""
    weights: Vector | None
    task: str

    def total(self) -> float:
        return float(len(self.target) if self.weights is None else self.weights.sum())

    def loss(self, raw: Matrix) -> float:
        """Mean squared error, or mean log loss, weighted."""
        if self.task == "regression":
            return float(np.average(np.square(raw[:, 0] - self.target[:, 0]), weights=self.weights))
        wide = self.target.shape[1] > 1
        positions = self.target.argmax(axis=1) if wide else self.target[:, 0].astype(np.int64)
        return log_loss(probabilities(raw), positions, self.weights)

    def slope(self, raw: Matrix) -> Matrix:
        """Derivative of the loss by each raw value, times the number of rows."""
        if self.task == "regression":
            out = 2.0 * (raw - self.target)
        else:
            chances = probabilities(raw)
            out = (chances if raw.shape[1] > 1 else chances[:, 1:]) - self.target
        return out if self.weights is None else out * self.weights[:, None]


def over(whole: Design, target: Target, rows: Rows) -> Problem:
    values = target.values[rows]
    wide = np.eye(target.classes)[values] if target.outputs > 1 else values.astype(np.float64)[:, None]
    return Problem(whole.take(rows), wide, None if target.weights is None else target.weights[rows], target.task)


def iteration(
    train: Problem, held: Problem | None, weights: Matrix, intercepts: Vector, rate: float | None, begun: float
) -> Iteration:
    losses = [
        None if problem is None else problem.loss(problem.inputs.times(weights) + intercepts)
        for problem in (train, held)
    ]
    loss, eval_loss = losses
    if loss is None or not np.isfinite(loss):
        raise ModelFailed(
            "the loss did not stay finite", fix="Lower learn_rate, or use learn_rate_strategy line_search."
        )
    return Iteration(loss, eval_loss, rate, round((time.monotonic() - begun) * 1000))
