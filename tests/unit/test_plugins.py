"""Adapters are found by name, built-ins by the same door as strangers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from augury import plugins
from augury.errors import PluginError


def test_built_ins_are_registered_like_anybody_elses_adapters() -> None:
    assert "duckdb" in plugins.names("warehouses")
    assert {"linear_reg", "boosted_tree_regressor", "lightgbm"} <= set(plugins.names("models"))
    assert list(plugins.names("models")) == sorted(plugins.names("models"))


def test_an_adapter_that_is_not_installed_gets_the_nearest_name() -> None:
    with pytest.raises(PluginError) as caught:
        plugins.load("models", "linear_regg")
    assert caught.value.what == "there is no model called 'linear_regg'"
    assert caught.value.fix == "Did you mean 'linear_reg'?"
    with pytest.raises(PluginError) as far:
        plugins.load("warehouses", "bigquery")
    assert far.value.why == "installed: duckdb"


def test_a_missing_library_is_named_with_the_extra_that_brings_it() -> None:
    error = plugins.missing_library("lightgbm", ImportError("no", name="lightgbm"))
    assert (error.what, error.fix) == ("the library 'lightgbm' is not installed", "pip install 'augury[lightgbm]'")


def test_listing_names_imports_no_adapter() -> None:
    code = "import sys; from augury.plugins import names; names('models'); names('warehouses'); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in said if name.startswith(("augury.models", "augury.warehouses", "duckdb", "sklearn"))]
