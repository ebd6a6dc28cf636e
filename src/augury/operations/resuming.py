"""What did earlier runs leave for this one? Crashed runs to close, plans to finish, dates that are well again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from augury.ledger.records import RunRecord, Status
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.plan.graph import FEATURES
from augury.plan.resume import remaining
from augury.plan.steps import Plan
from augury.run.locks import RunMarker
from augury.run.recovery import recover


def recover_crashed(opened: Opened) -> list[RunRecord]:
    """Close every run whose process died; the runs that were closed."""
    marker = RunMarker(opened.locks_folder, opened.clock)
    return recover(opened.spec, opened.warehouse, opened.ledger, marker, opened.clock())


def settle(opened: Opened, planned: Planned) -> None:
    """A date that failed after an edit, and is as wanted now that the edit is undone, did not fail any more."""
    facts, pipeline = planned.world.facts, planned.definitions.pipeline
    settled = []
    for day in planned.plan.up_to_date:
        record, published = facts.dates.get(day), facts.partitions.get((pipeline.tables.predictions, day))
        if record is not None and published is not None and not record.status.complete:
            settled.append(
                replace(
                    record,
                    status=published.status,
                    run_id=published.run_id,
                    rows=published.rows,
                    model_version=published.model_version,
                    updated_at=opened.clock(),
                    detail="",
                )
            )
    if settled and planned.plan.request.reprocess is None:
        opened.ledger.record_partitions(dates=settled)


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
