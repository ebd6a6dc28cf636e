"""How is a model that was made elsewhere brought in?

A file says what it predicts (its objective) and what it learned from (names, categories). That is held
against the feature list of pipeline.yml, name by name and in order, because neither library objects to
columns in another order. All trees are used, as `Booster.predict` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from augury.errors import ModelFailed
from augury.models.contract import FeatureType, FittedModel, Task, TrainingSet
from augury.models.options import Options


class FileOptions(Options):
    categories: dict[str, list[str]] = Field(default_factory=dict)
    """Text features: their values in the order of the codes that the model was trained with. Not needed
    where the file holds them (trained from a data frame with category columns)."""
    types: dict[str, FeatureType] = Field(default_factory=dict)
    """Features that are neither numbers nor categories: boolean, date or timestamp."""
    classes: list[str | bool | int] | None = None
    """Names of a classifier's classes in the order of their codes; 0, 1, ... by default."""


class _ModelFile:
    task: ClassVar[Task | None] = None
    Options: ClassVar[type[BaseModel]] = FileOptions
    trains: ClassVar[bool] = False

    @staticmethod
    def fit(training: TrainingSet, options: Any, seed: int, threads: int) -> FittedModel:
        raise ModelFailed(
            "a model file is not trained", fix="Choose a kind that trains, such as boosted_tree_regressor."
        )


class LightGBMFile(_ModelFile):
    """A text file of `lightgbm.Booster.save_model`."""

    requires: ClassVar[str] = "lightgbm"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "lightgbm")

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        from augury.models.lightgbm_booster import FittedLightGBM

        return FittedLightGBM.load(folder, threads)

    @staticmethod
    def open_file(path: Path, features: Sequence[str], label: str, options: FileOptions, threads: int) -> FittedModel:
        from augury.models import lightgbm_booster, lightgbm_file

        text = lightgbm_booster.read(path)
        signature = lightgbm_file.describe(text, path.name).signature(features, label, options)
        return lightgbm_booster.FittedLightGBM(text, signature, threads)


class XGBoostFile(_ModelFile):
    """A UBJ or JSON file of `xgboost.Booster.save_model`."""

    requires: ClassVar[str] = "boosted-trees"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "xgboost-cpu", "xgboost")

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        from augury.models.xgboost_booster import FittedBooster

        return FittedBooster.load(folder, threads)

    @staticmethod
    def open_file(path: Path, features: Sequence[str], label: str, options: FileOptions, threads: int) -> FittedModel:
        from augury.models import xgboost_booster, xgboost_file

        content = xgboost_booster.read(path)
        xgboost_file.check_whole(content, path.name)
        booster = xgboost_booster.parse(content, path.name)
        signature = xgboost_file.describe(booster, path.name).signature(features, label, options)
        return xgboost_booster.FittedBooster(booster, signature, threads)
