"""How is a tree library loaded?

Its OpenMP threads must not spin while they wait: on two shared cores that made 0.7 s of work last 8 to 11
s. The setting is read when the first such library is loaded, and one that the user made is kept.
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
    """The xgboost package. Raises PluginError where it is not installed."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xgboost as package
    except ImportError as error:
        raise _missing("xgboost", "boosted-trees") from error
    return package


def lightgbm_library() -> ctypes.CDLL:
    """LightGBM's shared library, without its Python package.

    Importing the package imports pandas, scikit-learn and scipy where they are installed: 1.1 CPU seconds and
    80 MB more, none of which scoring uses. The C interface is documented and what the package itself calls.
    Raises PluginError where it is not installed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    package = find_spec("lightgbm")
    if package is None or package.origin is None:
        raise _missing("lightgbm", "lightgbm")
    suffix = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")
    folder = Path(package.origin).parent
    for place in (folder / "lib", folder / "bin", folder):
        if (path := place / f"lib_lightgbm.{suffix}").is_file():
            return ctypes.cdll.LoadLibrary(str(path))
    raise _missing("lightgbm", "lightgbm")


def _missing(library: str, extra: str) -> PluginError:
    return PluginError(f"the library {library!r} is not installed", fix=f"pip install 'augury[{extra}]'")
