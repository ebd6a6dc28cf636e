"""ML.ARIMA_EVALUATE, ML.ARIMA_COEFFICIENTS and ML.TRAINING_INFO: how did the fit go?

BigQuery docs: 'The ML.ARIMA_EVALUATE function', 'The ML.ARIMA_COEFFICIENTS function'.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from augury.bigquery_ml.time_series import batches
from augury.bigquery_ml.time_series.arima import Candidate
from augury.bigquery_ml.time_series.fitted import Fit, Fitted
from augury.bigquery_ml.time_series.options import XREG
from augury.bigquery_ml.time_series.regressors import Regressor
from augury.bigquery_ml.time_series.seasons import NAMES

WEIGHTS = pa.list_(pa.struct([pa.field("category", pa.string()), pa.field("weight", pa.float64())]))


def fit_measures(model: Fitted, aic: str, *, errors: bool, every: bool) -> Any:
    """One row per series, or per candidate of each; `aic` is what its column is called."""
    schema = pa.schema(
        [
            *batches.fields(model.ids),
            *(pa.field(f"non_seasonal_{part}", pa.int64()) for part in "pdq"),
            pa.field("has_drift", pa.bool_()),
            *(pa.field(name, pa.float64()) for name in ("log_likelihood", aic, "variance")),
            pa.field("seasonal_periods", pa.list_(pa.string())),
            *(pa.field(f"has_{part}", pa.bool_()) for part in ("holiday_effect", "spikes_and_dips", "step_changes")),
            *([pa.field("error_message", pa.string())] if errors else []),
        ]
    )
    return batches.reader(schema, _measures(model, schema, aic, errors=errors, every=every))


def arima_evaluate(model: Fitted, every: bool | None) -> Any:
    """All candidates of a single series, the best of many, unless told."""
    return fit_measures(model, "AIC", errors=True, every=not model.ids if every is None else every)


def arima_coefficients(model: Fitted) -> Any:
    """One row per series; of arima_plus_xreg one per regressor, the coefficients of the series repeated."""
    weighed = model.model_type == XREG
    schema = pa.schema(
        [
            *batches.fields(model.ids),
            pa.field("ar_coefficients", pa.list_(pa.float64())),
            pa.field("ma_coefficients", pa.list_(pa.float64())),
            pa.field("intercept_or_drift", pa.float64()),
            *(
                [
                    pa.field("processed_input", pa.string()),
                    pa.field("weight", pa.float64()),
                    pa.field("category_weights", WEIGHTS),
                ]
                if weighed
                else []
            ),
        ]
    )
    return batches.reader(schema, _coefficients(model, schema))


def training_info(model: Fitted) -> Any:
    """One iteration. How long it took is not kept: equal training gives equal files."""
    schema = pa.schema([pa.field(name, pa.int64()) for name in ("training_run", "iteration", "duration_ms")])
    row = {"training_run": 0, "iteration": 0, "duration_ms": None}
    return batches.reader(schema, [_arrays(schema, [row])])


def _measures(model: Fitted, schema: pa.Schema, aic: str, *, errors: bool, every: bool) -> Iterator[dict[str, Any]]:
    for series in model.series:
        key = {column.name: _plain(part) for column, part in zip(model.ids, series.key, strict=True)}
        if series.fit is None:
            if errors:
                yield _arrays(schema, [{**key, "error_message": series.error}])
            continue
        shown = series.fit.candidates if every else (series.fit.arima.chosen,)
        yield _arrays(
            schema,
            [{**key, **_candidate(candidate, aic), **_of_series(model, series.fit)} for candidate in shown],
        )


def _candidate(candidate: Candidate, aic: str) -> dict[str, Any]:
    return {
        "non_seasonal_p": candidate.p,
        "non_seasonal_d": candidate.d,
        "non_seasonal_q": candidate.q,
        "has_drift": candidate.drift,
        "log_likelihood": candidate.log_likelihood,
        aic: candidate.aic,
        "variance": candidate.variance,
        "error_message": candidate.error,
    }


def _of_series(model: Fitted, fit: Fit) -> dict[str, Any]:
    found = {season.name for season in fit.seasons}
    known = model.options.decompose
    return {
        "seasonal_periods": [name.upper() for name in reversed(NAMES) if name in found] or ["NO_SEASONALITY"],
        "has_holiday_effect": False if known else None,
        "has_spikes_and_dips": fit.has_spikes if known else None,
        "has_step_changes": fit.has_steps if known else None,
    }


def _coefficients(model: Fitted, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    for series in model.series:
        if series.fit is None:
            continue
        row = {
            **{column.name: _plain(part) for column, part in zip(model.ids, series.key, strict=True)},
            "ar_coefficients": list(series.fit.arima.ar),
            "ma_coefficients": list(series.fit.arima.ma),
            "intercept_or_drift": series.fit.arima.constant,
        }
        rows = []
        weights = series.fit.weights.tolist()
        for regressor in model.regressors:
            rows.append({**row, **_weight(regressor, weights[: regressor.width])})
            weights = weights[regressor.width :]
        yield _arrays(schema, rows or [row])


def _weight(regressor: Regressor, weights: list[float]) -> dict[str, Any]:
    if regressor.levels is None:
        return {"processed_input": regressor.name, "weight": weights[0], "category_weights": None}
    pairs = zip(regressor.levels, weights, strict=True)
    categories = [{"category": level, "weight": weight} for level, weight in pairs]
    return {"processed_input": regressor.name, "weight": None, "category_weights": categories}


def _arrays(schema: pa.Schema, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}


def _plain(part: Any) -> Any:
    return list(part) if isinstance(part, tuple) else part
