"""XGBoost's C interface answers what XGBoost's package answers, to the last bit, and refuses what it refuses."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augury.errors import ModelFailed, PluginError
from augury.models import native, xgboost_booster, xgboost_library
from augury.models.xgboost_library import Booster, Refused

xgboost = pytest.importorskip("xgboost")

NAMES = ["amount", "country", "größe"]
KINDS: dict[str, dict[str, Any]] = {
    "regression": {"objective": "reg:squarederror"},
    "counts": {"objective": "count:poisson"},
    "two classes": {"objective": "binary:logistic"},
    "classes": {"objective": "multi:softprob", "num_class": 3},
    "dart": {"booster": "dart", "rate_drop": 0.5, "objective": "reg:squarederror"},
    "forest": {"num_parallel_tree": 5, "subsample": 0.5, "objective": "reg:squarederror"},
    "several values": {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"},
    "linear": {"booster": "gblinear", "objective": "reg:squarederror"},
}


def rows(count: int, seed: int = 1) -> Any:
    """An amount with gaps, a category of five levels, and a number of many digits."""
    random = np.random.default_rng(seed)
    amount = np.where(random.random(count) < 0.1, np.nan, random.normal(50, 20, count))
    return np.column_stack([amount, random.integers(0, 5, count), random.random(count)])


def trained(kind: str) -> Any:
    matrix, settings = rows(400), KINDS[kind]
    known = np.nan_to_num(matrix)
    label = np.abs(known[:, 0]) + 10 * known[:, 1]
    if settings["objective"].startswith(("binary", "multi")):
        label = known[:, 1] % settings.get("num_class", 2)
    elif kind == "several values":
        label = np.column_stack([label, known[:, 2]])
    types = ["q", "q" if kind in ("linear", "several values") else "c", "q"]
    data = xgboost.DMatrix(matrix, label, feature_names=NAMES, feature_types=types, enable_categorical=True)
    return xgboost.train({"seed": 3, "nthread": 1, "verbosity": 0, **settings}, data, 12)


@pytest.fixture(params=KINDS)
def package(request: pytest.FixtureRequest) -> Any:
    return trained(request.param)


@pytest.fixture
def ours(package: Any) -> Booster:
    return Booster(package.save_raw("ubj"))


def test_predictions_are_those_of_the_package(package: Any, ours: Booster) -> None:
    whole = rows(1000, seed=2)
    if "gblinear" in package.save_config():
        for booster in (package, ours):
            with pytest.raises(ValueError, match="not supported by the current booster"):
                booster.inplace_predict(whole)
        return
    for matrix in (whole, np.asfortranarray(whole), whole[::3], whole[:1], np.full((1, 3), np.nan)):
        theirs = package.inplace_predict(matrix)
        found = ours.inplace_predict(matrix)
        assert (found.dtype, found.shape) == (theirs.dtype, theirs.shape)
        assert np.array_equal(found.view(np.uint32), theirs.view(np.uint32))


def test_a_model_says_of_itself_what_the_package_says(package: Any, ours: Booster) -> None:
    again = xgboost.Booster(model_file=package.save_raw("ubj"))
    assert ours.feature_names == NAMES
    assert ours.feature_types == again.feature_types
    assert ours.num_features() == 3
    ours.set_param({"validate_parameters": True})  # as the package does
    assert ours.save_config() == again.save_config()
    for form in ("ubj", "json"):
        assert ours.save_raw(form) == bytes(again.save_raw(form))


def test_gains_are_those_of_the_package(package: Any, ours: Booster) -> None:
    try:
        theirs = package.get_score(importance_type="gain")
    except ValueError:
        with pytest.raises(Refused):
            ours.get_score("gain")
    else:
        assert ours.get_score("gain") == theirs


def test_a_model_without_names_has_none() -> None:
    package = xgboost.train({"verbosity": 0}, xgboost.DMatrix(rows(50), np.arange(50.0)), 2)
    booster = Booster(package.save_raw("json"))
    assert booster.feature_names is None
    assert booster.feature_types is None
    assert booster.get_score("gain") == package.get_score(importance_type="gain")


def test_threads_that_predict_at_once_do_not_see_each_others_rows() -> None:
    booster = Booster(trained("classes").save_raw("ubj"))
    booster.set_param({"nthread": 1})
    parts = [rows(2000 + 100 * at, seed=at) for at in range(8)]
    alone = [booster.inplace_predict(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(booster.inplace_predict, parts * 5))
    assert all(map(np.array_equal, together, alone * 5))


def test_predictions_stay_when_others_follow() -> None:
    booster = Booster(trained("regression").save_raw("ubj"))
    first = booster.inplace_predict(rows(100))
    kept = first.copy()
    booster.inplace_predict(rows(100, seed=9))
    assert np.array_equal(first, kept)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    booster = Booster(trained("regression").save_raw("ubj"))
    booster.set_param({"verbosity": 3, "no_such_parameter": 1, "validate_parameters": True})
    booster.inplace_predict(rows(10))
    assert capfd.readouterr() == ("", "")


# -- what is refused ------------------------------------------------------------------------------------------


def test_another_number_of_columns_is_refused() -> None:
    booster = Booster(trained("regression").save_raw("ubj"))
    with pytest.raises(Refused, match="expected: 3, got 2"):
        booster.inplace_predict(rows(10)[:, :2])


@pytest.mark.parametrize(
    "content",
    [b"tree\nversion=v4\n", b'{"learner": {}}', b"{}"],
    ids=["another library's", "without a model", "an empty document"],
)
def test_what_is_no_model_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(ModelFailed, match=r"model\.ubj is not a model that this XGBoost reads") as refused:
        xgboost_booster.parse(content, "model.ubj")
    assert "\n" not in (refused.value.why or "")
    assert "libxgboost" not in (refused.value.why or "")


def test_an_option_that_it_does_not_take_is_refused_in_one_line() -> None:
    booster = Booster(trained("regression").save_raw("ubj"))
    booster.set_param({"objective": "reg:nonsense"})
    with (
        pytest.raises(ModelFailed, match="the model cannot predict"),
        xgboost_booster.refused("the model cannot predict"),
    ):
        booster.inplace_predict(rows(10))


# -- where there is no library -------------------------------------------------------------------------------


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nobody has loaded the library, and nobody keeps what is loaded here."""
    xgboost_library._library.cache_clear()
    yield
    xgboost_library._library.cache_clear()


def a_model() -> bytes:
    return bytes(trained("regression").save_raw("ubj"))


def test_a_package_that_is_not_installed_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    model = a_model()
    monkeypatch.setattr(native, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match="'xgboost' is not installed") as error:
        xgboost_booster.parse(model, "model.ubj")
    assert "augury[boosted-trees]" in (error.value.fix or "")


def test_a_package_without_its_shared_library_is_named(
    fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = a_model()
    spec = ModuleSpec("xgboost", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(native, "find_spec", lambda name: spec)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    with pytest.raises(PluginError, match="the shared library of xgboost is not in"):
        xgboost_booster.parse(model, "model.ubj")


def test_a_shared_library_that_cannot_be_loaded_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    model = a_model()

    def without_openmp(path: str) -> ctypes.CDLL:
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes.cdll, "LoadLibrary", without_openmp)
    with pytest.raises(PluginError, match="the shared library of xgboost cannot be loaded") as error:
        xgboost_booster.parse(model, "model.ubj")
    assert "libgomp" in (error.value.why or "")
