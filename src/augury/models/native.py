"""How is a tree library loaded?

Its OpenMP threads must not spin while they wait: on two shared cores that made 0.7 s of work last 8 to 11
s. The setting is read when the first such library is loaded, and one that the user made is kept.

Models score through the shared libraries, without the Python packages around them: importing either package imports
pandas, scikit-learn and scipy where they are installed, 1.1 to 1.8 CPU seconds and 110 MB of which scoring uses
nothing. The C interfaces are documented, and what the packages call themselves.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from augury.errors import PluginError


def xgboost() -> Any:
    """The xgboost package, which trains. Raises PluginError where it is not installed."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xgboost as package
    except ImportError as error:
        raise _missing("xgboost", "boosted-trees") from error
    return package


def xgboost_library() -> ctypes.CDLL:
    """XGBoost's shared library. Raises PluginError where it is not installed or cannot be loaded."""
    return _library("xgboost", "xgboost" if sys.platform == "win32" else "libxgboost", "boosted-trees")


def lightgbm_library() -> ctypes.CDLL:
    """LightGBM's shared library. Raises PluginError where it is not installed or cannot be loaded."""
    return _library("lightgbm", "lib_lightgbm", "lightgbm")


def _library(name: str, stem: str, extra: str) -> ctypes.CDLL:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    package = find_spec(name)
    if package is None or package.origin is None:
        raise _missing(name, extra)
    suffix = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
    folder = Path(package.origin).parent
    # Wheels keep it inside the package; what conda installs lies with the libraries of the environment.
    places = (folder / "lib", folder / "bin", folder, Path(sys.base_prefix) / "lib")
    files = (place / f"{stem}{suffix}" for place in places)
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        raise PluginError(
            f"the shared library of {name} is not in {folder}",
            fix=f"Install it again: pip install --force-reinstall 'augury[{extra}]'",
        )
    try:
        return ctypes.cdll.LoadLibrary(str(path))
    except OSError as error:
        raise PluginError(
            f"the shared library of {name} cannot be loaded",
            why=str(error),
            fix="Install what it needs. That is mostly OpenMP: libgomp1 on Linux, libomp on macOS.",
        ) from error


def _missing(library: str, extra: str) -> PluginError:
    return PluginError(f"the library {library!r} is not installed", fix=f"pip install 'augury[{extra}]'")
