"""How is a tree model trained?

BigQuery docs: 'The CREATE MODEL statement for boosted trees models using XGBoost' and '... for random forest models':
BigQuery ML runs XGBoost, and so does this, with the options under XGBoost's names.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.fitting import Iteration, Target
from augury.bigquery_ml.supervised.options import BoostedOptions, TreeOptions
from augury.bigquery_ml.supervised.split import Rows, Split
from augury.models.native import xgboost
from augury.models.xgboost_booster import refused

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TreeFit:
    content: bytes
    """The booster as UBJ."""
    iterations: tuple[Iteration, ...]


def parameters(options: TreeOptions, target: Target) -> dict[str, Any]:
    """The options as XGBoost calls them."""
    out = {
        **_goal(target),
        "max_depth": options.max_tree_depth,
        "min_child_weight": options.min_tree_child_weight,
        "gamma": options.min_split_loss,
        "alpha": options.l1_reg,
        "lambda": options.l2_reg,
        "subsample": options.subsample,
        "colsample_bytree": options.colsample_bytree,
        "colsample_bylevel": options.colsample_bylevel,
        "colsample_bynode": options.colsample_bynode,
        # TREE_METHOD: AUTO is documented as another name of HIST.
        "tree_method": "hist" if options.tree_method == "auto" else options.tree_method,
        "num_parallel_tree": options.num_parallel_tree,
    }
    if not isinstance(options, BoostedOptions):
        return out | {"eta": 1.0}
    out |= {"eta": options.learn_rate, "booster": options.booster_type}
    if options.booster_type == "dart":
        out |= {"rate_drop": options.dropout, "normalize_type": options.dart_normalize_type}
    return out


def _goal(target: Target) -> dict[str, Any]:
    if target.task == "regression":
        return {"objective": "reg:squarederror", "eval_metric": "rmse"}
    if target.classes == 2:
        return {"objective": "binary:logistic", "eval_metric": "logloss"}
    return {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": target.classes}


def fit(matrix: Matrix, target: Target, split: Split, options: TreeOptions, seed: int, threads: int) -> TreeFit:
    """Raises ModelFailed where XGBoost refuses."""
    package = xgboost()

    def data(rows: Rows) -> Any:
        weights = None if target.weights is None else target.weights[rows]
        return package.DMatrix(matrix[rows], label=target.values[rows], weight=weights, nthread=threads)

    boosted = isinstance(options, BoostedOptions)
    history = _History(options.min_rel_progress if options.early_stop and boosted else None)
    losses: dict[str, dict[str, list[float]]] = {}
    with refused("XGBoost refused the training rows"):
        train = data(split.train)
        watched = [(train, "train")]
        if len(split.evaluate):
            watched.append((data(split.evaluate), "held_out"))
        booster = package.train(
            {**parameters(options, target), "seed": seed, "nthread": threads, "verbosity": 0},
            train,
            options.max_iterations if isinstance(options, BoostedOptions) else 1,
            evals=watched,
            evals_result=losses,
            callbacks=[history.callback(package)],
            verbose_eval=False,
        )
        content = bytes(booster.save_raw("ubj"))
    rate = options.learn_rate if isinstance(options, BoostedOptions) else None
    return TreeFit(content, history.iterations(losses, rate))


@dataclass
class _History:
    """Measures rounds, and stops after the first whose loss fell by less than a share of the one before."""

    progress: float | None
    durations: list[int] = field(default_factory=list)
    begun: float = 0.0

    def callback(self, package: Any) -> Any:
        history = self

        class Watch(package.callback.TrainingCallback):  # type: ignore[misc]
            def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                history.begun = time.monotonic()
                return False

            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                history.durations.append(round((time.monotonic() - history.begun) * 1000))
                losses = _losses(evals_log, "held_out") or _losses(evals_log, "train") or []
                stalled = history.progress is not None and len(losses) > 1
                return stalled and losses[-2] - losses[-1] < (history.progress or 0.0) * abs(losses[-2])

        return Watch()

    def iterations(self, losses: Any, rate: float | None) -> tuple[Iteration, ...]:
        train = _losses(losses, "train") or []
        held = _losses(losses, "held_out") or [None] * len(train)
        return tuple(
            Iteration(float(loss), None if other is None else float(other), rate, taken)
            for loss, other, taken in zip(train, held, self.durations, strict=True)
        )


def _losses(log: Any, name: str) -> list[Any] | None:
    return list(next(iter(log[name].values()))) if name in log else None
