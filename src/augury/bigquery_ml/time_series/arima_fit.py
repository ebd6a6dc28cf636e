"""Which ARIMA model fits a series best?

Every order with p + q within the limits is tried, with and without drift where d = 1, as BigQuery ML documents it for
AUTO_ARIMA_MAX_ORDER; d comes from KPSS tests; the lowest AIC wins. Statsforecast estimates (CSS, then maximum
likelihood by a Kalman filter, as R's arima) and refuses a candidate whose roots lie on the unit circle.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series import library
from augury.bigquery_ml.time_series.arima import Arima, Candidate
from augury.bigquery_ml.time_series.options import Options
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]

FLAT = 1e-12
"""Relative to the largest value: below, what moves is rounding."""


def fit(values: Vector, options: Options) -> tuple[Arima, Vector, tuple[Candidate, ...]]:
    """The best model on the last points that `options` allow for, the innovations of all points, and every candidate.
    Raises ModelFailed."""
    recent = values[-options.trend_length(len(values)) :]
    scale = float(np.std(recent))
    if not scale > FLAT * float(np.max(np.abs(recent), initial=0.0)):
        return _flat(values, 0, float(np.mean(recent)))
    centre = float(np.mean(recent))
    # Likelihoods have a diffuse prior of fixed size, and optimisers fixed steps: both want a series of size 1.
    units = (recent - centre) / scale
    with _quiet():
        d = options.order[1] if options.order else differences(units)
        change = np.diff(units, d)
        if d and (len(change) < 2 or float(np.ptp(change)) <= FLAT):
            return _flat(values, d, float(np.mean(change)) * scale if d == 1 and len(change) else 0.0)
        fits = [_fitted(units, order, constant) for order, constant in _orders(options, d, len(units))]
    tried = tuple(_in_units_of_data(candidate, scale, len(units) - d) for candidate, _ in fits)
    good = [(candidate.aic, at) for at, candidate in enumerate(tried) if candidate.aic is not None]
    if not good:
        raise ModelFailed(
            "no ARIMA model fits the time series",
            why="; ".join(f"({c.p}, {c.d}, {c.q}): {c.error}" for c in tried),
            fix="Give more history, or another auto_arima_max_order or non_seasonal_order.",
        )
    at = min(good)[1]
    with _quiet():
        model, innovations = _model(values, tried[at], fits[at][1], centre, scale, len(recent))
    return model, innovations, tried


def _orders(options: Options, d: int, length: int) -> Iterator[tuple[tuple[int, int, int], bool]]:
    """Orders and whether they have a mean or a drift. A mean always goes with d = 0, nothing with d = 2."""
    if options.order is not None:
        yield options.order, d == 0 or (d == 1 and options.drift)
        return
    found = False
    for p in range(options.max_order + 1):
        for q in range(options.max_order + 1 - p):
            # One parameter more than points cannot be told apart from noise.
            if p + q < options.min_order or p + q + d + 2 > length:
                continue
            found = True
            yield from (((p, d, q), constant) for constant in ((False, True) if d == 1 else (d == 0,)))
    if not found:
        yield (0, d, 0), d == 0


def differences(values: Vector) -> int:
    """How often a series must be differenced until it does not wander, by KPSS tests at the 5% level."""
    with _quiet():
        return int(library.arima().ndiffs(values, max_d=2))


def _fitted(units: Vector, order: tuple[int, int, int], constant: bool) -> tuple[Candidate, dict[str, Any]]:
    p, d, q = order
    tried = Candidate(p, d, q, drift=constant and d == 1)
    try:
        found: dict[str, Any] = library.arima().myarima(units, order=order, constant=constant, ic="aic")
    except (ValueError, ArithmeticError, RuntimeError, IndexError, TypeError) as error:
        return replace(tried, error=f"it could not be estimated: {error}"), {}
    if "arma" not in found:
        return replace(tried, error="it could not be estimated: the AR part is not stationary"), {}
    variance = float(found["sigma2"])
    if not math.isfinite(found["ic"]):
        return replace(tried, error="a root of its AR or MA part lies on the unit circle"), {}
    if not (math.isfinite(variance) and variance > 0):
        return replace(tried, error="it leaves no variance"), {}
    return replace(tried, log_likelihood=float(found["loglik"]), aic=float(found["aic"]), variance=variance), found


def _in_units_of_data(candidate: Candidate, scale: float, used: int) -> Candidate:
    if candidate.aic is None or candidate.log_likelihood is None or candidate.variance is None:
        return candidate
    shift = used * math.log(scale)
    return replace(
        candidate,
        log_likelihood=candidate.log_likelihood - shift,
        aic=candidate.aic + 2 * shift,
        variance=candidate.variance * scale**2,
    )


def _model(
    values: Vector, chosen: Candidate, found: dict[str, Any], centre: float, scale: float, fitted_on: int
) -> tuple[Arima, Vector]:
    estimators = library.arima()
    coefficients = {name: float(value) for name, value in found["coef"].items()}
    ar = tuple(coefficients[f"ar{at}"] for at in range(1, chosen.p + 1))
    ma = tuple(coefficients[f"ma{at}"] for at in range(1, chosen.q + 1))
    mean, drift = coefficients.get("intercept", 0.0), coefficients.get("drift", 0.0)
    units = (values - centre) / scale
    # The drift line passes through 0 one point before the first that was fitted on.
    line = mean + drift * (np.arange(len(values), dtype=np.float64) + 1.0 - (len(values) - fitted_on))
    start = estimators.make_arima(
        np.array(ar), np.array(ma), [np.array([]), np.array([1.0]), np.array([2.0, -1.0])][chosen.d]
    )
    *_, innovations = estimators.arima_like(
        units - line, start["phi"], start["theta"], start["delta"], start["a"], start["P"], start["Pn"], 0, True
    )
    innovations = np.asarray(innovations, dtype=np.float64) * scale
    level = {0: centre + mean * scale, 1: drift * scale, 2: 0.0}[chosen.d]
    model = Arima(
        chosen,
        ar,
        ma,
        level,
        chosen.variance or 0.0,
        tuple(float(value) for value in values[::-1][: chosen.p + chosen.d]),
        tuple(float(value) for value in innovations[::-1][: chosen.q]),
    )
    return model, innovations


def _flat(values: Vector, d: int, level: float) -> tuple[Arima, Vector, tuple[Candidate, ...]]:
    """A constant, or a straight line or parabola: it goes on without error, and has no likelihood."""
    chosen = Candidate(0, d, 0, drift=d == 1, variance=0.0)
    past = tuple(float(value) for value in values[::-1][:d])
    innovations = values - level if d == 0 else np.zeros(len(values))
    return Arima(chosen, (), (), level, 0.0, past, ()), innovations, (chosen,)


@contextmanager
def _quiet() -> Iterator[None]:
    """Failed candidates are answers here, not warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
