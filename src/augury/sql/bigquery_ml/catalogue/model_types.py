"""Which types of models does BigQuery ML have, and which of them train here?"""

from __future__ import annotations

from collections.abc import Mapping

LINEAR = frozenset({"linear_reg", "logistic_reg"})
BOOSTED = frozenset({"boosted_tree_regressor", "boosted_tree_classifier"})
FORESTS = frozenset({"random_forest_regressor", "random_forest_classifier"})
CLASSIFIERS = frozenset({"logistic_reg", "boosted_tree_classifier", "random_forest_classifier"})
TREES = BOOSTED | FORESTS
SUPERVISED = LINEAR | TREES
TIME_SERIES = frozenset({"arima_plus", "arima", "arima_plus_xreg"})
IMPORTED = frozenset({"onnx", "xgboost"})
"""Made of a file instead of rows."""
WHOLE = TIME_SERIES | {"matrix_factorization"}
"""Take their columns as they are: BigQuery documents no TRANSFORM clause for them."""
LOCAL = SUPERVISED | TIME_SERIES | IMPORTED | {"kmeans", "pca", "matrix_factorization", "transform_only"}

TUNED = SUPERVISED | {"kmeans", "matrix_factorization"}
ITERATED = LINEAR | BOOSTED | {"kmeans", "matrix_factorization"}

ALIASES: Mapping[str, str] = {"linear_regression": "linear_reg", "logistic_regression": "logistic_reg"}
"""What BigQuery's REST API calls them; SQL takes only the right-hand side."""

INSTEAD = "keep this pipeline's target on BigQuery"
_NET = f"it is a neural network that Google trains, and nothing here comes close: use boosted_tree_*, or {INSTEAD}"
_GOOGLE = f"it trains only on Google Cloud: use boosted_tree_*, or {INSTEAD}"
_FLOW = f"TensorFlow is not part of augury: convert the model to ONNX (tf2onnx) and use model_type onnx, or {INSTEAD}"

REFUSED: Mapping[str, str] = {
    "dnn_classifier": _NET,
    "dnn_regressor": _NET,
    "dnn_linear_combined_classifier": _NET,
    "dnn_linear_combined_regressor": _NET,
    "autoencoder": f"it is a neural network that Google trains: use pca, which also detects anomalies, or {INSTEAD}",
    "automl_classifier": _GOOGLE,
    "automl_regressor": _GOOGLE,
    "tensorflow": _FLOW,
    "tensorflow_lite": _FLOW,
    "contribution_analysis": f"its search for insights runs only on Google Cloud: {INSTEAD}",
}
"""Types with no honest local engine, and what to do."""
REMOTE = f"a remote model answers from Google Cloud, which no laptop has: {INSTEAD}"

API_NAMES: Mapping[str, str] = {"linear_reg": "LINEAR_REGRESSION", "logistic_reg": "LOGISTIC_REGRESSION"}
"""`modelType` in the REST API where it is not the name in capitals."""


def api_name(model_type: str) -> str:
    return API_NAMES.get(model_type, model_type.upper())
