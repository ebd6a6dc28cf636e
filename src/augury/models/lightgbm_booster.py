"""What does a LightGBM model predict?

Speaks to LightGBM's documented C interface; see `native.lightgbm_library` for why.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.errors import ModelFailed
from augury.models import predictions
from augury.models.contract import Feature, Task
from augury.models.features import by_feature, encode
from augury.models.native import lightgbm_library
from augury.models.signature import Signature

FILE = "model.txt"
FLOAT64, NORMAL, ALL_TREES, GAIN = 1, 0, -1, 1
"""Constants of LightGBM's c_api.h."""

# LightGBM prints to standard output, which is for data. The library keeps the pointer, so it lives here.
_SILENT = ctypes.CFUNCTYPE(None, c_char_p)(lambda message: None)


class Booster:
    """A model in LightGBM's memory. Predicting takes a shared lock, so several threads may."""

    def __init__(self, text: str) -> None:
        self._library = _library()
        self._handle = c_void_p()
        trees = c_int()
        _call("LGBM_BoosterLoadModelFromString", c_char_p(text.encode()), byref(trees), byref(self._handle))
        self.columns = self._number("LGBM_BoosterGetNumFeature")
        self.outputs = self._number("LGBM_BoosterGetNumClasses")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)

    def _number(self, function: str) -> int:
        out = c_int()
        _call(function, self._handle, byref(out))
        return out.value

    def predict(self, matrix: npt.NDArray[np.float64], threads: int) -> npt.NDArray[np.float64]:
        """Rows x outputs; `matrix` is float64 in column order."""
        rows, columns = matrix.shape
        out = np.empty((rows, self.outputs), dtype=np.float64)
        if not rows:
            return out
        length = c_int64()
        _call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            matrix.ctypes.data_as(c_void_p),
            c_int(FLOAT64),
            c_int32(rows),
            c_int32(columns),
            c_int(0),  # column order
            c_int(NORMAL),
            c_int(0),
            c_int(ALL_TREES),
            c_char_p(f"num_threads={threads}".encode()),
            byref(length),
            out.ctypes.data_as(ctypes.POINTER(c_double)),
        )
        return out

    def gains(self) -> npt.NDArray[np.float64]:
        """Total gain of the splits on each feature."""
        out = np.zeros(self.columns, dtype=np.float64)
        _call(
            "LGBM_BoosterFeatureImportance",
            self._handle,
            c_int(ALL_TREES),
            c_int(GAIN),
            out.ctypes.data_as(ctypes.POINTER(c_double)),
        )
        return out


class FittedLightGBM:
    def __init__(self, text: str, signature: Signature, threads: int) -> None:
        self._text = text
        self._booster = Booster(text)
        self._threads = threads
        self.signature = signature
        self.features: tuple[Feature, ...] = signature.features
        self.task: Task = signature.task
        self.label_name = signature.label
        self.classes: tuple[Any, ...] = signature.classes

    def predict(self, batch: Any) -> Any:
        matrix = encode(batch, self.features)
        values = self._booster.predict(matrix, self._threads)
        if self.task == "regression":
            return predictions.regression(self.label_name, values[:, 0])
        if values.shape[1] == 1:
            values = predictions.two_classes(values[:, 0])
        return predictions.classification(self.label_name, self.classes, values)

    def save(self, folder: Path) -> tuple[str, ...]:
        (folder / FILE).write_text(self._text, encoding="utf-8", newline="")
        return (FILE, self.signature.save(folder))

    @classmethod
    def load(cls, folder: Path, threads: int) -> FittedLightGBM:
        return cls(read(folder / FILE), Signature.load(folder), threads)

    def importances(self) -> tuple[tuple[str, float], ...]:
        """Total gain of the splits on each feature."""
        names = (feature.name for feature in self.features)
        found = zip(names, map(float, self._booster.gains()), strict=True)
        return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def splits(self) -> dict[str, list[float]]:
        """Thresholds of all trees, as the file says them."""
        return by_feature(self.features, _thresholds(self._text))


def read(path: Path) -> str:
    """The text of a LightGBM model file. Raises ModelFailed where it is none."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFailed(f"the model file {path.name} cannot be read", why=str(error)) from error
    if not text.startswith("tree"):
        raise ModelFailed(
            f"{path.name} is not a LightGBM model",
            why="its text does not begin with `tree`",
            fix='Save it with booster.save_model("model.txt").',
        )
    return text


def _thresholds(text: str) -> Iterator[tuple[int, float]]:
    """Column and threshold of each split of a number: where the first bit of its type is set, it is a category."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, values = line.partition("=")
        found[name] = values.split()
        if name == "decision_type":
            columns, thresholds = found["split_feature"], found["threshold"]
            for column, threshold, kind in zip(columns, thresholds, found[name], strict=True):
                if not int(kind) & 1:
                    yield int(column), float(threshold)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    library = lightgbm_library()
    library.LGBM_GetLastError.restype = c_char_p
    return library


def _call(function: str, *arguments: Any) -> None:
    library = _library()
    library.LGBM_RegisterLogCallback(_SILENT)  # it is kept per thread
    if getattr(library, function)(*arguments):
        why = (library.LGBM_GetLastError() or b"").decode("utf-8", "replace")
        raise ModelFailed("LightGBM refused the model or its rows", why=why.splitlines()[0] if why else None)
