"""Tiny projects, made once per worker and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_runner import called, worked
from tests.projects import Shop
from tests.tiny import RUN, tiny


@pytest.fixture
def visits(tmp_path: Path) -> Shop:
    """The pipeline of SQL alone; nothing has run."""
    return tiny(tmp_path / "shop")


@pytest.fixture
def spend(tmp_path: Path) -> Shop:
    """The pipeline with a model; nothing has run."""
    return tiny(tmp_path / "shop", visits=False, spend=True)


@pytest.fixture(scope="session")
def made_visits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tiny(tmp_path_factory.mktemp("visits") / "shop")
    worked(called("backfill", "visits", "--start", "2024-01-10", "--end", "2024-01-13", folder=shop.root))
    return shop.root


@pytest.fixture(scope="session")
def made_spend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tiny(tmp_path_factory.mktemp("spend") / "shop", visits=False, spend=True)
    worked(called("run", "spend", "--date", "2024-01-29", folder=shop.root))
    return shop.root


@pytest.fixture
def published(made_visits: Path, tmp_path: Path) -> Shop:
    """`visits`, published for 2024-01-10 to 2024-01-12."""
    return Shop(shutil.copytree(made_visits, tmp_path / "shop"))


@pytest.fixture
def trained(made_spend: Path, tmp_path: Path) -> Shop:
    """`spend`, with the model of 2024-01-29 and that date published."""
    return Shop(shutil.copytree(made_spend, tmp_path / "shop"))


@pytest.fixture
def live(published: Shop) -> Shop:
    """`published`, whose target prod has published 2024-01-13 too."""
    worked(called(*RUN, "--target", "prod", folder=published.root))
    return published
