"""What does a tree model say of rows, and which features does it split on?"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.columns import Column
from augury.bigquery_ml.supervised.tree_inputs import AnyTreeInput, Encoder
from augury.models.native import xgboost
from augury.models.xgboost_booster import parse, refused

Matrix = npt.NDArray[np.float64]

IMPORTANCES = ("weight", "gain", "cover")


class TreeScorer:
    """Predictions and attributions for rows."""

    def __init__(
        self, columns: Sequence[Column], inputs: Sequence[AnyTreeInput], content: bytes, outputs: int, threads: int
    ) -> None:
        self.content = content
        self._encoder = Encoder(columns, inputs)
        self._features = len(columns)
        self._outputs = outputs
        self._threads = threads
        self._booster = parse(content, "the model file")
        self._booster.set_param({"nthread": threads, "verbosity": 0})
        # The first prediction configures the booster; done here, all later ones only read and may run in parallel.
        with refused("the model cannot predict"):
            self._booster.inplace_predict(np.zeros((1, self._encoder.width)))
        self._lock = threading.Lock()

    def values(self, arrays: Sequence[Any], count: int) -> npt.NDArray[np.float32]:
        """Numbers, probabilities of the positive class, or rows x classes of probabilities."""
        matrix = self._encoder.encode(arrays, count)
        if not count:
            return np.empty((0, self._outputs) if self._outputs > 1 else 0, dtype=np.float32)
        with refused("the model cannot score the rows"):
            # The interface describes the matrix by its address, type and strides; 64 bits are not needed.
            return self._booster.inplace_predict(matrix)  # type: ignore[arg-type]

    def contributions(self, arrays: Sequence[Any], count: int, approximate: bool) -> Matrix:
        """Rows x outputs x (features and the bias): Tree SHAP values of the margin, summed over a feature's columns."""
        matrix = self._encoder.encode(arrays, count)
        out = np.zeros((count, self._outputs, self._features + 1))
        if not count:
            return out
        package = xgboost()
        with refused("the model cannot explain the rows"), self._lock:
            found = self._explainer.predict(
                package.DMatrix(matrix, nthread=self._threads),
                pred_contribs=True,
                approx_contribs=approximate,
                validate_features=False,
            )
        parts = np.asarray(found, dtype=np.float64).reshape(count, self._outputs, self._encoder.width + 1)
        for at, feature in enumerate(self._encoder.features):
            out[:, :, feature] += parts[:, :, at]
        out[:, :, -1] = parts[:, :, -1]
        return out

    def importances(self) -> list[tuple[float, float, float]]:
        """Per feature: splits, average gain and average cover."""
        out = []
        scores = {kind: self._scores(kind) for kind in ("weight", "total_gain", "total_cover")}
        for feature in range(self._features):
            at = [f"f{place}" for place, owner in enumerate(self._encoder.features) if owner == feature]
            weight, gain, cover = (sum(scores[kind].get(name, 0.0) for name in at) for kind in scores)
            out.append((weight, gain / weight if weight else 0.0, cover / weight if weight else 0.0))
        return out

    def _scores(self, kind: str) -> dict[str, float]:
        try:
            return self._booster.get_score(kind)
        except ValueError:
            return {}  # no tree has a split

    @cached_property
    def _explainer(self) -> Any:
        """XGBoost's own package: only it explains."""
        booster = xgboost().Booster({"nthread": self._threads, "verbosity": 0})
        booster.load_model(bytearray(self.content))
        return booster
