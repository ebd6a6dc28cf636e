"""Two pipelines: `ltv` reads what `scores` published, of which the ledger knows what a test says."""

from __future__ import annotations

from augury.ledger.records import DateRecord, PartitionRecord, Status
from augury.plan.facts import OtherFacts
from augury.plan.steps import Plan
from tests.projects import day
from tests.unit.plan.world import AT, World

JOINED = "select customer_id, score from {{ ref('prepare') }} join {{ ref('scores.predictions') }} using (customer_id)"
TRAINED = """\
horizon: 7d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 1 * *", every: 1d, window: 5d}
"""


def built(
    world: World,
    *when: str,
    table: str = "scores_v1_predictions",
    fingerprint: str = "a" * 32,
    version: str = "v1",
    status: Status = Status.SUCCEEDED,
) -> World:
    """The other pipeline built this partition on these dates."""
    key = ("scores", version)
    before = world.facts.others.get(key, OtherFacts())
    records = {
        (table, day(each)): PartitionRecord(
            table, day(each), "scores", version, "publish", status, fingerprint, "", "r", 3, AT
        )
        for each in when
    }
    facts = OtherFacts({**before.partitions, **records}, before.dates)
    return world.know(others={**world.facts.others, key: facts})


def ended(world: World, when: str, status: Status, detail: str = "") -> World:
    """A date of the other pipeline ended so."""
    before = world.facts.others.get(("scores", "v1"), OtherFacts())
    record = DateRecord("scores", "v1", day(when), status, "r", AT, detail=detail)
    facts = OtherFacts(before.partitions, {**before.dates, day(when): record})
    return world.know(others={**world.facts.others, ("scores", "v1"): facts})


def tidied(world: World) -> World:
    """The other pipeline keeps nothing of what it built."""
    return world.know(others={})


def waits_for(plan: Plan) -> dict[str, list[str]]:
    """What each task waits for in other pipelines."""
    return {task.key: list(map(str, task.needs)) for task in plan.tasks if task.needs}
