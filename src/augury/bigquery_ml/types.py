"""Which class trains and loads each type of model?

By name, because the libraries behind them are heavy: a type is imported when a model of it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from augury.bigquery_ml.contract import ModelType
from augury.errors import PluginError, UsageError, nearest

_SUPERVISED = "augury.bigquery_ml.supervised.types"
_UNSUPERVISED = "augury.bigquery_ml.unsupervised.types"
_TIME_SERIES = "augury.bigquery_ml.time_series.types"

BUILT_IN: Mapping[str, str] = {
    "linear_reg": f"{_SUPERVISED}:LinearReg",
    "logistic_reg": f"{_SUPERVISED}:LogisticReg",
    "boosted_tree_regressor": f"{_SUPERVISED}:BoostedTreeRegressor",
    "boosted_tree_classifier": f"{_SUPERVISED}:BoostedTreeClassifier",
    "random_forest_regressor": f"{_SUPERVISED}:RandomForestRegressor",
    "random_forest_classifier": f"{_SUPERVISED}:RandomForestClassifier",
    "kmeans": f"{_UNSUPERVISED}:KMeans",
    "pca": f"{_UNSUPERVISED}:PCA",
    "matrix_factorization": f"{_UNSUPERVISED}:MatrixFactorization",
    "onnx": f"{_UNSUPERVISED}:Onnx",
    "xgboost": f"{_UNSUPERVISED}:XGBoost",
    "arima_plus": f"{_TIME_SERIES}:ArimaPlus",
    "arima": f"{_TIME_SERIES}:ArimaPlus",
    "arima_plus_xreg": f"{_TIME_SERIES}:ArimaPlusXreg",
    "transform_only": "augury.bigquery_ml.transform_only:TransformOnly",
}


class Types:
    """Types of models by name, imported on first use."""

    def __init__(self, classes: Mapping[str, str] = BUILT_IN) -> None:
        self._classes = dict(classes)

    def get(self, model_type: str) -> type[ModelType]:
        """Raises UsageError for a type that is not there, PluginError where its library is missing."""
        if model_type not in self._classes:
            close = nearest(model_type, self._classes)
            fix = f"Did you mean {close!r}?" if close else f"There are: {', '.join(sorted(self._classes))}"
            raise UsageError(f"there is no type of model called {model_type!r}", fix=fix)
        module, _, name = self._classes[model_type].partition(":")
        try:
            found: type[ModelType] = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("augury"):
                raise
            raise PluginError(
                f"models of type {model_type} need the library {error.name!r}, which is not installed",
                fix="Install augury with the extra `all`, or the one that docs/reference names for this type.",
            ) from error
        return found
