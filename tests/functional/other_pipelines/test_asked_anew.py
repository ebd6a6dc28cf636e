"""What other pipelines have built is asked anew by whoever waits for it, and by a run that goes on after a crash."""

from __future__ import annotations

import pytest

from augury.run.others import unmet
from tests.crashing import DIED, Children
from tests.functional.other_pipelines.conftest import KNOWN, PICKED, SCORED
from tests.projects import REVENUE, Shop, outcomes

FIRST, LAST = "2026-01-10", "2026-01-13"
LEARNING = """\
end: 2026-02-20
horizon: 3d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 6", every: 1d, window: 4d, folds: 2, seed: 7}
"""


def test_who_waits_for_a_partition_can_ask_for_exactly_that(shop: Shop) -> None:
    needs = [need for task in shop.plan("targeting", FIRST, LAST).tasks for need in task.needs]
    assert len(needs) == 3
    shop.run("scores", FIRST)
    shop.write("pipelines/scores/validation.sql", "select count(*) < 0 as never from {{ staging() }}")
    shop.run("scores", "2026-01-11")
    with shop.open() as project:
        left = unmet(project._reading.ledger, needs)
    assert [str(need) for need in left] == [
        "scores.predictions 2026-01-11 was held: 1 of 1 checks is not true: never",
        "scores.predictions 2026-01-12 is not built",
    ]


@pytest.mark.parametrize("settings", ["end: 2026-02-20\n", LEARNING], ids=["SQL alone", "with a model"])
def test_a_run_that_goes_on_after_a_crash_uses_what_was_built_meanwhile(shop: Shop, settings: str) -> None:
    steps = {"prepare": KNOWN, "filter": PICKED} if "model" not in settings else {"prepare": SCORED, "label": REVENUE}
    shop.pipeline("ltv", settings + "vars: {weight: 1}\n", start="2026-01-03", **steps)
    if "label" in steps:
        shop.write("pipelines/ltv/prepare.sql", "select customer_id, score from {{ ref('scores.predictions') }}")
    asked = ("2026-01-20", "2026-01-22")
    shop.run("scores", "2026-01-21")
    with Children() as children:
        code, _ = children.run(shop.root, *asked, fatal="finish_task#2")
    assert code == DIED
    shop.run("scores", "2026-01-03", "2026-01-22")
    result = shop.run("ltv", *asked)
    assert result.resumed
    assert outcomes(result) == {"2026-01-20": "succeeded", "2026-01-21": "succeeded"}
    assert shop.plan("ltv", *asked).is_empty
    assert len(shop.models("ltv")) == (1 if "label" in steps else 0)
