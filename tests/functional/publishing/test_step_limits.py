"""A step that takes more than `limits.steps` gives it: its date is refused, and nothing of it is published (BB2)."""

from __future__ import annotations

import time

import pytest

from augury.run.memory import measured
from tests.projects import REVENUE, SPENT, Shop, days, outcomes

SLEEPS = "import time\n\ndef post_process(prepare):\n    time.sleep(0.2)\n    return prepare\n"
FILLS = "def {step}({rows}):\n    assert len(b'x' * 400_000_000)\n    return {rows}\n"


def limited(shop: Shop, limits: str, hooks: str = "", prepare: str = SPENT) -> None:
    shop.pipeline(settings=f"limits: {{steps: {{{limits}}}}}", prepare=prepare)
    shop.write("pipelines/ltv/hooks.py", hooks)


def test_a_step_over_its_time_is_refused_by_name_before_publishing_bb2(shop: Shop) -> None:
    shop.run("ltv", "2026-01-04")
    before = shop.published("ltv", "2026-01-04", everything=True)
    limited(shop, "post_process: {time: 0.1s}, prepare: {time: 60s}", SLEEPS)

    result = shop.run("ltv", "2026-01-04")

    assert (outcomes(result), int(result.exit_code)) == ({"2026-01-04": "refused"}, 4)
    (outcome,) = result.outcomes
    assert outcome.error is not None
    assert outcome.error.where.step == "post_process"
    assert outcome.error.what.startswith("post_process took ")
    assert outcome.error.what.endswith(" s of the 0.1 s that limits.steps.post_process.time allows")
    assert "Raise limits.steps.post_process.time" in str(outcome.error.fix)
    assert shop.published("ltv", "2026-01-04", everything=True) == before


def test_a_step_over_its_limit_is_not_let_in_by_running_again_bb2(shop: Shop) -> None:
    """What it made is not taken for built; with a larger limit it is made again and published."""
    limited(shop, "post_process: {time: 0.1s}", SLEEPS)
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "refused"}
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "refused"}
    assert (shop.published("ltv", "2026-01-04"), shop.table("ltv_v1_predictions_staging", "2026-01-04")) == ([], [])
    with shop.open() as project:
        assert not any("the ledger does not know" in str(found) for found in project.doctor(fix=False))

    limited(shop, "post_process: {time: 60s}", SLEEPS)
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}


AN_HOUR = """\
import threading
import time

def post_process(context, prepare):
    if context.run_date.day == 5:
        true, slow = time.monotonic, threading.get_ident()
        time.monotonic = lambda: true() + 3600 * (threading.get_ident() == slow)
    return prepare
"""
"""What the 5th takes by its own clock, while others work beside it."""


def test_only_the_dates_whose_step_took_too_much_are_refused_bb2(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", time.monotonic)  # comes back when the test is over
    limited(shop, "post_process: {time: 30m}", AN_HOUR)
    result = shop.run("ltv", "2026-01-04", "2026-01-07", max_parallel=2)
    assert outcomes(result) == {"2026-01-04": "succeeded", "2026-01-05": "refused", "2026-01-06": "succeeded"}


@pytest.mark.parametrize(("greedy", "status"), [("prepare", "succeeded"), ("post_process", "refused")])
def test_the_memory_of_a_step_is_what_was_used_while_it_ran_bb2(shop: Shop, greedy: str, status: str) -> None:
    """A step with a small limit may follow one that needed much."""
    with measured() as at_rest:
        pass
    hook = FILLS.format(step=greedy, rows="rows" if greedy == "prepare" else "prepare")
    small = at_rest.peak // 1_000_000 + 200
    limited(shop, f"prepare: {{memory: 64GB}}, post_process: {{memory: {small}MB}}", hook)
    result = shop.run("ltv", "2026-01-04")
    assert outcomes(result) == {"2026-01-04": status}
    if status == "refused":
        assert result.outcomes[0].detail.startswith("post_process used ")
        assert f"of the {small:,} MB that limits.steps.post_process.memory allows" in result.outcomes[0].detail
    assert result.peak_memory > at_rest.peak + 300_000_000


def test_a_training_over_its_limit_leaves_no_model_bb2(shop: Shop) -> None:
    shop.orders(*((name, str(day), 5.0) for name in ("ann", "bob") for day in days("2026-01-01", "2026-02-01")))
    shop.pipeline(
        settings="""\
horizon: 7d
limits: {steps: {train: {time: 0.0001s}}}
model: {type: linear_reg, label: revenue, missing_label: zero, train: {every: 1d}}
""",
        prepare=SPENT,
        label=REVENUE,
    )
    result = shop.train("ltv", "2026-01-25")
    assert int(result.exit_code) == 4
    (failure,) = result.failures
    assert "of the 0.0001 s that limits.steps.train.time allows" in failure.what
    assert (failure.fix or "").startswith("No model was registered.")
    assert shop.models("ltv") == []
