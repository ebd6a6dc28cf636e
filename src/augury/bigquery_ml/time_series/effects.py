"""How strongly does each regressor act on a series?

A linear regression, once on the series as it is, and again with what its residuals then show: their seasonal patterns
are taken out of both sides as phase means, and both sides are differenced where the residuals wander, as R's auto.arima
does with regressors. Left in, either would drown the regressors' own effect; and what a pattern or a trend explains
alone is theirs in the forecast as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series import arima_fit, seasons
from augury.bigquery_ml.time_series.options import Options
from augury.bigquery_ml.time_series.regressors import weights

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]


def effects(design: Matrix, values: Vector, frequency: str, chosen: Options, seed: int) -> Vector:
    """One weight per column of the design."""
    first = weights(design, values, chosen.l2)
    rest = values - design @ first
    names = seasons.find(rest, frequency, chosen.seasonalities, seed)
    periods = [seasons.PERIODS[frequency][name] for name in names]
    for period in periods:
        rest = _less_phases(rest, period)
    both = np.column_stack([values, design])
    if arima_fit.differences(rest):
        both = np.diff(both, axis=0)
    # As many phases and weights as points would explain everything.
    if len(both) - sum(periods) - both.shape[1] < 2:
        return first
    for period in periods:
        both = np.column_stack([_less_phases(column, period) for column in both.T])
    # A column that is nothing but pattern or trend has no effect of its own left.
    both[:, 1:] *= both[:, 1:].std(axis=0) > arima_fit.FLAT * design.std(axis=0)
    return weights(both[:, 1:], both[:, 0], chosen.l2)


def _less_phases(values: Vector, period: int) -> Vector:
    phases = np.arange(len(values)) % period
    means = np.bincount(phases, weights=values, minlength=period) / np.bincount(phases, minlength=period)
    return np.asarray(values - means[phases], dtype=np.float64)
