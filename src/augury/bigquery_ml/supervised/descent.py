"""How does gradient descent find the weights of a linear model?

BigQuery docs: 'The CREATE MODEL statement for generalized linear models', LEARN_RATE_STRATEGY, EARLY_STOP and
MIN_REL_PROGRESS, and 'The ML.TRAINING_INFO function', the note on line search.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.fitting import Iteration
from augury.bigquery_ml.supervised.options import LinearOptions
from augury.bigquery_ml.supervised.problem import Problem, iteration

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

FACTORS = (2.0, 1.0, 0.5, 0.25)
"""Learning rates that line search compares, relative to that of the iteration before."""
BACKTRACKS = 12
"""Times that line search goes on with smaller rates: down to 1e-14 of the first."""


def descend(
    train: Problem, held: Problem | None, options: LinearOptions
) -> tuple[Matrix, Vector, tuple[Iteration, ...]]:
    # The loss is a mean, and for a regression twice what the penalties are weighed against.
    share = (2.0 if train.task == "regression" else 1.0) / train.total()
    walk = _Walk(train, options.l1_reg * share, options.l2_reg * share, options.fit_intercept)
    constant = options.learn_rate_strategy == "constant"
    rate = options.learn_rate if constant else options.ls_init_learn_rate
    at = walk.start()
    iterations: list[Iteration] = []
    for _ in range(options.max_iterations):
        begun = time.monotonic()
        down = walk.down(at)
        if constant:
            at = walk.step(at, down, rate)
        else:
            at, rate = _line_search(walk, at, down, rate)
        iterations.append(iteration(train, held, at.weights, at.intercepts, rate, begun))
        if options.early_stop and _stalled(iterations, options.min_rel_progress):
            break
    return at.weights, at.intercepts, tuple(iterations)


@dataclass(frozen=True)
class _Point:
    weights: Matrix
    intercepts: Vector
    raw: Matrix
    goal: float
    """Loss and penalties."""


@dataclass(frozen=True)
class _Walk:
    """Steps of gradient descent; with l1_reg each ends with a proximal step."""

    train: Problem
    l1: float
    l2: float
    with_intercept: bool

    def start(self) -> _Point:
        outputs = self.train.target.shape[1]
        width = self.train.inputs.pull(self.train.target).shape[0]
        return self._point(np.zeros((width, outputs)), np.zeros(outputs))

    def down(self, at: _Point) -> tuple[Matrix, Vector]:
        """The gradient for weights and intercepts."""
        slope = self.train.slope(at.raw) / self.train.total()
        intercepts = slope.sum(axis=0) if self.with_intercept else np.zeros(slope.shape[1])
        return self.train.inputs.pull(slope) + self.l2 * at.weights, intercepts

    def step(self, at: _Point, down: tuple[Matrix, Vector], rate: float) -> _Point:
        return self._point(_shrunk(at.weights - rate * down[0], rate * self.l1), at.intercepts - rate * down[1])

    def _point(self, weights: Matrix, intercepts: Vector) -> _Point:
        raw = self.train.inputs.times(weights) + intercepts
        penalty = self.l1 * np.abs(weights).sum() + self.l2 / 2 * np.square(weights).sum()
        return _Point(weights, intercepts, raw, self.train.loss(raw) + float(penalty))


def _line_search(walk: _Walk, at: _Point, down: tuple[Matrix, Vector], rate: float) -> tuple[_Point, float]:
    """The best of four rates; where none of them helps, smaller ones are tried."""
    for _ in range(BACKTRACKS):
        tried = [(walk.step(at, down, rate * factor), rate * factor) for factor in FACTORS]
        best, chosen = min(tried, key=lambda entry: entry[0].goal if np.isfinite(entry[0].goal) else np.inf)
        if best.goal < at.goal:
            return best, chosen
        rate = chosen / (FACTORS[0] / FACTORS[-1])
    return at, rate


def _shrunk(weights: Matrix, by: float) -> Matrix:
    """The step of a proximal gradient that the absolute values of the weights call for."""
    if not by:
        return weights
    out: Matrix = np.sign(weights) * np.maximum(np.abs(weights) - by, 0.0)
    return out


def _stalled(iterations: Sequence[Iteration], progress: float) -> bool:
    """Whether the last iteration improved the loss, of the held out rows if there are any, by too little."""
    if len(iterations) < 2:
        return False
    before, after = (found.loss if found.eval_loss is None else found.eval_loss for found in iterations[-2:])
    return before - after < progress * abs(before)
