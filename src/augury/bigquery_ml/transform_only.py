"""What is a model that keeps a TRANSFORM clause and nothing else?

The session keeps the clause with every model, so this type learns nothing (BigQuery docs: 'The CREATE MODEL statement
for transform-only models').
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from augury.bigquery_ml.columns import bigquery_columns
from augury.bigquery_ml.contract import Call, Training
from augury.bigquery_ml.refusing import another_type
from augury.errors import ModelFailed, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_FILE = "columns.json"


class TransformOnlyModel:
    model_type = "transform_only"
    labels: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()

    def __init__(self, features: tuple[tuple[str, str], ...]) -> None:
        self.features = features

    def call(self, call: Call) -> pa.RecordBatchReader:
        raise another_type(call.function, self.model_type, self.functions, fix="Use ML.TRANSFORM.")

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps(self.features), encoding="utf-8")

    def export(self, folder: Path) -> tuple[str, ...]:
        raise UsageError("a transform_only model has nothing that other tools could read")


class TransformOnly:
    names: ClassVar[tuple[str, ...]] = ("transform_only",)

    @staticmethod
    def train(training: Training) -> TransformOnlyModel:
        return TransformOnlyModel(bigquery_columns(training.rows.schema))

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> TransformOnlyModel:
        try:
            found = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return TransformOnlyModel(tuple((str(name), str(kind)) for name, kind in found))
        except (OSError, ValueError, TypeError) as error:
            raise ModelFailed("the model cannot be read", why=str(error)) from error
