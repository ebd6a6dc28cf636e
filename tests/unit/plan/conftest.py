"""The pipelines that the tests of this room talk about."""

from __future__ import annotations

import pytest

from tests.drafts import Draft
from tests.projects import REVENUE, SPENT
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
PREPARE = "pipelines/ltv/prepare.sql"
FILTER = "select customer_id from {{ ref('prepare') }} where orders > 1"


@pytest.fixture
def shop() -> Draft:
    return Draft()


@pytest.fixture
def sql_only(shop: Draft) -> World:
    """prepare and filter, without a model; run dates from 2026-01-01 on."""
    return World(shop.pipeline(settings="archive: false", prepare=SPENT, filter=FILTER))


@pytest.fixture
def modelled(shop: Draft) -> World:
    """A model on the first of each month, trained on the dates of four weeks whose 30-day label is closed."""
    return World(shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE))
