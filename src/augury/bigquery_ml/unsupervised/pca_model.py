"""What does a PCA model answer?

BigQuery docs: 'The ML.PREDICT function', 'The ML.PRINCIPAL_COMPONENTS function', 'The ML.PRINCIPAL_COMPONENT_INFO
function', 'The ML.DETECT_ANOMALIES function', 'The ML.EVALUATE function'. Errors are those of the inputs: scaled where
SCALE_FEATURES says so, each value of a category counting as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.refusing import another_type
from augury.bigquery_ml.unsupervised import answers
from augury.bigquery_ml.unsupervised.components import Projection
from augury.bigquery_ml.unsupervised.files import broken, read_arrays, write_arrays
from augury.bigquery_ml.unsupervised.inputs import Category, Number, encode, starts
from augury.bigquery_ml.unsupervised.values import Vector
from augury.models.signature import read_json

CARD, ARRAYS = "pca.json", "pca.npz"

ID = pa.field("principal_component_id", pa.int64())
VALUES = pa.list_(pa.struct([("category", pa.string()), ("value", pa.float64())]))
LOSSES = ("mean_absolute_error", "mean_squared_error", "mean_squared_log_error")


class Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    features: tuple[tuple[str, str], ...]
    inputs: tuple[Number | Category, ...]
    variances: tuple[float, ...]
    """Of the components, which are their eigenvalues."""
    total: float
    """Variance of all inputs."""
    duration_ms: int


class PCAModel:
    model_type = "pca"
    labels: tuple[str, ...] = ()
    _functions: ClassVar[dict[str, str]] = {
        "predict": "_predict",
        "evaluate": "_evaluate",
        "principal_components": "_principal_components",
        "principal_component_info": "_principal_component_info",
        "detect_anomalies": "_detect_anomalies",
        "reconstruction_loss": "_reconstruction_loss",
        "training_info": "_training_info",
    }
    functions: frozenset[str] = frozenset(_functions)

    def __init__(self, card: Card, projection: Projection, scores: Vector) -> None:
        self.card = card
        self.projection = projection
        self.scores = scores
        """Squared errors of the training rows, ascending, or quantiles of them."""
        self.features = card.features

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise another_type(call.function, self.model_type, self.functions)
        answer: pa.RecordBatchReader = getattr(self, self._functions[call.function])(call)
        return answer

    def _predict(self, call: Call) -> pa.RecordBatchReader:
        """Columns that the model did not learn from come back; the others do with keep_original_columns."""
        asked = answers.settings(call, {"keep_original_columns": answers.FLAG})
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        count = len(self.card.variances)
        made = pa.schema([(f"principal_component_{number}", pa.float64()) for number in range(1, count + 1)])
        learned = () if asked.get("keep_original_columns", False) else at.values()
        keep = answers.kept(call, rows.schema, made.names, learned)

        def compute(batch: Any) -> list[Any]:
            return [pa.array(score) for score in self.projection.scores(encode(batch, self.card.inputs, at))]

        return answers.per_batch(rows, made, keep, compute)

    def _detect_anomalies(self, call: Call) -> pa.RecordBatchReader:
        asked = answers.settings(call, {"contamination": answers.NUMBER})
        cutoff = float(np.quantile(self.scores, 1 - answers.contamination(call, asked)))
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        made = pa.schema([("is_anomaly", pa.bool_()), ("mean_squared_error", pa.float64())])
        keep = answers.kept(call, rows.schema, made.names)

        def compute(batch: Any) -> list[Any]:
            errors = self.projection.squared_error(encode(batch, self.card.inputs, at))
            return [pa.array(errors > cutoff), pa.array(errors)]

        return answers.per_batch(rows, made, keep, compute)

    def _reconstruction_loss(self, call: Call) -> pa.RecordBatchReader:
        """Losses per row. BigQuery documents this function for autoencoders, with these columns; PCA is one without
        hidden layers. The logarithmic error is NULL where a value or its reconstruction is not above -1."""
        answers.settings(call, {})
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        made = pa.schema([(name, pa.float64()) for name in LOSSES])
        keep = answers.kept(call, rows.schema, made.names)

        def compute(batch: Any) -> list[Any]:
            parts = [_losses(*pair) for pair in self.projection.rebuilt(encode(batch, self.card.inputs, at))]
            losses = np.concatenate(parts, axis=1) if parts else np.empty((3, 0))
            return [pa.array(loss, from_pandas=True) for loss in losses]

        return answers.per_batch(rows, made, keep, compute)

    def _evaluate(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        schema = pa.schema([("total_explained_variance_ratio", pa.float64())])
        return answers.table(schema, [{schema.names[0]: min(1.0, sum(self.card.variances) / self.card.total)}])

    def _principal_component_info(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        names = ["eigenvalue", "explained_variance_ratio", "cumulative_explained_variance_ratio"]
        shares = np.array(self.card.variances) / self.card.total
        figures = zip(self.card.variances, shares.tolist(), np.cumsum(shares).tolist(), strict=True)
        rows = [{ID.name: at, **dict(zip(names, row, strict=True))} for at, row in enumerate(figures, 1)]
        return answers.table(pa.schema([ID, *((name, pa.float64()) for name in names)]), rows)

    def _principal_components(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        fields = [ID, ("feature", pa.string()), ("numerical_value", pa.float64()), ("categorical_value", VALUES)]
        return answers.table(pa.schema(fields), list(self._weights()))

    def _weights(self) -> Iterator[dict[str, Any]]:
        for number, component in enumerate(self.projection.components.tolist(), 1):
            for item, start in zip(self.card.inputs, starts(self.card.inputs), strict=True):
                row = {ID.name: number, "feature": item.name}
                if isinstance(item, Number):
                    yield {**row, "numerical_value": component[start], "categorical_value": []}
                    continue
                pairs = zip(item.values, component[start : start + item.width], strict=True)
                listed = [{"category": category, "value": value} for category, value in pairs]
                yield {**row, "numerical_value": None, "categorical_value": listed}

    def _training_info(self, call: Call) -> pa.RecordBatchReader:
        """One iteration: nothing is iterated, and there is no loss."""
        answers.settings(call, {})
        answers.refuse_rows(call)
        return answers.training_table([{"loss": None, "eval_loss": None, "duration_ms": self.card.duration_ms}])

    def save(self, folder: Path) -> None:
        (folder / CARD).write_text(self.card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        arrays = {"means": self.projection.means, "components": self.projection.components, "scores": self.scores}
        write_arrays(folder / ARRAYS, arrays)

    def export(self, folder: Path) -> tuple[str, ...]:
        self.save(folder)
        return (CARD, ARRAYS)

    @classmethod
    def load(cls, folder: Path) -> PCAModel:
        """Raises ModelFailed."""
        card = read_json(Card, folder / CARD)
        arrays = read_arrays(folder / ARRAYS, ["means", "components", "scores"])
        width = sum(item.width for item in card.inputs)
        fits = arrays["means"].shape == (width,) and arrays["components"].shape == (len(card.variances), width)
        if not fits or arrays["scores"].ndim != 1 or not len(arrays["scores"]):
            raise broken(folder / ARRAYS, "it does not fit the model's inputs")
        return cls(card, Projection(card.inputs, arrays["means"], arrays["components"]), arrays["scores"])


def _losses(given: Vector, found: Vector) -> Vector:
    """Losses x rows."""
    known = ((given > -1) & (found > -1)).all(axis=1)
    logs = np.full(len(given), np.nan)
    logs[known] = np.square(np.log1p(given[known]) - np.log1p(found[known])).mean(axis=1)
    return np.stack([np.abs(given - found).mean(axis=1), np.square(given - found).mean(axis=1), logs])
