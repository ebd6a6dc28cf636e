"""Adapters are found by name, built-ins by the same door as strangers."""

from __future__ import annotations

from importlib.metadata import EntryPoint, distribution
from typing import get_args

import pytest

from augury import plugins
from augury.errors import PluginError

NEED_NOTHING = ("notifiers",)
"""Kinds whose built-ins live on the standard library."""


def test_built_ins_are_registered_like_anybody_elses_adapters() -> None:
    assert "duckdb" in plugins.names("warehouses")
    assert {"linear_reg", "boosted_tree_regressor", "lightgbm"} <= set(plugins.names("models"))
    assert {"console", "email", "webhook"} <= set(plugins.names("notifiers"))
    assert list(plugins.names("models")) == sorted(plugins.names("models"))


def test_an_adapter_that_is_not_installed_gets_the_nearest_name() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load("models", "linear_regg")
    assert caught.value.what == "there is no model called 'linear_regg'"
    assert caught.value.fix == "Did you mean 'linear_reg'?"
    with pytest.raises(PluginError) as far:
        plugins.load("warehouses", "snowflake")
    assert far.value.why == "installed: bigquery, duckdb"


def test_a_missing_library_is_named_with_the_extra_that_brings_it() -> None:
    error = plugins.missing_library("lightgbm", ImportError("no", name="lightgbm"))
    assert (error.what, error.fix) == ("the library 'lightgbm' is not installed", "pip install 'augury[lightgbm]'")


def built_ins(kind: plugins.Kind) -> list[str]:
    return [point.name for point in distribution("augury").entry_points if point.group == f"augury.{kind}"]


@pytest.mark.parametrize("kind", get_args(plugins.Kind))
def test_a_built_in_that_cannot_be_imported_names_an_extra_that_exists(
    kind: plugins.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: EntryPoint) -> None:
        raise ImportError("No module named 'somelib'", name="somelib")

    monkeypatch.setattr(EntryPoint, "load", missing)
    extras = distribution("augury").metadata.get_all("Provides-Extra") or []
    assert built_ins(kind)
    for name in built_ins(kind):
        with pytest.raises(PluginError, match="cannot be imported: No module named 'somelib'") as caught:
            plugins.load(kind, name)
        known = [f"Install what it needs: pip install 'augury[{extra}]'" for extra in extras]
        if kind in NEED_NOTHING:
            known = ["This installation is damaged: pip install --force-reinstall augury"]
        assert caught.value.fix in known


def test_every_built_in_that_needs_a_library_has_an_extra_and_no_other_name_has() -> None:
    kinds = [kind for kind in get_args(plugins.Kind) if kind not in NEED_NOTHING]
    assert sorted(plugins.EXTRAS) == sorted(name for kind in kinds for name in built_ins(kind))


def test_an_adapter_of_another_package_is_that_packages_business(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("prophet", "no_such_package.models:Prophet", "augury.models")
    monkeypatch.setattr(plugins, "_installed", lambda kind: {"prophet": point})
    with pytest.raises(PluginError) as caught:
        plugins.load("models", "prophet")
    assert caught.value.fix == "Install what the package no_such_package needs for it."
