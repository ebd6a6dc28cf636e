"""ML.EXPLAIN_FORECAST: what are the history and the forecast made of?

BigQuery docs: 'The ML.EXPLAIN_FORECAST function', whose formulas hold in every row: data is the sum of all parts,
adjusted data that of trend, seasons and attributions. confidence_level is given with the forecast and NULL with the
history, as Google's tutorials print it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.time_series import batches
from augury.bigquery_ml.time_series.batches import constant, doubles, nulls
from augury.bigquery_ml.time_series.columns import TIMESTAMP
from augury.bigquery_ml.time_series.fitted import Fit, Fitted, Series
from augury.bigquery_ml.time_series.forecasts import Future
from augury.bigquery_ml.time_series.points import ahead
from augury.bigquery_ml.time_series.seasons import NAMES
from augury.bigquery_ml.time_series.settings import Settings
from augury.errors import UsageError

Vector = npt.NDArray[np.float64]

NUMBERS = (
    "time_series_data",
    "time_series_adjusted_data",
    "standard_error",
    "confidence_level",
    "prediction_interval_lower_bound",
    "prediction_interval_upper_bound",
    "trend",
    *(f"seasonal_period_{name}" for name in NAMES),
    "holiday_effect",
    "spikes_and_dips",
    "step_changes",
    "residual",
)


def explain_forecast(model: Fitted, call: Call, settings: Settings) -> Any:
    if model.options.limited:
        raise UsageError(
            "ML.EXPLAIN_FORECAST cannot explain a model with forecast limits",
            why="its parts add up on another scale than the data's; BigQuery refuses it too",
            fix="Train without forecast_limit_lower_bound and forecast_limit_upper_bound, or use ML.FORECAST.",
        )
    if not model.options.decompose:
        raise UsageError(
            "ML.EXPLAIN_FORECAST needs the parts of the series",
            why="the model was trained with decompose_time_series = FALSE",
            fix="Train with decompose_time_series = TRUE.",
        )
    added = [f"attribution_{regressor.name}" for regressor in model.regressors]
    schema = pa.schema(
        [
            *batches.fields(model.ids),
            pa.field("time_series_timestamp", TIMESTAMP),
            pa.field("time_series_type", pa.string()),
            *(pa.field(name, pa.float64()) for name in (*NUMBERS, *added)),
        ]
    )
    future = Future(model, call, settings.horizon)
    return batches.reader(schema, _parts(model, settings, future))


def _parts(model: Fitted, settings: Settings, future: Future) -> Iterator[dict[str, Any]]:
    for at, series in enumerate(model.series):
        if series.fit is not None:
            # Regressors first: an error comes before any row of the series.
            attributions = future.attributions(at, series.fit)
            yield _history(model, series, series.fit)
            yield _forecast(model, series, series.fit, settings, attributions)


def _history(model: Fitted, series: Series, fit: Fit) -> dict[str, Any]:
    parts = fit.history
    assert parts is not None
    rows = fit.length
    trend = _smoothed(parts.trend, model.options.smoothing)
    seasons = {season.name: season.history for season in fit.seasons}
    adjusted = _sum(trend, *seasons.values(), *parts.attributions)
    odd = [part for part in (parts.spikes, parts.steps) if part is not None]
    return {
        **_named(model, series, fit, np.arange(rows, dtype=np.int64), "history"),
        **_row_parts(model, rows, trend, seasons, parts.attributions),
        "time_series_data": doubles(parts.data),
        "time_series_adjusted_data": doubles(adjusted),
        "standard_error": constant(float(np.sqrt(fit.arima.variance)), rows),
        "spikes_and_dips": doubles(parts.spikes) if parts.spikes is not None else nulls(rows),
        "step_changes": doubles(parts.steps) if parts.steps is not None else nulls(rows),
        "residual": doubles(parts.data - _sum(adjusted, *odd)),
    }


def _forecast(
    model: Fitted, series: Series, fit: Fit, settings: Settings, attributions: list[Vector]
) -> dict[str, Any]:
    rows = settings.horizon
    found = ahead(model, fit, rows)
    points = found.points(sum(attributions, np.zeros(rows)))
    lower, upper = points.bounds(settings.confidence)
    return {
        **_named(model, series, fit, fit.length + np.arange(rows, dtype=np.int64), "forecast"),
        **_row_parts(model, rows, found.trend, found.seasons, tuple(attributions)),
        "time_series_data": doubles(points.forecast),
        "time_series_adjusted_data": doubles(points.forecast),
        "standard_error": doubles(points.errors),
        "confidence_level": constant(settings.confidence, rows),
        "prediction_interval_lower_bound": doubles(lower),
        "prediction_interval_upper_bound": doubles(upper),
    }


def _named(model: Fitted, series: Series, fit: Fit, at: npt.NDArray[np.int64], kind: str) -> dict[str, Any]:
    return {
        **batches.repeated(model.ids, series.key, len(at)),
        "time_series_timestamp": pa.array(fit.grid.at(at), pa.int64()).cast(TIMESTAMP),
        "time_series_type": pa.array([kind] * len(at), pa.string()),
    }


def _row_parts(
    model: Fitted, rows: int, trend: Vector, seasons: dict[str, Vector], attributions: tuple[Vector, ...]
) -> dict[str, Any]:
    """Every column, NULL unless known."""
    return {
        **{name: nulls(rows) for name in NUMBERS},
        "trend": doubles(trend),
        **{f"seasonal_period_{name}": doubles(part) for name, part in seasons.items()},
        **{
            f"attribution_{regressor.name}": doubles(part)
            for regressor, part in zip(model.regressors, attributions, strict=True)
        },
    }


def _smoothed(trend: Vector, window: int | None) -> Vector:
    """Centred moving average; beyond the ends the first and the last value go on."""
    if window is None:
        return trend
    before = window // 2
    padded = np.concatenate([np.full(before, trend[0]), trend, np.full(window - 1 - before, trend[-1])])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, window).mean(axis=1), dtype=np.float64)


def _sum(*parts: Vector) -> Vector:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
