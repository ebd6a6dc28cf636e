"""How is a library loaded that only some types of models need, and kept on one thread?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any

from augury.errors import PluginError

_ALONE = Lock()


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


@contextmanager
def one_thread(extra: str = "bigquery-ml") -> Iterator[None]:
    """Sums of matrix products on one thread: how they are rounded depends on the number of threads.

    One caller at a time: the limit is the process's, and threadpoolctl leaves it alone, without a word, where another
    thread has set it.
    """
    limits = library("threadpoolctl", extra).threadpool_limits
    with _ALONE, limits(1, user_api="blas"):
        yield
