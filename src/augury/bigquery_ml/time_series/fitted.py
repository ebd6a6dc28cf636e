"""What is kept of a trained series?

Coefficients and the last few values to forecast from, and, for explanations, the parts of the history. On the scale of
the model, which is that of the data unless there are forecast limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series.arima import Arima, Candidate
from augury.bigquery_ml.time_series.columns import Column, Key
from augury.bigquery_ml.time_series.grids import Grid
from augury.bigquery_ml.time_series.options import Options
from augury.bigquery_ml.time_series.regressors import Regressor
from augury.bigquery_ml.time_series.seasons import Season

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """Everything but the residual, which is what the parts leave of the data."""

    data: Vector
    """On the data's own scale: given or interpolated."""
    trend: Vector
    """What ARIMA expected one point before."""
    spikes: Vector | None
    """None where there are none."""
    steps: Vector | None
    attributions: tuple[Vector, ...]
    """One per regressor."""


@dataclass(frozen=True)
class Fit:
    grid: Grid
    length: int
    arima: Arima
    candidates: tuple[Candidate, ...]
    seasons: tuple[Season, ...]
    weights: Vector
    """Of the columns of the design."""
    naive_error: float
    """The mean absolute change from one point to the next, which scaled errors are measured by."""
    has_spikes: bool
    has_steps: bool
    history: History | None
    """None where decompose_time_series is off."""


@dataclass(frozen=True)
class Series:
    key: Key
    fit: Fit | None
    error: str | None = None
    """Why there is no fit."""


@dataclass(frozen=True)
class Fitted:
    """A whole model."""

    model_type: str
    options: Options
    timestamp: Column
    data: Column
    ids: tuple[Column, ...]
    regressors: tuple[Regressor, ...]
    series: tuple[Series, ...]
    """Sorted by their ids."""
