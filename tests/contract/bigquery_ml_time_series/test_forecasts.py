"""Are forecasts good, and are their intervals as wide as they say?"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tests.contract.bigquery_ml_time_series.series_room import (
    DATA,
    ask,
    by_series,
    column,
    days,
    error,
    forecast,
    months,
    noise,
    rows,
    train,
    wave,
)
from tests.servers import absent


@pytest.mark.parametrize(("period", "step", "count"), [(7, 1, 140), (52, 7, 156)])
def test_a_seasonal_pattern_is_carried_on(period: int, step: int, count: int) -> None:
    """Better than last season's values by more than the noise that those repeat."""
    values = 50 + 0.05 * np.arange(count + period) + wave(count + period, period) + noise(count + period, 1.5)
    past, future = values[:count], values[count:]
    model = train(rows(days(count, step), past))
    ours = error(forecast(model, period), future)
    assert ours < error(past[-period:], future)
    assert ours < 0.5 * error(np.full(period, past[-1]), future)


def test_two_patterns_at_once() -> None:
    """Hourly data with a day and a week."""
    count, ahead = 24 * 7 * 5, 48
    values = 100 + wave(count + ahead, 24, 20.0) + wave(count + ahead, 168, 8.0) + noise(count + ahead, 1.0)
    at = pa.array(1_609_718_400_000_000 + 3_600_000_000 * np.arange(count), pa.timestamp("us"))
    model = train(rows(at, values[:count]))
    assert ask(model, "arima_evaluate", show_all_candidate_models=False)["seasonal_periods"].to_pylist() == [
        ["DAILY", "WEEKLY"]
    ]
    assert error(forecast(model, ahead), values[count:]) < 1.5


def test_a_year_of_growing_monthly_passengers() -> None:
    """Like the airline passengers: a trend, and a season that grows with it."""
    at = np.arange(144)
    values = 110 + 2.6 * at + (15 + 0.25 * at) * np.sin(2 * np.pi * at / 12) + noise(144, 4.0)
    past, future = values[:132], values[132:]
    ours = error(forecast(train(rows(months(132), past)), 12), future)
    assert ours < 0.5 * error(past[-12:], future)
    assert ours < 0.5 * error(np.full(12, past[-1]), future)


def test_noise_has_no_season() -> None:
    """A pattern that is only chance is found as rarely as the 5% level says, give or take chance itself."""
    count = 30
    table = rows(
        [day for _ in range(count) for day in months(60)],
        np.concatenate([noise(60, seed=seed) for seed in range(count)]),
        id=[at for at in range(count) for _ in range(60)],
    )
    model = train(table, time_series_id_col="id", auto_arima_max_order=1)
    found = [periods != ["NO_SEASONALITY"] for periods in ask(model, "arima_evaluate")["seasonal_periods"].to_pylist()]
    # 6 of 30 or more would happen in less than 1% of cases.
    assert sum(found) < 6


def test_intervals_hold_what_they_promise() -> None:
    """80% intervals of 40 daily series with a week, 7 days ahead: 80% of 280, give or take three standard errors."""
    count, length, ahead = 40, 105, 7
    drawn = [100 + wave(length + ahead, 7) + noise(length + ahead, 3.0, seed) for seed in range(count)]
    table = rows(
        days(length) * count,
        np.concatenate([values[:length] for values in drawn]),
        id=[at for at in range(count) for _ in range(length)],
    )
    answer = ask(
        train(table, time_series_id_col="id", auto_arima_max_order=1), "forecast", horizon=ahead, confidence_level=0.8
    )
    actual = np.concatenate([values[length:] for values in drawn])
    inside = (actual >= column(answer, "prediction_interval_lower_bound")) & (
        actual <= column(answer, "prediction_interval_upper_bound")
    )
    assert 0.73 <= inside.mean() <= 0.87


