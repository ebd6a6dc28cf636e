"""What does an imported ONNX model answer?

Each input tensor is a column of that name, each output tensor a column before them. A tensor with one number per row
is a scalar, one with several an ARRAY; an input of one number in a second dimension takes a scalar column too.

BigQuery docs: 'The CREATE MODEL statement for importing ONNX models'.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.contract import Call, Training
from augury.bigquery_ml.libraries import library
from augury.bigquery_ml.refusing import another_type
from augury.bigquery_ml.unsupervised import answers, given, model_path
from augury.bigquery_ml.unsupervised.onnx_tensors import Tensor, described, from_tensor, to_tensor
from augury.errors import ModelFailed, UsageError
from augury.models.signature import read_json

CARD, FILE = "onnx.json", "model.onnx"
MEGABYTES = 450


class Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    one_by_one: bool
    """Whether the file takes a single row at a time."""


class OnnxModel:
    model_type = "onnx"
    labels: tuple[str, ...] = ()
    functions = frozenset({"predict"})

    def __init__(self, card: Card, content: bytes, session: Any) -> None:
        self.card = card
        self.content = content
        self.session = session
        self.features = tuple((tensor.name, tensor.bigquery) for tensor in card.inputs)

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise another_type(call.function, self.model_type, self.functions)
        answers.settings(call, {})
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        made = pa.schema([(tensor.name, tensor.arrow) for tensor in self.card.outputs])
        keep = answers.kept(call, rows.schema, made.names)

        def compute(batch: Any) -> list[Any]:
            if not batch.num_rows:
                return [pa.nulls(0, tensor.arrow) for tensor in self.card.outputs]
            tensors = {tensor.name: to_tensor(tensor, batch.column(at[tensor.name])) for tensor in self.card.inputs}
            found = self._run(tensors, batch.num_rows)
            pairs = zip(self.card.outputs, found, strict=True)
            return [from_tensor(tensor, values, batch.num_rows) for tensor, values in pairs]

        return answers.per_batch(rows, made, keep, compute)

    def _run(self, tensors: dict[str, Any], rows: int) -> list[Any]:
        names = [tensor.name for tensor in self.card.outputs]
        try:
            if not self.card.one_by_one:
                return list(self.session.run(names, tensors))
            single = [
                self.session.run(names, {name: values[row : row + 1] for name, values in tensors.items()})
                for row in range(rows)
            ]
        except Exception as error:
            raise ModelFailed(f"{self.card.file} cannot score the rows", why=_first_line(error)) from error
        return [np.concatenate(values) for values in zip(*single, strict=True)]

    def save(self, folder: Path) -> None:
        (folder / FILE).write_bytes(self.content)
        (folder / CARD).write_text(self.card.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def export(self, folder: Path) -> tuple[str, ...]:
        raise UsageError("an imported model is not exported", fix=f"It is the file {self.card.file}.")


def bring_in(training: Training) -> OnnxModel:
    """Raises UsageError and ModelFailed."""
    given.read(given.FileOptions, training.options)
    file = model_path.read(training, (".onnx",), MEGABYTES)
    session = _opened(file.content, file.name, training.threads)
    inputs, outputs, one_by_one = described(session, file.name)
    card = Card(file=file.name, sha256=file.sha256, inputs=inputs, outputs=outputs, one_by_one=one_by_one)
    return OnnxModel(card, file.content, session)


def load(folder: Path, threads: int) -> OnnxModel:
    """Raises ModelFailed."""
    card = read_json(Card, folder / CARD)
    content = model_path.verified(folder / FILE, card.sha256)
    return OnnxModel(card, content, _opened(content, card.file, threads))


def _opened(content: bytes, name: str, threads: int) -> Any:
    """From memory, so that a file cannot name other files to read its weights from."""
    runtime = library("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised; warnings would go to standard error
    # Threads that wait would spin, which other work on the machine pays for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(content, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelFailed(
            f"{name} is not an ONNX model that ONNX Runtime {runtime.__version__} can open",
            why=_first_line(error),
            fix="Export it again, as one file with its weights inside.",
        ) from error


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
