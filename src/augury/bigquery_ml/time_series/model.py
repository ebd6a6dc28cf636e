"""What does a trained time series model answer?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.refusing import another_type
from augury.bigquery_ml.time_series import anomalies, diagnostics, evaluated, explained, files, forecasts
from augury.bigquery_ml.time_series.fitted import Fitted
from augury.bigquery_ml.time_series.options import REFUSED
from augury.bigquery_ml.time_series.settings import KNOWN, Settings
from augury.errors import UsageError

_INSTEAD = {"predict": "Use ML.FORECAST.", "explain_predict": "Use ML.EXPLAIN_FORECAST."}


class TimeSeriesModel:
    """Nothing in it changes after training, so any number of threads may ask."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self.model_type = fitted.model_type
        self.features: tuple[tuple[str, str], ...] = tuple(
            (column.name, column.type) for column in (*fitted.ids, fitted.timestamp)
        ) + tuple((regressor.name, regressor.type) for regressor in fitted.regressors)
        self.labels: tuple[str, ...] = (fitted.data.name,)
        self.functions = frozenset(KNOWN)

    def call(self, call: Call) -> Any:
        if call.function not in KNOWN:
            raise _unknown(call.function, self.model_type)
        settings = Settings(call, self.fitted.options.horizon)
        if call.function in {"arima_evaluate", "arima_coefficients", "training_info"} and call.rows is not None:
            raise UsageError(
                f"ML.{call.function.upper()} takes no table or query",
                why="it tells about the training",
                fix="Remove it.",
            )
        match call.function:
            case "forecast":
                return forecasts.forecast(self.fitted, call, settings)
            case "explain_forecast":
                return explained.explain_forecast(self.fitted, call, settings)
            case "evaluate":
                return evaluated.evaluate(self.fitted, call, settings)
            case "arima_evaluate":
                return diagnostics.arima_evaluate(self.fitted, settings.all_candidates)
            case "arima_coefficients":
                return diagnostics.arima_coefficients(self.fitted)
            case "detect_anomalies":
                return anomalies.detect_anomalies(self.fitted, call, settings)
            case _:
                return diagnostics.training_info(self.fitted)

    def save(self, folder: Path) -> None:
        files.save(self.fitted, folder)

    def export(self, folder: Path) -> tuple[str, ...]:
        raise UsageError(
            f"a model of type {self.model_type} cannot be exported",
            why="BigQuery documents no EXPORT MODEL for time series models",
            fix="Publish the rows of ML.FORECAST instead.",
        )


def _unknown(function: str, model_type: str) -> UsageError:
    if function == "holiday_info":
        return UsageError(f"ML.HOLIDAY_INFO of {model_type} is not answered here", why=REFUSED["holiday_region"])
    return another_type(function, model_type, KNOWN, _INSTEAD.get(function))
