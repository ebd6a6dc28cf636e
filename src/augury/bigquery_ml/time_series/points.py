"""What does a series expect at some points, and within which bounds?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series.fitted import Fit, Fitted
from augury.bigquery_ml.time_series.grids import Times
from augury.bigquery_ml.time_series.limits import Limits
from augury.bigquery_ml.time_series.seasons import inflation
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]

LAST = int(np.datetime64("9999-12-31T23:59:59", "us").astype(np.int64))
"""BigQuery's last TIMESTAMP."""


@dataclass(frozen=True)
class Points:
    """On the scale of the model."""

    values: Vector
    errors: Vector
    """Standard errors."""
    limits: Limits

    @property
    def forecast(self) -> Vector:
        """On the scale of the data: the middle of the interval or, with limits, the median."""
        return self.limits.back(self.values)

    @property
    def standard_errors(self) -> Vector:
        return self.limits.error_back(self.values, self.errors)

    def bounds(self, confidence: float) -> tuple[Vector, Vector]:
        """Of the interval that a value falls into with this probability."""
        reach = self.errors * NormalDist().inv_cdf(0.5 + confidence / 2)
        return self.limits.back(self.values - reach), self.limits.back(self.values + reach)

    def probabilities(self, actual: Vector) -> Vector:
        """How probable it is that a value lies closer to the expected one than `actual` does; NaN where that is NaN.
        A value at or beyond a forecast limit is impossible: 1."""
        from scipy.special import erf

        inside = self.limits.inside(actual)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.abs(self.limits.forward(inside) - self.values)
            # Where nothing may vary, anything else is certain to be an anomaly.
            sizes = np.where(away == 0, 0.0, away / (self.errors * np.sqrt(2.0)))
        out = np.asarray(erf(sizes), dtype=np.float64)
        out[np.isnan(inside)] = 1.0
        out[np.isnan(actual)] = np.nan
        return out


@dataclass(frozen=True)
class Ahead:
    """1 to n points after the end of a series."""

    times: Times
    trend: Vector
    seasons: dict[str, Vector]
    errors: Vector
    limits: Limits

    @property
    def base(self) -> Vector:
        """All that regressors do not add."""
        total = self.trend
        for part in self.seasons.values():
            total = total + part
        return total

    def points(self, added: Vector | float = 0.0) -> Points:
        return Points(self.base + added, self.errors, self.limits)

    def chosen(self, places: npt.NDArray[np.int64], added: Vector | float = 0.0) -> Points:
        """At some of them, 0 being the first."""
        return Points(self.base[places] + added, self.errors[places], self.limits)


def ahead(model: Fitted, fit: Fit, horizon: int) -> Ahead:
    steps = np.arange(1, horizon + 1, dtype=np.int64)
    trend, errors = fit.arima.ahead(horizon)
    errors = errors * np.sqrt(inflation(fit.seasons))
    seasons = {season.name: season.ahead(steps) for season in fit.seasons}
    times = fit.grid.at(fit.length - 1 + steps)
    if times[-1] > LAST:
        raise ModelFailed(
            f"a {fit.grid.frequency} forecast of {horizon:,} points goes beyond the year 9999",
            fix="Give a smaller horizon.",
        )
    return Ahead(times, trend, seasons, errors, Limits(model.options.lower, model.options.upper))


def fitted(model: Fitted, fit: Fit) -> Points:
    """What was expected of each point of the history, its steps known and its spikes not; there must be a history."""
    assert fit.history is not None
    total = fit.history.trend
    for season in fit.seasons:
        total = total + season.history
    for part in fit.history.attributions:
        total = total + part
    if fit.history.steps is not None:
        total = total + fit.history.steps
    errors = np.full(len(total), np.sqrt(fit.arima.variance))
    return Points(total, errors, Limits(model.options.lower, model.options.upper))
