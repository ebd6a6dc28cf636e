"""What does the STRUCT argument of an ML function say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from augury.bigquery_ml.contract import Call
from augury.errors import UsageError, nearest

KNOWN: Mapping[str, tuple[str, ...]] = {
    "predict": ("threshold", "keep_original_columns", "trial_id"),
    "evaluate": ("threshold", "trial_id"),
    "confusion_matrix": ("threshold", "trial_id"),
    "roc_curve": ("thresholds", "trial_id"),
    "explain_predict": ("top_k_features", "threshold", "approx_feature_contrib", "trial_id"),
    "global_explain": ("class_level_explain",),
    "weights": ("standardize",),
    "advanced_weights": ("standardize",),
    "feature_importance": (),
    "training_info": (),
    "trial_info": (),
}
"""Settings by function, as documented on the page of each. `thresholds` is the array argument of ML.ROC_CURVE."""


class Settings:
    """Raises UsageError on names that the function does not have, and on values of another type."""

    def __init__(self, call: Call) -> None:
        self._function = call.function
        self._values = {name: value for name, value in call.settings.items() if value is not None}
        known = KNOWN[call.function]
        unknown = [_unknown(name, known) for name in call.settings if name not in known]
        if unknown:
            raise UsageError(
                f"ML.{call.function.upper()} has no such setting",
                why="; ".join(unknown),
                fix=f"It takes {', '.join(known)}." if known else "It takes no settings for this type of model.",
            )

    def has(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "TRUE or FALSE")
        return value

    def count(self, name: str, default: int) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(name, "a whole number of 1 or more")
        return value

    def share(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if not _is_share(value):
            raise self._wrong(name, "a number from 0 to 1")
        return float(value)

    def shares(self, name: str) -> list[float] | None:
        values = self._values.get(name)
        if values is None:
            return None
        if not isinstance(values, Sequence) or isinstance(values, str) or not all(map(_is_share, values)):
            raise self._wrong(name, "an ARRAY of numbers from 0 to 1")
        return [float(value) for value in values]

    def _wrong(self, name: str, wanted: str) -> UsageError:
        return UsageError(f"{name} of ML.{self._function.upper()} must be {wanted}, not {self._values[name]!r}")


def _is_share(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= 1


def _unknown(name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    return name + (f", did you mean {close}?" if close else "")
