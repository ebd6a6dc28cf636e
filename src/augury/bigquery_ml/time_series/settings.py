"""What may the STRUCT argument of a function say?"""

from __future__ import annotations

from collections.abc import Mapping

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.time_series.readers import Reader
from augury.errors import UsageError, nearest

HORIZON = 3
CONFIDENCE = 0.95
THRESHOLD = 0.95

KNOWN: Mapping[str, tuple[str, ...]] = {
    "forecast": ("horizon", "confidence_level"),
    "explain_forecast": ("horizon", "confidence_level"),
    "evaluate": ("perform_aggregation", "horizon", "confidence_level"),
    "arima_evaluate": ("show_all_candidate_models",),
    "arima_coefficients": (),
    "detect_anomalies": ("anomaly_prob_threshold",),
    "training_info": (),
}
"""Functions of time series models and their settings (BigQuery docs: the page of each function)."""


class Settings:
    """Of one call; raises UsageError with every problem at once."""

    def __init__(self, call: Call, longest: int) -> None:
        reader = Reader(call.settings)
        known = KNOWN[call.function]
        for name in reader.given:
            if name not in known:
                near = nearest(name, known)
                hint = f"did you mean {near}?" if near else f"it has {', '.join(known) or 'none'}"
                reader.problem(f"ML.{call.function.upper()} has no setting {name}: {hint}")
        # ML.EVALUATE compares all that was given with all that was forecast.
        self.horizon = reader.integer("horizon", longest if call.function == "evaluate" else HORIZON, 1, None)
        if self.horizon > longest and "horizon" in reader.given:
            reader.problem(f"horizon is {self.horizon:,}: the model was trained with horizon = {longest:,}")
        self.horizon = min(self.horizon, longest)
        self.confidence = reader.share("confidence_level", CONFIDENCE)
        self.threshold = reader.share("anomaly_prob_threshold", THRESHOLD)
        self.aggregate = reader.boolean("perform_aggregation", True)
        self.all_candidates = (
            reader.boolean("show_all_candidate_models", False) if "show_all_candidate_models" in reader.given else None
        )
        if reader.problems:
            raise UsageError(
                f"the settings of ML.{call.function.upper()} cannot be used",
                why="; ".join(reader.problems),
                fix="Change the STRUCT argument.",
            )
