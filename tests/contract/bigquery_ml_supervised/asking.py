"""Training rows and short ways to ask a supervised model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.contract import Call, Training
from augury.bigquery_ml.supervised import types
from augury.bigquery_ml.supervised.model import Supervised

TYPES = {
    name: kind
    for kind in (
        types.LinearReg,
        types.LogisticReg,
        types.BoostedTreeRegressor,
        types.BoostedTreeClassifier,
        types.RandomForestRegressor,
        types.RandomForestClassifier,
    )
    for name in kind.names
}
CLASSIFIERS = tuple(name for name in TYPES if name.endswith("classifier") or name == "logistic_reg")
REGRESSORS = tuple(name for name in TYPES if name not in CLASSIFIERS)
TREES = tuple(name for name in TYPES if "reg" not in name.split("_")[1])


def train(model_type: str, rows: Any, seed: int = 0, **options: Any) -> Supervised:
    return TYPES[model_type].train(Training(model_type, rows, options, seed=seed))


def ask(model: Supervised, function: str, rows: Any = None, batch: int = 1_000_000, **settings: Any) -> Any:
    """The whole answer as a table."""
    stream = None if rows is None else rows.to_reader(max_chunksize=batch)
    return model.call(Call(function, stream, settings)).read_all()


def numbers(count: int = 300, seed: int = 0) -> Any:
    """Two numbers, and a label that follows from them but for some noise."""
    dice = np.random.default_rng(seed)
    size, wiki = dice.normal(40.0, 8.0, count), dice.normal(2.0, 0.5, count)
    label = 3.0 * size - 20.0 * wiki + 7.0 + dice.normal(0.0, 2.0, count)
    return pa.table({"size": size, "wiki": wiki, "label": label})


def labelled(classes: tuple[Any, ...], count: int = 300, seed: int = 0) -> Any:
    """Two numbers, a category, and a class that mostly follows from them."""
    dice = np.random.default_rng(seed)
    size, wiki = dice.normal(size=count), dice.normal(size=count)
    colour = dice.choice(["red", "green", "blue"], count)
    score = size + np.where(colour == "red", 1.0, -0.5) + dice.normal(0.0, 0.3, count)
    place = np.digitize(score, np.quantile(score, np.linspace(0, 1, len(classes) + 1)[1:-1]))
    return pa.table({"size": size, "wiki": wiki, "colour": colour, "label": [classes[at] for at in place]})


def matrix(rows: Any, *names: str) -> Any:
    return np.column_stack([rows.column(name).to_numpy() for name in names])
