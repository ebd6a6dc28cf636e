"""Is a model that was made elsewhere known again, to the last bit of a threshold?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from augury import plugins
from augury.errors import ModelFailed
from augury.models import artifacts, golden
from augury.models.contract import Feature, FittedModel
from augury.models.features import encode
from augury.models.model_card import CARD, ModelCard, sha256
from augury.models.model_files import FileOptions, LightGBMFile, XGBoostFile
from augury.testing.fakes import FittedConstant

NAMES = ["amount", "visits", "city"]
CITIES = ["es", "fr", "it"]


@pytest.fixture(scope="module")
def matrix() -> Any:
    random = np.random.default_rng(5)
    return np.column_stack([random.normal(size=400), random.integers(0, 9, 400), random.integers(0, 3, 400)])


@pytest.fixture(scope="module")
def label(matrix: Any) -> Any:
    return matrix[:, 0] * 10 + matrix[:, 1] + (matrix[:, 2] == 1) * 5


def of_lightgbm(path: Path, matrix: Any, label: Any, **settings: Any) -> FittedModel:
    data = lightgbm.Dataset(matrix, label, feature_name=NAMES, categorical_feature=["city"])
    wanted = {"verbosity": -1, "num_threads": 1, "num_leaves": 4, "min_data_per_group": 1, **settings}
    lightgbm.train(wanted, data, 4).save_model(path / "given.txt")
    return LightGBMFile.open_file(
        path / "given.txt", NAMES, "spend", FileOptions(categories={"city": CITIES}, classes=classes(settings)), 1
    )


def of_xgboost(path: Path, matrix: Any, label: Any, **settings: Any) -> FittedModel:
    data = xgboost.DMatrix(matrix, label, feature_names=NAMES, feature_types=["q", "q", "c"], enable_categorical=True)
    xgboost.train({"verbosity": 0, "nthread": 1, "max_depth": 2, **settings}, data, 4).save_model(path / "given.json")
    return XGBoostFile.open_file(
        path / "given.json", NAMES, "spend", FileOptions(categories={"city": CITIES}, classes=classes(settings)), 1
    )


def classes(settings: Any) -> list[Any] | None:
    return ["low", "middle", "high"] if "num_class" in settings else None


def kept(fitted: FittedModel, folder: Path, kind: str) -> Path:
    """Registered, as a run does it."""
    facts = artifacts.Facts(kind, ("numpy", kind), {}, 7, golden.drawn_rows(fitted, 7))
    artifacts.save(fitted, folder, facts)
    return folder


def load(folder: Path) -> FittedModel:
    return artifacts.load(folder, lambda name: plugins.load("models", name), 1)


def mended(folder: Path, name: str) -> None:
    """The card is made to fit a changed file, so that only the golden rows stand in the way."""
    card = ModelCard.model_validate_json((folder / CARD).read_text())
    changed = card.model_copy(update={"files": {**card.files, name: sha256(folder / name)}})
    (folder / CARD).write_text(changed.model_dump_json())


# -- what is drawn ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [of_lightgbm, of_xgboost])
def test_rows_lie_on_both_sides_of_the_thresholds_of_the_file(
    made: Callable[..., FittedModel], tmp_path: Path, matrix: Any, label: Any
) -> None:
    fitted = made(tmp_path, matrix, label)
    splits = fitted.splits()
    assert set(splits) <= {"amount", "visits"}  # a category has levels instead
    rows = golden.drawn_rows(fitted, 7)
    drawn = np.array(rows["amount"].drop_null().to_pylist())
    exact = [value for value in splits["amount"] if (drawn == value).any()]
    assert exact
    assert any(((drawn < value) & (drawn > value - 1e-5)).any() for value in exact)
    assert any(((drawn > value) & (drawn < value + 1e-5)).any() for value in exact)
    assert {*rows["city"].drop_null().to_pylist()} == {*CITIES, "0"}  # and one that was never seen
    assert np.isnan(encode(rows, fitted.features)[0]).all()


def test_features_of_each_type_are_drawn_as_that_type() -> None:
    class Fitted(FittedConstant):
        def splits(self) -> dict[str, list[float]]:
            noon = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()
            return {"day": [-1e300, noon], "at": [noon, 1e300], "huge": [-1.7976931348623157e308]}

    kinds = {"day": "date", "at": "timestamp", "huge": "number", "flag": "boolean", "city": "category"}
    fitted = Fitted(1.0, "spend", tuple(Feature(name, kind) for name, kind in kinds.items()))  # type: ignore[arg-type]
    rows = golden.drawn_rows(fitted, 1, 60)
    assert [str(kind) for kind in rows.schema.types] == ["date32[day]", "timestamp[us]", "double", "bool", "string"]
    found = {name: {*rows[name].drop_null().to_pylist()} for name in kinds}
    assert found["day"] == {date(1, 1, 1), date(2026, 1, 15), date(2026, 1, 16)}
    assert datetime(2026, 1, 15, 12) in found["at"]  # noqa: DTZ001  a wall time
    assert max(found["at"]) == datetime(9999, 12, 31)  # noqa: DTZ001
    assert found["flag"] == {True, False}
    assert found["city"] == {"0"}
    assert np.isfinite(list(found["huge"])).all()
    assert np.isfinite(encode(rows, fitted.features)[:, 2][~np.isnan(encode(rows, fitted.features)[:, 2])]).all()


# -- what is noticed -------------------------------------------------------------------------------------------


SETTINGS = [
    {"objective": "regression"},
    {"objective": "binary"},
    {"objective": "multiclass", "num_class": 3},
]
OF_XGBOOST = [
    {"objective": "reg:squarederror"},
    {"objective": "reg:squarederror", "booster": "dart"},
    {"objective": "binary:logistic"},
    {"objective": "multi:softmax", "num_class": 3},
    {"objective": "multi:softprob", "num_class": 3},
]


@pytest.mark.parametrize(
    ("made", "kind", "settings"),
    [
        *((of_lightgbm, "lightgbm", settings) for settings in SETTINGS),
        *((of_xgboost, "xgboost", settings) for settings in OF_XGBOOST),
    ],
)
def test_a_file_that_was_kept_predicts_what_the_file_did(
    made: Any, kind: str, settings: Any, tmp_path: Path, matrix: Any, label: Any
) -> None:
    outcome = {2: label > 4, 3: np.digitize(label, [3, 8])}
    count = 3 if "num_class" in settings else 2 if "binary" in settings["objective"] else 1
    fitted = made(tmp_path, matrix, outcome.get(count, label), **settings)
    rows = golden.drawn_rows(fitted, 1, 300).combine_chunks().to_batches()[0]
    folder = kept(fitted, tmp_path / "kept", kind)
    assert load(folder).predict(rows).equals(fitted.predict(rows))
    assert json.loads((folder / CARD).read_text())["golden_rows"] == 200


def test_a_threshold_of_lightgbm_that_moved_by_its_last_bit_is_noticed(tmp_path: Path, matrix: Any, label: Any) -> None:
    folder = kept(of_lightgbm(tmp_path, matrix, label), tmp_path / "kept", "lightgbm")
    text = (folder / "model.txt").read_text()
    # One whose text stays as long: trees of another size are refused before they are read.
    before, after = next(
        (one, other)
        for line in re.findall(r"(?m)^threshold=(.+)$", text)
        for one in line.split()
        if len(other := f"{np.nextafter(float(one), -np.inf):.17g}") == len(one)
    )
    (folder / "model.txt").write_text(text.replace(before, after))
    with pytest.raises(ModelFailed, match=r"model\.txt: expected SHA-256"):
        load(folder)
    mended(folder, "model.txt")
    with pytest.raises(ModelFailed, match="golden rows differ"):
        load(folder)


def test_a_threshold_of_xgboost_that_moved_by_its_last_bit_is_noticed(tmp_path: Path, matrix: Any, label: Any) -> None:
    folder = kept(of_xgboost(tmp_path, matrix, label), tmp_path / "kept", "xgboost")
    booster = xgboost.Booster(model_file=folder / "model.ubj")
    document = json.loads(booster.save_raw("json"))
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    assert tree["split_type"][0] == 0
    moved = np.nextafter(np.float32(tree["split_conditions"][0]), np.float32(np.inf))
    tree["split_conditions"][0] = float(moved)
    booster.load_model(bytearray(json.dumps(document).encode()))
    (folder / "model.ubj").write_bytes(booster.save_raw("ubj"))
    with pytest.raises(ModelFailed, match=r"model\.ubj: expected SHA-256"):
        load(folder)
    mended(folder, "model.ubj")
    with pytest.raises(ModelFailed, match="golden rows differ"):
        load(folder)
