"""Which tree models are there, and what may be said about them?

BigQuery ML's boosted trees and random forests are XGBoost, and so are these. Defaults are BigQuery ML's,
but for `early_stop`: it costs a fifth of the training dates, so it is only done on request. Categories are
split natively over the levels seen in training, where BigQuery ML label-encodes them; nothing is
standardised.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from augury.errors import ModelFailed
from augury.models.contract import FittedModel, Task, TrainingSet
from augury.models.options import ClassWeights, Fraction, Options, Penalty, Word

Count = Annotated[int, Field(ge=1)]


class TreeOptions(Options):
    max_tree_depth: Count = 6
    """Most splits between the root of a tree and a leaf."""
    min_tree_child_weight: Annotated[float, Field(ge=0)] = 1.0
    """Smallest sum of row weights in a leaf."""
    min_split_loss: Penalty = 0.0
    """Smallest gain that a split must bring."""
    l1_reg: Penalty = 0.0
    """Weight of the sum of absolute leaf values."""
    l2_reg: Penalty = 1.0
    """Weight of half the sum of squared leaf values."""
    subsample: Fraction = 1.0
    """Share of the rows that each tree sees."""
    colsample_bytree: Fraction = 1.0
    """Share of the features that each tree sees."""
    colsample_bylevel: Fraction = 1.0
    """Of those, the share that each level of a tree sees."""
    colsample_bynode: Fraction = 1.0
    """Of those, the share that each split chooses from."""
    tree_method: Annotated[Literal["auto", "exact", "approx", "hist"], Word] = "auto"
    """`exact` cannot split categories."""
    num_parallel_tree: Count = 1
    """Trees per iteration."""

    def parameters(self) -> dict[str, Any]:
        """As XGBoost calls them."""
        return {
            "max_depth": self.max_tree_depth,
            "min_child_weight": self.min_tree_child_weight,
            "gamma": self.min_split_loss,
            "alpha": self.l1_reg,
            "lambda": self.l2_reg,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "colsample_bylevel": self.colsample_bylevel,
            "colsample_bynode": self.colsample_bynode,
            "tree_method": self.tree_method,
            "num_parallel_tree": self.num_parallel_tree,
        }

    @property
    def rounds(self) -> int:
        return 1

    @property
    def stop_below(self) -> float | None:
        """Relative progress below which training stops early; None to never stop early."""
        return None


class BoostedOptions(TreeOptions):
    max_iterations: Count = 20
    """Boosting rounds."""
    learn_rate: Annotated[float, Field(gt=0)] = 0.3
    """How much of each new tree is added."""
    booster_type: Annotated[Literal["gbtree", "dart"], Word] = "gbtree"
    """`dart` leaves out some of the earlier trees in each round."""
    dart_normalize_type: Annotated[Literal["tree", "forest"], Word] = "tree"
    """How a new tree is weighed against those left out; only with booster_type dart."""
    dropout: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the trees left out of each round; only with booster_type dart."""
    early_stop: bool = False
    """Hold back the last fifth of the training dates and stop when a round improves their loss too little."""
    min_rel_progress: Annotated[float, Field(ge=0)] = 0.01
    """What is too little, relative to the loss before the round; only with early_stop."""

    @model_validator(mode="after")
    def _all_have_meaning(self) -> BoostedOptions:
        idle = {"dart_normalize_type", "dropout"} if self.booster_type == "gbtree" else set()
        idle |= set() if self.early_stop else {"min_rel_progress"}
        if given := sorted(idle & self.model_fields_set):
            needs = {"min_rel_progress": "early_stop: true"}
            raise ValueError("; ".join(f"{name} needs {needs.get(name, 'booster_type: dart')}" for name in given))
        return self

    def parameters(self) -> dict[str, Any]:
        out = {**super().parameters(), "eta": self.learn_rate, "booster": self.booster_type}
        if self.booster_type == "dart":
            out |= {"normalize_type": self.dart_normalize_type, "rate_drop": self.dropout}
        return out

    @property
    def rounds(self) -> int:
        return self.max_iterations

    @property
    def stop_below(self) -> float | None:
        return self.min_rel_progress if self.early_stop else None


class ForestOptions(TreeOptions):
    """A forest is grown in one round, so there is no learning rate and nothing to stop early."""

    max_tree_depth: Count = 15
    num_parallel_tree: Count = 100
    subsample: Fraction = 0.8
    colsample_bynode: Fraction = 0.8

    def parameters(self) -> dict[str, Any]:
        return {**super().parameters(), "eta": 1.0}


class BoostedClassifierOptions(BoostedOptions, ClassWeights):
    pass


class ForestClassifierOptions(ForestOptions, ClassWeights):
    pass


class _Trees:
    """What the four kinds share."""

    trains: ClassVar[bool] = True
    requires: ClassVar[str] = "boosted-trees"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "xgboost-cpu", "xgboost")

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        from augury.models.xgboost_booster import FittedBooster

        return FittedBooster.load(folder, threads)

    @staticmethod
    def open_file(path: Path, features: Sequence[str], label: str, options: Any, threads: int) -> FittedModel:
        raise ModelFailed(
            "this kind of model is trained, it opens no files",
            fix="Write model.type: xgboost for a model file.",
        )


class _Regressor(_Trees):
    task: ClassVar[Task | None] = "regression"

    @staticmethod
    def fit(training: TrainingSet, options: TreeOptions, seed: int, threads: int) -> FittedModel:
        from augury.models import xgboost_fit

        return xgboost_fit.fit_regressor(training, options, seed, threads)


class _Classifier(_Trees):
    task: ClassVar[Task | None] = "classification"

    @staticmethod
    def fit(training: TrainingSet, options: Any, seed: int, threads: int) -> FittedModel:
        from augury.models import xgboost_fit

        return xgboost_fit.fit_classifier(training, options, seed, threads)


class BoostedTreeRegressor(_Regressor):
    Options: ClassVar[type[BaseModel]] = BoostedOptions


class BoostedTreeClassifier(_Classifier):
    Options: ClassVar[type[BaseModel]] = BoostedClassifierOptions


class RandomForestRegressor(_Regressor):
    Options: ClassVar[type[BaseModel]] = ForestOptions


class RandomForestClassifier(_Classifier):
    Options: ClassVar[type[BaseModel]] = ForestClassifierOptions
