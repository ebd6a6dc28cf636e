"""Which types of models live here? Nothing is imported for a type before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from augury.bigquery_ml.contract import TrainedModel, Training


class KMeans:
    names: ClassVar[tuple[str, ...]] = ("kmeans",)

    @staticmethod
    def train(training: Training) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import kmeans

        return kmeans.train(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        from augury.bigquery_ml.unsupervised.kmeans_model import KMeansModel

        return KMeansModel.load(folder)


class PCA:
    names: ClassVar[tuple[str, ...]] = ("pca",)

    @staticmethod
    def train(training: Training) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import pca

        return pca.train(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        from augury.bigquery_ml.unsupervised.pca_model import PCAModel

        return PCAModel.load(folder)


class MatrixFactorization:
    names: ClassVar[tuple[str, ...]] = ("matrix_factorization",)

    @staticmethod
    def train(training: Training) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import factorization

        return factorization.train(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        from augury.bigquery_ml.unsupervised.factorization_model import FactorizationModel

        return FactorizationModel.load(folder)


class Onnx:
    names: ClassVar[tuple[str, ...]] = ("onnx",)

    @staticmethod
    def train(training: Training) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import onnx_model

        return onnx_model.bring_in(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import onnx_model

        return onnx_model.load(folder, threads)


class XGBoost:
    names: ClassVar[tuple[str, ...]] = ("xgboost",)

    @staticmethod
    def train(training: Training) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import xgboost_model

        return xgboost_model.bring_in(training)

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TrainedModel:
        from augury.bigquery_ml.unsupervised import xgboost_model

        return xgboost_model.load(folder, threads)
