"""How is a tree model trained?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from augury.models import labels
from augury.models.contract import Feature, TrainingSet
from augury.models.features import encode, learned
from augury.models.native import xgboost
from augury.models.signature import Signature
from augury.models.xgboost_booster import FittedBooster, refused
from augury.models.xgboost_library import Booster

if TYPE_CHECKING:
    from augury.models.boosted_trees import TreeOptions

HELD_BACK = 0.2
"""Share of the training dates, the last ones, that early stopping watches."""

Vector = npt.NDArray[np.float64]


def fit_regressor(training: TrainingSet, options: TreeOptions, seed: int, threads: int) -> FittedBooster:
    target = labels.numbers(training)
    features = learned(training)
    booster = _train(training, features, target, None, {"objective": "reg:squarederror"}, options, seed, threads)
    signature = Signature(task="regression", label=training.label_name, features=features)
    return FittedBooster(booster, signature, threads)


def fit_classifier(training: TrainingSet, options: Any, seed: int, threads: int) -> FittedBooster:
    classes, target = labels.classes(training)
    weights = labels.row_weights(classes, target, options.auto_class_weights, options.class_weights)
    features = learned(training)
    goal: dict[str, Any] = (
        {"objective": "binary:logistic"}
        if len(classes) == 2
        else {"objective": "multi:softprob", "num_class": len(classes)}
    )
    booster = _train(training, features, target, weights, goal, options, seed, threads)
    signature = Signature(task="classification", label=training.label_name, classes=classes, features=features)
    return FittedBooster(booster, signature, threads)


def _train(
    training: TrainingSet,
    features: tuple[Feature, ...],
    target: npt.NDArray[Any],
    weights: Vector | None,
    goal: dict[str, Any],
    options: TreeOptions,
    seed: int,
    threads: int,
) -> Booster:
    package = xgboost()
    matrix = encode(training.features, features)
    types = ["c" if feature.type == "category" else "q" for feature in features]
    names = _names(features)

    def data(rows: slice) -> Any:
        return package.DMatrix(
            matrix[rows],
            label=target[rows],
            weight=None if weights is None else weights[rows],
            feature_names=names,
            feature_types=types,
            enable_categorical=True,
            nthread=threads,
        )

    parameters = {**goal, **options.parameters(), "seed": seed, "nthread": threads, "verbosity": 0}
    with refused("XGBoost refused the training set"):
        if options.stop_below is None:
            return Booster(package.train(parameters, data(slice(None)), options.rounds).save_raw())
        cut = _cut(training)
        history: dict[str, dict[str, list[float]]] = {}
        booster = package.train(
            parameters,
            data(slice(None, cut)),
            options.rounds,
            evals=[(data(slice(cut, None)), "held_back")],
            evals_result=history,
            callbacks=[_stop_below(options.stop_below)],
            verbose_eval=False,
        )
        losses = next(iter(history["held_back"].values()))
        return Booster(booster[: int(np.argmin(losses)) + 1].save_raw())


def _cut(training: TrainingSet) -> int:
    """The first row of the dates that are held back; with one date, of its last rows."""
    dates = training.dates.to_numpy()
    cut = int(len(dates) * (1 - HELD_BACK))
    start = int(np.searchsorted(dates, dates[cut]))
    return start or max(cut, 1)


def _names(features: tuple[Feature, ...]) -> list[str] | None:
    """The features' names, where XGBoost takes them all; scoring goes by position anyway."""
    names = [feature.name for feature in features]
    return None if any(set("[]<") & set(name) for name in names) else names


def _stop_below(progress: float) -> Any:
    """A callback that stops at the first round whose loss falls by less than this share."""

    class Stop(xgboost().callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            losses = next(iter(evals_log["held_back"].values()))
            return len(losses) > 1 and losses[-2] - losses[-1] < progress * abs(losses[-2])

    return Stop()
