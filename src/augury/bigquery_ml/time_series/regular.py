"""What is a series on its grid?

BigQuery docs: 'The CREATE MODEL statement for ARIMA_PLUS models': duplicated timestamps take the mean, missing values a
linear interpolation. A NULL counts as missing; before the first and after the last value there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series.grids import Grid, Times, grid
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

SHORTEST = 3
"""Points; a line through two explains everything."""

LONGEST = 1_000_000
"""Points after interpolation; a stray date in another century would fill the memory."""


@dataclass(frozen=True)
class Regular:
    grid: Grid
    values: Vector
    design: Matrix
    """One column per regressor, one row per point."""


def regular(times: Times, values: Vector, design: Matrix, frequency: str) -> Regular:
    """`values` are in any order, NaN where NULL; `design` has as many rows. Raises ModelFailed."""
    known = ~np.isnan(values)
    times, values, design = times[known], values[known], design[known]
    distinct = np.unique(times)
    if len(distinct) < SHORTEST:
        raise ModelFailed(
            f"the time series is too short: {len(distinct)} time point{'s' if len(distinct) != 1 else ''} with a value",
            why=f"at least {SHORTEST} are needed",
            fix="Give more history, or leave the series out in the query.",
        )
    found = grid(distinct, frequency)
    places = found.positions(times)
    length = int(places.max()) + 1
    if length > LONGEST:
        raise ModelFailed(
            f"the time series has {length:,} {found.frequency} points between its first and its last",
            why=f"at most {LONGEST:,} can be modelled",
            fix="Look for stray timestamps, or use a coarser data_frequency.",
        )
    if len(np.unique(places)) < SHORTEST:
        raise ModelFailed(f"the time series is too short: fewer than {SHORTEST} {found.frequency} time points")
    counts = np.bincount(places, minlength=length)
    return Regular(
        found,
        _filled(_means(places, values, counts), counts),
        np.column_stack([_filled(_means(places, column, counts), counts) for column in design.T])
        if design.shape[1]
        else np.empty((length, 0)),
    )


def _means(places: Times, values: Vector, counts: npt.NDArray[np.int64]) -> Vector:
    sums = np.bincount(places, weights=values, minlength=len(counts))
    return np.asarray(sums / np.maximum(counts, 1), dtype=np.float64)


def _filled(values: Vector, counts: npt.NDArray[np.int64]) -> Vector:
    seen = counts > 0
    if seen.all():
        return values
    where = np.arange(len(values))
    return np.asarray(np.interp(where, where[seen], values[seen]), dtype=np.float64)
