"""How is XGBoost asked what a model predicts, and what the model is?

Speaks to XGBoost's documented C interface; see `native` for why. Methods have the names and the answers that they have
in XGBoost's package.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from ctypes import POINTER, byref, c_char, c_char_p, c_float, c_uint64, c_void_p
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.models.native import xgboost_library

_PREDICT = {
    "type": 0,  # values, not margins
    "training": False,
    "iteration_begin": 0,
    "iteration_end": 0,  # all trees
    "missing": float("nan"),
    "strict_shape": False,
    "cache_id": 0,
}

# XGBoost prints to standard output, which is for data. The library keeps the pointer, so it lives here.
_SILENT = ctypes.CFUNCTYPE(None, c_char_p)(lambda message: None)


class Refused(ValueError):
    """What XGBoost says, its stack trace included."""


class Booster:
    """A model in XGBoost's memory. The first prediction configures it; all later ones only read, so that several
    threads may predict.
    """

    def __init__(self, content: bytes | bytearray) -> None:
        """`content` is UBJ or JSON, and whole: XGBoost may end the process on half a document. Raises Refused."""
        self._library = _library()
        self._handle = c_void_p()
        _call("XGBoosterCreate", None, c_uint64(0), byref(self._handle))
        _call("XGBoosterLoadModelFromBuffer", self._handle, c_char_p(bytes(content)), c_uint64(len(content)))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.XGBoosterFree(self._handle)

    def set_param(self, params: Mapping[str, Any]) -> None:
        for name, value in params.items():
            _call("XGBoosterSetParam", self._handle, c_char_p(name.encode()), c_char_p(str(value).encode()))

    def inplace_predict(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """One value per row, or rows x outputs. Raises Refused."""
        if matrix.shape[1] != self.num_features():
            raise Refused(f"Feature shape mismatch, expected: {self.num_features()}, got {matrix.shape[1]}")
        shape, dimensions, out = POINTER(c_uint64)(), c_uint64(), POINTER(c_float)()
        _call(
            "XGBoosterPredictFromDense",
            self._handle,
            _json(matrix.__array_interface__),
            _json(_PREDICT),
            None,
            byref(shape),
            byref(dimensions),
            byref(out),
        )
        found = np.ctypeslib.as_array(out, shape=tuple(shape[: dimensions.value]))
        return found.copy()  # XGBoost writes this thread's next prediction to the same place

    def save_raw(self, raw_format: str = "ubj") -> bytes:
        """The model as `ubj` or `json`."""
        length, out = c_uint64(), POINTER(c_char)()
        _call("XGBoosterSaveModelToBuffer", self._handle, _json({"format": raw_format}), byref(length), byref(out))
        return ctypes.string_at(out, length.value)

    def save_config(self) -> str:
        """Everything that is set, as JSON."""
        length, out = c_uint64(), c_char_p()
        _call("XGBoosterSaveJsonConfig", self._handle, byref(length), byref(out))
        return (out.value or b"").decode()

    def get_score(self, importance_type: str) -> dict[str, float]:
        """How much each feature that is split on counts. Raises Refused where a model has no splits."""
        count, names = c_uint64(), POINTER(c_char_p)()
        dimensions, shape, out = c_uint64(), POINTER(c_uint64)(), POINTER(c_float)()
        _call(
            "XGBoosterFeatureScore",
            self._handle,
            _json({"importance_type": importance_type, "feature_map": ""}),
            byref(count),
            byref(names),
            byref(dimensions),
            byref(shape),
            byref(out),
        )
        return {name: out[at] for at, name in enumerate(_texts(names, count.value))}

    def num_features(self) -> int:
        out = c_uint64()
        _call("XGBoosterGetNumFeature", self._handle, byref(out))
        return out.value

    @property
    def feature_names(self) -> list[str] | None:
        return self._info(b"feature_name")

    @property
    def feature_types(self) -> list[str] | None:
        """`c` is a category."""
        return self._info(b"feature_type")

    def _info(self, what: bytes) -> list[str] | None:
        length, out = c_uint64(), POINTER(c_char_p)()
        _call("XGBoosterGetStrFeatureInfo", self._handle, c_char_p(what), byref(length), byref(out))
        return _texts(out, length.value) or None


def _texts(out: Any, length: int) -> list[str]:
    return [out[at].decode() for at in range(length)]


def _json(value: Any) -> c_char_p:
    return c_char_p(json.dumps(value).encode())


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    library = xgboost_library()
    library.XGBGetLastError.restype = c_char_p
    return library


def _call(function: str, *arguments: Any) -> None:
    library = _library()
    library.XGBRegisterLogCallback(_SILENT)  # it is kept per thread
    if getattr(library, function)(*arguments):
        raise Refused((library.XGBGetLastError() or b"").decode("utf-8", "replace"))
