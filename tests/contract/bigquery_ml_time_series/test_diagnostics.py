"""What do ML.ARIMA_EVALUATE and ML.ARIMA_COEFFICIENTS tell?"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import TrainedModel
from augury.bigquery_ml.time_series.types import ArimaPlus
from augury.errors import UsageError
from tests.contract.bigquery_ml_time_series.series_room import ask, column, days, noise, rows, train, wave

WALK = rows(days(90), np.cumsum(noise(90)))


@cache
def walk() -> TrainedModel:
    return train(WALK)


def test_columns_of_ml_arima_evaluate() -> None:
    """BigQuery docs: 'The ML.ARIMA_EVALUATE function'."""
    assert ask(walk(), "arima_evaluate").schema == pa.schema(
        [
            ("non_seasonal_p", pa.int64()),
            ("non_seasonal_d", pa.int64()),
            ("non_seasonal_q", pa.int64()),
            ("has_drift", pa.bool_()),
            ("log_likelihood", pa.float64()),
            ("AIC", pa.float64()),
            ("variance", pa.float64()),
            ("seasonal_periods", pa.list_(pa.string())),
            ("has_holiday_effect", pa.bool_()),
            ("has_spikes_and_dips", pa.bool_()),
            ("has_step_changes", pa.bool_()),
            ("error_message", pa.string()),
        ]
    )


@pytest.mark.parametrize(("order", "count"), [(1, 3), (2, 6), (3, 10)])
def test_so_many_candidates_are_tried(order: int, count: int) -> None:
    """BigQuery docs: AUTO_ARIMA_MAX_ORDER; twice as many where d is 1, as there is the drift."""
    level = rows(days(60), noise(60))
    assert ask(train(level, auto_arima_max_order=order), "arima_evaluate").num_rows == count
    assert ask(train(WALK, auto_arima_max_order=order), "arima_evaluate").num_rows == 2 * count


def test_the_lowest_aic_wins() -> None:
    """Of a series that bounces back every day, which the first candidate, plain noise, does not know."""
    values = noise(90)
    model = train(rows(days(90), np.roll(values, 1) - 0.8 * values), auto_arima_max_order=3)
    every, best = ask(model, "arima_evaluate"), ask(model, "arima_evaluate", show_all_candidate_models=False)
    assert best.num_rows == 1
    assert column(best, "AIC")[0] == np.nanmin(column(every, "AIC")) < column(every, "AIC")[0]


def test_a_least_order_leaves_out_flat_forecasts() -> None:
    table = ask(train(WALK, auto_arima_min_order=1, auto_arima_max_order=2), "arima_evaluate")
    assert (column(table, "non_seasonal_p") + column(table, "non_seasonal_q")).min() == 1


def test_a_known_process_is_recovered() -> None:
    """AR(1) around 20 with weight 0.7: the constant term is 20 * 0.3."""
    values = np.zeros(600)
    for at in range(1, 600):
        values[at] = 0.7 * values[at - 1] + noise(600)[at]
    model = train(
        rows(days(600), 20 + values),
        auto_arima=False,
        non_seasonal_order=(1, 0, 0),
        seasonalities=["NO_SEASONALITY"],
    )
    table = ask(model, "arima_coefficients")
    assert table.schema.names == ["ar_coefficients", "ma_coefficients", "intercept_or_drift"]
    assert table["ar_coefficients"][0].as_py() == pytest.approx([0.7], abs=0.1)
    assert table["ma_coefficients"][0].as_py() == []
    assert table["intercept_or_drift"][0].as_py() == pytest.approx(6, abs=2)
    assert column(ask(model, "arima_evaluate"), "variance")[0] == pytest.approx(1, abs=0.15)


def test_drift_is_told_and_taken() -> None:
    values = np.cumsum(2 + noise(80))
    model = train(rows(days(80), values), auto_arima=False, non_seasonal_order=(0, 1, 0), include_drift=True)
    assert ask(model, "arima_evaluate")["has_drift"].to_pylist() == [True]
    assert ask(model, "arima_coefficients")["intercept_or_drift"][0].as_py() == pytest.approx(2, abs=0.3)


def test_likelihoods_do_not_depend_on_units_but_for_their_scale() -> None:
    """In cents instead of euros the AIC grows by 2 n log 100, and the order stays."""
    euros, cents = walk(), train(rows(days(90), 100 * column(WALK, "y")))
    small, large = (column(ask(model, "arima_evaluate"), "AIC") for model in (euros, cents))
    assert large - small == pytest.approx(np.full(len(small), 2 * 89 * np.log(100)), rel=1e-6)


def test_a_constant_has_no_likelihood() -> None:
    table = ask(train(rows(days(20), [7] * 20)), "arima_evaluate")
    assert table["AIC"].to_pylist() == [None]
    assert table["variance"].to_pylist() == [0.0]
    assert table["error_message"].to_pylist() == [None]


def test_evaluate_without_rows_tells_about_the_fit() -> None:
    """BigQuery docs: 'The ML.EVALUATE function': deprecated there, without error messages."""
    table = ask(walk(), "evaluate")
    assert table.num_rows == 1
    assert "error_message" not in table.schema.names
    assert table.schema.names[5] == "aic"


def test_training_info_is_one_iteration() -> None:
    table = ask(walk(), "training_info")
    assert table.to_pylist() == [{"training_run": 0, "iteration": 0, "duration_ms": None}]


def test_several_seasons_are_named_shortest_first() -> None:
    table = rows(days(800), wave(800, 7, 5.0) + wave(800, 365, 20.0) + noise(800))
    model = train(table, auto_arima=False, non_seasonal_order=(0, 0, 0))
    assert ask(model, "arima_evaluate")["seasonal_periods"].to_pylist() == [["WEEKLY", "YEARLY"]]


def test_arima_is_the_same_under_its_older_name() -> None:
    assert ArimaPlus.names == ("arima_plus", "arima")
    assert ask(train(WALK, model_type="arima"), "forecast").equals(ask(walk(), "forecast"))


@pytest.mark.parametrize("function", ["arima_evaluate", "arima_coefficients", "training_info", "forecast"])
def test_functions_without_input_refuse_rows(function: str) -> None:
    with pytest.raises(UsageError, match="takes no table or query"):
        ask(walk(), function, WALK)
