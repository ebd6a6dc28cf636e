"""The types of models that are built in keep the promises of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Training
from augury.bigquery_ml.types import BUILT_IN, Types
from augury.errors import PluginError, UsageError
from tests.contract.bigquery_ml.suite import Case, ModelTypeContract
from tests.contract.bigquery_ml.totals import Totals

SIZE = 120
ROWS = pa.table(
    {
        "a": [float(number % 10) for number in range(SIZE)],
        "b": [number % 7 for number in range(SIZE)],
        "c": [["x", "y", "z", None][number % 4] for number in range(SIZE)],
        "y": [number % 10 + 2.0 * (number % 7) + (number % 3) / 10 for number in range(SIZE)],
    }
)
LABELLED = ROWS.set_column(3, "y", pa.array([number % 10 + number % 7 > 7 for number in range(SIZE)]))
CLASSES = ROWS.set_column(3, "y", pa.array([["one", "two", "three"][number % 10 // 4] for number in range(SIZE)]))
NUMBERS: dict[str, dict[str, Any]] = {"explain_predict": {}, "predict": {}}


def made(model_type: str, rows: pa.Table, options: dict[str, Any]) -> tuple[Any, Training]:
    return Types().get(model_type), Training(model_type, rows, options, seed=1)


def supervised(model_type: str, rows: pa.Table, alone: str, over_rows: str = "evaluate", **options: Any) -> Case:
    options = {"input_label_cols": ["y"], "enable_global_explain": True, **options}
    kind, training = made(model_type, rows, options)
    asked: dict[str, dict[str, Any]] = {name: {} for name in f"{alone} evaluate training_info".split()}
    summed: dict[str, dict[str, Any]] = {name: {} for name in over_rows.split()}
    return Case(kind, training, rows, by_row=NUMBERS, over_rows=summed, alone=asked)


class TestTotals(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        rows = ROWS.drop_columns(["c"])
        training = Training("linear_reg", rows, {"input_label_cols": ["y"]})
        return Case(Totals, training, rows, {"predict": {}}, {"evaluate": {}}, {"evaluate": {}, "weights": {}})


class TestLinearReg(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        return supervised("linear_reg", ROWS, "weights global_explain")


class TestLogisticReg(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        over = "evaluate confusion_matrix roc_curve"
        return supervised("logistic_reg", LABELLED, "weights global_explain confusion_matrix roc_curve", over)


class TestBoostedTreeRegressor(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        return supervised("boosted_tree_regressor", ROWS, "feature_importance global_explain", max_iterations=5)


class TestBoostedTreeClassifier(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        alone = "feature_importance global_explain confusion_matrix"
        return supervised("boosted_tree_classifier", CLASSES, alone, "evaluate confusion_matrix", max_iterations=5)


class TestRandomForestRegressor(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        return supervised("random_forest_regressor", ROWS, "feature_importance global_explain", num_parallel_tree=5)


class TestKMeans(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        kind, training = made("kmeans", ROWS, {"num_clusters": 3})
        by_row: dict[str, dict[str, Any]] = {"predict": {}, "detect_anomalies": {"contamination": 0.1}}
        alone: dict[str, dict[str, Any]] = {"centroids": {}, "evaluate": {}, "training_info": {}}
        return Case(kind, training, ROWS, by_row, {"evaluate": {}}, alone)


class TestPCA(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        kind, training = made("pca", ROWS, {"num_principal_components": 2})
        by_row: dict[str, dict[str, Any]] = {
            "predict": {},
            "detect_anomalies": {"contamination": 0.1},
            "reconstruction_loss": {},
        }
        names = ("evaluate", "principal_components", "principal_component_info", "training_info")
        return Case(kind, training, ROWS, by_row, alone={name: {} for name in names})


class TestMatrixFactorization(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        rows = pa.table(
            {
                "who": [f"u{number % 8}" for number in range(56)],
                "what": [number % 7 for number in range(56)],
                "stars": [float(number % 8 * (number % 7 + 1)) for number in range(56)],
            }
        )
        options = {"user_col": "who", "item_col": "what", "rating_col": "stars", "num_factors": 2, "l2_reg": 0.1}
        kind, training = made("matrix_factorization", rows, options)
        alone: dict[str, dict[str, Any]] = {name: {} for name in ("evaluate", "recommend", "training_info", "weights")}
        return Case(kind, training, rows, {"predict": {}}, {"evaluate": {}}, alone)


class TestArimaPlus(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        start = datetime(2024, 1, 1, tzinfo=UTC)
        stamps = pa.array([start + timedelta(days=day) for day in range(70)], pa.timestamp("us", tz="UTC"))
        values = [20 + day / 7 + 5.0 * (day % 7 == 3) for day in range(70)]
        rows = pa.table({"at": stamps, "sold": values})
        options = {"time_series_timestamp_col": "at", "time_series_data_col": "sold", "horizon": 14}
        kind, training = made("arima_plus", rows, options)
        names = "arima_coefficients arima_evaluate detect_anomalies evaluate explain_forecast forecast training_info"
        asked: dict[str, dict[str, Any]] = {name: {} for name in names.split()}
        over_rows: dict[str, dict[str, Any]] = {"detect_anomalies": {"anomaly_prob_threshold": 0.95}}
        return Case(kind, training, rows, {}, over_rows, asked)


def test_types_are_imported_when_they_are_asked_for() -> None:
    types = Types({"here": BUILT_IN["transform_only"], "absent": "no_such_library.types:X"})
    assert types.get("here").names == ("transform_only",)
    with pytest.raises(UsageError, match="no type of model called 'hear'"):
        types.get("hear")
    with pytest.raises(PluginError, match="need the library 'no_such_library'"):
        types.get("absent")
