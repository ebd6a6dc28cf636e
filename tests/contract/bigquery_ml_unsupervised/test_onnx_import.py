"""An ONNX file answers as ONNX Runtime does, and nothing that is no such file gets far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
from onnx import TensorProto, helper, numpy_helper

from augury.bigquery_ml.contract import TrainedModel, Training
from augury.bigquery_ml.unsupervised.types import Onnx
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, keeps_its_promises, rows_of

FLOAT, INT, FLAG = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def tensor(name: str, kind: int, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, ["rows", *shape])


def write(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: Any = ()) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def constant(name: str, values: Any) -> Any:
    return numpy_helper.from_array(np.array(values), name)


def bring_in(path: Path, named: str | None = None) -> TrainedModel:
    options = {"model_path": named or f"file://{path}"}
    return Onnx.train(Training("onnx", pa.table({}), options, files={"model_path": path}))


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """Two scalars and an array in; a label and two scores out."""
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["both"], axis=1),
        helper.make_node("Add", ["both", "v"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
    ]
    inputs = [tensor("a", FLOAT, 1), tensor("b", FLOAT, 1), tensor("v", FLOAT, 2)]
    return write(tmp_path / "m.onnx", nodes, inputs, [tensor("label", INT), tensor("scores", FLOAT, 2)])


def test_tensors_are_columns(classifier: Path) -> None:
    model = bring_in(classifier)
    assert model.features == (("a", "FLOAT64"), ("b", "FLOAT64"), ("v", "ARRAY<FLOAT64>"))
    rows = pa.table({"id": [7, 8], "V": [[0.5, 0.0], [0.0, 4.0]], "b": [1, 2], "a": [2.5, 1.0]})
    found = ask(model, "predict", rows)
    assert found.schema.names == ["label", "scores", "id", "V", "b", "a"]
    assert found.schema.types[:2] == [pa.int64(), pa.list_(pa.float64())]
    assert found.column("label").to_pylist() == [0, 1]
    assert found.column("scores").to_pylist() == [[3.0, 1.0], [1.0, 6.0]]


def test_every_supported_element_passes_through(tmp_path: Path) -> None:
    names = ["float16", "float", "double", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
    kinds = {name: getattr(TensorProto, name.upper()) for name in [*names, "bool", "string"]}
    nodes = [helper.make_node("Identity", [f"i_{name}"], [f"o_{name}"]) for name in kinds]
    ins = [tensor(f"i_{name}", kind) for name, kind in kinds.items()]
    outs = [tensor(f"o_{name}", kind) for name, kind in kinds.items()]
    model = bring_in(write(tmp_path / "all.onnx", nodes, ins, outs))
    values: dict[str, Any] = {name: [1, 2] for name in names} | {"bool": [True, False], "string": ["é", ""]}
    found = ask(model, "predict", pa.table({f"i_{name}": given for name, given in values.items()}))
    assert {name: found.column(f"o_{name}").to_pylist() for name in kinds} == values
    assert dict(model.features)["i_uint64"] == "INT64"
    assert (dict(model.features)["i_bool"], dict(model.features)["i_string"]) == ("BOOL", "STRING")


def test_answers_are_the_same_after_loading_and_in_any_batches(classifier: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = pa.table({"a": random.random(50), "b": random.random(50), "v": random.random((50, 2)).tolist()})
    keeps_its_promises(Onnx, bring_in(classifier), {"predict": (rows, {})}, tmp_path / "saved")


def test_a_file_for_one_row_at_a_time_answers_for_many(tmp_path: Path) -> None:
    one = helper.make_tensor_value_info("x", FLOAT, [1, 1]), helper.make_tensor_value_info("y", FLOAT, [1, 1])
    model = bring_in(write(tmp_path / "one.onnx", [helper.make_node("Neg", ["x"], ["y"])], [one[0]], [one[1]]))
    assert ask(model, "predict", pa.table({"x": [1.0, 2.0, 3.0]})).column("y").to_pylist() == [[-1.0], [-2.0], [-3.0]]


def test_null_is_nan_among_floats_and_refused_among_integers(tmp_path: Path) -> None:
    nodes = [helper.make_node("IsNaN", ["x"], ["y"]), helper.make_node("Identity", ["n"], ["m"])]
    path = write(
        tmp_path / "m.onnx", nodes, [tensor("x", FLOAT), tensor("n", INT)], [tensor("y", FLAG), tensor("m", INT)]
    )
    model = bring_in(path)
    found = ask(model, "predict", pa.table({"x": [None, 1.0], "n": [1, 2]}))
    assert found.column("y").to_pylist() == [True, False]
    with pytest.raises(ModelFailed, match="n: 1 NULL"):
        ask(model, "predict", pa.table({"x": [1.0], "n": pa.array([None], pa.int64())}))
    with pytest.raises(ModelFailed, match="n: a value does not fit int64"):
        ask(model, "predict", pa.table({"x": [1.0], "n": [1.5]}))
    with pytest.raises(ModelFailed, match="x: expected FLOAT64, got STRING"):
        ask(model, "predict", pa.table({"x": ["1"], "n": [1]}))


def test_arrays_of_another_length_are_refused(classifier: Path) -> None:
    model = bring_in(classifier)
    for arrays in ([[1.0]], [[1.0, 2.0, 3.0]], [None]):
        with pytest.raises(ModelFailed, match=r"^v: "):
            ask(model, "predict", pa.table({"a": [1.0], "b": [1.0], "v": pa.array(arrays, pa.list_(pa.float64()))}))


def broken_files() -> dict[str, tuple[bytes, str]]:
    graph = helper.make_graph(
        [helper.make_node("Evil", ["x"], ["y"], domain="my.ops")], "g", [tensor("x", FLOAT)], [tensor("y", FLOAT)]
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    unknown = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    outside = constant("w", np.ones(2, np.float32))
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    entry = outside.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    reads = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", [tensor("x", FLOAT, 2)], [tensor("y", FLOAT, 2)], [outside]
    )
    external = helper.make_model(reads, opset_imports=opsets[:1], ir_version=8).SerializeToString()
    return {
        "empty": (b"", "is not an ONNX model"),
        "text": (b"not a model at all" * 40, "is not an ONNX model"),
        "half": (unknown[: len(unknown) // 2], "is not an ONNX model"),
        "custom operator": (unknown, "is not an ONNX model"),
        "weights in another file": (external, "is not an ONNX model"),
    }


@pytest.mark.parametrize("name", list(broken_files()))
def test_a_broken_or_hostile_file_is_refused(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content, says = broken_files()[name]
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    (tmp_path / "weights.bin").write_bytes(np.ones(2, np.float32).tobytes())
    with pytest.raises(ModelFailed) as refused:
        bring_in(path)
    assert says in str(refused.value)
    assert capfd.readouterr() == ("", "")  # what is wrong is in the error, not on the terminal


def test_what_bigquery_has_no_type_for_is_named(tmp_path: Path) -> None:
    image = helper.make_tensor_value_info("image", FLOAT, ["rows", 3, 8, 8])
    path = write(
        tmp_path / "i.onnx", [helper.make_node("Identity", ["image"], ["y"])], [image], [tensor("y", FLOAT, 3, 8, 8)]
    )
    with pytest.raises(ModelFailed, match="input image has 4 dimensions"):
        bring_in(path)
    sequence = helper.make_tensor_sequence_value_info("s", FLOAT, None)
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["s"])]
    with pytest.raises(ModelFailed, match="zipmap=False"):
        bring_in(write(tmp_path / "s.onnx", nodes, [tensor("x", FLOAT)], [sequence]))


def test_the_path_is_checked(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in Cloud Storage, which is not read here"):
        Onnx.train(Training("onnx", pa.table({}), {"model_path": "gs://bucket/m.onnx"}))
    with pytest.raises(UsageError, match="model_path: it is missing"):
        Onnx.train(Training("onnx", pa.table({}), {}))
    with pytest.raises(UsageError, match="imported from a file, not trained"):
        Onnx.train(Training("onnx", pa.table({"x": [1]}), {"model_path": "m"}, files={"model_path": classifier}))
    with pytest.raises(ModelFailed, match="cannot be read"):
        bring_in(tmp_path / "absent.onnx")
    assert bring_in(tmp_path / "*").model_type == "onnx"  # the one model file of the folder
    (tmp_path / "second.onnx").write_bytes(b"")
    with pytest.raises(UsageError, match="must hold one model file"):
        bring_in(tmp_path)
    with (tmp_path / "huge.onnx").open("wb") as huge:
        huge.truncate(450_000_001)
    with pytest.raises(ModelFailed, match="at most 450 MB"):
        bring_in(tmp_path / "huge.onnx")
    (tmp_path / "m.bin").write_bytes(b"")
    with pytest.raises(UsageError, match=r"It ends in \.onnx"):
        bring_in(tmp_path / "m.bin")


def test_a_saved_file_that_was_changed_is_not_loaded(classifier: Path, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    bring_in(classifier).save(folder)
    changed = onnx.load(folder / "model.onnx")
    changed.producer_name = "somebody"
    (folder / "model.onnx").write_bytes(changed.SerializeToString())
    with pytest.raises(ModelFailed, match="its SHA-256 is another"):
        Onnx.load(folder, "onnx", 1)


def test_an_imported_model_is_not_exported(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"It is the file m\.onnx"):
        bring_in(classifier).export(tmp_path)
    with pytest.raises(UsageError, match="there is no setting threshold"):
        ask(bring_in(classifier), "predict", pa.table({"a": [1.0]}), threshold=0.5)


def test_answers_are_rows_of_plain_values(classifier: Path) -> None:
    rows = rows_of(ask(bring_in(classifier), "predict", pa.table({"a": [1.0], "b": [0.0], "v": [[0.0, 0.0]]})))
    assert rows == [{"label": 0, "scores": [1.0, 0.0], "a": 1.0, "b": 0.0, "v": [0.0, 0.0]}]
