"""Which BigQuery type does an ONNX tensor have, and how does a column become one and come back?

BigQuery docs: 'The CREATE MODEL statement for importing ONNX models', Supported data types.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.unsupervised.values import one_array
from augury.errors import ModelFailed

ELEMENTS: dict[str, tuple[str, str]] = {
    **{f"tensor({name})": (name, "INT64") for name in ("int8", "int16", "int32", "int64")},
    **{f"tensor({name})": (name, "INT64") for name in ("uint8", "uint16", "uint32", "uint64")},
    "tensor(float16)": ("float16", "FLOAT64"),
    "tensor(float)": ("float32", "FLOAT64"),
    "tensor(double)": ("float64", "FLOAT64"),
    "tensor(bool)": ("bool", "BOOL"),
    "tensor(string)": ("object", "STRING"),
}
"""ONNX Runtime's name of a tensor's type: NumPy's name of its elements, and BigQuery's."""

ARROW = {"INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_(), "STRING": pa.string()}


class Tensor(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    element: str
    """NumPy's name."""
    kind: str
    """BigQuery's name of one element."""
    rank: int
    width: int | None
    """Of the second dimension, where there is one and the file says it."""

    @property
    def scalar(self) -> bool:
        """Of an output: one value per row."""
        return self.rank == 1

    @property
    def bigquery(self) -> str:
        """Of an input."""
        return self.kind if self.rank == 1 or self.width == 1 else f"ARRAY<{self.kind}>"

    @property
    def arrow(self) -> Any:
        """Of an output."""
        return ARROW[self.kind] if self.scalar else pa.list_(ARROW[self.kind])


def described(session: Any, file: str) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], bool]:
    """Inputs, outputs, and whether the file takes one row at a time. Raises ModelFailed with everything unsupported."""
    problems: list[str] = []
    inputs = tuple(_tensor(node, "input", problems) for node in session.get_inputs())
    outputs = tuple(_tensor(node, "output", problems) for node in session.get_outputs())
    rows = {node.shape[0] for node in session.get_inputs() if node.shape and isinstance(node.shape[0], int)}
    if rows - {1}:
        problems.append(f"it takes exactly {', '.join(map(str, sorted(rows)))} rows at a time")
    if not inputs or not outputs:
        problems.append("it has no inputs or no outputs")
    if problems:
        raise ModelFailed(
            f"{file} cannot be used as a model",
            why="; ".join(problems),
            fix="Export it with a dynamic first dimension, and tensors of one or two dimensions as inputs and outputs.",
        )
    return inputs, outputs, bool(rows)


def _tensor(node: Any, role: str, problems: list[str]) -> Tensor:
    element, kind = ELEMENTS.get(node.type, ("", ""))
    shape = list(node.shape or []) if element else []
    if node.type.startswith(("seq(", "map(")):
        problems.append(
            f"{role} {node.name} is {node.type}, not a tensor: of scikit-learn's classifiers, convert with zipmap=False"
        )
    elif not element:
        problems.append(f"{role} {node.name} has the type {node.type}, which BigQuery has not")
    elif len(shape) not in (1, 2):
        problems.append(f"{role} {node.name} has {len(shape)} dimensions")
    width = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None
    return Tensor(name=node.name, element=element, kind=kind, rank=len(shape), width=width)


def to_tensor(tensor: Tensor, column: Any) -> Any:
    """A column as the model's tensor. NULL is NaN in a tensor of floats; elsewhere it has no place: ModelFailed."""
    plain = one_array(column)
    rows = len(plain)
    array = tensor.bigquery.startswith("ARRAY")
    if array:
        plain = _flat(tensor, plain)
    if pa.types.is_decimal(plain.type):
        plain = plain.cast(pa.float64())
    if plain.null_count and tensor.kind != "FLOAT64":
        raise ModelFailed(
            f"{tensor.name}: {plain.null_count:,} NULL{'s' * (plain.null_count != 1)}",
            why=f"a tensor of {tensor.element} has no place for them",
            fix="Fill them in the query, e.g. with IFNULL.",
        )
    try:
        values = _elements(tensor, plain)
    except pa.ArrowInvalid as error:
        raise ModelFailed(f"{tensor.name}: a value does not fit {tensor.element}", why=str(error)) from error
    return values if tensor.rank == 1 else values.reshape(rows, -1 if rows else 0)


def _flat(tensor: Tensor, plain: Any) -> Any:
    import pyarrow.compute as pc

    if plain.null_count:
        raise ModelFailed(f"{tensor.name}: {plain.null_count:,} NULL instead of an array", fix="Filter them out.")
    lengths = pc.unique(pc.list_value_length(plain)).to_pylist()
    if len(lengths) > 1 or (tensor.width is not None and lengths not in ([], [tensor.width])):
        wanted = f"{tensor.width} values" if tensor.width is not None else "one length"
        raise ModelFailed(
            f"{tensor.name}: the model takes arrays of {wanted}",
            why=f"the rows have {', '.join(map(str, sorted(lengths)))}",
        )
    return one_array(plain.flatten())


def _elements(tensor: Tensor, plain: Any) -> Any:
    if tensor.kind == "STRING":
        return np.array(plain.to_pylist(), dtype=object)
    if tensor.kind == "BOOL":
        return plain.to_numpy(zero_copy_only=False).astype(bool)
    if tensor.kind == "INT64":
        return plain.cast(pa.type_for_alias(tensor.element)).to_numpy(zero_copy_only=False)
    return plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(tensor.element)


def from_tensor(tensor: Tensor, values: Any, rows: int) -> Any:
    """The model's answer as a column. Raises ModelFailed where it is not one answer per row."""
    found = np.asarray(values)
    if found.ndim != tensor.rank or found.shape[0] != rows:
        shape = " x ".join(map(str, found.shape)) or "a single value"
        raise ModelFailed(f"output {tensor.name} is {shape} for {rows:,} rows", why="a model answers once per row")
    flat = pa.array(found.ravel().tolist() if tensor.kind == "STRING" else found.ravel().astype(_wide(tensor)))
    if tensor.scalar:
        return flat.cast(tensor.arrow)
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * found.shape[1])
    return pa.ListArray.from_arrays(offsets, flat.cast(tensor.arrow.value_type))


def _wide(tensor: Tensor) -> str:
    return {"INT64": "int64", "FLOAT64": "float64", "BOOL": "bool"}[tensor.kind]
