"""Which adapters are installed, and how is exactly one of them imported?

Built-ins are registered in this package's own metadata, through the entry points that strangers use.
Listing names imports nothing; loading imports one module.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from augury.errors import PluginError, nearest

Kind = Literal["warehouses", "models", "notifiers"]

EXTRAS = {
    "duckdb": "duckdb",
    "linear_reg": "linear",
    "logistic_reg": "linear",
    "boosted_tree_regressor": "boosted-trees",
    "boosted_tree_classifier": "boosted-trees",
    "random_forest_regressor": "boosted-trees",
    "random_forest_classifier": "boosted-trees",
    "xgboost": "boosted-trees",
    "lightgbm": "lightgbm",
    "bigquery": "bigquery",
}
"""Built-in adapter to the extra of this package that brings its libraries; those that need none are absent. Package
metadata cannot say it: extras of entry points are to be ignored
(https://packaging.python.org/en/latest/specifications/entry-points)."""


@cache
def _every_kind() -> Any:
    # Reads the metadata of every installed package: 4 ms for a hundred of them. Its type differs between Pythons.
    return entry_points()


@cache
def _installed(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in _every_kind().select(group=f"augury.{kind}")}


def names(kind: Kind) -> tuple[str, ...]:
    """Names of the installed adapters of a kind, sorted."""
    return tuple(sorted(_installed(kind)))


def load(kind: Kind, name: str) -> Any:
    """The adapter class called `name`.

    Raises PluginError where it is not installed, or where its module cannot be imported.
    """
    point = _installed(kind).get(name)
    if point is None:
        close = nearest(name, names(kind))
        raise PluginError(
            f"there is no {kind.removesuffix('s')} called {name!r}",
            why=f"installed: {', '.join(names(kind)) or 'none'}",
            fix=f"Did you mean {close!r}?" if close else f"Install a package that provides augury.{kind}.",
        )
    try:
        return point.load()
    except ImportError as error:
        raise PluginError(
            f"{kind.removesuffix('s')} {name!r} cannot be imported: {error}",
            fix=_what_it_needs(point),
        ) from error


def _what_it_needs(point: EntryPoint) -> str:
    if point.module.startswith("augury."):
        if point.name not in EXTRAS:
            return "This installation is damaged: pip install --force-reinstall augury"
        return f"Install what it needs: pip install 'augury[{EXTRAS[point.name]}]'"
    package = point.dist.name if point.dist else point.module.partition(".")[0]
    return f"Install what the package {package} needs for it."


def missing_library(extra: str, error: ImportError) -> PluginError:
    """The error of an adapter whose library is absent; `extra` is the extra that brings it."""
    return PluginError(
        f"the library {error.name or 'needed'!r} is not installed",
        fix=f"pip install 'augury[{extra}]'",
    )
