"""ML.FORECAST: what comes next?

BigQuery docs: 'The ML.FORECAST function'. The confidence interval repeats the prediction interval under its older name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.time_series import batches
from augury.bigquery_ml.time_series.batches import constant, doubles
from augury.bigquery_ml.time_series.columns import TIMESTAMP, said
from augury.bigquery_ml.time_series.fitted import Fit, Fitted
from augury.bigquery_ml.time_series.grids import spoken
from augury.bigquery_ml.time_series.inputs import Inputs
from augury.bigquery_ml.time_series.points import ahead
from augury.bigquery_ml.time_series.regressors import attributions
from augury.bigquery_ml.time_series.settings import Settings
from augury.errors import ModelFailed, UsageError

Vector = npt.NDArray[np.float64]

INTERVALS = tuple(
    f"{kind}_interval_{side}_bound" for kind in ("prediction", "confidence") for side in ("lower", "upper")
)


def forecast(model: Fitted, call: Call, settings: Settings) -> Any:
    schema = pa.schema(
        [
            *batches.fields(model.ids),
            pa.field("forecast_timestamp", TIMESTAMP),
            *(
                pa.field(name, pa.float64())
                for name in ("forecast_value", "standard_error", "confidence_level", *INTERVALS)
            ),
        ]
    )
    future = Future(model, call, settings.horizon)
    return batches.reader(schema, _parts(model, settings, future))


def _parts(model: Fitted, settings: Settings, future: Future) -> Iterator[dict[str, Any]]:
    for at, series in enumerate(model.series):
        if series.fit is None:
            continue
        rows = settings.horizon
        found = ahead(model, series.fit, rows)
        points = found.points(sum(future.attributions(at, series.fit), np.zeros(rows)))
        lower, upper = (doubles(bound) for bound in points.bounds(settings.confidence))
        yield {
            **batches.repeated(model.ids, series.key, rows),
            "forecast_timestamp": pa.array(found.times, pa.int64()).cast(TIMESTAMP),
            "forecast_value": doubles(points.forecast),
            "standard_error": doubles(points.standard_errors),
            "confidence_level": constant(settings.confidence, rows),
            **dict(zip(INTERVALS, (lower, upper, lower, upper), strict=True)),
        }


class Future:
    """The regressors of the points to come. Of arima_plus there are none, and rows are refused.

    Rows of other times or series are ignored; several rows of one point count by their mean, as in training.
    """

    def __init__(self, model: Fitted, call: Call, horizon: int) -> None:
        self.model = model
        self.horizon = horizon
        self.read = False
        name = f"ML.{call.function.upper()}"
        if not model.regressors:
            if call.rows is not None:
                raise UsageError(
                    f"{name} of {model.model_type} takes no table or query",
                    why="it has no regressors",
                    fix=f"Remove it: {name}(MODEL ..., STRUCT(...)).",
                )
            return
        if call.rows is None:
            raise UsageError(
                f"{name} of {model.model_type} needs a table or query",
                why="it must hold " + ", ".join(item.name for item in model.regressors) + " of the time points to come",
                fix=f"Write {name}(MODEL ..., STRUCT(...), (SELECT ...)).",
            )
        self.rows = call.rows
        self.inputs = Inputs(model, call.rows.schema, call.inputs, name, data=False)
        width = sum(item.width for item in model.regressors)
        self.width = width
        self.sums: dict[int, Vector] = {}
        self.counts: dict[int, npt.NDArray[np.int64]] = {}

    def attributions(self, at: int, fit: Fit) -> list[Vector]:
        """One vector per regressor. Raises ModelFailed where a point has no row."""
        if not self.model.regressors:
            return []
        self._read()
        counts = self.counts.get(at)
        missing = np.flatnonzero(counts == 0) if counts is not None else np.arange(1)
        if counts is None or len(missing):
            first = spoken(int(fit.grid.at(np.array([fit.length + missing[0]]))[0]))
            raise ModelFailed(
                f"the table has no regressors for {said(self.model.ids, self.model.series[at].key)} at {first}",
                why=f"a forecast of {self.horizon:,} points needs a row for each",
                fix="Add the rows, or give a smaller horizon.",
            )
        matrix = self.sums[at] / counts.reshape(-1, 1)
        return attributions(self.model.regressors, matrix, fit.weights)

    def _read(self) -> None:
        if self.read:
            return
        self.read = True
        for batch in self.rows:
            located = self.inputs.locate(batch)
            for at, rows in located.of_series():
                rows = rows[located.places[rows] < self.horizon]
                sums = self.sums.setdefault(at, np.zeros((self.horizon, self.width)))
                counts = self.counts.setdefault(at, np.zeros(self.horizon, dtype=np.int64))
                # One row after the other, so that any batching gives the same sum.
                np.add.at(sums, located.places[rows], located.design[rows])
                np.add.at(counts, located.places[rows], 1)
