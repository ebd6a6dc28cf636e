"""How are forecasts measured, and which values count as anomalies?"""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import TrainedModel
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_time_series.series_room import (
    START,
    ask,
    column,
    days,
    forecast,
    noise,
    rows,
    train,
    wave,
)

PAST = rows(days(70), 100 + wave(70, 7) + noise(70))


@cache
def trained() -> TrainedModel:
    return train(PAST)


def future(count: int, *, added: float = 0.0) -> pa.Table:
    values = 100 + wave(70 + count, 7)[70:] + noise(count, seed=9) + added
    return rows(days(count, start=START + dt.timedelta(days=70)), values)


def test_measures_are_their_formulas() -> None:
    """BigQuery docs: 'The ML.EVALUATE function'; percentages of 100, as Google's results have them."""
    model, given = trained(), future(10)
    actual, expected = column(given, "y"), forecast(model, 10)
    errors = np.abs(actual - expected)
    naive = np.mean(np.abs(np.diff(column(PAST, "y"))))
    table = ask(model, "evaluate", given)
    assert {name: table[name][0].as_py() for name in table.schema.names} == pytest.approx(
        {
            "mean_absolute_error": errors.mean(),
            "mean_squared_error": (errors**2).mean(),
            "root_mean_squared_error": np.sqrt((errors**2).mean()),
            "mean_absolute_percentage_error": 100 * (errors / actual).mean(),
            "symmetric_mean_absolute_percentage_error": 100 * (2 * errors / (actual + expected)).mean(),
            "mean_absolute_scaled_error": errors.mean() / naive,
        }
    )


def test_the_horizon_limits_what_is_compared() -> None:
    model = train(PAST, horizon=8)
    first = ask(model, "evaluate", future(5))
    assert ask(model, "evaluate", future(20), horizon=5).equals(first)
    assert not ask(model, "evaluate", future(20)).equals(first)
    assert ask(model, "evaluate", future(20)).equals(ask(model, "evaluate", future(8)))


def test_one_row_per_row_without_aggregation() -> None:
    """History, times off the grid and NULLs have no error."""
    model = trained()
    given = pa.concat_tables(
        [rows(days(1), [100.0]), future(2), rows([dt.date(2030, 1, 1), None], [1.0, 2.0]), future(1)]
    )
    table = ask(model, "evaluate", given, perform_aggregation=False, confidence_level=0.5)
    assert table.schema.names == [
        "t",
        "y",
        "forecasted_y",
        "lower_bound",
        "upper_bound",
        "absolute_error",
        "absolute_percentage_error",
    ]
    assert table.select(["t", "y"]).equals(given)
    expected = forecast(model, 2)
    assert column(table, "forecasted_y") == pytest.approx([np.nan, *expected, np.nan, np.nan, expected[0]], nan_ok=True)
    errors = np.abs(column(table, "y") - column(table, "forecasted_y"))
    assert column(table, "absolute_error") == pytest.approx(errors, nan_ok=True)
    assert column(table, "absolute_percentage_error") == pytest.approx(errors / column(table, "y"), nan_ok=True)
    assert (column(table, "lower_bound")[1:3] < expected).all()


def test_nothing_to_compare_is_null_not_zero() -> None:
    table = ask(trained(), "evaluate", rows(days(3), [1.0, 2.0, 3.0]))
    assert all(table[name].to_pylist() == [None] for name in table.schema.names)


def test_a_zero_has_no_percentage() -> None:
    given = rows(future(2)["t"], [0.0, 90.0])
    assert column(ask(trained(), "evaluate", given), "mean_absolute_percentage_error")[0] < 100


def test_settings_of_evaluate_need_rows() -> None:
    with pytest.raises(UsageError, match="only with rows"):
        ask(trained(), "evaluate", horizon=2)


def test_anomalies_of_the_history() -> None:
    """The day that jumps out, and no more of the others than one in twenty, give or take."""
    values = column(PAST, "y")
    values[30] += 25
    table = ask(train(rows(days(70), values)), "detect_anomalies")
    assert table.schema.names == ["t", "y", "is_anomaly", "lower_bound", "upper_bound", "anomaly_probability"]
    assert table.schema.field("t").type == pa.timestamp("us", tz="UTC")
    found = table["is_anomaly"].to_pylist()
    assert found[30]
    assert sum(found) <= 9
    outside = (column(table, "y") < column(table, "lower_bound")) | (column(table, "y") > column(table, "upper_bound"))
    assert outside.tolist() == found
    assert column(table, "anomaly_probability")[30] > 0.999


