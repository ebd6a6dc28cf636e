"""What can a trained supervised model be asked?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.refusing import another_type, lacking
from augury.bigquery_ml.supervised import assessing, explaining, exporting, inspecting
from augury.bigquery_ml.supervised.columns import bind
from augury.bigquery_ml.supervised.evaluation import THRESHOLD
from augury.bigquery_ml.supervised.kept import Kept, Trial
from augury.bigquery_ml.supervised.linear_model import LinearScorer
from augury.bigquery_ml.supervised.outputs import TRIAL, beside, class_columns, class_fields, doubles, whole_numbers
from augury.bigquery_ml.supervised.scorer import LinearPredictor, Scorer, TreePredictor
from augury.bigquery_ml.supervised.settings import Settings
from augury.bigquery_ml.supervised.tree_model import TreeScorer
from augury.errors import UsageError


class Supervised:
    """A linear, boosted-tree or random-forest model with all of its trials."""

    def __init__(self, kept: Kept, boosters: Mapping[int, bytes], threads: int) -> None:
        """`boosters` holds the trees of each trial. Raises ModelFailed where they cannot be read."""
        self.kept = kept
        self.boosters = dict(boosters)
        self.model_type = kept.model_type
        self.features: tuple[tuple[str, str], ...] = kept.features
        self.labels: tuple[str, ...] = (kept.label,)
        self.functions = _functions(kept)
        self._scorers = {trial.trial_id: self._scorer(trial, threads) for trial in kept.usable}

    def _scorer(self, trial: Trial, threads: int) -> LinearPredictor | TreePredictor:
        kept = self.kept
        if trial.linear is not None:
            return LinearPredictor(LinearScorer(kept.columns, kept.linear_inputs, trial.linear), kept.task)
        content = self.boosters[trial.trial_id]
        return TreePredictor(TreeScorer(kept.columns, kept.tree_inputs, content, kept.outputs, threads), kept.task)

    def call(self, call: Call) -> Any:
        if call.function not in self.functions:
            raise _refusal(self.kept, call.function)
        settings = Settings(call)
        return _ANSWERS[call.function](self, call, settings)

    def trial(self, settings: Settings) -> Trial:
        """The trial that a call names, or the best one. Raises UsageError."""
        wanted = settings.count("trial_id", self.kept.best)
        if settings.has("trial_id") and not self.kept.tuned:
            raise UsageError("the model has no trials: it was not tuned", fix="Leave trial_id out.")
        found = next((trial for trial in self.kept.usable if trial.trial_id == wanted), None)
        if found is None:
            ids = ", ".join(str(trial.trial_id) for trial in self.kept.usable)
            raise UsageError(f"there is no successful trial {wanted}", fix=f"Use one of {ids}.")
        return found

    def scorer(self, trial: Trial) -> Scorer:
        return self._scorers[trial.trial_id]

    def importances(self, trial: Trial) -> list[tuple[float, float, float]]:
        scorer = self._scorers[trial.trial_id]
        assert isinstance(scorer, TreePredictor)
        return scorer.scorer.importances()

    def threshold(self, settings: Settings) -> float:
        """Raises UsageError where there are not exactly two classes."""
        if settings.has("threshold") and len(self.kept.classes) != 2:
            raise UsageError("threshold needs a model of two classes", fix="Leave it out.")
        return settings.share("threshold", THRESHOLD)

    def reader(self, call: Call, trial: Trial) -> Callable[[Any], npt.NDArray[np.float64]]:
        """What predicts a batch of the call's rows. Raises ModelFailed where they lack features."""
        if call.rows is None:
            raise UsageError(f"ML.{call.function.upper()} needs rows", fix="Add TABLE name, or a query in parentheses.")
        binding = bind(call.rows.schema, self.kept.columns, call.inputs)
        scorer = self.scorer(trial)
        return lambda batch: scorer.predict(binding.arrays(batch), batch.num_rows)

    def save(self, folder: Path) -> None:
        self.kept.save(folder)
        for trial, content in self.boosters.items():
            (folder / booster_file(trial)).write_bytes(content)

    def export(self, folder: Path) -> tuple[str, ...]:
        """BigQuery docs: 'The EXPORT MODEL statement': XGBoost's format for trees. Linear models, which BigQuery
        writes for TensorFlow, are written as JSON of their weights.
        """
        kept = self.kept
        features: dict[str, Any] = {
            "features": [column.model_dump() for column in kept.columns],
            "library": kept.library,
        }
        best = next(trial for trial in kept.trials if trial.trial_id == kept.best)
        if best.linear is not None:
            features["inputs"] = [item.model_dump() for item in kept.linear_inputs]
            features["model"] = best.linear.model_dump(mode="json")
        else:
            features["inputs"] = [item.model_dump() for item in kept.tree_inputs]
            content = exporting.named(self.boosters[kept.best], kept.columns, kept.tree_inputs)
            (folder / "model.ubj").write_bytes(content)
            features["names"] = exporting.names(kept.columns, kept.tree_inputs)
        features |= {"label": kept.label, "classes": list(kept.classes)}
        (folder / "features.json").write_text(json.dumps(features, indent=1) + "\n", encoding="utf-8")
        return ("features.json",) if best.linear is not None else ("features.json", "model.ubj")


