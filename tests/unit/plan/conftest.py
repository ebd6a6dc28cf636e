"""The pipelines that the tests of this room talk about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import REVENUE, SPENT, Shop
from tests.unit.plan.world import World

MODEL = """\
horizon: 30d
schedule: {cron: "0 6 * * *", lag: 0d}
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 1 * *", every: 7d, window: 28d, grace: 2d}
"""
FILTER = "select customer_id from {{ ref('prepare') }} where orders > 1"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop")


@pytest.fixture
def sql_only(shop: Shop) -> World:
    """prepare and filter, without a model; run dates from 2026-01-01 on."""
    return World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=FILTER))


@pytest.fixture
def modelled(shop: Shop) -> World:
    """A model on the first of each month, trained on the dates of four weeks whose 30-day label is closed."""
    return World(shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE))
