"""From rows to a trained model: which series are there, and what is each made of?

One series after the other on one thread: the optimiser holds Python's lock, and a process pool would cost a start of
two seconds each and the memory of the libraries, for models that take a tenth of a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.contract import Training
from augury.bigquery_ml.time_series import arima_fit, columns, options, regressors, seasons
from augury.bigquery_ml.time_series.cleaning import spikes, steps
from augury.bigquery_ml.time_series.columns import IDS, NUMBERS, TIMES, Column, Key
from augury.bigquery_ml.time_series.effects import effects
from augury.bigquery_ml.time_series.fitted import Fit, Fitted, History, Series
from augury.bigquery_ml.time_series.limits import Limits
from augury.bigquery_ml.time_series.options import XREG, Options
from augury.bigquery_ml.time_series.regressors import Regressor
from augury.bigquery_ml.time_series.regular import SHORTEST, regular
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

CLEANING_ROUNDS = 3
"""A spike in one of seven periods is found at 80, 90, 95% of its height."""


def train(training: Training) -> Fitted:
    """Raises UsageError (options), ModelFailed (columns, or no series at all could be modelled)."""
    chosen = options.read(training.model_type, training.options)
    rows = training.rows.combine_chunks()
    timestamp = columns.described(rows.schema, chosen.timestamp, TIMES, "time_series_timestamp_col")
    data = columns.described(rows.schema, chosen.data, NUMBERS, "time_series_data_col")
    ids = tuple(columns.described(rows.schema, name, IDS, "time_series_id_col") for name in chosen.ids)
    others = _others(training.model_type, rows.column_names, (timestamp, data, *ids))
    learned = tuple(regressors.learned(name, _column(rows, name)) for name in others)
    given = _Given(rows, timestamp, data, learned)
    groups = _groups(rows, ids)
    if not groups:
        raise ModelFailed("the training query returned no rows", fix="Check its filters.")
    fitted = Fitted(
        training.model_type,
        chosen,
        timestamp,
        data,
        ids,
        learned,
        tuple(_series(given, key, places, chosen, training.seed) for key, places in groups),
    )
    _some_worked(fitted)
    return fitted


class _Given:
    """The rows as arrays."""

    def __init__(self, rows: Any, timestamp: Column, data: Column, learned: tuple[Regressor, ...]) -> None:
        self.times, self.dated = columns.times(_column(rows, timestamp.name))
        self.values = columns.numbers(_column(rows, data.name))
        self.finite = columns.finite(_column(rows, data.name))
        self.design = regressors.design(learned, [_column(rows, item.name) for item in learned], rows.num_rows)
        self.learned = learned


def fit(given: _Given, places: Places, chosen: Options, seed: int) -> Fit:
    """Raises ModelFailed."""
    if not given.dated[places].all():
        missing = int((~given.dated[places]).sum())
        raise ModelFailed(f"{missing:,} rows have no {chosen.timestamp}", fix="Filter them out in the query.")
    if not given.finite[places].all():
        raise ModelFailed(f"{chosen.data} has infinite or NaN values", fix="Filter or replace them in the query.")
    points = regular(given.times[places], given.values[places], given.design[places], chosen.frequency)
    limits = Limits(chosen.lower, chosen.upper)
    values = limits.forward(_within(limits, points.values))
    weights = effects(points.design, values, points.grid.frequency, chosen, seed) if given.learned else np.empty(0)
    parts = regressors.attributions(given.learned, points.design, weights)
    rest = values - sum(parts, np.zeros(len(values)))
    names = seasons.find(rest, points.grid.frequency, chosen.seasonalities, seed)
    odd, shift = _cleaned(rest, points.grid.frequency, names, chosen)
    found = seasons.take_out(rest - odd - shift, points.grid.frequency, names)
    rest = rest - odd - shift - sum((season.history for season in found), np.zeros(len(values)))
    model, innovations, candidates = arima_fit.fit(rest, chosen)
    has_spikes, has_steps = bool(odd.any()), bool(shift.any())
    history = History(
        points.values,
        rest - innovations,
        odd if has_spikes else None,
        shift if has_steps else None,
        tuple(parts),
    )
    return Fit(
        points.grid,
        len(values),
        model,
        candidates,
        found,
        weights,
        float(np.mean(np.abs(np.diff(points.values)))),
        has_spikes,
        has_steps,
        history if chosen.decompose else None,
    )


def _series(given: _Given, key: Key, places: Places, chosen: Options, seed: int) -> Series:
    try:
        return Series(key, fit(given, places, chosen, seed))
    except ModelFailed as error:
        return Series(key, None, " ".join(part for part in (_sentence(error.what, error.why), error.fix) if part))


def _sentence(what: str, why: str | None) -> str:
    return f"{what}: {why}." if why else f"{what}."


def _within(limits: Limits, values: Vector) -> Vector:
    inside = limits.inside(values)
    known = ~np.isnan(inside)
    if int(known.sum()) < SHORTEST:
        raise ModelFailed(
            f"only {int(known.sum())} time points lie within the forecast limits",
            why=f"at least {SHORTEST} are needed",
            fix="Widen forecast_limit_lower_bound and forecast_limit_upper_bound.",
        )
    where = np.arange(len(values))
    return np.asarray(np.interp(where, where[known], inside[known]), dtype=np.float64)


def _cleaned(values: Vector, frequency: str, names: tuple[str, ...], chosen: Options) -> tuple[Vector, Vector]:
    """Spikes and dips, and step changes."""
    none = np.zeros(len(values))
    if not (chosen.clean or chosen.adjust):
        return none, none
    odd = rest = none
    # A spike leaves its mark on the patterns, and so on other periods: each round judges by patterns that are freer of
    # it. STL's own robust weights do worse: of few periods it follows some and calls the rest outliers.
    for _ in range(CLEANING_ROUNDS if chosen.clean and names else 1):
        patterns = seasons.take_out(values - odd, frequency, names)
        rest = values - sum((season.history for season in patterns), none)
        odd = spikes(rest) if chosen.clean else none
    return odd, steps(rest - odd) if chosen.adjust else none


def _groups(rows: Any, ids: tuple[Column, ...]) -> list[tuple[Key, Places]]:
    """The rows of each series, sorted by its ids."""
    if not ids:
        return [((), np.arange(rows.num_rows))] if rows.num_rows else []
    found: dict[Key, list[int]] = {}
    for at, key in enumerate(columns.keys([_column(rows, column.name) for column in ids])):
        found.setdefault(key, []).append(at)
    return [(key, np.array(found[key], dtype=np.int64)) for key in sorted(found, key=columns.order)]


def _others(model_type: str, names: list[str], used: tuple[Column, ...]) -> tuple[str, ...]:
    taken = {column.name for column in used}
    others = tuple(name for name in names if name not in taken)
    if model_type != XREG and others:
        raise ModelFailed(
            f"{model_type} has no use for {', '.join(others)}",
            why="it models one column by time alone",
            fix="Leave them out in the query, name ids in time_series_id_col, or use arima_plus_xreg.",
        )
    if model_type == XREG and not others:
        raise ModelFailed(
            "arima_plus_xreg has no regressors",
            why=f"the query returns only {', '.join(names)}",
            fix="Select more columns, or use arima_plus.",
        )
    return others


def _some_worked(fitted: Fitted) -> None:
    failed = [series for series in fitted.series if series.fit is None]
    if len(failed) < len(fitted.series):
        return
    shown = "; ".join(f"{columns.said(fitted.ids, series.key)}: {series.error}" for series in failed[:3])
    if not fitted.ids:
        raise ModelFailed("the time series cannot be modelled", why=failed[0].error)
    raise ModelFailed(f"none of {len(failed):,} time series can be modelled", why=shown)


def _column(rows: Any, name: str) -> Any:
    column = rows.column(name)
    return column.combine_chunks() if hasattr(column, "combine_chunks") else column
