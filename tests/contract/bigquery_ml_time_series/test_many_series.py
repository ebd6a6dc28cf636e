"""Does each series of many get a model of its own, and does a bad one harm nobody?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import TrainedModel
from augury.errors import ModelFailed
from tests.contract.bigquery_ml_time_series.series_room import ask, by_series, days, forecast, noise, rows, train, wave

SERIES = {
    "weekly": 100 + wave(70, 7) + noise(70, seed=1),
    "walk": np.cumsum(noise(70, seed=2)),
    "line": 5.0 + 0.5 * np.arange(70) + noise(70, 0.1, seed=3),
}


def together(series: dict[Any, Any], kind: pa.DataType | None = None) -> pa.Table:
    """Rows of all series, mixed."""
    keys = [key for key, values in series.items() for _ in values]
    table = pa.table(
        {
            "id": pa.array(keys, kind),
            "t": [day for values in series.values() for day in days(len(values))],
            "y": pa.array([value for values in series.values() for value in values], pa.float64()),
        }
    )
    return table.take(np.random.default_rng(0).permutation(table.num_rows))


def many(series: dict[Any, Any], kind: pa.DataType | None = None, **options: Any) -> TrainedModel:
    return train(together(series, kind), time_series_id_col="id", auto_arima_max_order=1, **options)


def test_series_are_never_mixed() -> None:
    """Each forecast is bit for bit that of the series trained alone."""
    found = by_series(ask(many(SERIES), "forecast", horizon=14), "forecast_value")
    for key, values in SERIES.items():
        alone = forecast(train(rows(days(70), values), auto_arima_max_order=1), 14)
        assert found[key].tolist() == alone.tolist()


def test_series_come_in_the_order_of_their_ids_and_points_in_that_of_time() -> None:
    table = ask(many({10: SERIES["walk"], 9: SERIES["line"], None: SERIES["weekly"]}), "forecast", horizon=2)
    assert table["id"].to_pylist() == [None, None, 9, 9, 10, 10]
    assert table.schema.field("id").type == pa.int64()
    at = table["forecast_timestamp"].to_pylist()
    assert at[0] < at[1]


def test_several_id_columns_keep_their_names_and_types() -> None:
    """BigQuery docs: TIME_SERIES_ID_COL: STRING, INT64 and arrays of them."""
    walk, line = SERIES["walk"], SERIES["line"]
    table = pa.table(
        {
            "Store": [1] * 70 + [2] * 70,
            "tags": pa.array([["a", "b"]] * 70 + [["a"]] * 70, pa.list_(pa.string())),
            "t": days(70) * 2,
            "y": np.concatenate([walk, line]),
        }
    )
    model = train(table, time_series_id_col=["store", "tags"], auto_arima_max_order=1)
    answer = ask(model, "forecast", horizon=1)
    assert answer.schema.names[:2] == ["Store", "tags"]
    assert answer["Store"].to_pylist() == [1, 2]
    assert answer["tags"].to_pylist() == [["a", "b"], ["a"]]
    assert ask(model, "arima_coefficients")["tags"].to_pylist() == [["a", "b"], ["a"]]
    given = table.slice(0, 3)
    assert ask(model, "evaluate", given)["Store"].to_pylist() == [1]


def test_a_bad_series_tells_why_and_the_others_go_on() -> None:
    """BigQuery docs: 'The ML.ARIMA_EVALUATE function': one row per bad series, its error and NULLs."""
    bad = {
        "short": [1.0, 2.0],
        "empty": [None] * 10,
        "infinite": [1.0, float("inf"), 2.0, 3.0],
        "nan": [float("nan")] * 9,
    }
    model = many({**SERIES, **bad})
    assert set(ask(model, "forecast")["id"].to_pylist()) == SERIES.keys()
    for every in (False, True):
        table = ask(model, "arima_evaluate", show_all_candidate_models=every)
        told = {row["id"]: row for row in table.to_pylist()}
        assert told["line"]["error_message"] is None
        assert "too short: 2 time points" in told["short"]["error_message"]
        assert "too short: 0 time points" in told["empty"]["error_message"]
        assert "infinite or NaN" in told["infinite"]["error_message"]
        assert "infinite or NaN" in told["nan"]["error_message"]
        assert {name for name, value in told["short"].items() if value is not None} == {"id", "error_message"}
    assert "short" not in ask(model, "explain_forecast")["id"].to_pylist()


def test_only_the_best_candidates_of_many_series_are_shown() -> None:
    assert ask(many(SERIES), "arima_evaluate").num_rows == 3
    assert ask(many(SERIES), "arima_evaluate", show_all_candidate_models=True).num_rows > 3


def test_where_no_series_works_training_fails_and_names_some() -> None:
    with pytest.raises(ModelFailed) as caught:
        many({"a": [1.0], "b": [2.0]})
    assert "none of 2 time series" in str(caught.value)
    assert "id = 'a'" in str(caught.value)


def test_rows_of_unknown_series_are_unknown_not_somebody_elses() -> None:
    model = many(SERIES)
    given = pa.table({"id": ["walk", "stranger"], "t": days(71)[70:] * 2, "y": [0.0, 0.0]})
    found = ask(model, "detect_anomalies", given, anomaly_prob_threshold=0.95)
    assert found["id"].to_pylist() == ["walk", "stranger"]
    assert [value is None for value in found["anomaly_probability"].to_pylist()] == [False, True]
    assert ask(model, "evaluate", given)["id"].to_pylist() == ["walk"]


def test_an_id_of_another_type_is_refused() -> None:
    model = many({1: SERIES["walk"], 2: SERIES["line"]})
    given = pa.table({"id": ["1"], "t": days(1), "y": [0.0]})
    with pytest.raises(ModelFailed, match="trained with INT64"):
        ask(model, "evaluate", given)


def test_ids_of_a_dictionary_are_the_same_ids() -> None:
    """As DuckDB gives an ENUM."""
    model = many(SERIES)
    given = pa.table({"id": pa.array(["walk", "line"]).dictionary_encode(), "t": days(71)[70:] * 2, "y": [0.0, 0.0]})
    assert ask(model, "evaluate", given, perform_aggregation=False)["id"].to_pylist() == ["walk", "line"]


def test_each_series_has_its_own_frequency_and_length() -> None:
    weekly = pa.table({"id": ["w"] * 30, "t": days(30, 7), "y": noise(30)})
    daily = pa.table({"id": ["d"] * 50, "t": days(50), "y": noise(50)})
    model = train(pa.concat_tables([weekly, daily]), time_series_id_col="id", auto_arima_max_order=1)
    at = ask(model, "forecast", horizon=1)["forecast_timestamp"].to_pylist()
    assert [f"{time:%Y-%m-%d}" for time in at] == ["2021-02-23", "2021-08-02"]
