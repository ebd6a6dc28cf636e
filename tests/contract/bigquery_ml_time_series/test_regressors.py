"""What do other columns add to a series, in training and to come?"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

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
    error,
    forecast,
    noise,
    rows,
    train,
    wave,
)

COUNT, AHEAD = 140, 10


def drawn(*, start: int = 0, count: int = COUNT + AHEAD) -> pa.Table:
    """Three per degree, ten on the days of a promotion, twenty less in shop b; and a week."""
    rng = np.random.default_rng(4)
    degrees = rng.normal(15.0, 5.0, COUNT + AHEAD)
    promotion = rng.random(COUNT + AHEAD) < 0.2
    shop = np.where(rng.random(COUNT + AHEAD) < 0.3, "b", "a")
    values = 100 + 3 * degrees + 10 * promotion - 20 * (shop == "b") + wave(COUNT + AHEAD, 7) + noise(COUNT + AHEAD)
    table = rows(days(COUNT + AHEAD), values, degrees=degrees, promotion=promotion, shop=shop)
    return table.slice(start, count)


PAST, FUTURE = drawn(count=COUNT), drawn(start=COUNT)


def xreg(table: pa.Table = PAST, **options: Any) -> TrainedModel:
    return train(table, model_type="arima_plus_xreg", auto_arima_max_order=1, **options)


@cache
def trained() -> TrainedModel:
    return xreg()


def test_weights_are_recovered() -> None:
    """BigQuery docs: 'The ML.ARIMA_COEFFICIENTS function': one row per input, words with a weight per value but one."""
    table = ask(trained(), "arima_coefficients")
    assert table.schema.names[3:] == ["processed_input", "weight", "category_weights"]
    told = {row["processed_input"]: row for row in table.to_pylist()}
    assert told["degrees"]["weight"] == pytest.approx(3, abs=0.3)
    assert told["degrees"]["category_weights"] is None
    (only,) = told["promotion"]["category_weights"]
    assert (only["category"], only["weight"]) == ("true", pytest.approx(10, abs=4))
    (only,) = told["shop"]["category_weights"]
    assert (only["category"], only["weight"]) == ("b", pytest.approx(-20, abs=4))
    assert told["shop"]["weight"] is None


def test_weights_are_recovered_from_a_series_that_wanders() -> None:
    """A level regression would take the walk for an effect; ten times its size is what the walk moves."""
    step = noise(120, seed=7)
    table = rows(days(120), np.cumsum(noise(120, 3.0)) + 2 * step + wave(120, 7, 30.0), step=step)
    assert ask(xreg(table), "arima_coefficients")["weight"][0].as_py() == pytest.approx(2, abs=0.5)


def test_weights_are_recovered_beside_a_strong_season() -> None:
    step = noise(60, seed=7)
    table = rows(days(60), 2 * step + wave(60, 7, 30.0) + noise(60), step=step)
    assert ask(xreg(table), "arima_coefficients")["weight"][0].as_py() == pytest.approx(2, abs=0.5)


def test_a_column_that_is_all_season_leaves_it_to_the_season() -> None:
    week = np.tile(np.sqrt(np.arange(7.0)), 14)
    table = rows(days(90), wave(90, 7) + noise(90), same=week[:90])
    future = rows(days(97)[90:], wave(97, 7)[90:], same=week[90:97])
    model = xreg(table)
    assert ask(model, "arima_coefficients")["weight"][0].as_py() == 0
    assert error(forecast(model, 7, future), column(future, "y")) < 1.5


def test_knowing_the_regressors_makes_forecasts_better() -> None:
    plain = train(PAST.select(["t", "y"]), auto_arima_max_order=1)
    actual = column(FUTURE, "y")
    assert error(forecast(trained(), AHEAD, FUTURE), actual) < 0.3 * error(forecast(plain, AHEAD), actual)


def test_attributions_are_weight_times_value_and_add_up() -> None:
    """BigQuery docs: 'The ML.EXPLAIN_FORECAST function'."""
    model = trained()
    table = ask(model, "explain_forecast", FUTURE, horizon=AHEAD)
    assert table.schema.names[-3:] == ["attribution_degrees", "attribution_promotion", "attribution_shop"]
    weight = ask(model, "arima_coefficients")["weight"][0].as_py()
    degrees = np.concatenate([column(PAST, "degrees"), column(FUTURE, "degrees")])
    assert column(table, "attribution_degrees") == pytest.approx(weight * degrees)
    skipped = ("time_series", "standard", "confidence", "prediction")
    parts = [name for name in table.schema.names if not name.startswith(skipped)]
    assert np.nansum([column(table, name) for name in parts], axis=0) == pytest.approx(
        column(table, "time_series_data")
    )


def test_a_null_counts_as_the_mean_and_an_unseen_word_as_nothing() -> None:
    model = trained()
    mean = float(np.mean(column(PAST, "degrees")))
    given = FUTURE.slice(0, 1)

    def one(**changes: Any) -> float:
        table = given
        for name, value in changes.items():
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, pa.array([value], table.schema.field(name).type))
        return float(forecast(model, 1, table)[0])

    assert one(degrees=None) == pytest.approx(one(degrees=mean))
    # The most frequent value has no weight, so a stranger is taken for it; NULL was never seen either.
    assert one(shop="zzz") == one(shop="a") == one(shop=None)
    assert one(shop="b") < one(shop="a") - 10


def test_null_words_in_training_are_a_value_of_their_own() -> None:
    words = ["x" if at % 3 else None for at in range(90)]
    values = [50.0 if word else 20.0 for word in words] + noise(90)
    model = xreg(rows(days(90), values, word=words))
    (only,) = ask(model, "arima_coefficients")["category_weights"][0].as_py()
    assert only == {"category": "_null_filler", "weight": pytest.approx(-30, abs=1)}


def test_a_penalty_shrinks_weights() -> None:
    """BigQuery docs: L2_REG; of standardised columns, so units do not matter."""
    free, held = (ask(model, "arima_coefficients")["weight"][0].as_py() for model in (trained(), xreg(l2_reg=140.0)))
    assert held == pytest.approx(free / 2, rel=0.1)


def test_equal_columns_share_and_constant_ones_have_no_weight() -> None:
    table = rows(days(60), noise(60), one=np.ones(60), left=wave(60, 5), right=wave(60, 5))
    told = {row["processed_input"]: row["weight"] for row in ask(xreg(table), "arima_coefficients").to_pylist()}
    assert told["one"] == 0
    assert told["left"] == pytest.approx(told["right"])


def test_every_point_of_the_horizon_needs_a_row() -> None:
    with pytest.raises(ModelFailed) as caught:
        forecast(trained(), AHEAD, FUTURE.slice(0, AHEAD - 1))
    assert "at 2021-06-02" in str(caught.value)
    with pytest.raises(UsageError, match="needs a table or query"):
        forecast(trained(), 2)


def test_rows_of_other_times_are_ignored_and_change_nothing() -> None:
    """Poison: wild values in the past and beyond the horizon, in any order and in small batches."""
    model = trained()
    clean = ask(model, "forecast", FUTURE, horizon=AHEAD)
    wild = rows(
        [*days(5), *days(5, start=START + dt.timedelta(days=COUNT + AHEAD)), None],
        [1e9] * 11,
        degrees=[-1e9] * 11,
        promotion=[True] * 11,
        shop=["b"] * 11,
    )
    mixed = pa.concat_tables([wild, FUTURE]).take(np.random.default_rng(0).permutation(11 + AHEAD))
    assert ask(model, "forecast", mixed, horizon=AHEAD, batch=2).equals(clean)


def test_several_rows_of_one_point_count_by_their_mean() -> None:
    table = FUTURE.slice(0, 1)
    low, high = (table.set_column(2, "degrees", pa.array([degrees])) for degrees in (5.0, 25.0))
    between = forecast(trained(), 1, table.set_column(2, "degrees", pa.array([15.0])))
    assert forecast(trained(), 1, pa.concat_tables([low, high])) == pytest.approx(between)


def test_evaluate_and_anomalies_use_the_regressors_of_their_rows() -> None:
    model = trained()
    errors = np.abs(forecast(model, AHEAD, FUTURE) - column(FUTURE, "y"))
    part = FUTURE.take([7, 2])
    assert column(ask(model, "evaluate", part), "mean_absolute_error")[0] == pytest.approx(errors[[7, 2]].mean())
    found = ask(model, "detect_anomalies", part, anomaly_prob_threshold=0.999)
    assert found["is_anomaly"].to_pylist() == [False, False]
    assert found.schema.names[-3:] == ["degrees", "promotion", "shop"]
    hot = part.set_column(1, "y", pa.array([500.0, 500.0]))
    assert ask(model, "detect_anomalies", hot, anomaly_prob_threshold=0.999)["is_anomaly"].to_pylist() == [True, True]


def test_several_series_have_weights_of_their_own() -> None:
    effect = np.random.default_rng(1).normal(0, 1, 60)
    table = pa.table(
        {
            "id": ["a"] * 60 + ["b"] * 60,
            "t": days(60) * 2,
            "y": np.concatenate([5 * effect, -5 * effect]) + noise(120),
            "x": np.concatenate([effect, effect]),
        }
    )
    model = xreg(table, time_series_id_col="id")
    assert ask(model, "arima_coefficients")["weight"].to_pylist() == [
        pytest.approx(5, abs=0.5),
        pytest.approx(-5, abs=0.5),
    ]
    future = pa.table({"id": ["a", "b"], "t": days(61)[60:] * 2, "x": [2.0, 2.0]})
    up, down = forecast(model, 1, future)
    assert up > 5
    assert down < -5


def test_settings_that_are_for_arima_plus_only() -> None:
    with pytest.raises(UsageError, match="takes no confidence_level and no horizon"):
        ask(trained(), "evaluate", FUTURE, horizon=2, confidence_level=0.5)


def test_columns_that_cannot_be_regressors_are_refused() -> None:
    with pytest.raises(ModelFailed, match="column when is DATE"):
        xreg(rows(days(20), noise(20), when=days(20)))
    with pytest.raises(ModelFailed, match="has no regressors"):
        xreg(PAST.select(["t", "y"]))
    with pytest.raises(ModelFailed, match="column x has infinite"):
        xreg(rows(days(20), noise(20), x=[float("inf")] * 20))


def test_rows_without_a_regressor_are_refused() -> None:
    with pytest.raises(ModelFailed, match="there is no column degrees"):
        forecast(trained(), 2, FUTURE.drop_columns(["degrees"]))
    with pytest.raises(ModelFailed, match="column degrees is STRING"):
        forecast(trained(), 1, FUTURE.set_column(2, "degrees", FUTURE["shop"]))
