"""What is said to options, settings and rows that cannot be used?"""

from __future__ import annotations

import datetime as dt
import json
from importlib.resources import files
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Candidates, Training
from augury.bigquery_ml.time_series.options import REFUSED, SUPPORTED, read
from augury.bigquery_ml.time_series.types import ArimaPlus
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_time_series.series_room import COLUMNS, START, ask, days, noise, rows, train

GOOD = rows(days(40), noise(40))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon": 0}, "horizon is 0: it must be an integer from 1 to 10,000"),
        ({"horizon": 10_001}, "horizon is 10001"),
        ({"horizon": True}, "horizon is True"),
        ({"horizon": Candidates((1, 2))}, "horizon is Candidates"),
        ({"horizn": 5}, "horizn is no option of arima_plus: did you mean horizon?"),
        ({"data_frequency": "DAYLY"}, "data_frequency is 'DAYLY': did you mean DAILY?"),
        ({"seasonalities": ["WEEKY"]}, "did you mean WEEKLY?"),
        ({"seasonalities": ["AUTO", "WEEKLY"]}, "stand alone"),
        ({"auto_arima": False}, "needs non_seasonal_order"),
        ({"non_seasonal_order": [1, 0, 0]}, "needs auto_arima = FALSE"),
        ({"auto_arima": False, "non_seasonal_order": [1, 3, 0]}, "d from 0 to 2"),
        ({"auto_arima": False, "non_seasonal_order": [1, 0]}, "three integers"),
        ({"auto_arima": False, "non_seasonal_order": [1, 0, 0], "include_drift": True}, "include_drift is for d = 1"),
        ({"include_drift": True}, "decided by auto_arima"),
        ({"auto_arima_max_order": 6}, "from 1 to 5"),
        ({"auto_arima_min_order": 2}, "must be less than auto_arima_max_order (2)"),
        ({"time_series_length_fraction": 1.0}, "above 0 and below 1"),
        ({"max_time_series_length": 3}, "of at least 4"),
        ({"max_time_series_length": 30, "time_series_length_fraction": 0.5}, "max_time_series_length excludes"),
        ({"min_time_series_length": 30}, "needs time_series_length_fraction"),
        ({"forecast_limit_lower_bound": 5.0, "forecast_limit_upper_bound": 5}, "must be less than"),
        ({"trend_smoothing_window_size": 0}, "of at least 1"),
        ({"clean_spikes_and_dips": "yes"}, "must be TRUE or FALSE"),
        ({"time_series_id_col": "T"}, "different columns"),
        ({"time_series_id_col": 5}, "it must be a column, or an array of columns"),
        ({"l2_reg": 1.0}, "l2_reg is no option of arima_plus"),
        *(({name: "x"}, reason) for name, reason in REFUSED.items()),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        train(GOOD, **options)
    assert said in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read("arima_plus", {"horizon": 0, "horizn": 1, "holiday_region": "US"})
    assert caught.value.what == "5 options of arima_plus cannot be used"
    for word in ("horizon is 0", "horizn", "holidays", "time_series_timestamp_col is missing", "time_series_data_col"):
        assert word in str(caught.value)


