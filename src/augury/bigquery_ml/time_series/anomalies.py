"""ML.DETECT_ANOMALIES: which values are far from what was expected?

BigQuery docs: 'The ML.DETECT_ANOMALIES function'. History is compared with what was expected one point before and the
variance of the fit, new rows with the forecast for their time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.time_series import batches
from augury.bigquery_ml.time_series.batches import doubles
from augury.bigquery_ml.time_series.columns import TIMESTAMP, times
from augury.bigquery_ml.time_series.evaluated import expected
from augury.bigquery_ml.time_series.fitted import Fitted
from augury.bigquery_ml.time_series.inputs import Inputs
from augury.bigquery_ml.time_series.points import fitted
from augury.bigquery_ml.time_series.settings import Settings
from augury.errors import UsageError

FOUND = (
    pa.field("is_anomaly", pa.bool_()),
    pa.field("lower_bound", pa.float64()),
    pa.field("upper_bound", pa.float64()),
    pa.field("anomaly_probability", pa.float64()),
)


def detect_anomalies(model: Fitted, call: Call, settings: Settings) -> Any:
    named = [
        *batches.fields(model.ids),
        pa.field(model.timestamp.name, TIMESTAMP),
        pa.field(model.data.name, pa.float64()),
    ]
    if call.rows is None:
        if not model.options.decompose:
            raise UsageError(
                "ML.DETECT_ANOMALIES needs the parts of the series",
                why="the model was trained with decompose_time_series = FALSE",
                fix="Train with decompose_time_series = TRUE, or give new rows.",
            )
        return batches.reader(pa.schema([*named, *FOUND]), _history(model, settings))
    if "anomaly_prob_threshold" not in call.settings:
        raise UsageError(
            "ML.DETECT_ANOMALIES on new rows needs anomaly_prob_threshold",
            why="BigQuery has no default for it there",
            fix="Write STRUCT(0.95 AS anomaly_prob_threshold) before the table or query.",
        )
    inputs = Inputs(model, call.rows.schema, call.inputs, "ML.DETECT_ANOMALIES", data=True)
    # Where TRANSFORM made a column of the series, the one that it was made of is not shown beside it.
    shown = {field.name.lower() for field in named}
    rest = [
        field
        for field in call.rows.schema
        if field.name not in inputs.used | call.hidden and field.name.lower() not in shown
    ]
    schema = pa.schema([*named, *FOUND, *rest])
    parts = (_rows(model, batch, inputs, settings, [field.name for field in rest]) for batch in call.rows)
    return batches.reader(schema, parts)


def _history(model: Fitted, settings: Settings) -> Iterator[dict[str, Any]]:
    for series in model.series:
        if series.fit is None or series.fit.history is None:
            continue
        data = series.fit.history.data
        points = fitted(model, series.fit)
        lower, upper = points.bounds(settings.threshold)
        at = series.fit.grid.at(np.arange(series.fit.length, dtype=np.int64))
        yield {
            **batches.repeated(model.ids, series.key, len(data)),
            model.timestamp.name: pa.array(at, pa.int64()).cast(TIMESTAMP),
            model.data.name: doubles(data),
            **_found(points.probabilities(data), lower, upper, settings.threshold),
        }


def _rows(model: Fitted, batch: Any, inputs: Inputs, settings: Settings, rest: list[str]) -> dict[str, Any]:
    located, actual = inputs.locate(batch), inputs.values(batch)
    probability, lower, upper = (np.full(batch.num_rows, np.nan) for _ in range(3))
    for _, _, rows, points in expected(model, inputs, located, model.options.horizon):
        lower[rows], upper[rows] = points.bounds(settings.threshold)
        probability[rows] = points.probabilities(actual[rows])
    at, dated = times(batch.column(inputs.timestamp))
    return {
        **batches.ids_of(model.ids, inputs.ids, batch),
        model.timestamp.name: pa.array(at, pa.int64(), mask=~dated).cast(TIMESTAMP),
        model.data.name: doubles(actual),
        **_found(probability, lower, upper, settings.threshold),
        **{name: batch.column(name) for name in rest},
    }


def _found(probability: Any, lower: Any, upper: Any, threshold: float) -> dict[str, Any]:
    shown = doubles(probability)
    return {
        "is_anomaly": pc.greater(shown, threshold),
        "lower_bound": doubles(lower),
        "upper_bound": doubles(upper),
        "anomaly_probability": shown,
    }
