"""A healthy shop, and one that can score."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.projects import REVENUE, SPENT, Shop, days, orders_of

MODEL = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {every: 1d, window: 20d, folds: 2}
"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three published dates, up to the one that is due."""
    made = Shop.at(tmp_path_factory.mktemp("healthy"))
    made.now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    made.orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 30))
    made.pipeline("ltv", prepare=SPENT)
    made.run("ltv", "2026-01-03", "2026-01-06")
    return made


@pytest.fixture
def shop(healthy: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(healthy.root, tmp_path / "shop")
    return replace(healthy, root=tmp_path / "shop")


# -- models ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop.at(tmp_path_factory.mktemp("scoring"))
    made.now = datetime(2026, 1, 12, 12, tzinfo=UTC)
    made.orders(*orders_of(("ann", "ben", "cleo"), days("2026-01-01", "2026-01-12"), 5))
    made.pipeline("ltv", MODEL, prepare=SPENT, label=REVENUE)
    return made
