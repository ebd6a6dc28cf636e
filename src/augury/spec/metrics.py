"""Which metrics may a gate name?"""

from __future__ import annotations

METRICS: dict[str, tuple[str, ...]] = {
    "regression": (
        "mean_absolute_error",
        "mean_squared_error",
        "root_mean_squared_error",
        "mean_squared_log_error",
        "mean_absolute_percentage_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ),
    "classification": ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc"),
}
"""By task: what BigQuery ML's ML.EVALUATE returns, and the two errors that people ask for besides."""
