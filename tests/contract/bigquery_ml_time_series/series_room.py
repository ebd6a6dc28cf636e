"""Series to train on, and short ways to train and ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call, TrainedModel, Training
from augury.bigquery_ml.time_series.types import ArimaPlus, ArimaPlusXreg

Vector = npt.NDArray[np.float64]

START = dt.date(2021, 1, 4)
"""A Monday."""

COLUMNS = {"time_series_timestamp_col": "t", "time_series_data_col": "y"}

DATA = Path(__file__).parents[4] / "shared" / "data"


def days(count: int, step: int = 1, start: dt.date = START) -> list[dt.date]:
    return [start + dt.timedelta(days=step * at) for at in range(count)]


def months(count: int, start: int = 1949) -> list[dt.date]:
    return [dt.date(start + at // 12, 1 + at % 12, 1) for at in range(count)]


def noise(count: int, size: float = 1.0, seed: int = 0) -> Vector:
    return np.random.default_rng(seed).normal(0.0, size, count)


def wave(count: int, period: int, height: float = 10.0) -> Vector:
    return height * np.sin(2 * np.pi * np.arange(count) / period)


def rows(times: Sequence[Any], values: Sequence[Any] | Vector, **others: Any) -> pa.Table:
    return pa.table({"t": times, "y": values, **others})


def train(table: pa.Table, *, model_type: str = "arima_plus", seed: int = 0, **options: Any) -> TrainedModel:
    kind = ArimaPlusXreg if model_type == "arima_plus_xreg" else ArimaPlus
    return kind.train(Training(model_type, table, {**COLUMNS, **options}, seed=seed))


def ask(
    model: TrainedModel, function: str, given: pa.Table | None = None, *, batch: int | None = None, **settings: Any
) -> pa.Table:
    stream = given.to_reader(max_chunksize=batch) if given is not None else None
    return model.call(Call(function, rows=stream, settings=settings)).read_all()


def forecast(model: TrainedModel, horizon: int, given: pa.Table | None = None) -> Vector:
    return column(ask(model, "forecast", given, horizon=horizon), "forecast_value")


def column(table: pa.Table, name: str) -> Vector:
    """NULL is NaN."""
    return np.array([np.nan if value is None else value for value in table[name].to_pylist()], dtype=np.float64)


def error(forecasts: Vector, actual: Vector) -> float:
    return float(np.mean(np.abs(forecasts - actual)))


def by_series(table: pa.Table, name: str, key: str = "id") -> Mapping[Any, Vector]:
    """A column of each series, in the order of the rows."""
    keys, values = table[key].to_pylist(), column(table, name)
    return {key: values[[other == key for other in keys]] for key in dict.fromkeys(keys)}
