"""Models made elsewhere are held against the feature list of the pipeline (E5, G14)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xgboost

from augury.errors import ModelFailed
from augury.models.contract import FittedModel
from augury.models.model_files import FileOptions, LightGBMFile, XGBoostFile

NAMES = ["amount", "country", "visits", "first visit"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "amount": random.normal(size=600),
            # Levels in an order of their own, as a data frame may have them.
            "country": pd.Categorical(random.choice(["pt", "es", "fr"], 600), categories=["pt", "es", "fr"]),
            "visits": random.integers(0, 9, 600).astype(float),
            "first visit": random.normal(size=600),
        }
    )


@pytest.fixture(scope="module")
def label(frame: pd.DataFrame) -> Any:
    return frame["amount"].to_numpy() + frame["country"].cat.codes.to_numpy() * 2.0 + frame["visits"].to_numpy()


@pytest.fixture(scope="module")
def batch(frame: pd.DataFrame) -> Any:
    return pa.RecordBatch.from_pandas(frame, preserve_index=False)


def lightgbm_file(path: Path, frame: Any, label: Any, **settings: Any) -> Any:
    booster = lightgbm.train({"verbosity": -1, "num_threads": 1, **settings}, lightgbm.Dataset(frame, label), 15)
    booster.save_model(path)
    return booster


def xgboost_file(path: Path, frame: Any, label: Any, **settings: Any) -> Any:
    data = xgboost.DMatrix(frame, label, enable_categorical=True)
    booster = xgboost.train({"verbosity": 0, "nthread": 1, **settings}, data, 15)
    booster.save_model(path)
    return booster


def opened(kind: Any, path: Path, names: list[str] = NAMES, **options: Any) -> FittedModel:
    model: FittedModel = kind.open_file(path, names, "revenue", FileOptions(**options), 1)
    return model


def test_lightgbm_reads_the_categories_of_a_data_frame_from_the_file(
    tmp_path: Path, frame: pd.DataFrame, label: Any, batch: Any
) -> None:
    booster = lightgbm_file(tmp_path / "m.txt", frame, label, objective="regression")
    model = opened(LightGBMFile, tmp_path / "m.txt")
    assert model.features[1].levels == ("pt", "es", "fr")
    shuffled = batch.select(["visits", "country", "first visit", "amount"])
    np.testing.assert_array_equal(model.predict(shuffled).column(0).to_numpy(), booster.predict(frame))


def test_xgboost_reads_the_categories_of_a_data_frame_from_the_file(
    tmp_path: Path, frame: pd.DataFrame, label: Any, batch: Any
) -> None:
    booster = xgboost_file(tmp_path / "m.ubj", frame, label, objective="reg:pseudohubererror")
    model = opened(XGBoostFile, tmp_path / "m.ubj")
    assert model.features[1].levels == ("pt", "es", "fr")
    native = booster.predict(xgboost.DMatrix(frame, enable_categorical=True))
    np.testing.assert_array_equal(model.predict(batch).column(0).to_numpy(), native.astype(float))


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_classes_get_names_and_probabilities(
    tmp_path: Path, frame: pd.DataFrame, label: Any, batch: Any, objective: str
) -> None:
    xgboost_file(tmp_path / "m.json", frame, np.digitize(label, [2, 6]), objective=objective, num_class=3)
    model = opened(XGBoostFile, tmp_path / "m.json", classes=["low", "middle", "high"])
    row = model.predict(batch).to_pylist()[0]
    chances = {entry["label"]: entry["prob"] for entry in row["predicted_revenue_probs"]}
    assert list(chances) == ["low", "middle", "high"]
    assert sum(chances.values()) == pytest.approx(1)
    assert model.task == "classification"


def test_two_classes_are_0_and_1_unless_they_are_named(
    tmp_path: Path, frame: pd.DataFrame, label: Any, batch: Any
) -> None:
    booster = lightgbm_file(tmp_path / "m.txt", frame, label > 4, objective="binary")
    model = opened(LightGBMFile, tmp_path / "m.txt")
    assert model.classes == (0, 1)
    first = model.predict(batch).to_pylist()[0]["predicted_revenue_probs"]
    assert first[1]["prob"] == booster.predict(frame)[0]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["country", "amount", "visits", "first visit"], "place 1 is country but amount in the file"),
        (["amount", "country", "visit", "first visit"], "visit is not in the file, did you mean visits"),
        (["amount", "country"], "2 listed, the file has 4"),
        ([], "a model file needs its list of features"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [LightGBMFile, XGBoostFile])
def test_a_feature_list_that_does_not_fit_the_file_is_refused(
    kind: Any, names: list[str], problem: str, tmp_path: Path, frame: pd.DataFrame, label: Any
) -> None:
    path = tmp_path / "model"
    if kind is LightGBMFile:
        lightgbm_file(path, frame, label)
    else:
        xgboost_file(path, frame, label)
        path = path.rename(tmp_path / "model.ubj") if path.exists() else path
    with pytest.raises(ModelFailed, match=problem):
        opened(kind, path, names)


def test_all_that_does_not_fit_is_told_at_once(tmp_path: Path, frame: pd.DataFrame, label: Any) -> None:
    lightgbm_file(tmp_path / "m.txt", frame, label)
    with pytest.raises(ModelFailed) as caught:
        opened(
            LightGBMFile,
            tmp_path / "m.txt",
            ["amount", "country", "visit", "first visit"],
            categories={"city": ["a"]},
            types={"hour": "date", "visit": "category"},
            classes=["a", "b"],
        )
    assert caught.value.why == (
        "features: the file has visits, which is not listed; "
        "features: visit is not in the file, did you mean visits?; "
        "categories: city is not a feature; "
        "types: hour is not a feature; "
        "types: visit: list its values under categories; "
        "classes: the model is a regression"
    )


def test_a_model_without_names_is_held_against_the_count_alone(tmp_path: Path, frame: pd.DataFrame, label: Any) -> None:
    numbers = frame[["amount", "visits"]].to_numpy()
    lightgbm_file(tmp_path / "m.txt", numbers, label)
    xgboost_file(tmp_path / "m.ubj", numbers, label)
    for kind, name in ((LightGBMFile, "m.txt"), (XGBoostFile, "m.ubj")):
        assert [f.name for f in opened(kind, tmp_path / name, ["a", "b"]).features] == ["a", "b"]
        with pytest.raises(ModelFailed, match="3 listed, the file has 2"):
            opened(kind, tmp_path / name, ["a", "b", "c"])


def test_levels_may_be_said_in_the_options(tmp_path: Path, frame: pd.DataFrame, label: Any, batch: Any) -> None:
    coded = frame.assign(country=frame["country"].cat.codes)
    data = lightgbm.Dataset(coded, label, categorical_feature=["country"])
    booster = lightgbm.train({"verbosity": -1, "num_threads": 1}, data, 15)
    booster.save_model(tmp_path / "m.txt")
    model = opened(LightGBMFile, tmp_path / "m.txt", categories={"country": ["pt", "es", "fr"]})
    np.testing.assert_array_equal(model.predict(batch).column(0).to_numpy(), booster.predict(coded))


def test_levels_that_cannot_be_told_apart_must_be_said(tmp_path: Path, frame: pd.DataFrame, label: Any) -> None:
    # A category with one value is not marked as one in a LightGBM file.
    constant = frame.assign(plan=pd.Categorical(["basic"] * len(frame)))
    lightgbm_file(tmp_path / "m.txt", constant, label)
    with pytest.raises(ModelFailed, match="categories: say the values of country, in the order of their codes"):
        opened(LightGBMFile, tmp_path / "m.txt", [*NAMES, "plan"])


@pytest.mark.parametrize(
    ("kind", "file", "objective"),
    [(LightGBMFile, lightgbm_file, "lambdarank"), (XGBoostFile, xgboost_file, "binary:hinge")],
)
def test_scores_that_are_no_prediction_are_refused(
    kind: Any, file: Any, objective: str, tmp_path: Path, frame: pd.DataFrame, label: Any
) -> None:
    path = tmp_path / "m.ubj"
    if objective == "lambdarank":
        data = lightgbm.Dataset(frame, (label > 4).astype(int), group=[100] * 6)
        lightgbm.train({"verbosity": -1, "objective": objective}, data, 3).save_model(path)
    else:
        file(path, frame, label > 4, objective=objective)
    with pytest.raises(ModelFailed, match=f"objective {objective}, which does not predict"):
        opened(kind, path)


@pytest.mark.parametrize("kind", [LightGBMFile, XGBoostFile])
@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04pickled", b"tree\nversion=v4\n", b'{"learner": 1}', b"{L\x00", None], ids=str
)
def test_what_is_no_model_is_refused(kind: Any, content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelFailed, match=r"model\.bin|LightGBM refused"):
        opened(kind, path)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.6])
@pytest.mark.parametrize("kind", [LightGBMFile, XGBoostFile])
def test_a_truncated_model_is_refused(kind: Any, part: float, tmp_path: Path, frame: pd.DataFrame, label: Any) -> None:
    path = tmp_path / "model.ubj"
    (lightgbm_file if kind is LightGBMFile else xgboost_file)(path, frame, label)
    content = path.read_bytes()
    # Cut inside the trees; a LightGBM file may lose its trailing parameters without harm.
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ModelFailed):
        opened(kind, path)
