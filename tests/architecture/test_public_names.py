"""Is what the package exports exactly what it says it exports?"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

import augury

ROOMS = sorted(module.name for module in pkgutil.iter_modules(augury.__path__) if module.ispkg)


def public(module: ModuleType) -> set[str]:
    """Names without underscore that are not modules."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }


def test_the_root_exports_what_it_names() -> None:
    listed: tuple[str, ...] = tuple(getattr(augury, "__all__", ()))
    for name in listed:
        getattr(augury, name)  # a lazy name is loaded here, and must exist
    assert public(augury) <= set(listed)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_with_a_list_of_names_exports_exactly_those(room: str) -> None:
    module = importlib.import_module(f"augury.{room}")
    listed = getattr(module, "__all__", None)
    if listed is not None:
        for name in listed:
            getattr(module, name)
        assert public(module) <= set(listed)
