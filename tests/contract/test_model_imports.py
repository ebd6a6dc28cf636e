"""Listing models costs nothing, and scoring loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from augury import plugins
from augury.models.artifacts import Facts, golden_rows, save
from augury.testing.model_contract import example

HEAVY = ("numpy", "pyarrow", "scipy", "sklearn", "xgboost", "lightgbm", "duckdb")
"""Not pandas: pyarrow imports it by itself, with the first array, wherever it is installed."""


def loaded_by(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has after `code`."""
    script = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_kinds_options_metrics_and_gates_are_light() -> None:
    code = """
from augury import plugins
from augury.models import gate, metrics, evaluation, model_card, artifacts
for name in plugins.names("models"):
    plugins.load("models", name).Options()
"""
    assert loaded_by(code) == set()


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kind = plugins.load("models", "linear_reg")
    training = example("regression", 200)
    folder = tmp_path_factory.mktemp("models") / "1"
    fitted = kind.fit(training, kind.Options(), 0, 1)
    save(fitted, folder, Facts("linear_reg", kind.libraries, {}, 0, golden_rows(training)))
    return folder


def test_a_linear_model_scores_with_numpy_alone(linear: Path) -> None:
    code = f"""
from functools import partial
from pathlib import Path
from augury import plugins
from augury.models.artifacts import load
load(Path({str(linear)!r}), partial(plugins.load, "models"), 1)
"""
    assert loaded_by(code) == {"numpy", "pyarrow"}


def test_boosted_trees_score_without_the_package_that_trained_them(tmp_path: Path) -> None:
    kind = plugins.load("models", "boosted_tree_regressor")
    training = example("regression", 200)
    folder = tmp_path / "1"
    facts = Facts("boosted_tree_regressor", kind.libraries, {}, 0, golden_rows(training))
    save(kind.fit(training, kind.Options(), 0, 1), folder, facts)
    # Loading predicts the golden rows, bit for bit.
    code = f"""
from functools import partial
from pathlib import Path
from augury import plugins
from augury.models.artifacts import load
load(Path({str(folder)!r}), partial(plugins.load, "models"), 1)
"""
    assert loaded_by(code) == {"numpy", "pyarrow"}


def test_an_xgboost_file_scores_without_its_python_package(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    path = tmp_path / "model.ubj"
    data = xgboost.DMatrix(np.arange(100.0).reshape(-1, 1), np.arange(100.0), feature_names=["x"])
    xgboost.train({"verbosity": 0, "nthread": 1}, data, 2).save_model(path)
    code = f"""
from pathlib import Path
from augury import plugins
import pyarrow as pa
kind = plugins.load("models", "xgboost")
model = kind.open_file(Path({str(path)!r}), ["x"], "y", kind.Options(), 1)
assert model.predict(pa.record_batch({{"x": [1.0]}})).num_rows == 1
"""
    assert loaded_by(code) == {"numpy", "pyarrow"}


def test_a_lightgbm_file_scores_without_its_python_package(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    path = tmp_path / "model.txt"
    data = lightgbm.Dataset(np.arange(100.0).reshape(-1, 1), list(range(100)))
    lightgbm.train({"verbosity": -1, "num_threads": 1}, data, 2).save_model(path)
    code = f"""
from pathlib import Path
from augury import plugins
import pyarrow as pa
kind = plugins.load("models", "lightgbm")
model = kind.open_file(Path({str(path)!r}), ["x"], "y", kind.Options(), 1)
assert model.predict(pa.record_batch({{"x": [1.0]}})).num_rows == 1
"""
    assert loaded_by(code) == {"numpy", "pyarrow"}
