"""How are the weights of a linear model found?

BigQuery docs: 'The CREATE MODEL statement for generalized linear models', OPTIMIZE_STRATEGY.

Both ways have the same solution: the smallest `sum of losses + l1_reg * sum|w| + l2_reg / 2 * sum w^2`, the intercept
left out of the penalty; the loss of a row is half the squared error, or the log loss. Gradient descent may stop
before it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.libraries import one_thread
from augury.bigquery_ml.supervised.descent import descend
from augury.bigquery_ml.supervised.design import Layout, design, lay_out
from augury.bigquery_ml.supervised.fitting import Iteration, Target, probabilities
from augury.bigquery_ml.supervised.linear_inputs import AnyInput, Cells
from augury.bigquery_ml.supervised.options import LinearOptions, LinearRegOptions
from augury.bigquery_ml.supervised.problem import Problem, iteration, over
from augury.bigquery_ml.supervised.solving import TINY, solve
from augury.bigquery_ml.supervised.split import Split
from augury.errors import ModelFailed

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

MOST_FOR_EQUATIONS = 10_000
"""Learned weights above which the normal equations are not used."""
ROWS_PER_WEIGHT = 10
"""Rows per weight below which AUTO_STRATEGY takes gradient descent."""


@dataclass(frozen=True)
class Fit:
    """Weights over standardised inputs, one column per output."""

    weights: Matrix
    intercepts: Vector
    iterations: tuple[Iteration, ...]
    layout: Layout
    errors: tuple[Vector, float] | None = None
    """Standard errors of the weights and of the intercept."""


def fit(
    inputs: Sequence[AnyInput], cells: Sequence[Cells], target: Target, split: Split, options: LinearOptions
) -> Fit:
    """Raises ModelFailed where there is no finite solution."""
    # A rate that is too large is found by its infinite loss.
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        layout = lay_out(inputs, cells, split.train)
        whole = design(inputs, cells, layout, len(target.values))
        train = over(whole, target, split.train)
        held = over(whole, target, split.evaluate) if len(split.evaluate) else None
        if isinstance(options, LinearRegOptions) and _by_equations(options, layout, len(split.train)):
            learned, intercepts, iterations = _normal_equations(train, held, layout, options)
        else:
            learned, intercepts, iterations = descend(train, held, options)
        if not (np.isfinite(learned).all() and np.isfinite(intercepts).all()):
            raise ModelFailed("the weights did not stay finite", fix="Lower learn_rate, or add l2_reg.")
        errors = _standard_errors(train, learned, intercepts, options) if options.calculate_p_values else None
    weights = np.zeros((layout.total, learned.shape[1]))
    weights[layout.learned] = learned
    return Fit(weights, intercepts, iterations, layout, errors)


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
    train: Problem, held: Problem | None, layout: Layout, options: LinearRegOptions
) -> tuple[Matrix, Vector, tuple[Iteration, ...]]:
    begun = time.monotonic()
    gram = train.inputs.gram(train.weights)
    gram[1:, 1:] += options.l2_reg * np.eye(len(gram) - 1)
    target = train.target if train.weights is None else train.target * train.weights[:, None]
    right = np.concatenate([target.sum(axis=0, keepdims=True), train.inputs.pull(target)])
    first = 0 if options.fit_intercept else 1
    solution = np.zeros((len(gram), 1))
    dependent = [] if options.l2_reg else _dependent(layout, len(gram), options.fit_intercept)
    solution[first:] = solve(gram[first:, first:], right[first:], [direction[first:] for direction in dependent])
    weights, intercepts = solution[1:], solution[0]
    done = iteration(train, held, weights, intercepts, None, begun)
    return weights, intercepts, (done,)


def _dependent(layout: Layout, width: int, with_intercept: bool) -> list[Vector]:
    """Directions that change no prediction: the categories of one column go up by what the intercept, or the categories
    of another column, go down.
    """
    ones = []
    for group in layout.complete:
        direction = np.zeros(width)
        direction[1:][group] = 1.0
        ones.append(direction)
    if with_intercept:
        return [direction - np.eye(1, width)[0] for direction in ones]
    return [direction - ones[0] for direction in ones[1:]]


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
    if np.linalg.cond(penalised[first:, first:]) > 1 / TINY:
        raise ModelFailed("p-values cannot be computed: inputs depend on each other", fix="Leave one of them out.")
    inverse = np.linalg.inv(penalised[first:, first:])
    spread = scale * np.diag(inverse @ curvature[first:, first:] @ inverse)
    errors = np.sqrt(np.where(spread >= 0, spread, np.nan))
    return (errors[1:], float(errors[0])) if first == 0 else (errors, float("nan"))
