"""Every kind of model keeps the shipped contract (B12, C5, E5, H9)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pytest

from augury import plugins
from augury.models.contract import FittedModel, ModelKind, TrainingSet
from augury.models.features import encode, learned
from augury.testing.fakes import ConstantModel
from augury.testing.model_contract import ModelKindContract


class TestConstantModel(ModelKindContract):
    kind = ConstantModel


class TestLinearReg(ModelKindContract):
    kind = plugins.load("models", "linear_reg")


class TestLinearRegWithPenalties(ModelKindContract):
    kind = plugins.load("models", "linear_reg")
    options: ClassVar = {"l1_reg": 0.5, "l2_reg": 2, "category_encoding_method": "dummy_encoding"}


class TestLogisticReg(ModelKindContract):
    kind = plugins.load("models", "logistic_reg")
    options: ClassVar = {"l2_reg": 1}


class TestLogisticRegWithPenalties(ModelKindContract):
    kind = plugins.load("models", "logistic_reg")
    options: ClassVar = {"l1_reg": 1, "l2_reg": 1, "max_iterations": 50, "auto_class_weights": True}


class TestBoostedTreeRegressor(ModelKindContract):
    kind = plugins.load("models", "boosted_tree_regressor")
    options: ClassVar = {"subsample": 0.8, "colsample_bynode": 0.8}


class TestBoostedTreeRegressorWithDart(ModelKindContract):
    kind = plugins.load("models", "boosted_tree_regressor")
    options: ClassVar = {"booster_type": "DART", "dropout": 0.2, "early_stop": True}


class TestBoostedTreeClassifier(ModelKindContract):
    kind = plugins.load("models", "boosted_tree_classifier")
    options: ClassVar = {"class_weights": {"gold": 2, "silver": 1, "bronze": 1}, "early_stop": True}


class TestRandomForestRegressor(ModelKindContract):
    kind = plugins.load("models", "random_forest_regressor")
    options: ClassVar = {"num_parallel_tree": 20}


class TestRandomForestClassifier(ModelKindContract):
    kind = plugins.load("models", "random_forest_classifier")
    options: ClassVar = {"num_parallel_tree": 20}


class _Elsewhere(ModelKindContract):
    """A file that the native library trained and saved; augury only opens it."""

    @classmethod
    def open(cls, path: Path, training: TrainingSet, threads: int) -> FittedModel:
        features = learned(training)
        options = {
            "categories": {f.name: list(f.levels) for f in features if f.type == "category"},
            "types": {f.name: f.type for f in features if f.type in ("boolean", "date", "timestamp")},
        }
        kind: type[ModelKind] = cls.kind
        return kind.open_file(path, [f.name for f in features], "spend", kind.Options.model_validate(options), threads)


class TestLightGBMFile(_Elsewhere):
    kind = plugins.load("models", "lightgbm")

    @classmethod
    def fit(cls, training: TrainingSet, seed: int = 7, threads: int = 1) -> FittedModel:
        lightgbm = pytest.importorskip("lightgbm")
        features = learned(training)
        data = lightgbm.Dataset(
            encode(training.features, features),
            np.asarray(training.label, dtype=float),
            feature_name=[f.name for f in features],
            categorical_feature=[f.name for f in features if f.type == "category"],
        )
        settings = {
            "objective": "tweedie",
            "seed": seed,
            "verbosity": -1,
            "deterministic": True,
            "num_threads": 1,
        }
        with TemporaryDirectory() as folder:
            path = Path(folder, "model.txt")
            lightgbm.train(settings, data, 20).save_model(path)
            return cls.open(path, training, threads)


class TestXGBoostFile(_Elsewhere):
    kind = plugins.load("models", "xgboost")

    @classmethod
    def fit(cls, training: TrainingSet, seed: int = 7, threads: int = 1) -> FittedModel:
        xgboost = pytest.importorskip("xgboost")
        features = learned(training)
        data = xgboost.DMatrix(
            encode(training.features, features),
            np.asarray(training.label, dtype=float),
            feature_names=[f.name for f in features],
            feature_types=["c" if f.type == "category" else "q" for f in features],
            enable_categorical=True,
        )
        with TemporaryDirectory() as folder:
            path = Path(folder, "model.json")
            xgboost.train({"objective": "count:poisson", "seed": seed, "nthread": 1}, data, 20).save_model(path)
            return cls.open(path, training, threads)