def booster_file(trial: int) -> str:
    return f"trial_{trial}.ubj"


def _predict(model: Supervised, call: Call, settings: Settings) -> Any:
    """BigQuery docs: 'The ML.PREDICT function'. keep_original_columns only matters for PCA: they are always kept here.

    Predictions of a tuned model begin with their trial (the tutorial 'Use the BigQuery ML hyperparameter tuning to
    improve model performance').
    """
    kept = model.kept
    settings.flag("keep_original_columns")
    threshold = model.threshold(settings)
    trial = model.trial(settings)
    read = model.reader(call, trial)
    if kept.task == "regression":
        fields = [pa.field(f"predicted_{kept.label}", pa.float64())]
    else:
        fields = class_fields(kept.label, kept.classes)

    def compute(batch: Any) -> list[Any]:
        values = read(batch)
        said = [doubles(values)] if kept.task == "regression" else class_columns(kept.classes, values, threshold)
        return [whole_numbers(np.full(len(values), trial.trial_id)), *said] if kept.tuned else said

    return beside(call, [TRIAL, *fields] if kept.tuned else fields, compute)


_ANSWERS: Mapping[str, Callable[[Any, Call, Settings], Any]] = {
    "predict": _predict,
    "evaluate": assessing.evaluate,
    "confusion_matrix": assessing.confusion_matrix,
    "roc_curve": assessing.roc_curve,
    "explain_predict": explaining.explain_predict,
    "global_explain": explaining.global_explain,
    "weights": inspecting.weights,
    "advanced_weights": inspecting.advanced_weights,
    "feature_importance": inspecting.feature_importance,
    "training_info": inspecting.training_info,
    "trial_info": inspecting.trial_info,
}


def _functions(kept: Kept) -> frozenset[str]:
    return frozenset(name for name in _ANSWERS if not _lacks(kept, name))


def _lacks(kept: Kept, function: str) -> tuple[str, str] | None:
    """Why the model does not answer a function, and what to do."""
    linear = bool(kept.linear_inputs) or any(trial.linear for trial in kept.trials)
    classes = len(kept.classes)
    has_errors = any(trial.linear and trial.linear.has_errors for trial in kept.trials)
    needs: Sequence[tuple[str, bool, str]] = {
        "confusion_matrix": [("a classifier", bool(classes), "")],
        "roc_curve": [("a classifier", bool(classes), ""), ("two classes", classes == 2, "Use ML.CONFUSION_MATRIX.")],
        "weights": [("a linear model", linear, "Use ML.FEATURE_IMPORTANCE.")],
        "advanced_weights": [
            ("a linear model", linear, ""),
            (
                "p-values",
                has_errors,
                "Train with CALCULATE_P_VALUES=TRUE and CATEGORY_ENCODING_METHOD='DUMMY_ENCODING'.",
            ),
        ],
        "feature_importance": [("trees", not linear, "Use ML.WEIGHTS.")],
        "global_explain": [("global explanations", kept.global_explain, "Train with ENABLE_GLOBAL_EXPLAIN=TRUE.")],
        # BigQuery docs: 'Hyperparameter tuning overview', unsupported functions.
        "training_info": [("a model that was not tuned", not kept.tuned, "Use ML.TRIAL_INFO.")],
        "trial_info": [("a tuned model", kept.tuned, "Use ML.TRAINING_INFO, or train with NUM_TRIALS.")],
    }.get(function, [])
    return next(((what, fix) for what, has, fix in needs if not has), None)


def _refusal(kept: Kept, function: str) -> UsageError:
    lack = _lacks(kept, function) if function in _ANSWERS else None
    if lack is None or not lack[1]:
        return another_type(function, kept.model_type, _functions(kept))
    return lacking(function, kept.model_type, *lack)
