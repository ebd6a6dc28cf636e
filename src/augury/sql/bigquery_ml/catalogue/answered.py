"""Which functions of a model does each type of model answer here?

BigQuery docs: the pages called 'End-to-end user journeys for ...', and those of the functions.
"""

from __future__ import annotations

from collections.abc import Mapping

from augury.sql.bigquery_ml.catalogue.model_types import (
    CLASSIFIERS,
    IMPORTED,
    LINEAR,
    LOCAL,
    SUPERVISED,
    TIME_SERIES,
    TREES,
    TUNED,
    WHOLE,
)

_CLUSTERED = frozenset({"kmeans", "pca"})
_MATRIX = frozenset({"matrix_factorization"})

ANSWERED: Mapping[str, frozenset[str]] = {
    "predict": SUPERVISED | IMPORTED | _CLUSTERED | _MATRIX,
    "explain_predict": SUPERVISED,
    "global_explain": SUPERVISED,
    "evaluate": SUPERVISED | TIME_SERIES | _CLUSTERED | _MATRIX,
    "confusion_matrix": CLASSIFIERS,
    "roc_curve": CLASSIFIERS,
    "weights": LINEAR | _MATRIX,
    "advanced_weights": LINEAR,
    "feature_importance": TREES | {"xgboost"},
    "feature_info": LOCAL - IMPORTED,
    "training_info": LOCAL - IMPORTED - {"transform_only"},
    "trial_info": TUNED,
    "transform": LOCAL - IMPORTED - WHOLE,
    "centroids": frozenset({"kmeans"}),
    "principal_components": frozenset({"pca"}),
    "principal_component_info": frozenset({"pca"}),
    "reconstruction_loss": frozenset({"pca"}),
    "detect_anomalies": TIME_SERIES | _CLUSTERED,
    "recommend": _MATRIX,
    "forecast": TIME_SERIES,
    "explain_forecast": TIME_SERIES,
    "arima_evaluate": TIME_SERIES,
    "arima_coefficients": TIME_SERIES,
    "holiday_info": frozenset(),
}
"""Function to types; that of a function which no model answers is empty."""

NEEDED: Mapping[str, str] = {
    "transform": "a TRANSFORM clause",
    "trial_info": "`num_trials`, and with trials there is no `ML.TRAINING_INFO`",
    "global_explain": "`enable_global_explain = TRUE`",
    "advanced_weights": "`calculate_p_values = TRUE`",
    "roc_curve": "two classes",
    "explain_forecast": "`decompose_time_series`, which is TRUE by itself",
}
"""What a model must have been trained with for a function."""

ELSEWHERE: Mapping[str, str] = {
    "reconstruction_loss": "is answered for `pca` here, and on BigQuery for autoencoders alone",
    "predict": "of a `matrix_factorization` is answered here; on BigQuery ask `ML.RECOMMEND`",
    "arima_evaluate": "of an `arima` is answered here; on BigQuery an `arima_plus` has it, and `ML.EXPLAIN_FORECAST`",
    "holiday_info": "is refused for every model: no holidays are modelled here",
}
"""Where a function is for other types on BigQuery than here."""
