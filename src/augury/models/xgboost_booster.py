"""What does an XGBoost model predict?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.errors import ModelFailed
from augury.models import predictions
from augury.models.contract import Feature, Task
from augury.models.features import by_feature, encode
from augury.models.signature import Signature
from augury.models.xgboost_library import Booster

FILE = "model.ubj"


class FittedBooster:
    """A booster with the names, types and levels of its features."""

    def __init__(self, booster: Booster, signature: Signature, threads: int) -> None:
        self.booster = booster
        self.signature = signature
        self.features: tuple[Feature, ...] = signature.features
        self.task: Task = signature.task
        self.label_name = signature.label
        self.classes: tuple[Any, ...] = signature.classes
        booster.set_param({"nthread": threads, "verbosity": 0})
        # The first prediction configures the booster; done here, all later ones only read and may run in
        # parallel.
        with refused("the model cannot predict"):
            booster.inplace_predict(np.full((1, len(self.features)), np.nan))

    def predict(self, batch: Any) -> Any:
        matrix = encode(batch, self.features)
        if not len(matrix):
            width = len(self.classes) if self.task == "classification" else 1
            return self._named(np.empty((0, width)))
        with refused("the model cannot score the rows"):
            raw: npt.NDArray[Any] = self.booster.inplace_predict(matrix)
        if self.task == "classification" and raw.ndim == 1:
            return self._named(predictions.two_classes(raw))
        return self._named(raw.reshape(len(matrix), -1).astype(np.float64))

    def _named(self, values: npt.NDArray[np.float64]) -> Any:
        if self.task == "regression":
            return predictions.regression(self.label_name, values[:, 0])
        return predictions.classification(self.label_name, self.classes, values)

    def save(self, folder: Path) -> tuple[str, ...]:
        (folder / FILE).write_bytes(self.booster.save_raw("ubj"))
        return (FILE, self.signature.save(folder))

    @classmethod
    def load(cls, folder: Path, threads: int) -> FittedBooster:
        return cls(parse(read(folder / FILE), FILE), Signature.load(folder), threads)

    def importances(self) -> tuple[tuple[str, float], ...]:
        """Average gain of the splits on each feature; 0 where it has none."""
        try:
            gains = self.booster.get_score(importance_type="gain")
        except ValueError:
            return ()  # a linear booster has no splits
        names = self.booster.feature_names or [f"f{at}" for at in range(len(self.features))]
        found = [
            (feature.name, float(gains.get(name, 0.0))) for name, feature in zip(names, self.features, strict=True)
        ]
        return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def splits(self) -> dict[str, list[float]]:
        """Thresholds of all trees."""
        return by_feature(self.features, _thresholds(json.loads(self.booster.save_raw("json"))))


def _thresholds(document: Any) -> Iterator[tuple[int, float]]:
    """Column and threshold of each split of a number."""
    booster = document["learner"]["gradient_booster"]
    model = booster.get("gbtree", booster)["model"]  # DART wraps the trees once more
    for tree in model["trees"]:
        for column, threshold, left, kind in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], tree["split_type"], strict=True
        ):
            if left != -1 and not kind:  # neither a leaf nor a category
                yield column, float(np.float32(threshold))


def read(path: Path) -> bytes:
    """The content of a model file. Raises ModelFailed where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFailed(f"the model file {path.name} cannot be read", why=str(error)) from error


def parse(content: bytes, file: str) -> Booster:
    """The booster in UBJ or JSON. Raises ModelFailed where XGBoost refuses it."""
    with refused(f"{file} is not a model that this XGBoost reads"):
        return Booster(content)


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Turns XGBoost's errors, which are ValueErrors, into ModelFailed without its stack trace."""
    try:
        yield
    except (ValueError, TypeError) as error:
        lines = str(error).splitlines()
        first = next((line for line in lines if line.strip()), "")
        raise ModelFailed(what, why=first.rsplit("Check failed: ", 1)[-1], fix="Check its options.") from error
