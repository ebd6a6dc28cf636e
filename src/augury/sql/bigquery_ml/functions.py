"""Which functions of BigQuery ML are there, which of them read a table, and what becomes of the others?

One page of Google's reference per function; those that are not here do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from augury.errors import nearest


@dataclass(frozen=True)
class TableFunction:
    """A function that stands in FROM and is asked of a model."""

    rows: Literal["needed", "allowed", "none"]
    """Whether it takes a table or a query."""
    array: str | None = None
    """The setting that an array without a name gives."""


_NEEDED, _ALLOWED, _NONE = TableFunction("needed"), TableFunction("allowed"), TableFunction("none")

TABLE_FUNCTIONS: Mapping[str, TableFunction] = {
    "predict": _NEEDED,
    "explain_predict": _NEEDED,
    "transform": _NEEDED,
    "reconstruction_loss": _NEEDED,
    "evaluate": _ALLOWED,
    "confusion_matrix": _ALLOWED,
    "roc_curve": TableFunction("allowed", array="thresholds"),
    "detect_anomalies": _ALLOWED,
    "recommend": _ALLOWED,
    # The rows are those of the regressors; only arima_plus_xreg asks for them.
    "forecast": _ALLOWED,
    "explain_forecast": _ALLOWED,
    "weights": _NONE,
    "advanced_weights": _NONE,
    "feature_importance": _NONE,
    "feature_info": _NONE,
    "training_info": _NONE,
    "trial_info": _NONE,
    "global_explain": _NONE,
    "centroids": _NONE,
    "principal_components": _NONE,
    "principal_component_info": _NONE,
    "arima_evaluate": _NONE,
    "arima_coefficients": _NONE,
    "holiday_info": _NONE,
}

SCALARS = frozenset(
    [
        "bag_of_words",
        "bucketize",
        "convert_color_space",
        "convert_image_type",
        "decode_image",
        "distance",
        "feature_cross",
        "hash_bucketize",
        "imputer",
        "label_encoder",
        "lp_norm",
        "max_abs_scaler",
        "min_max_scaler",
        "multi_hot_encoder",
        "ngrams",
        "normalizer",
        "one_hot_encoder",
        "polynomial_expand",
        "quantile_bucketize",
        "resize_image",
        "robust_scaler",
        "standard_scaler",
        "tf_idf",
    ]
)
"""Functions of a value; the transforms read those."""

_REMOTE = "it calls a model that Google runs, which no laptop has"
_PREVIEW = "Google previews it, it reads a table instead of a model, and nothing here does the same"
_AT_TIME = (
    "it is not rewritten here; without ignore_feature_nulls it is WHERE feature_timestamp <= the moment, and "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY entity_id ORDER BY feature_timestamp DESC) <= num_rows"
)
_STATISTICS = "it describes data as TensorFlow Data Validation does, which has no counterpart here"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        [
            "annotate_image",
            "generate_embedding",
            "generate_table",
            "generate_text",
            "generate_text_embedding",
            "process_document",
            "transcribe",
            "translate",
            "understand_text",
        ],
        _REMOTE,
    ),
    **dict.fromkeys(
        ["describe_data", "tfdv_describe", "tfdv_validate", "validate_data_drift", "validate_data_skew"], _STATISTICS
    ),
    **dict.fromkeys(["correlation", "detect_change_points", "metrics", "seasonality", "trend"], _PREVIEW),
    **dict.fromkeys(["features_at_time", "entity_features_at_time"], _AT_TIME),
    "get_insights": "it belongs to contribution_analysis models, which have no local engine",
}
INSTEAD = "Keep this query on BigQuery: set the pipeline's target to a BigQuery warehouse."


def advice(family: str, name: str) -> tuple[str, str | None]:
    """(message, suggestion) about a function that cannot be used."""
    shown = f"{family}.{name}".upper()
    if family == "ai":
        return f"{shown} is not available: {_REMOTE}. {INSTEAD}", None
    if name in REFUSED:
        return f"{shown} is not available: {REFUSED[name]}. {INSTEAD}", None
    close = nearest(name, (*TABLE_FUNCTIONS, *SCALARS, *REFUSED))
    return f"BigQuery ML has no function {shown}", f"ML.{close.upper()}" if close else None
