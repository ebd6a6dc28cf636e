"""What does a linear model predict?

Scoring adds one term per input, row by row in a fixed order, with numpy alone: no matrix product, whose
rounding depends on the number of rows and of threads. So any batching gives the same bits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from augury.models import predictions
from augury.models.contract import Feature, Task
from augury.models.linear_inputs import Number, Values, read
from augury.models.signature import Signature, read_json

FILE = "linear.json"

Vector = npt.NDArray[np.float64]


class Linear(BaseModel):
    """The whole model as data."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    signature: Signature
    inputs: tuple[Number | Values, ...]
    intercepts: tuple[float, ...]
    """One per output: one for a regression or two classes, else one per class."""


class FittedLinear:
    def __init__(self, model: Linear) -> None:
        self.model = model
        self.features: tuple[Feature, ...] = model.signature.features
        self.task: Task = model.signature.task
        self.label_name = model.signature.label
        self.classes: tuple[Any, ...] = model.signature.classes

    def predict(self, batch: Any) -> Any:
        outputs = self._outputs(batch)
        if self.task == "regression":
            return predictions.regression(self.label_name, outputs[0])
        if len(outputs) == 1:
            return predictions.classification(
                self.label_name, self.classes, predictions.two_classes(_sigmoid(outputs[0]))
            )
        return predictions.classification(self.label_name, self.classes, _softmax(outputs))

    def _outputs(self, batch: Any) -> list[Vector]:
        columns = read(batch, self.features, self.model.inputs)
        out = []
        for at, intercept in enumerate(self.model.intercepts):
            total = np.full(batch.num_rows, intercept)
            for item, column in zip(self.model.inputs, columns, strict=True):
                if isinstance(item, Number):
                    total += column * item.weights[at]
                else:
                    # The last place is that of unseen values.
                    total += np.array([*item.weights[at], 0.0])[column]
            out.append(total)
        return out

    def save(self, folder: Path) -> tuple[str, ...]:
        (folder / FILE).write_text(self.model.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return (FILE,)

    @classmethod
    def load(cls, folder: Path) -> FittedLinear:
        return cls(read_json(Linear, folder / FILE))

    def importances(self) -> tuple[tuple[str, float], ...]:
        """The largest absolute weight of each feature's inputs: numbers are standardised, values count 0
        or 1.
        """
        out = dict.fromkeys((feature.name for feature in self.features), 0.0)
        for item in self.model.inputs:
            weights = [item.weights] if isinstance(item, Number) else item.weights
            largest = max((abs(weight) for row in weights for weight in row), default=0.0)
            out[item.feature] = max(out[item.feature], largest)
        return tuple(sorted(out.items(), key=lambda pair: (-pair[1], pair[0])))

    def splits(self) -> dict[str, list[float]]:
        """None: predictions change everywhere alike."""
        return {}


def _sigmoid(values: Vector) -> Vector:
    small = np.exp(-np.abs(values))
    out: Vector = np.where(values >= 0, 1.0, small) / (1.0 + small)
    return out


def _softmax(outputs: list[Vector]) -> Vector:
    top = outputs[0]
    for output in outputs[1:]:
        top = np.maximum(top, output)
    parts = [np.exp(output - top) for output in outputs]
    total = np.zeros_like(top)
    for part in parts:
        total += part
    return np.column_stack([part / total for part in parts])
