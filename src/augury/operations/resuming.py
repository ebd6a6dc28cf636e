"""What did earlier runs leave for this one? Crashed runs to close, plans to finish, dates without rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date

from augury.errors import AuguryError
from augury.ledger.records import RunRecord, Status
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.operations.summaries import point_views
from augury.plan.graph import FEATURES
from augury.plan.resume import remaining
from augury.plan.steps import Plan
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
