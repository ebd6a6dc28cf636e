"""What did earlier runs leave for this one? Runs to close, plans to finish, calls to make, dates without rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

from augury.errors import AuguryError
from augury.ledger.records import DateRecord, ModelRecord, RunRecord, Status
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.operations.summaries import point_views
from augury.plan.graph import FEATURES
from augury.plan.resume import remaining
from augury.plan.steps import Plan, Purpose
from augury.run.event_hooks import owed_calls
from augury.run.recovery import recover


def recover_crashed(opened: Opened) -> list[RunRecord]:
    """Close every run whose process died; the runs that were closed."""
    closed = recover(opened.spec, opened.warehouse, opened.ledger, opened.locking, opened.clock())
    for name in {run.pipeline for run in closed} & opened.spec.pipelines.keys():
        # What it published may be the first that there is to see. Where that cannot be shown, the doctor says why.
        with suppress(AuguryError):
            point_views(opened, next(iter(opened.spec.pipelines[name].values())))
    return closed


def resumed(opened: Opened, planned: Planned, run_id: str) -> tuple[str, Planned]:
    """The crashed run that asked for the same under the same specification goes on with its stored plan."""
    request = planned.plan.request
    for run in opened.ledger.runs(request.pipeline, status=Status.CRASHED, limit=5):
        if run.version != request.version:
            continue
        try:
            stored = Plan.from_json(opened.ledger.stored_plan(run.run_id))
        except (ValueError, KeyError, TypeError):
            continue
        if stored.request == request and stored.spec == planned.plan.spec and not planned.plan.is_empty:
            facts = planned.world.facts
            rest = remaining(stored, run.run_id, facts.partitions, facts.models)
            if not rest.is_empty:
                return run.run_id, replace(planned, plan=rest, resumed=True)
    return run_id, planned


def owed_before(opened: Opened, planned: Planned) -> list[DateRecord | ModelRecord]:
    """Outcomes that dead runs did not come to tell the project's hooks. A date that this plan ends is told of then."""
    ends = {
        task.day
        for task in planned.plan.tasks
        if task.purpose is Purpose.REQUESTED and (task.skip or any(step.step == "publish" for step in task.steps))
    }
    owed = owed_calls(opened.ledger, planned.definitions.pipeline)
    return [record for record in owed if isinstance(record, ModelRecord) or record.run_date not in ends]


def ended_before(planned: Planned) -> dict[date, Status]:
    """Dates that an earlier task or run ended early: what follows of them has nothing to work on."""
    tables = planned.definitions.pipeline.tables
    building = {(step.step, step.day) for step in planned.plan.steps() if not step.training}
    days = {day for _, day in building}
    ended: dict[date, Status] = {}
    for day in days:
        for step in FEATURES:
            record = planned.world.facts.partitions.get((tables.step(step), day))
            if record is None or (step, day) in building:
                continue
            if record.status in (Status.SKIPPED_EMPTY, Status.SKIPPED_NO_POPULATION):
                ended.setdefault(day, record.status)
    return ended
