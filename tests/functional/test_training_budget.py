"""Can a training be kept small? (G7)"""

from __future__ import annotations

from pathlib import Path

from tests.projects import REVENUE, SPENT, Shop, days, orders_of

CUSTOMERS = [f"c{number}" for number in range(12)]
LEARNING = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {every: 1d, folds: 2BUDGET}
"""


def trained(root: Path, budget: str) -> Shop:
    shop = Shop.at(root).orders(*orders_of(CUSTOMERS, days("2026-01-01", "2026-02-01")))
    shop.pipeline("ltv", LEARNING.replace("BUDGET", budget), prepare=SPENT, label=REVENUE)
    shop.train("ltv", "2026-01-20")
    return shop


def test_a_budget_of_rows_is_kept_and_the_sample_is_the_same_every_time_g7(tmp_path: Path) -> None:
    one, two = (trained(tmp_path / name, ", max_rows: 50") for name in ("one", "two"))
    (model,), (again,) = one.models(), two.models()
    assert model.rows == 50
    assert (model.snapshot, model.sha256) == (again.snapshot, again.sha256)
    assert len(one.table("ltv_v1_training", "2026-01-20")) == 50


def test_a_budget_that_is_not_reached_changes_nothing_g7(tmp_path: Path) -> None:
    (free,) = trained(tmp_path / "free", "").models()
    (bound,) = trained(tmp_path / "bound", ", max_rows: 10000").models()
    assert (free.rows, free.snapshot, free.sha256) == (bound.rows, bound.snapshot, bound.sha256)
    assert free.rows > 100
