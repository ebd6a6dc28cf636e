"""Do the supervised types keep the promises that every type of model makes?"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Candidates, Training
from tests.contract.bigquery_ml.suite import Asked, Case, ModelTypeContract
from tests.contract.bigquery_ml_supervised.asking import TYPES, labelled

ROWS = labelled(("lo", "mid", "hi"))
NUMBERS = ROWS.set_column(
    3, "label", pa.array([{"lo": 1.0, "mid": 2.0, "hi": 4.0}[x] for x in ROWS["label"].to_pylist()])
)
REGRESSION: Asked = {"evaluate": {}}
CLASSES: Asked = {"evaluate": {}, "confusion_matrix": {}}
BY_ROW: Asked = {"predict": {}, "explain_predict": {"top_k_features": 2}}


def case(model_type: str, rows: Any, over_rows: Asked, alone: Asked, **options: Any) -> Case:
    return Case(TYPES[model_type], Training(model_type, rows, options), rows, BY_ROW, over_rows, {**over_rows, **alone})


class TestLinearReg(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        options: dict[str, Any] = {"calculate_p_values": True, "category_encoding_method": "dummy_encoding"}
        alone: Asked = {"weights": {}, "advanced_weights": {"standardize": True}, "training_info": {}}
        # The weight that dummy encoding leaves out has NaN for an error, which equals nothing.
        return case("linear_reg", NUMBERS.drop_columns(["colour"]), REGRESSION, alone, **options)


class TestLogisticReg(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        alone: Asked = {"weights": {}, "training_info": {}, "global_explain": {"class_level_explain": True}}
        return case("logistic_reg", ROWS, CLASSES, alone, enable_global_explain=True)


class TestBoostedTreeRegressor(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        alone: Asked = {"feature_importance": {}, "training_info": {}}
        return case("boosted_tree_regressor", NUMBERS, REGRESSION, alone, category_encoding_method="target_encoding")


class TestBoostedTreeClassifier(ModelTypeContract):
    """Tuned, with two classes."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        options: dict[str, Any] = {"num_trials": 3, "max_tree_depth": Candidates((1, 2, 3)), "max_iterations": 5}
        alone: Asked = {"feature_importance": {}, "trial_info": {}}
        return case("boosted_tree_classifier", labelled((0, 1)), {**CLASSES, "roc_curve": {}}, alone, **options)


class TestRandomForestRegressor(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        alone: Asked = {"feature_importance": {}, "training_info": {}}
        return case("random_forest_regressor", NUMBERS, REGRESSION, alone, num_parallel_tree=10)


class TestRandomForestClassifier(ModelTypeContract):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls) -> Case:
        alone: Asked = {"feature_importance": {}, "training_info": {}}
        return case("random_forest_classifier", ROWS, CLASSES, alone, num_parallel_tree=10)
