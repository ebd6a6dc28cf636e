"""To which series, and to which of its points, do the rows of a call belong?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.time_series import columns
from augury.bigquery_ml.time_series.columns import NUMBERS, TIMES
from augury.bigquery_ml.time_series.fitted import Fit, Fitted
from augury.bigquery_ml.time_series.regressors import attributions, design
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

NOWHERE = -1


@dataclass(frozen=True)
class Located:
    """The rows of one batch."""

    series: Places
    """Index among the model's series; NOWHERE if it is none of them, or one that could not be modelled."""
    places: Places
    """0 for the first point after the end of the series; NOWHERE if the time is none of its points to come."""
    design: Matrix

    def of_series(self) -> list[tuple[int, Places]]:
        """The rows of each series that lie in its future."""
        return _groups(self.series, (self.series != NOWHERE) & (self.places != NOWHERE))


def _groups(series: Places, wanted: columns.Flags) -> list[tuple[int, Places]]:
    """The wanted rows of each series, in their order."""
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(series[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(series[rows])) + 1
    return [(int(series[part[0]]), part) for part in np.split(rows, starts) if len(part)]


class Inputs:
    """Reads the rows of one call. Raises ModelFailed at once where a column is missing or of another type."""

    def __init__(
        self, model: Fitted, schema: pa.Schema, inputs: Mapping[str, str], purpose: str, *, data: bool
    ) -> None:
        self.model = model
        self.names = {name.lower(): column for name, column in inputs.items()}
        self.schema = schema
        self.timestamp = columns.described(schema, self.called(model.timestamp.name), TIMES, purpose).name
        self.data = columns.described(schema, self.called(model.data.name), NUMBERS, purpose).name if data else None
        self.ids = []
        for column in model.ids:
            # A number is never the text of it: an id of another type would match no series.
            found = schema.field(columns.place(self.called(column.name), schema.names, purpose))
            if columns.bigquery_type(found.type) != column.type:
                raise ModelFailed(
                    f"{purpose}: column {found.name} is {columns.bigquery_type(found.type)}",
                    why=f"the model was trained with {column.type}",
                    fix="Cast it in the query.",
                )
            self.ids.append(found.name)
        self.regressors = [
            schema.names[columns.place(self.called(item.name), schema.names, purpose)] for item in model.regressors
        ]
        self.index = {series.key: at for at, series in enumerate(model.series) if series.fit is not None}

    def called(self, name: str) -> str:
        """The column of the rows that holds this column of the model."""
        return self.names.get(name.lower(), name)

    @property
    def used(self) -> frozenset[str]:
        """Columns that time, data and ids are read from."""
        return frozenset({self.timestamp, *([self.data] if self.data else []), *self.ids})

    def values(self, batch: Any) -> Vector:
        """The data; NaN where it is NULL."""
        assert self.data is not None
        return columns.numbers(batch.column(self.data))

    def locate(self, batch: Any) -> Located:
        times, dated = columns.times(batch.column(self.timestamp))
        if self.ids:
            found = columns.keys([batch.column(name) for name in self.ids])
            series = np.array([self.index.get(key, NOWHERE) for key in found], dtype=np.int64)
        else:
            series = np.full(batch.num_rows, self.index.get((), NOWHERE), dtype=np.int64)
        places = np.full(batch.num_rows, NOWHERE, dtype=np.int64)
        for at, rows in _groups(series, (series != NOWHERE) & dated):
            fit = self.model.series[at].fit
            assert fit is not None
            points = fit.grid.positions(times[rows])
            future = (fit.grid.at(points) == times[rows]) & (points >= fit.length)
            places[rows[future]] = points[future] - fit.length
        matrix = design(self.model.regressors, [batch.column(name) for name in self.regressors], batch.num_rows)
        return Located(series, places, matrix)

    def added(self, fit: Fit, located: Located, rows: Places) -> Vector:
        """What the regressors add in these rows."""
        parts = attributions(self.model.regressors, located.design[rows], fit.weights)
        return sum(parts, np.zeros(len(rows)))
