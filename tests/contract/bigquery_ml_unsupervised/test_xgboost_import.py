"""An imported XGBoost file answers as XGBoost's own predict does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost

from augury.bigquery_ml.contract import TrainedModel, Training
from augury.bigquery_ml.unsupervised.types import XGBoost
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, column, keeps_its_promises, rows_of

NAMES = ["f1", "f2", "f3"]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    random = np.random.default_rng(11)
    values: dict[str, Any] = {name: random.normal(size=200) for name in NAMES}
    missing = np.arange(200) % 9 == 0
    return pa.table(values | {"f2": pa.array(values["f2"], mask=missing), "id": np.arange(200)})


def matrix(rows: pa.Table) -> Any:
    return np.column_stack([column(rows, name) for name in NAMES])


def booster(rows: pa.Table, names: bool = True, **settings: Any) -> Any:
    values = matrix(rows)
    label = np.nan_to_num(values[:, 1]) + values[:, 0]
    if "num_class" in settings:
        label = np.digitize(label, [-0.5, 0.5])
    elif str(settings.get("objective")).startswith("binary"):
        label = label > 0
    known = {"feature_names": NAMES, "feature_types": ["float", "float", "q"]} if names else {}
    data = xgboost.DMatrix(values, label, **known)
    return xgboost.train({"verbosity": 0, "nthread": 1, "seed": 0, **settings}, data, 12)


def written(path: Path, found: Any) -> Path:
    found.save_model(path)
    return path


def bring_in(path: Path, **clauses: Any) -> TrainedModel:
    options = {"model_path": f"file://{path}", **clauses}
    return XGBoost.train(Training("xgboost", pa.table({}), options, files={"model_path": path}))


OBJECTIVES: list[dict[str, Any]] = [
    {"objective": "reg:squarederror"},
    {"objective": "binary:logistic"},
    {"objective": "multi:softmax", "num_class": 3},
    {"objective": "binary:logitraw"},
]


@pytest.mark.parametrize("settings", OBJECTIVES)
@pytest.mark.parametrize("ending", ["ubj", "json"])
def test_the_answer_is_that_of_the_library(tmp_path: Path, rows: pa.Table, settings: Any, ending: str) -> None:
    found = booster(rows, **settings)
    model = bring_in(written(tmp_path / f"m.{ending}", found))
    answer = ask(model, "predict", rows)
    assert answer.schema.names == ["predicted_label", *NAMES, "id"]
    assert answer.schema.field("predicted_label").type == pa.float64()
    wanted = found.inplace_predict(matrix(rows))
    np.testing.assert_array_equal(column(answer, "predicted_label"), wanted)


def test_probabilities_of_several_classes_are_an_array(tmp_path: Path, rows: pa.Table) -> None:
    found = booster(rows, objective="multi:softprob", num_class=3)
    answer = ask(bring_in(written(tmp_path / "m.ubj", found)), "predict", rows)
    assert answer.schema.field("predicted_label").type == pa.list_(pa.float64())
    np.testing.assert_array_equal(answer.column("predicted_label").to_pylist(), found.inplace_predict(matrix(rows)))


def test_input_and_output_name_what_the_file_does_not(tmp_path: Path, rows: pa.Table) -> None:
    found = booster(rows, names=False)
    path = written(tmp_path / "m.ubj", found)
    with pytest.raises(UsageError, match="does not say the names and types of its 3 features"):
        bring_in(path)
    clause = {"f1": "float64", "f2": "NUMERIC", "f3": "INT64"}
    model = bring_in(path, input=clause, output={"forks": "FLOAT64"})
    assert model.features == (("f1", "FLOAT64"), ("f2", "NUMERIC"), ("f3", "INT64"))
    answer = ask(model, "predict", rows.select(["f3", "f1", "f2"]))  # by name, whatever the order
    np.testing.assert_array_equal(column(answer, "forks"), found.inplace_predict(matrix(rows)))


@pytest.mark.parametrize(
    ("clauses", "says"),
    [
        ({"input": {"f1": "FLOAT64", "f2": "FLOAT64"}}, "2 inputs are listed, the file has 3"),
        ({"input": {"f1": "FLOAT64", "f2": "FLOAT64", "f33": "FLOAT64"}}, "f33 is not in the file, did you mean f3?"),
        ({"input": {"f2": "FLOAT64", "f1": "FLOAT64", "f3": "FLOAT64"}}, "another order: f1, f2, f3"),
        ({"input": {"f1": "STRING", "f2": "FLOAT64", "f3": "FLOAT64"}}, "f1 STRING: inputs are numbers"),
        ({"output": {"y": "INT64"}}, "OUTPUT is one column of type FLOAT64"),
        ({"num_clusters": 3}, "num_clusters: it is no option of this type of model"),
    ],
)
def test_clauses_are_held_against_the_file(tmp_path: Path, rows: pa.Table, clauses: Any, says: str) -> None:
    path = written(tmp_path / "m.ubj", booster(rows))
    with pytest.raises(UsageError) as refused:
        bring_in(path, **clauses)
    assert says in str(refused.value)


def test_importance_is_that_of_the_library(tmp_path: Path, rows: pa.Table) -> None:
    found = booster(rows)
    answer = rows_of(ask(bring_in(written(tmp_path / "m.ubj", found)), "feature_importance"))
    assert [row["feature"] for row in answer] == NAMES
    for kind in ("weight", "gain", "cover"):
        scores = found.get_score(importance_type=kind)
        assert [row[f"importance_{kind}"] for row in answer] == pytest.approx([scores.get(name, 0) for name in NAMES])


def test_answers_are_the_same_after_loading_and_in_any_batches(tmp_path: Path, rows: pa.Table) -> None:
    model = bring_in(written(tmp_path / "m.json", booster(rows, objective="multi:softprob", num_class=3)))
    questions: dict[str, Any] = {"predict": (rows, {}), "feature_importance": (None, {})}
    keeps_its_promises(XGBoost, model, questions, tmp_path / "saved")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"{L\x00", b'{"learner": {}}', b"binf" + bytes(500)])
def test_a_broken_or_hostile_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.ubj").write_bytes(content)
    with pytest.raises(ModelFailed, match=r"bad\.ubj"):
        bring_in(tmp_path / "bad.ubj")


def test_half_a_file_is_refused(tmp_path: Path, rows: pa.Table) -> None:
    whole = written(tmp_path / "m.ubj", booster(rows)).read_bytes()
    (tmp_path / "half.ubj").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFailed, match=r"half\.ubj is not an XGBoost model"):
        bring_in(tmp_path / "half.ubj")


def test_several_targets_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    data = xgboost.DMatrix(values, values, feature_names=["a", "b"], feature_types=["q", "q"])
    found = xgboost.train({"verbosity": 0, "nthread": 1}, data, 2)
    with pytest.raises(ModelFailed, match="predicts several values"):
        bring_in(written(tmp_path / "m.ubj", found))


def test_rows_are_checked(tmp_path: Path, rows: pa.Table) -> None:
    model = bring_in(written(tmp_path / "m.ubj", booster(rows)))
    with pytest.raises(ModelFailed) as refused:
        ask(model, "predict", pa.table({"f1": ["1"], "f22": [1.0], "f3": [1.0]}))
    assert "f1: expected FLOAT64, got STRING" in str(refused.value)
    assert "f2: there is no such column, did you mean f22?" in str(refused.value)
    with pytest.raises(UsageError, match="needs rows"):
        ask(model, "predict")