def test_anomalies_of_new_rows() -> None:
    """BigQuery docs: 'The ML.DETECT_ANOMALIES function': NULL for times that the model does not forecast."""
    model = train(PAST, horizon=7)
    given = pa.concat_tables([rows(days(1), [100.0]), future(8), future(2, added=40.0)])
    given = given.append_column("note", pa.array([f"row {at}" for at in range(11)]))
    table = ask(model, "detect_anomalies", given, anomaly_prob_threshold=0.99)
    assert table.schema.names == [
        "t",
        "y",
        "is_anomaly",
        "lower_bound",
        "upper_bound",
        "anomaly_probability",
        "note",
    ]
    assert table["is_anomaly"].to_pylist() == [None, *[False] * 7, None, True, True]
    assert table["note"].to_pylist() == [f"row {at}" for at in range(11)]
    assert [table[name].null_count for name in ("lower_bound", "upper_bound", "anomaly_probability")] == [2, 2, 2]


def test_the_days_before_a_step_are_no_anomalies() -> None:
    values = column(PAST, "y")
    values[40:] += 50
    assert sum(ask(train(rows(days(70), values)), "detect_anomalies")["is_anomaly"].to_pylist()) <= 9


def test_a_time_between_two_points_is_not_compared() -> None:
    noon = dt.datetime(2021, 3, 15, 12, tzinfo=dt.UTC)
    table = ask(trained(), "evaluate", rows([noon, noon.replace(hour=0)], [100.0] * 2), perform_aggregation=False)
    assert [value is None for value in table["absolute_error"].to_pylist()] == [True, False]


def test_an_anomaly_probability_is_the_share_of_values_that_are_nearer() -> None:
    """A value on the bound of the 80% interval has probability 0.8."""
    model = trained()
    bound = ask(model, "forecast", horizon=1, confidence_level=0.8)["prediction_interval_upper_bound"]
    given = rows(future(1)["t"], bound)
    table = ask(model, "detect_anomalies", given, anomaly_prob_threshold=0.9)
    assert column(table, "anomaly_probability")[0] == pytest.approx(0.8)


def test_new_rows_need_a_threshold() -> None:
    with pytest.raises(UsageError, match="needs anomaly_prob_threshold"):
        ask(trained(), "detect_anomalies", future(2))


def test_history_needs_decomposition() -> None:
    model = train(PAST, decompose_time_series=False)
    with pytest.raises(UsageError, match="decompose_time_series"):
        ask(model, "detect_anomalies")
    assert ask(model, "detect_anomalies", future(2), anomaly_prob_threshold=0.9).num_rows == 2


def test_anomalies_within_limits() -> None:
    """On the model's own scale; a value beyond a limit is impossible."""
    model = train(PAST, forecast_limit_lower_bound=0.0)
    given = rows(future(2)["t"], [-5.0, column(future(2), "y")[1]])
    table = ask(model, "detect_anomalies", given, anomaly_prob_threshold=0.99)
    assert table["is_anomaly"].to_pylist() == [True, False]
    assert sum(ask(model, "detect_anomalies")["is_anomaly"].to_pylist()) <= 9


def test_a_column_of_the_answer_cannot_be_one_of_the_rows() -> None:
    given = future(1).append_column("is_anomaly", pa.array([True]))
    with pytest.raises(ModelFailed, match="would be called is_anomaly"):
        ask(trained(), "detect_anomalies", given, anomaly_prob_threshold=0.9)


def test_columns_are_found_whatever_their_letter_case() -> None:
    model = trained()
    assert ask(model, "evaluate", future(3).rename_columns(["T", "Y"])).equals(ask(model, "evaluate", future(3)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rows(days(2), [1.0, 2.0]).rename_columns(["t", "yy"]), "Did you mean yy"),
        (rows(days(2), ["a", "b"]), "column y is STRING"),
        (rows(["2021", "2022"], [1.0, 2.0]), "column t is STRING"),
    ],
)
def test_rows_that_do_not_fit_are_refused(given: pa.Table, said: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        ask(trained(), "evaluate", given)
    assert said in str(caught.value)
