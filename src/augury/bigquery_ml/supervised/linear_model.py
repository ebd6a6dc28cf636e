"""What does a linear model say of rows, and what are its weights?

Scoring adds one term per input, row by row in a fixed order: no matrix product, whose rounding depends on the number of
rows. So any batching gives the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.linear_fit import Fit
from augury.bigquery_ml.supervised.linear_inputs import AnyInput, Cells, Reader

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


class Linear(BaseModel):
    """The weights of one trial, over standardised inputs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weights: tuple[tuple[tuple[float, ...], ...], ...]
    """Per output and input: one for a number, one per category and one for NULL."""
    intercepts: tuple[float, ...]
    has_errors: bool = False
    errors: tuple[tuple[float | None, ...], ...] = ()
    """Standard errors in the shape of one output's weights; None where a weight was not learned."""
    intercept_error: float | None = None


def fitted(inputs: Sequence[AnyInput], fit: Fit) -> Linear:
    def by_input(values: Vector) -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(map(float, values[start : start + item.width]))
            for item, start in zip(inputs, fit.layout.starts, strict=True)
        )

    weights = tuple(by_input(column) for column in fit.weights.T)
    intercepts = tuple(map(float, fit.intercepts))
    if fit.errors is None:
        return Linear(weights=weights, intercepts=intercepts)
    spread = np.full(fit.layout.total, np.nan)
    spread[fit.layout.learned] = fit.errors[0]
    errors = tuple(tuple(None if np.isnan(v) else v for v in row) for row in by_input(spread))
    alone = fit.errors[1]
    return Linear(
        weights=weights,
        intercepts=intercepts,
        has_errors=True,
        errors=errors,
        intercept_error=None if np.isnan(alone) else alone,
    )


class LinearScorer:
    """Raw values and attributions for rows."""

    def __init__(self, columns: Sequence[Column], inputs: Sequence[AnyInput], model: Linear) -> None:
        self.model = model
        self._columns = tuple(columns)
        self._inputs = tuple(inputs)
        self._reader = Reader(columns, inputs)
        # The last place is that of unseen categories.
        self._weights = [[np.array([*row, 0.0]) for row in output] for output in model.weights]

    def raw(self, arrays: Sequence[Any], count: int) -> Matrix:
        """Rows x outputs."""
        cells = self._reader.read(arrays)
        out = np.empty((count, len(self._weights)))
        for at, weights in enumerate(self._weights):
            total = np.full(count, self.model.intercepts[at])
            for found, row in zip(cells, weights, strict=True):
                total += _term(found, row, count)
            out[:, at] = total
        return out

    def contributions(self, arrays: Sequence[Any], count: int, approximate: bool) -> Matrix:
        """Rows x outputs x (features and the baseline): exact, so that they add up to the raw value."""
        del approximate  # nothing needs to be
        cells = self._reader.read(arrays)
        out = np.zeros((count, len(self._weights), len(self._columns) + 1))
        for at, weights in enumerate(self._weights):
            for item, found, row in zip(self._inputs, cells, weights, strict=True):
                out[:, at, item.column] += _term(found, row, count)
            out[:, at, -1] = self.model.intercepts[at]
        return out


def _term(found: Cells, weights: Vector, count: int) -> Vector:
    if found.numbers is not None:
        out: Vector = found.numbers * weights[0]
        return out
    if found.positions is not None:
        return np.take(weights, found.positions)
    assert found.entries is not None
    terms = weights[found.entries.places] * found.entries.values
    return np.bincount(found.entries.rows, weights=terms, minlength=count).astype(np.float64)
