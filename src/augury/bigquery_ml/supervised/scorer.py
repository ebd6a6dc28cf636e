"""How are features bound, read and scored, whatever the type of model?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.fitting import probabilities, two_classes
from augury.bigquery_ml.supervised.linear_model import LinearScorer
from augury.bigquery_ml.supervised.options import Task
from augury.bigquery_ml.supervised.tree_model import TreeScorer

Matrix = npt.NDArray[np.float64]


class Scorer(Protocol):
    """Safe to call from several threads."""

    def predict(self, arrays: Sequence[Any], count: int) -> Matrix:
        """Numbers, or rows x classes of probabilities."""

    def contributions(self, arrays: Sequence[Any], count: int, approximate: bool) -> Matrix:
        """Rows x outputs x (features and the baseline), which add up to the raw value."""


class LinearPredictor:
    def __init__(self, scorer: LinearScorer, task: Task) -> None:
        self.scorer = scorer
        self._task = task

    def predict(self, arrays: Sequence[Any], count: int) -> Matrix:
        raw = self.scorer.raw(arrays, count)
        return raw[:, 0] if self._task == "regression" else probabilities(raw)

    def contributions(self, arrays: Sequence[Any], count: int, approximate: bool) -> Matrix:
        return self.scorer.contributions(arrays, count, approximate)


class TreePredictor:
    def __init__(self, scorer: TreeScorer, task: Task) -> None:
        self.scorer = scorer
        self._task = task

    def predict(self, arrays: Sequence[Any], count: int) -> Matrix:
        values = self.scorer.values(arrays, count)
        if self._task == "regression" or values.ndim == 2:
            return values.astype(np.float64)
        return two_classes(values)

    def contributions(self, arrays: Sequence[Any], count: int, approximate: bool) -> Matrix:
        return self.scorer.contributions(arrays, count, approximate)
