"""How are a model's numbers kept on disk?

JSON for what has names, NumPy's npz for arrays, read without pickle. Both hold float64 exactly, so a loaded model
answers bit for bit as the trained one did; neither holds a time of writing, so the same model gives the same bytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.errors import ModelFailed

Array = npt.NDArray[Any]


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Raises ModelFailed where the file is missing, broken, or has other arrays."""
    try:
        # Opened here: NumPy leaves a file open that is no archive.
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no archive of arrays")
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise broken(path, str(error)) from error


def broken(path: Path, why: str) -> ModelFailed:
    return ModelFailed(f"the model's {path.name} cannot be read", why=why, fix="Train the model again.")