def test_a_straight_line_goes_on() -> None:
    table = ask(train(rows(days(30), np.arange(3.0, 63.0, 2.0))), "forecast", horizon=3)
    assert column(table, "forecast_value") == pytest.approx([63, 65, 67])
    assert column(table, "standard_error") == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_constant_stays() -> None:
    table = ask(train(rows(days(10), [4.0] * 10)), "forecast", horizon=2)
    assert column(table, "forecast_value").tolist() == [4, 4]
    assert column(table, "prediction_interval_lower_bound").tolist() == [4, 4]


def test_forecasts_are_those_of_the_library() -> None:
    """Without patterns and cleaning, an ARIMA(1, 1, 1) with drift is that of statsforecast itself."""
    library = import_module("statsforecast.arima")

    values = np.cumsum(0.3 + noise(80) + 0.5 * np.roll(noise(80), 1))
    model = train(
        rows(days(80), values),
        auto_arima=False,
        non_seasonal_order=[1, 1, 1],
        include_drift=True,
        seasonalities=["NO_SEASONALITY"],
        clean_spikes_and_dips=False,
        adjust_step_changes=False,
    )
    table = ask(model, "forecast", horizon=12, confidence_level=0.9)
    fit = library.Arima(values, order=(1, 1, 1), include_drift=True, method="CSS-ML")
    known = library.forecast_arima(fit, h=12, level=[90])
    assert column(table, "forecast_value") == pytest.approx(np.asarray(known["mean"]), rel=1e-4)
    assert column(table, "prediction_interval_upper_bound") == pytest.approx(known["upper"]["90%"].to_numpy(), rel=1e-3)


def test_columns_and_defaults_of_ml_forecast() -> None:
    """BigQuery docs: 'The ML.FORECAST function'."""
    table = ask(train(rows(days(30), noise(30))), "forecast")
    number = pa.float64()
    assert table.schema == pa.schema(
        [
            ("forecast_timestamp", pa.timestamp("us", tz="UTC")),
            ("forecast_value", number),
            ("standard_error", number),
            ("confidence_level", number),
            ("prediction_interval_lower_bound", number),
            ("prediction_interval_upper_bound", number),
            ("confidence_interval_lower_bound", number),
            ("confidence_interval_upper_bound", number),
        ]
    )
    assert table.num_rows == 3
    assert table["confidence_level"].to_pylist() == [0.95] * 3
    middle = (column(table, "prediction_interval_lower_bound") + column(table, "prediction_interval_upper_bound")) / 2
    assert column(table, "forecast_value") == pytest.approx(middle)


def test_limits_hold_for_values_and_intervals() -> None:
    """Falling towards 0, and modelled without the days on or below it."""
    values = 40 * np.exp(-np.arange(60) / 15) + noise(60, 0.3)
    free = column(ask(train(rows(days(60), values)), "forecast", horizon=60), "prediction_interval_lower_bound")
    assert free.min() < 0
    table = ask(train(rows(days(60), values), forecast_limit_lower_bound=0.0), "forecast", horizon=60)
    assert column(table, "prediction_interval_lower_bound").min() > 0
    both = train(rows(days(60), values), forecast_limit_lower_bound=0.0, forecast_limit_upper_bound=41.0)
    table = ask(both, "forecast", horizon=60, confidence_level=0.999)
    assert column(table, "prediction_interval_lower_bound").min() > 0
    assert column(table, "prediction_interval_upper_bound").max() < 41


def test_values_beyond_a_limit_take_no_part_but_time_goes_on() -> None:
    values = [5.0, 6.0, 5.5, -100.0, 6.5, 5.0, 6.0, 5.5, 6.0, 0.0]
    table = ask(train(rows(days(10), values), forecast_limit_lower_bound=0.0), "forecast", horizon=1)
    assert f"{table['forecast_timestamp'][0].as_py():%Y-%m-%d}" == "2021-01-14"
    assert 4 < column(table, "forecast_value")[0] < 7


