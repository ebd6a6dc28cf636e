"""How do given points become a series with one value per day, month or minute?"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.errors import ModelFailed
from tests.contract.bigquery_ml_time_series.series_room import (
    START,
    ask,
    column,
    days,
    months,
    noise,
    rows,
    train,
)

PLAIN: dict[str, Any] = {"clean_spikes_and_dips": False, "adjust_step_changes": False}


def history(times: list[Any], values: list[Any], **options: Any) -> tuple[list[str], list[float]]:
    """Times and values of what was modelled."""
    table = ask(train(rows(times, values), **PLAIN, **options), "explain_forecast", horizon=1)
    past = table.filter(pa.compute.equal(table["time_series_type"], "history"))
    return [f"{time:%Y-%m-%d %H:%M}" for time in past["time_series_timestamp"].to_pylist()], column(
        past, "time_series_data"
    ).tolist()


def test_a_missing_day_lies_on_the_line_between_its_neighbours() -> None:
    """The example of Google's tutorial: between 141 and 363 lies 252."""
    times = days(8)
    del times[5]
    _, values = history(times, [100.0, 120, 90, 110, 141, 363, 150])
    assert values == [100, 120, 90, 110, 141, 252, 363, 150]


def test_a_null_counts_as_missing_and_the_ends_are_not_made_up() -> None:
    times, values = history(days(7), [None, 10.0, 12.0, None, 16.0, 9.0, None])
    assert values == [10, 12, 14, 16, 9]
    assert times[0] == "2021-01-05 00:00"


def test_duplicated_timestamps_take_their_mean() -> None:
    _, values = history([START, *days(4)], [1.0, 3.0, 7.0, 5.0, 6.0])
    assert values == [2, 7, 5, 6]


def test_the_order_of_rows_does_not_matter() -> None:
    times, values = days(40), noise(40).tolist()
    turned = np.random.default_rng(1).permutation(40)
    shuffled = train(rows([times[at] for at in turned], [values[at] for at in turned]))
    assert ask(shuffled, "forecast").equals(ask(train(rows(times, values)), "forecast"))


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (days(6), "2021-01-10 00:00"),
        (days(6, 7), "2021-02-15 00:00"),
        # Every second day is daily data with gaps.
        (days(6, 2), "2021-01-15 00:00"),
        (months(6, 2021), "2021-07-01 00:00"),
        ([dt.date(2021, month, 1) for month in (1, 4, 7, 10)], "2022-01-01 00:00"),
        ([dt.date(year, 7, 1) for year in range(2015, 2021)], "2021-07-01 00:00"),
        ([dt.datetime(2021, 1, 1, hour, tzinfo=dt.UTC) for hour in range(5)], "2021-01-01 05:00"),
        ([dt.datetime(2021, 1, 1, 0, minute, tzinfo=dt.UTC) for minute in range(5)], "2021-01-01 00:05"),
        # Month ends stay month ends, past a February.
        (
            [dt.date(2020, 11, 30), dt.date(2020, 12, 31), dt.date(2021, 1, 31), dt.date(2021, 2, 28)],
            "2021-03-31 00:00",
        ),
        # The 30th is clipped in February only.
        (
            [dt.date(2020, 10, 30), dt.date(2020, 11, 30), dt.date(2020, 12, 30), dt.date(2021, 1, 30)],
            "2021-02-28 00:00",
        ),
    ],
)
def test_the_frequency_is_found_and_the_next_point_follows(times: list[Any], following: str) -> None:
    values = (np.arange(len(times)) % 2 + noise(len(times))).tolist()
    table = ask(train(rows(times, values)), "forecast", horizon=1)
    assert [f"{time:%Y-%m-%d %H:%M}" for time in table["forecast_timestamp"].to_pylist()] == [following]


def test_no_forecast_goes_beyond_bigquerys_last_year() -> None:
    model = train(rows([dt.date(year, 7, 1) for year in range(2000, 2020)], noise(20)), horizon=10_000)
    assert ask(model, "forecast", horizon=7_980).num_rows == 7_980
    with pytest.raises(ModelFailed, match="beyond the year 9999"):
        ask(model, "forecast", horizon=7_981)


def test_timestamps_are_utc_whatever_the_type_of_the_column() -> None:
    """BigQuery docs: 'The ML.FORECAST function': forecast_timestamp is always a TIMESTAMP."""
    at = [dt.datetime(2021, 1, day, tzinfo=dt.UTC) for day in range(1, 8)]
    values = noise(7).tolist()
    zoned = rows(pa.array(at, pa.timestamp("us", tz="Europe/Berlin")), values)
    naive = rows([time.replace(tzinfo=None) for time in at], values)
    dates = rows([time.date() for time in at], values)
    answers = [ask(train(table), "forecast") for table in (zoned, naive, dates)]
    assert answers[0].equals(answers[1])
    assert answers[1].equals(answers[2])
    assert answers[0].schema.field("forecast_timestamp").type == pa.timestamp("us", tz="UTC")


def test_points_that_stray_a_little_lie_on_the_nearest_one() -> None:
    at = [dt.datetime(2021, 1, 4, tzinfo=dt.UTC) + dt.timedelta(days=day, minutes=20 * (day % 3)) for day in range(9)]
    times, _ = history(at, noise(9).tolist())
    assert times == [f"2021-01-{4 + day:02} 00:00" for day in range(9)]


def test_a_frequency_coarser_than_the_data_is_refused() -> None:
    with pytest.raises(ModelFailed) as caught:
        train(rows(days(30), noise(30)), data_frequency="WEEKLY")
    assert "2021-01-04 is followed by 2021-01-05" in str(caught.value)


def test_a_frequency_finer_than_the_data_is_filled() -> None:
    times, values = history(days(3, 7), [0.0, 7.0, 0.0], data_frequency="DAILY")
    assert len(times) == 15
    assert values[:9] == [0, 1, 2, 3, 4, 5, 6, 7, 6]
