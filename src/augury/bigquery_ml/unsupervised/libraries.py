"""How is a library loaded that only some types of models need, and kept on one thread?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from augury.errors import PluginError


def library(module: str, extra: str) -> Any:
    """Raises PluginError where it is not installed, with what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        name = module.split(".")[0]
        raise PluginError(
            f"the library {name!r} is not installed, or cannot be loaded",
            why=str(error),
            fix=f"pip install 'augury[{extra}]'",
        ) from error


def one_thread(extra: str = "bigquery-ml") -> AbstractContextManager[Any]:
    """Sums of matrix products on one thread: how they are rounded depends on the number of threads."""
    limits: AbstractContextManager[Any] = library("threadpoolctl", extra).threadpool_limits(1)
    return limits
