"""Do time series models keep what every type of model promises, and do they work from SQL?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Training
from augury.bigquery_ml.time_series.types import ArimaPlus, ArimaPlusXreg
from augury.errors import AuguryError
from tests.contract.bigquery_ml.room import Room
from tests.contract.bigquery_ml.suite import Asked, Case, ModelTypeContract
from tests.contract.bigquery_ml_time_series.series_room import COLUMNS, days, noise, rows, wave

OPTIONS = {**COLUMNS, "auto_arima_max_order": 1}
BY_ROW: Asked = {"evaluate": {"perform_aggregation": False}, "detect_anomalies": {"anomaly_prob_threshold": 0.9}}
ALONE: Asked = {
    "arima_evaluate": {"show_all_candidate_models": True},
    "arima_coefficients": {},
    "detect_anomalies": {},
    "evaluate": {},
    "training_info": {},
}
PAST = rows(days(80), 20 + wave(80, 7) + noise(80), x=noise(80, seed=1), w=["a", "b"] * 40)
LATER = rows(days(90)[75:], 20 + wave(15, 7) + noise(15), x=noise(15, seed=2), w=["a"] * 15)


class TestArimaPlus(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        training = Training("arima_plus", PAST.select(["t", "y"]), OPTIONS)
        alone = {**ALONE, "forecast": {"horizon": 20}, "explain_forecast": {"confidence_level": 0.5}}
        return Case(ArimaPlus, training, LATER, by_row=BY_ROW, alone=alone)


class TestArimaPlusXreg(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        training = Training("arima_plus_xreg", PAST, OPTIONS)
        over_rows = {"forecast": {"horizon": 10}, "explain_forecast": {"horizon": 10}}
        return Case(ArimaPlusXreg, training, LATER, by_row=BY_ROW, over_rows=over_rows, alone=ALONE)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Two shops, 60 days each, and the prices of the week after."""
    made = Room(tmp_path)
    made.connection.register("drawn", pa.table({"noise": noise(120), "price": np.abs(noise(120, seed=3))}))
    made.connection.execute(
        "CREATE OR REPLACE TABLE t AS SELECT ['north', 'south'][1 + i // 60] AS shop, "
        "DATE '2024-01-01' + (i % 60)::INTEGER AS day, 40 + 5 * (i % 7) + noise - 3 * price AS sales, price "
        "FROM (SELECT row_number() OVER () - 1 AS i, * FROM drawn)"
    )
    made.connection.execute(
        "CREATE TABLE later AS SELECT shop, day + 60 AS day, price FROM t WHERE day < DATE '2024-01-08'"
    )
    return made


NAMED = "time_series_timestamp_col='day', time_series_data_col='sales', time_series_id_col='shop', horizon=30"


def test_a_forecast_from_sql(room: Room) -> None:
    room.session.execute(
        f"CREATE MODEL d.f OPTIONS(model_type='ARIMA_PLUS', {NAMED}) AS SELECT day, shop, sales FROM d.t"
    )
    found = room.rows(
        "SELECT shop, COUNT(*) AS days, CAST(MIN(forecast_timestamp) AS DATE) AS first, "
        "LOGICAL_AND(prediction_interval_lower_bound < forecast_value) AS inside "
        "FROM ML.FORECAST(MODEL d.f, STRUCT(7 AS horizon, 0.8 AS confidence_level)) GROUP BY shop ORDER BY shop"
    )
    assert [(row["shop"], row["days"], f"{row['first']:%Y-%m-%d}", row["inside"]) for row in found] == [
        ("north", 7, "2024-03-01", True),
        ("south", 7, "2024-03-01", True),
    ]
    periods = room.rows("SELECT seasonal_periods FROM ML.ARIMA_EVALUATE(MODEL d.f)")
    assert [row["seasonal_periods"] for row in periods] == [["WEEKLY"], ["WEEKLY"]]


def test_a_forecast_with_regressors_from_sql(room: Room) -> None:
    room.session.execute(f"CREATE MODEL d.x OPTIONS(model_type='ARIMA_PLUS_XREG', {NAMED}) AS SELECT * FROM d.t")
    found = room.rows("SELECT * FROM ML.FORECAST(MODEL d.x, STRUCT(7 AS horizon), TABLE d.later)")
    assert len(found) == 14
    weights = room.rows("SELECT shop, weight FROM ML.ARIMA_COEFFICIENTS(MODEL d.x) ORDER BY shop")
    assert [row["weight"] for row in weights] == [pytest.approx(-3, abs=0.8), pytest.approx(-3, abs=0.8)]
    odd = room.rows(
        "SELECT COUNTIF(is_anomaly) AS odd FROM ML.DETECT_ANOMALIES(MODEL d.x, STRUCT(0.95 AS anomaly_prob_threshold), "
        "(SELECT *, 500.0 AS sales FROM d.later))"
    )
    assert odd == [{"odd": 14}]


def test_a_problem_is_told_from_sql(room: Room) -> None:
    with pytest.raises(AuguryError, match="holiday"):
        room.session.execute(
            f"CREATE MODEL d.h OPTIONS(model_type='ARIMA_PLUS', holiday_region='US', {NAMED}) "
            "AS SELECT day, shop, sales FROM d.t"
        )
    room.session.execute(
        f"CREATE MODEL d.f OPTIONS(model_type='ARIMA_PLUS', {NAMED}) AS SELECT day, shop, sales FROM d.t"
    )
    with pytest.raises(AuguryError, match="did you mean horizon"):
        room.rows("SELECT * FROM ML.FORECAST(MODEL d.f, STRUCT(7 AS horizn))")
