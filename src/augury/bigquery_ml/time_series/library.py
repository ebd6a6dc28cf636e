"""Where do the estimators come from?

Statsforecast and statsmodels carry no types for what is used of them, and importing them takes two seconds of CPU: they
are fetched by name when a model is trained. Forecasting needs neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from augury.errors import PluginError


def arima() -> Any:
    """The module statsforecast.arima. Raises PluginError."""
    return _found("statsforecast.arima")


def stl() -> Any:
    """The class statsmodels.tsa.seasonal.STL. Raises PluginError."""
    return _found("statsmodels.tsa.seasonal").STL


def _found(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise PluginError(
            "time series models need a library that is not installed",
            why=str(error),
            fix="Run: pip install 'augury[forecast]'",
        ) from error