def test_every_option_of_googles_api_is_supported_or_refused() -> None:
    """The API's own description, of the options that belong to time series."""
    text = files("googleapiclient").joinpath("discovery_cache/documents/bigquery.v2.json").read_text("utf-8")
    names = json.loads(text)["schemas"]["TrainingOptions"]["properties"]
    spoken = {
        "timeSeriesTimestampColumn": "time_series_timestamp_col",
        "timeSeriesDataColumn": "time_series_data_col",
        "timeSeriesIdColumn": "time_series_id_col",
        "timeSeriesIdColumns": "time_series_id_col",
        "holidayRegions": "holiday_region",
    }
    words = ("arima", "timeSeries", "holiday", "forecastLimit", "drift", "season", "horizon", "spikes", "step", "trend")
    own = [
        name
        for name in names
        if any(word.lower() in name.lower() for word in words) and name not in {"integratedGradientsNumSteps"}
    ]
    assert len(own) > 20
    known = {*REFUSED, *(name for supported in SUPPORTED.values() for name in supported)}
    snake = {
        name: spoken.get(name, "".join(f"_{char.lower()}" if char.isupper() else char for char in name)) for name in own
    }
    assert {name for name, option in snake.items() if option not in known} == set()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (rows(days(2), [1.0, 2.0]), "too short: 2 time points"),
        (rows(days(5), pa.nulls(5, pa.float64())), "too short: 0 time points"),
        (rows([START] * 5, [1.0] * 5), "too short: 1 time point"),
        (rows(days(5), [1.0, float("inf"), 2.0, 3.0, 4.0]), "y has infinite or NaN values"),
        (rows([*days(4), None], [1.0, 2.0, 3.0, 4.0, 5.0]), "1 rows have no t"),
        (rows(days(3), ["a", "b", "c"]), "column y is STRING"),
        (rows(["2021-01-01"] * 3, [1.0, 2.0, 3.0]), "column t is STRING"),
        (
            rows(days(0), pa.array([], pa.float64())).cast(pa.schema([("t", pa.date32()), ("y", pa.float64())])),
            "no rows",
        ),
        (rows(days(4), [1.0] * 4, x=[1] * 4), "arima_plus has no use for x"),
        (pa.table({"day": days(4), "y": [1.0] * 4}), "there is no column t"),
        (rows([dt.datetime(2021, 1, 1, 0, 0, at, tzinfo=dt.UTC) for at in range(5)], [1.0] * 5), "less than a minute"),
        (
            rows(
                [dt.datetime(1, 1, 1, 0, at, tzinfo=dt.UTC) for at in range(5)]
                + [dt.datetime(2021, 1, 1, tzinfo=dt.UTC)],
                noise(6),
            ),
            "at most 1,000,000",
        ),
    ],
)
def test_rows_that_cannot_be_modelled(table: pa.Table, said: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        train(table)
    assert said in str(caught.value)


def test_limits_that_leave_nothing() -> None:
    with pytest.raises(ModelFailed, match="0 time points lie within"):
        train(GOOD, forecast_limit_lower_bound=1000.0)


@pytest.mark.parametrize(
    ("function", "settings", "said"),
    [
        ("forecast", {"horizn": 3}, "did you mean horizon?"),
        ("forecast", {"horizon": 0}, "of at least 1"),
        ("forecast", {"horizon": 51}, "the model was trained with horizon = 50"),
        ("forecast", {"confidence_level": 1}, "at least 0 and less than 1"),
        ("forecast", {"confidence_level": "high"}, "at least 0 and less than 1"),
        ("detect_anomalies", {"anomaly_prob_threshold": -0.1}, "at least 0 and less than 1"),
        ("detect_anomalies", {"contamination": 0.1}, "it has anomaly_prob_threshold"),
        ("arima_evaluate", {"show_all_candidate_models": 1}, "must be TRUE or FALSE"),
        ("arima_coefficients", {"standardize": True}, "it has none"),
        ("evaluate", {"threshold": 0.5}, "no setting threshold"),
    ],
)
def test_settings_that_cannot_be_used(function: str, settings: dict[str, Any], said: str) -> None:
    model = train(GOOD, horizon=50, auto_arima_max_order=1)
    with pytest.raises(UsageError) as caught:
        ask(model, function, **settings)
    assert said in str(caught.value)


def test_functions_of_other_models_are_named() -> None:
    model = train(GOOD, auto_arima_max_order=1)
    with pytest.raises(UsageError, match=r"Did you mean ML\.FORECAST"):
        ask(model, "forcast")
    with pytest.raises(UsageError, match="table of holidays"):
        ask(model, "holiday_info")


def test_a_single_series_that_no_order_fits_says_why() -> None:
    """Three points cannot carry five AR and five MA weights."""
    with pytest.raises(ModelFailed) as caught:
        train(rows(days(4), [1.0, 5.0, 2.0, 7.0]), auto_arima=False, non_seasonal_order=(5, 0, 5))
    assert "no ARIMA model fits" in str(caught.value)


def test_training_is_told_by_its_options_alone() -> None:
    training = Training("arima_plus", GOOD, {**COLUMNS, "model_type": "ARIMA_PLUS"}, threads=4)
    assert ask(ArimaPlus.train(training), "forecast").equals(ask(train(GOOD), "forecast"))
