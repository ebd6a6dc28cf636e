"""Which supervised types of model does BigQuery ML have?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from augury.errors import ModelFailed

if TYPE_CHECKING:
    from augury.bigquery_ml.contract import Training
    from augury.bigquery_ml.supervised.model import Supervised


class _Type:
    """Never instantiated."""

    names: ClassVar[tuple[str, ...]]

    @staticmethod
    def train(training: Training) -> Supervised:
        from augury.bigquery_ml.supervised.training import train

        return train(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> Supervised:
        from augury.bigquery_ml.supervised import kept
        from augury.bigquery_ml.supervised.model import Supervised, booster_file
        from augury.models.xgboost_booster import read

        found = kept.load(folder)
        if found.model_type != model_type:
            raise ModelFailed(f"the model is a {found.model_type}, not a {model_type}")
        trees = [trial.trial_id for trial in found.usable if trial.linear is None]
        return Supervised(found, {trial: read(folder / booster_file(trial)) for trial in trees}, threads)


class LinearReg(_Type):
    """Linear regression."""

    names: ClassVar[tuple[str, ...]] = ("linear_reg",)


class LogisticReg(_Type):
    """Logistic regression, of two classes or more."""

    names: ClassVar[tuple[str, ...]] = ("logistic_reg",)


class BoostedTreeRegressor(_Type):
    names: ClassVar[tuple[str, ...]] = ("boosted_tree_regressor",)


class BoostedTreeClassifier(_Type):
    names: ClassVar[tuple[str, ...]] = ("boosted_tree_classifier",)


class RandomForestRegressor(_Type):
    names: ClassVar[tuple[str, ...]] = ("random_forest_regressor",)


class RandomForestClassifier(_Type):
    names: ClassVar[tuple[str, ...]] = ("random_forest_classifier",)
