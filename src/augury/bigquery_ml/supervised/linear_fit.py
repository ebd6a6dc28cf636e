"""How are the weights of a linear model found?

BigQuery docs: 'The CREATE MODEL statement for generalized linear models', OPTIMIZE_STRATEGY and LEARN_RATE_STRATEGY,
and 'The ML.TRAINING_INFO function', the note on line search.

Both ways have the same solution: the smallest `sum of losses + l1_reg * sum|w| + l2_reg / 2 * sum w^2`, the intercept
left out of the penalty; the loss of a row is half the squared error, or the log loss. Gradient descent may stop
before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.design import Design, Layout, design, lay_out
from augury.bigquery_ml.supervised.fitting import Iteration, Target, log_loss, probabilities
from augury.bigquery_ml.supervised.linear_inputs import AnyInput, Cells
from augury.bigquery_ml.supervised.options import LinearOptions, LinearRegOptions
from augury.bigquery_ml.supervised.split import Rows, Split
from augury.errors import ModelFailed, PluginError

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

MOST_FOR_EQUATIONS = 10_000
"""Learned weights above which the normal equations are not used."""
ROWS_PER_WEIGHT = 10
"""Rows per weight below which AUTO_STRATEGY takes gradient descent."""
FACTORS = (2.0, 1.0, 0.5, 0.25)
"""Learning rates that line search compares, relative to that of the iteration before."""
BACKTRACKS = 12
"""Times that line search goes on with smaller rates: down to 1e-14 of the first."""
TINY = 1e-11
"""Relative size of the directions in which inputs are taken to be dependent, as those of all categories of a column
are.
"""


@dataclass(frozen=True)
class Fit:
    """Weights over standardised inputs, one column per output."""

    weights: Matrix
    intercepts: Vector
    iterations: tuple[Iteration, ...]
    layout: Layout
    errors: tuple[Vector, float] | None = None
    """Standard errors of the weights and of the intercept."""


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


def fit(
    inputs: Sequence[AnyInput], cells: Sequence[Cells], target: Target, split: Split, options: LinearOptions
) -> Fit:
    """Raises ModelFailed where there is no finite solution."""
    # A rate that is too large is found by its infinite loss.
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        layout = lay_out(inputs, cells, split.train)
        whole = design(inputs, cells, layout, len(target.values))
        train = _problem(whole, target, split.train)
        held = _problem(whole, target, split.evaluate) if len(split.evaluate) else None
        if isinstance(options, LinearRegOptions) and _by_equations(options, layout, len(split.train)):
            learned, intercepts, iterations = _normal_equations(train, held, options)
        else:
            learned, intercepts, iterations = _gradient_descent(train, held, options)
        if not (np.isfinite(learned).all() and np.isfinite(intercepts).all()):
            raise ModelFailed("the weights did not stay finite", fix="Lower learn_rate, or add l2_reg.")
        errors = _standard_errors(train, learned, intercepts, options) if options.calculate_p_values else None
    weights = np.zeros((layout.total, learned.shape[1]))
    weights[layout.learned] = learned
    return Fit(weights, intercepts, iterations, layout, errors)


def _problem(whole: Design, target: Target, rows: Rows) -> Problem:
    values = target.values[rows]
    wide = np.eye(target.classes)[values] if target.outputs > 1 else values.astype(np.float64)[:, None]
    return Problem(whole.take(rows), wide, None if target.weights is None else target.weights[rows], target.task)


def _by_equations(options: LinearRegOptions, layout: Layout, rows: int) -> bool:
    width = len(layout.learned)
    if options.optimize_strategy == "normal_equation":
        if width > MOST_FOR_EQUATIONS:
            raise ModelFailed(
                f"{width:,} inputs are too many for normal_equation, which takes up to {MOST_FOR_EQUATIONS:,}",
                fix="Use optimize_strategy='BATCH_GRADIENT_DESCENT', or group categories.",
            )
        return True
    if options.optimize_strategy == "batch_gradient_descent" or options.l1_reg:
        return False
    return width <= MOST_FOR_EQUATIONS and rows >= ROWS_PER_WEIGHT * width


def _normal_equations(
    train: Problem, held: Problem | None, options: LinearRegOptions
) -> tuple[Matrix, Vector, tuple[Iteration, ...]]:
    begun = time.monotonic()
    gram = train.inputs.gram(train.weights)
    gram[1:, 1:] += options.l2_reg * np.eye(len(gram) - 1)
    target = train.target if train.weights is None else train.target * train.weights[:, None]
    right = np.concatenate([target.sum(axis=0, keepdims=True), train.inputs.pull(target)])
    first = 0 if options.fit_intercept else 1
    solution = np.zeros((len(gram), 1))
    # Of several solutions the one with the smallest weights: those of all categories of a column depend on each other.
    solution[first:] = np.linalg.lstsq(gram[first:, first:], right[first:], rcond=TINY)[0]
    weights, intercepts = solution[1:], solution[0]
    done = _iteration(train, held, weights, intercepts, None, begun)
    return weights, intercepts, (done,)


def _gradient_descent(
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
        iterations.append(_iteration(train, held, at.weights, at.intercepts, rate, begun))
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


def _iteration(
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


def _standard_errors(
    train: Problem, weights: Matrix, intercepts: Vector, options: LinearOptions
) -> tuple[Vector, float]:
    """Of the weights and of the intercept, over standardised inputs.

    BigQuery docs: 'The ML.ADVANCED_WEIGHTS function': fewer than 1,000 inputs, and not more than two classes.
    """
    if weights.shape[1] > 1:
        raise ModelFailed("p-values need a regression or two classes", fix="Remove calculate_p_values.")
    if len(weights) >= 1_000:
        raise ModelFailed(f"p-values need fewer than 1,000 inputs; there are {len(weights):,}")
    first = 0 if options.fit_intercept else 1
    raw = train.inputs.times(weights) + intercepts
    if train.task == "regression":
        free = train.total() - len(weights) - (1 - first)
        scale = train.loss(raw) * train.total() / free if free > 0 else np.nan
        curvature = train.inputs.gram(train.weights)
    else:
        chances = probabilities(raw)
        certain = chances[:, 0] * chances[:, 1]
        scale = 1.0
        curvature = train.inputs.gram(certain if train.weights is None else certain * train.weights)
    penalised = curvature.copy()
    penalised[1:, 1:] += options.l2_reg * np.eye(len(weights))
    try:
        inverse = np.linalg.inv(penalised[first:, first:])
    except np.linalg.LinAlgError as error:
        raise ModelFailed("p-values cannot be computed: inputs depend on each other", fix="Leave one out.") from error
    spread = scale * np.diag(inverse @ curvature[first:, first:] @ inverse)
    errors = np.sqrt(np.where(spread >= 0, spread, np.nan))
    return (errors[1:], float(errors[0])) if first == 0 else (errors, float("nan"))


@contextmanager
def one_thread() -> Iterator[Any]:
    """So that sums keep their order, whatever the machine has to spare."""
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise PluginError(
            f"the library {error.name!r} is not installed", fix="pip install 'augury[bigquery-ml]'"
        ) from error
    with threadpool_limits(limits=1):
        yield
