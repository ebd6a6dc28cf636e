"""Do the parts of ML.EXPLAIN_FORECAST add up, and are spikes and steps found where they are?"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from augury.bigquery_ml.contract import TrainedModel
from augury.errors import UsageError
from tests.contract.bigquery_ml_time_series.series_room import Vector, ask, column, days, noise, rows, train, wave

SEASONS = tuple(f"seasonal_period_{name}" for name in ("yearly", "quarterly", "monthly", "weekly", "daily"))
ADJUSTED = ("trend", *SEASONS, "holiday_effect")
ALL = (*ADJUSTED, "spikes_and_dips", "step_changes", "residual")


def uneven() -> pa.Table:
    """A weekly pattern, a spike on day 40, a dip of two days from 70, and 30 more from day 100 on."""
    values = 100 + wave(160, 7, 5.0) + noise(160, 1.0)
    values[40] += 60
    values[70:72] -= 40
    values[100:] += 30
    return rows(days(160), values)


@cache
def trained() -> TrainedModel:
    return train(uneven())


def summed(table: pa.Table, names: tuple[str, ...]) -> Vector:
    return np.asarray(np.nansum([column(table, name) for name in names], axis=0), dtype=np.float64)


def test_columns_of_ml_explain_forecast() -> None:
    """BigQuery docs: 'The ML.EXPLAIN_FORECAST function'."""
    table = ask(trained(), "explain_forecast")
    assert table.schema.names == [
        "time_series_timestamp",
        "time_series_type",
        "time_series_data",
        "time_series_adjusted_data",
        "standard_error",
        "confidence_level",
        "prediction_interval_lower_bound",
        "prediction_interval_upper_bound",
        *ALL,
    ]
    assert table["time_series_type"].to_pylist() == ["history"] * 160 + ["forecast"] * 3
    assert table.schema.field("time_series_timestamp").type == pa.timestamp("us", tz="UTC")
    assert table["time_series_timestamp"].to_pylist() == sorted(table["time_series_timestamp"].to_pylist())


def test_the_parts_add_up_in_every_row() -> None:
    table = ask(trained(), "explain_forecast", horizon=10)
    assert summed(table, ALL) == pytest.approx(column(table, "time_series_data"))
    assert summed(table, ADJUSTED) == pytest.approx(column(table, "time_series_adjusted_data"))


def test_forecast_rows_are_those_of_ml_forecast() -> None:
    model = trained()
    explained = ask(model, "explain_forecast", horizon=5, confidence_level=0.8).slice(160)
    plain = ask(model, "forecast", horizon=5, confidence_level=0.8)
    for theirs, ours in (
        ("time_series_timestamp", "forecast_timestamp"),
        ("time_series_data", "forecast_value"),
        ("standard_error", "standard_error"),
        ("prediction_interval_lower_bound", "prediction_interval_lower_bound"),
        ("prediction_interval_upper_bound", "prediction_interval_upper_bound"),
    ):
        assert explained[theirs].equals(plain[ours]), theirs
    assert all(explained[name].null_count == 5 for name in ("spikes_and_dips", "step_changes", "residual"))


def test_spikes_dips_and_steps_are_found_where_they_are() -> None:
    table = ask(trained(), "explain_forecast").slice(0, 160)
    spikes, steps = column(table, "spikes_and_dips"), column(table, "step_changes")
    assert np.flatnonzero(spikes).tolist() == [40, 70, 71]
    assert spikes[40] == pytest.approx(60, abs=6)
    assert spikes[70] == pytest.approx(-40, abs=6)
    # The end is the level that counts; the history before the step lies below it.
    assert np.flatnonzero(np.diff(steps)).tolist() == [99]
    assert steps[0] == pytest.approx(-30, abs=6)
    assert steps[-1] == 0


def test_what_is_cleaned_does_not_disturb_the_forecast() -> None:
    """A spike on the last but one day: the forecast stays with the days before."""
    values = 50 + noise(60)
    values[58] += 100
    table = rows(days(60), values)
    cleaned = column(ask(train(table), "forecast", horizon=1), "standard_error")[0]
    raw = column(ask(train(table, clean_spikes_and_dips=False), "forecast", horizon=1), "standard_error")[0]
    assert cleaned < 2
    assert raw > 5


def test_a_jump_that_does_not_last_is_no_step() -> None:
    values = 50 + noise(60)
    values[30:32] += 100
    table = ask(train(rows(days(60), values), clean_spikes_and_dips=False), "explain_forecast")
    assert table["step_changes"].null_count == table.num_rows


def test_cleaning_and_adjusting_are_off_when_told() -> None:
    table = ask(train(uneven(), clean_spikes_and_dips=False, adjust_step_changes=False), "explain_forecast")
    assert table["spikes_and_dips"].null_count == table.num_rows
    assert table["step_changes"].null_count == table.num_rows


def test_smoothing_changes_the_trend_and_no_forecast() -> None:
    plain, smooth = trained(), train(uneven(), trend_smoothing_window_size=9)
    before, after = (ask(model, "explain_forecast") for model in (plain, smooth))
    assert np.ptp(np.diff(column(after, "trend")[:160])) < 0.5 * np.ptp(np.diff(column(before, "trend")[:160]))
    assert summed(after, ALL) == pytest.approx(column(after, "time_series_data"))
    assert ask(plain, "forecast").equals(ask(smooth, "forecast"))


def test_a_window_of_three_pads_the_ends() -> None:
    """BigQuery docs: TREND_SMOOTHING_WINDOW_SIZE: beyond the ends the first and the last element go on."""
    trend = column(ask(trained(), "explain_forecast"), "trend")[:160]
    smooth = column(ask(train(uneven(), trend_smoothing_window_size=3), "explain_forecast"), "trend")[:160]
    assert smooth[0] == pytest.approx((2 * trend[0] + trend[1]) / 3)
    assert smooth[80] == pytest.approx(trend[79:82].mean())
    assert smooth[-1] == pytest.approx((trend[-2] + 2 * trend[-1]) / 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"decompose_time_series": False}, "decompose_time_series"), ({"forecast_limit_lower_bound": 0.0}, "limits")],
)
def test_some_models_cannot_be_explained(options: dict[str, Any], said: str) -> None:
    model = train(uneven(), **options)
    with pytest.raises(UsageError, match=said):
        ask(model, "explain_forecast")
    assert ask(model, "forecast").num_rows == 3


def test_a_model_without_decomposition_forecasts_the_same() -> None:
    kept, left = trained(), train(uneven(), decompose_time_series=False)
    assert ask(kept, "forecast", horizon=20).equals(ask(left, "forecast", horizon=20))
    row = ask(left, "arima_evaluate", show_all_candidate_models=False)
    assert pc.all(row["has_spikes_and_dips"].is_null()).as_py()
