"""A type of model so small that whatever goes wrong is the session's doing.

It predicts the sum of the features plus the mean of what was left over in training.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from augury.bigquery_ml.columns import bigquery_columns
from augury.bigquery_ml.contract import Call, Training
from augury.bigquery_ml.refusing import another_type
from augury.errors import ModelFailed, UsageError


class Total:
    model_type = "linear_reg"
    functions = frozenset({"predict", "evaluate", "weights"})

    def __init__(self, features: tuple[tuple[str, str], ...], label: str, offset: float, error: float) -> None:
        self.features = features
        self.labels: tuple[str, ...] = (label,)
        self.offset = offset
        self.error = error

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise another_type(call.function, self.model_type, self.functions)
        unknown = set(call.settings) - ({"threshold", "fail_at"} if call.function == "predict" else set())
        if unknown:
            raise UsageError(f"ML.{call.function.upper()} has no setting {', '.join(sorted(unknown))}")
        if call.function == "weights":
            return pa.table({"processed_input": ["__INTERCEPT__"], "weight": [self.offset]}).to_reader()
        if call.function == "evaluate":
            return self._evaluate(call)
        if call.rows is None:
            raise UsageError("ML.PREDICT needs rows")
        shown = [column for column in call.rows.schema if column.name not in call.hidden]
        schema = pa.schema([pa.field(f"predicted_{self.labels[0]}", pa.float64()), *shown])

        def batches() -> Generator[pa.RecordBatch, None, None]:
            assert call.rows is not None
            seen = 0
            for batch in call.rows:
                seen += batch.num_rows
                if seen > call.settings.get("fail_at", 1 << 62):
                    raise ModelFailed("the model stumbled", fix="Help it up.")
                kept = [batch.column(column.name) for column in shown]
                yield pa.record_batch([self._predict(call, batch), *kept], schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())

    def _predict(self, call: Call, batch: pa.RecordBatch) -> pa.Array:
        names = {name.lower(): name for name in batch.schema.names}
        total = pa.array([self.offset] * batch.num_rows, pa.float64())
        for feature, _ in self.features:
            name = call.inputs.get(feature) or names.get(feature.lower())
            if name is None:
                raise ModelFailed(f"the column {feature} is missing")
            column = batch.column(name)
            total = pc.add(total, pc.fill_null(column.cast("float64"), 0.0))
        return total

    def _evaluate(self, call: Call) -> pa.RecordBatchReader:
        error: float | None = self.error
        if call.rows is not None:
            missed, count = 0.0, 0
            for batch in call.rows:
                label = call.inputs.get(self.labels[0], self.labels[0])
                missed += pc.sum(pc.abs(pc.subtract(self._predict(call, batch), batch.column(label)))).as_py() or 0.0
                count += batch.num_rows
            error = missed / count if count else None
        schema = pa.schema([("mean_absolute_error", pa.float64())])
        return pa.Table.from_pylist([{"mean_absolute_error": error}], schema=schema).to_reader()

    def save(self, folder: Path) -> None:
        values = {"features": self.features, "label": self.labels[0], "offset": self.offset, "error": self.error}
        (folder / "total.json").write_text(json.dumps(values))

    def export(self, folder: Path) -> tuple[str, ...]:
        (folder / "weights.json").write_text(json.dumps({"offset": self.offset}))
        return ("weights.json",)


class Totals:
    names: ClassVar[tuple[str, ...]] = ("linear_reg",)

    @staticmethod
    def train(training: Training) -> Total:
        label = training.options.get("input_label_cols", ["label"])[0]
        if label not in training.rows.column_names:
            raise ModelFailed(f"the training query gives no column {label}")
        rows = training.rows
        features = tuple(each for each in bigquery_columns(rows.schema) if each[0] != label)
        model = Total(features, label, 0.0, 0.0)
        batch = rows.combine_chunks().to_batches()[0]
        left = pc.subtract(batch.column(label), model._predict(Call("predict"), batch))
        model.offset = pc.mean(left).as_py()
        model.error = pc.mean(pc.abs(pc.subtract(left, model.offset))).as_py()
        return model

    @staticmethod
    def load(folder: Path, model_type: str, threads: int) -> Total:
        try:
            values = json.loads((folder / "total.json").read_text())
        except OSError as error:
            raise ModelFailed("the model cannot be read") from error
        features = tuple((name, kind) for name, kind in values["features"])
        return Total(features, values["label"], values["offset"], values["error"])
