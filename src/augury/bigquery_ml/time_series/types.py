"""Which time series models are there?

`arima` is the older name of `arima_plus` and trains the same (BigQuery docs: 'The CREATE MODEL statement for ARIMA_PLUS
models').
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from augury.bigquery_ml.contract import TrainedModel, Training


class ArimaPlus:
    names: ClassVar[tuple[str, ...]] = ("arima_plus", "arima")

    @staticmethod
    def train(training: Training) -> TrainedModel:
        """`threads` changes nothing, `seed` only the random alignments by which AUTO judges seasonal patterns."""
        return _train(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        return _load(folder, model_type)


class ArimaPlusXreg(ArimaPlus):
    """What the regressors leave is a series like any other."""

    names: ClassVar[tuple[str, ...]] = ("arima_plus_xreg",)


def _train(training: Training) -> TrainedModel:
    from augury.bigquery_ml.time_series.model import TimeSeriesModel
    from augury.bigquery_ml.time_series.training import train

    return TimeSeriesModel(train(training))


def _load(folder: Path, model_type: str) -> TrainedModel:
    from augury.bigquery_ml.time_series.files import load
    from augury.bigquery_ml.time_series.model import TimeSeriesModel

    return TimeSeriesModel(load(folder, model_type))