def test_the_trend_may_be_modelled_on_the_last_points_only() -> None:
    """The first half moves wildly, the second hardly: its variance is what counts then."""
    values = np.concatenate([np.cumsum(noise(60, 20.0)), np.zeros(60)])
    values[60:] = values[59] + noise(60, 0.1, 1)
    options: dict[str, Any] = {
        "seasonalities": ["NO_SEASONALITY"],
        "clean_spikes_and_dips": False,
        "adjust_step_changes": False,
    }

    def first_error(**given: Any) -> float:
        return float(column(ask(train(rows(days(120), values), **options, **given), "forecast"), "standard_error")[0])

    assert first_error(max_time_series_length=50) < 0.3
    assert first_error(time_series_length_fraction=0.4) < 0.3
    # 20 of 120 points by the fraction alone, but 70 at least.
    assert first_error(time_series_length_fraction=0.1, min_time_series_length=70) > 1
    assert first_error() > 1


def test_seasonalities_are_as_told() -> None:
    table = rows(days(140), 10 + wave(140, 7) + noise(140))

    def found(*words: str) -> list[str]:
        answer = ask(train(table, seasonalities=list(words)), "arima_evaluate", show_all_candidate_models=False)
        return list(answer["seasonal_periods"].to_pylist()[0])

    assert found("AUTO") == ["WEEKLY"]
    assert found("NO_SEASONALITY") == ["NO_SEASONALITY"]
    # Finer than the data (DAILY) or longer than half of it (YEARLY): ignored.
    assert found("DAILY", "WEEKLY", "MONTHLY", "YEARLY") == ["WEEKLY", "MONTHLY"]


def test_real_weekly_sales_beat_naive_forecasts() -> None:
    """Walmart, seven departments, 13 weeks kept back: less than three quarters of the naive error, over all."""
    past, future = real("walmart_sales_weekly", "id", "Date", "Weekly_Sales", 13)
    model = train(past, time_series_id_col="id", horizon=13)
    forecasts = by_series(ask(model, "forecast", horizon=13), "forecast_value")
    last, truth = by_series(past, "y"), by_series(future, "y")
    scale = {key: float(np.mean(np.abs(np.diff(values)))) for key, values in last.items()}
    ours = np.mean([error(forecasts[key], truth[key]) / scale[key] for key in truth])
    naive = np.mean([error(last[key][-1:], truth[key]) / scale[key] for key in truth])
    assert ours < 0.75 * naive


def test_real_daily_page_views_beat_naive_forecasts() -> None:
    """Wikipedia, ten pages, two weeks kept back: bursts and weekly patterns."""
    past, future = real("wikipedia_pageviews_daily", "page", "date", "value", 14)
    model = train(past, time_series_id_col="id", auto_arima_max_order=1)
    forecasts = by_series(ask(model, "forecast", horizon=14), "forecast_value")
    last, truth = by_series(past, "y"), by_series(future, "y")
    scale = {key: float(np.mean(np.abs(np.diff(values)))) for key, values in last.items()}
    ours = np.mean([error(forecasts[key], truth[key]) / scale[key] for key in truth])
    naive = np.mean([error(last[key][-1:], truth[key]) / scale[key] for key in truth])
    assert ours < naive


def real(name: str, series: str, time: str, value: str, ahead: int) -> tuple[pa.Table, pa.Table]:
    """A shared data set as rows of id, t and y, and its last points."""
    path = DATA / f"{name}.parquet"
    if not path.exists():
        absent("the shared data", str(path), FileNotFoundError("no such file"))
    connection = duckdb.connect()
    found = connection.read_parquet(str(path)).select(
        duckdb.ColumnExpression(series).alias("id"),
        duckdb.ColumnExpression(time).alias("t"),
        duckdb.ColumnExpression(value).cast("double").alias("y"),
    )
    table = found.order("id, t").to_arrow_table()
    keys = table["id"].to_pylist()
    left = np.array([keys[at:].count(key) <= ahead for at, key in enumerate(keys)])
    return table.filter(pa.array(~left)), table.filter(pa.array(left))
