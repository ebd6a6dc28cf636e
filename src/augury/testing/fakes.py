"""Which small stand-ins prove that a contract can be met without a heavy library?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from augury.errors import ModelFailed, NotifierFailed
from augury.models.contract import Feature, FittedModel, Task, TrainingSet
from augury.notifiers.contract import Message


class NoOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConstantModel:
    """A kind of model that predicts the mean label, whoever it is asked about."""

    task: ClassVar[Task | None] = "regression"
    Options: ClassVar[type[BaseModel]] = NoOptions
    trains: ClassVar[bool] = True
    requires: ClassVar[str] = "testing"
    libraries: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def fit(training: TrainingSet, options: Any, seed: int, threads: int) -> FittedModel:
        from augury.models import labels
        from augury.models.features import learned

        return FittedConstant(float(labels.numbers(training).mean()), training.label_name, learned(training))

    @staticmethod
    def load(folder: Path, threads: int) -> FittedModel:
        content = json.loads((folder / "constant.json").read_text(encoding="utf-8"))
        features = tuple(Feature(name, type_, tuple(levels)) for name, type_, levels in content["features"])
        return FittedConstant(content["value"], content["label"], features)

    @staticmethod
    def open_file(path: Path, features: Sequence[str], label: str, options: Any, threads: int) -> FittedModel:
        raise ModelFailed("a constant model opens no files")


class FittedConstant:
    def __init__(self, value: float, label: str, features: tuple[Feature, ...]) -> None:
        self.value = value
        self.features = features
        self.task: Task = "regression"
        self.label_name = label
        self.classes: tuple[Any, ...] = ()

    def predict(self, batch: Any) -> Any:
        import numpy as np

        from augury.models import predictions
        from augury.models.features import encode

        rows = len(encode(batch, self.features))  # reads the columns, so that wrong ones are refused
        return predictions.regression(self.label_name, np.full(rows, self.value))

    def save(self, folder: Path) -> tuple[str, ...]:
        content = {
            "value": self.value,
            "label": self.label_name,
            "features": [(feature.name, feature.type, feature.levels) for feature in self.features],
        }
        (folder / "constant.json").write_text(json.dumps(content), encoding="utf-8")
        return ("constant.json",)

    def importances(self) -> tuple[tuple[str, float], ...]:
        return ()

    def splits(self) -> dict[str, list[float]]:
        return {}


class KeepingNotifier:
    """Keeps messages instead of sending them; while `error` is set it refuses them."""

    Options: ClassVar[type[BaseModel]] = NoOptions

    def __init__(self, options: Any = None) -> None:
        self.messages: list[Message] = []
        self.error = ""

    def send(self, message: Message) -> None:
        if self.error:
            raise NotifierFailed(self.error)
        self.messages.append(message)
