"""ML.EVALUATE: how good were the forecasts, given what then came?

BigQuery docs: 'The ML.EVALUATE function', time series. Percentages count 100 for the whole, as Google's own results do;
the error per row is the quotient that the page describes. Scaled errors are measured by the mean change of the training
data. Without rows the measures of the fit are given, as by ML.ARIMA_EVALUATE.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.time_series import batches
from augury.bigquery_ml.time_series.batches import doubles
from augury.bigquery_ml.time_series.diagnostics import fit_measures
from augury.bigquery_ml.time_series.fitted import Fit, Fitted
from augury.bigquery_ml.time_series.inputs import NOWHERE, Inputs, Located
from augury.bigquery_ml.time_series.options import XREG
from augury.bigquery_ml.time_series.points import Points, ahead
from augury.bigquery_ml.time_series.settings import Settings
from augury.errors import UsageError

Vector = npt.NDArray[np.float64]

METRICS = (
    "mean_absolute_error",
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_percentage_error",
    "symmetric_mean_absolute_percentage_error",
    "mean_absolute_scaled_error",
)

ROW_METRICS = ("lower_bound", "upper_bound", "absolute_error", "absolute_percentage_error")


def evaluate(model: Fitted, call: Call, settings: Settings) -> Any:
    if call.rows is None:
        if call.settings:
            raise UsageError(
                f"ML.EVALUATE takes {', '.join(sorted(call.settings))} only with rows to compare with",
                fix="Add a table or query, or remove the STRUCT argument.",
            )
        return fit_measures(model, "aic", errors=False, every=False)
    refused = sorted({"horizon", "confidence_level"} & call.settings.keys())
    if model.model_type == XREG and refused:
        raise UsageError(
            f"ML.EVALUATE of {XREG} takes no {' and no '.join(refused)}",
            why="BigQuery has them for arima_plus only",
            fix="Remove them; the rows that are given decide.",
        )
    inputs = Inputs(model, call.rows.schema, call.inputs, "ML.EVALUATE", data=True)
    if settings.aggregate:
        schema = pa.schema([*batches.fields(model.ids), *(pa.field(name, pa.float64()) for name in METRICS)])
        return batches.reader(schema, _metrics(model, call.rows, inputs, settings))
    name = model.data.name
    schema = pa.schema(
        [
            *batches.fields(model.ids),
            *(
                call.rows.schema.field(inputs.timestamp).with_name(model.timestamp.name),
                call.rows.schema.field(inputs.data).with_name(name),
            ),
            *(pa.field(column, pa.float64()) for column in (f"forecasted_{name}", *ROW_METRICS)),
        ]
    )
    parts = (_row_errors(model, batch, inputs, settings) for batch in call.rows)
    return batches.reader(schema, parts)


def expected(
    model: Fitted, inputs: Inputs, located: Located, horizon: int
) -> Iterator[tuple[int, Fit, npt.NDArray[np.int64], Points]]:
    """For each series: the rows in its horizon, and what it expects there."""
    for at, rows in located.of_series():
        fit = model.series[at].fit
        assert fit is not None
        rows = rows[located.places[rows] < horizon]
        if len(rows):
            places = located.places[rows]
            found = ahead(model, fit, int(places.max()) + 1)
            yield at, fit, rows, found.chosen(places, inputs.added(fit, located, rows))


def _row_errors(model: Fitted, batch: Any, inputs: Inputs, settings: Settings) -> dict[str, Any]:
    located, actual = inputs.locate(batch), inputs.values(batch)
    names = (f"forecasted_{model.data.name}", *ROW_METRICS)
    out = {name: np.full(batch.num_rows, np.nan) for name in names}
    for _, _, rows, points in expected(model, inputs, located, settings.horizon):
        lower, upper = points.bounds(settings.confidence)
        errors = np.abs(points.forecast - actual[rows])
        for name, values in zip(
            names, (points.forecast, lower, upper, errors, _shares(errors, actual[rows])), strict=True
        ):
            out[name][rows] = values
    return {
        **batches.ids_of(model.ids, inputs.ids, batch),
        model.timestamp.name: batch.column(inputs.timestamp),
        model.data.name: batch.column(inputs.data),
        **{name: doubles(values) for name, values in out.items()},
    }


def _metrics(model: Fitted, given: Any, inputs: Inputs, settings: Settings) -> Iterator[dict[str, Any]]:
    """One row for each series of the model that has rows, in the order of the model."""
    seen: set[int] = set()
    actuals: dict[int, list[Vector]] = defaultdict(list)
    forecasts: dict[int, list[Vector]] = defaultdict(list)
    for batch in given:
        located, actual = inputs.locate(batch), inputs.values(batch)
        seen.update(int(at) for at in np.unique(located.series) if at != NOWHERE)
        for at, _, rows, points in expected(model, inputs, located, settings.horizon):
            known = ~np.isnan(actual[rows])
            actuals[at].append(actual[rows][known])
            forecasts[at].append(points.forecast[known])
    for at in sorted(seen):
        series = model.series[at]
        assert series.fit is not None
        empty = [np.empty(0)]
        found = _measured(
            np.concatenate(actuals.get(at, empty)), np.concatenate(forecasts.get(at, empty)), series.fit.naive_error
        )
        yield {
            **batches.repeated(model.ids, series.key, 1),
            **{name: doubles(np.array([value])) for name, value in zip(METRICS, found, strict=True)},
        }


def _measured(actual: Vector, forecast: Vector, naive: float) -> tuple[float, ...]:
    """NaN where there is nothing to measure or to measure by."""
    errors = np.abs(actual - forecast)
    absolute, squared = _mean(errors), _mean(errors**2)
    sizes = (np.abs(actual) + np.abs(forecast)) / 2
    return (
        absolute,
        squared,
        math.sqrt(squared),
        100 * _mean(_shares(errors, actual)),
        100 * _mean(_shares(errors, sizes)),
        absolute / naive if naive > 0 else math.nan,
    )


def _shares(errors: Vector, sizes: Vector) -> Vector:
    """NaN where the size is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sizes == 0, np.nan, errors / np.abs(sizes))


def _mean(values: Vector) -> float:
    known = values[~np.isnan(values)]
    return math.fsum(known) / len(known) if len(known) else math.nan
