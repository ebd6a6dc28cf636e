"""Whatever became of dates before: what does a plan call up to date, and whose outcome can it touch?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from augury.ledger.records import DateRecord, PartitionRecord, Status
from augury.plan.facts import SourceFact
from augury.plan.steps import Plan, Purpose
from tests.drafts import Draft
from tests.projects import REVENUE, days
from tests.unit.plan.world import AT, World

START, END = "2026-01-03", "2026-01-08"
PREPARE = "select customer_id, sum(amount) as spent from {{ window('orders') }} group by customer_id"
FILTERS = (
    "select customer_id from {{ ref('prepare') }} where spent > 1",
    "select customer_id from {{ ref('prepare') }} where spent > 2",
    "select customer_id from {{ ref('prepare') }} "
    "where customer_id not in (select customer_id from {{ history('prepare', days=2) }})",
    "select customer_id from {{ ref('prepare') }} "
    "where customer_id not in (select customer_id from {{ history('filter', days=2) }})",
)
"""The second pair looks back, at features and at itself."""

statuses = st.sampled_from([status for status in Status if status is not Status.RUNNING])
endings = st.dictionaries(st.sampled_from(days(START, END)), statuses)
"""How dates ended last; nobody tried the others."""
contents = st.dictionaries(
    st.tuples(st.sampled_from(["prepare", "filter", "predictions"]), st.sampled_from(days(START, END))),
    st.sampled_from([Status.SKIPPED_EMPTY, Status.SKIPPED_NO_POPULATION, None]),
)
"""Partitions without a row, and those that are not there at all."""


def after(written: str, ended: dict[date, Status], found: dict[tuple[str, date], Status | None]) -> World:
    """The ledger after dates were run with this filter and ended, or were changed since, in every possible way."""
    world = World(Draft().pipeline(settings="archive: false", prepare=PREPARE, filter=written))
    world.do(START, END)
    partitions: dict[tuple[str, date], PartitionRecord] = dict(world.facts.partitions)
    for (step, day), status in found.items():
        record = partitions.pop((f"ltv_v1_{step}", day))
        if status is not None and step != "predictions":
            partitions[record.table, day] = replace(record, status=status, rows=0)
    dates = {day: DateRecord("ltv", "v1", day, status, "r", AT) for day, status in ended.items()}
    return world.know(partitions=partitions, dates=dates)


def touched(plan: Plan) -> set[date]:
    """Dates whose outcome the plan may change."""
    return {task.day for task in plan.tasks if task.kind == "date" and task.purpose is Purpose.REQUESTED}


@given(
    st.sampled_from(FILTERS),
    st.sampled_from(FILTERS),
    endings,
    contents,
    st.booleans(),
    st.sampled_from([None, "missing", "failed", "all"]),
    st.sampled_from([None, "prepare", "filter"]),
)
def test_a_date_that_did_not_end_well_is_never_up_to_date_m3(
    written: str,
    edited: str,
    ended: dict[date, Status],
    found: dict[tuple[str, date], Status | None],
    present: bool,
    reprocess: str | None,
    step: str | None,
) -> None:
    """Whatever lies in its tables. It is planned, or `--reprocess missing` leaves it; and what is called up to date is
    touched by nothing of the plan, though other dates may need its features."""
    world = after(written, ended, found)
    world.shop.write("pipelines/ltv/filter.sql", edited)
    world.know(sources={"orders": SourceFact(present)})
    plan = world.plan(START, END, reprocess=reprocess, step=step)
    unfinished = {day for day, status in ended.items() if not status.complete}
    assert not unfinished & set(plan.up_to_date)
    assert reprocess == "missing" or unfinished <= set(plan.to_build)
    assert sorted([*plan.up_to_date, *plan.left, *plan.to_build]) == sorted(plan.request.dates)
    assert touched(plan) == set(plan.to_build)


LEARNS = """\
horizon: 10d
archive: false
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 10d, grace: 2d, start: 2026-01-14}
"""
"""Ticks on Mondays from 19 January on."""
MONDAYS = [date(2026, 1, 19), date(2026, 1, 26), date(2026, 2, 2)]


@given(
    st.fixed_dictionaries({tick: st.booleans() for tick in MONDAYS}), st.sampled_from(days("2026-01-15", "2026-02-05"))
)
def test_a_plan_says_which_dates_will_be_held_for_want_of_a_champion(passes: dict[date, bool], first: date) -> None:
    """Exactly those, once every verdict is known; and before, only those whose verdicts are."""
    world = World(Draft().pipeline(settings=LEARNS, prepare=PREPARE, label=REVENUE))
    world.gate = lambda tick: passes[tick]
    span = (str(first), "2026-02-06")
    said: set[date] = set()
    for _ in range(len(MONDAYS) + 1):
        # A failed gate may lead to a tick that the plan had not foreseen.
        plan = world.plan(*span)
        said.update(plan.held)
        world.perform(plan)
    after_all = world.plan(*span)
    published = {day for table, day in world.facts.partitions if table == "ltv_v1_predictions"}
    assert set(after_all.held) == set(after_all.request.dates) - published
    assert not published & said
    notes = [note for note in after_all.notes if "held: no champion" in note]
    assert bool(notes) == bool(after_all.held)
