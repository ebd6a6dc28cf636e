"""How are the weights of a linear model found?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from augury.errors import ModelFailed, PluginError
from augury.models import labels
from augury.models.contract import TrainingSet
from augury.models.features import learned
from augury.models.linear_inputs import Input, Number, Values, learn, read
from augury.models.linear_model import FittedLinear, Linear
from augury.models.signature import Signature

if TYPE_CHECKING:
    from augury.models.linear import LinearOptions, LinearRegOptions, LogisticRegOptions

MAX_BYTES = 4_000_000_000
"""Of the matrix that is solved: one column per number and per value of a category."""

Matrix = npt.NDArray[np.float64]


def fit_linear(training: TrainingSet, options: LinearRegOptions) -> FittedLinear:
    target = labels.numbers(training)
    signature, inputs, matrix = _prepare(training, options, "regression", ())
    with _solver():
        from sklearn import linear_model

        l1, l2 = options.l1_reg, options.l2_reg
        if l1:
            solver: Any = linear_model.ElasticNet(
                # scikit-learn divides the loss by the number of rows.
                alpha=(l1 + l2) / len(target),
                l1_ratio=l1 / (l1 + l2),
                fit_intercept=options.fit_intercept,
                max_iter=options.max_iterations,
                tol=1e-8,
            )
        elif l2:
            solver = linear_model.Ridge(alpha=l2, fit_intercept=options.fit_intercept, solver="svd")
        else:
            solver = linear_model.LinearRegression(fit_intercept=options.fit_intercept)
        solver.fit(matrix, target)
    return _fitted(signature, inputs, np.atleast_2d(solver.coef_), np.atleast_1d(solver.intercept_))


def fit_logistic(training: TrainingSet, options: LogisticRegOptions, seed: int) -> FittedLinear:
    classes, target = labels.classes(training)
    weights = labels.row_weights(classes, target, options.auto_class_weights, options.class_weights)
    signature, inputs, matrix = _prepare(training, options, "classification", classes)
    with _solver():
        from sklearn.linear_model import LogisticRegression

        penalty = options.l1_reg + options.l2_reg
        solver = LogisticRegression(
            C=1 / penalty if penalty else np.inf,
            l1_ratio=options.l1_reg / penalty if penalty else 0.0,
            solver="saga" if options.l1_reg else "lbfgs",
            fit_intercept=options.fit_intercept,
            max_iter=options.max_iterations,
            random_state=seed,
            tol=1e-6,
        )
        solver.fit(matrix, target, sample_weight=weights)
    return _fitted(signature, inputs, solver.coef_, np.atleast_1d(solver.intercept_))


def _prepare(
    training: TrainingSet, options: LinearOptions, task: Any, classes: tuple[Any, ...]
) -> tuple[Signature, list[Input], Matrix]:
    table = training.features
    found = learned(training)
    inputs = learn(table, found, options.category_encoding_method == "dummy_encoding")
    signature = Signature(task=task, label=training.label_name, classes=classes, features=found)
    widths = [_width(item) for item in inputs]
    if training.rows * sum(widths) * 8 > MAX_BYTES:
        widest = inputs[int(np.argmax(widths))]
        raise ModelFailed(
            f"{training.rows:,} rows with {sum(widths):,} inputs do not fit in memory for a linear model",
            why=f"{widest.feature} alone has {max(widths):,} values",
            fix=f"Exclude {widest.feature}, group its values in prepare.sql, or use a boosted tree.",
        )
    return signature, inputs, _matrix(read(table, found, inputs), inputs, widths)


def _kept(item: Values) -> npt.NDArray[np.int64]:
    """Positions of a category that have an input."""
    return np.array(
        [at for at in range(len(item.levels) + item.null) if at != item.without],
        dtype=np.int64,
    )


def _width(item: Input) -> int:
    return 1 if isinstance(item, Number) else len(_kept(item))


def _matrix(columns: Sequence[Any], inputs: Sequence[Input], widths: Sequence[int]) -> Matrix:
    rows = len(columns[0])
    matrix = np.zeros((rows, sum(widths)), order="F")
    start = 0
    for item, column, width in zip(inputs, columns, widths, strict=True):
        if isinstance(item, Number):
            matrix[:, start] = column
        else:
            for offset, position in enumerate(_kept(item)):
                matrix[:, start + offset] = column == position
        start += width
    return matrix


def _fitted(
    signature: Signature, inputs: Sequence[Input], weights: Matrix, intercepts: npt.NDArray[Any]
) -> FittedLinear:
    if not np.isfinite(weights).all():
        raise ModelFailed("the linear model has no finite solution", fix="Add l2_reg, or scale the label down.")
    done: list[Input] = []
    start = 0
    for item in inputs:
        width = _width(item)
        part = weights[:, start : start + width]
        start += width
        if isinstance(item, Number):
            done.append(item.model_copy(update={"weights": tuple(map(float, part[:, 0]))}))
            continue
        full = np.zeros((len(weights), len(item.levels) + 1))
        full[:, _kept(item)] = part
        done.append(item.model_copy(update={"weights": tuple(tuple(map(float, row)) for row in full)}))
    return FittedLinear(Linear(signature=signature, inputs=tuple(done), intercepts=tuple(map(float, intercepts))))


@contextmanager
def _solver() -> Iterator[None]:
    """One thread, so that sums keep their order; stopping at max_iterations is what was asked for, not a
    warning.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise PluginError(f"the library {error.name!r} is not installed", fix="pip install 'augury[linear]'") from error
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", category=ConvergenceWarning)
        yield
