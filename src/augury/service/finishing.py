"""How does a run of the service end? From what the ledger heard of its dates and tasks."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from augury.errors import AuguryError, first_that_applies
from augury.ledger.queue_records import TaskState
from augury.ledger.records import Status
from augury.operations.opened import Opened
from augury.operations.summaries import write_summaries
from augury.plan.steps import Plan
from augury.run.limits import peak_memory
from augury.run.outcome import EXIT_CODES
from augury.service import traces

_WORST = (Status.FAILED, Status.REFUSED, Status.HELD, Status.LOCKED)


def finish(opened: Opened, run_id: str, plan: Plan) -> Status:
    """Close a run whose tasks are all over; its status. The tables about runs and models are written anew."""
    request = plan.request
    records = opened.ledger.date_records(request.pipeline, request.version)
    ours = [records[day] for day in request.dates if day in records and records[day].run_id == run_id]
    dead = opened.ledger.queued_tasks((TaskState.DEAD,), run_id=run_id)
    statuses = [record.status for record in ours] + [Status.FAILED for _ in dead]
    status = worst(statuses)
    counts = dict(Counter(str(record.status) for record in ours))
    if plan.up_to_date:
        counts["up to date"] = len(plan.up_to_date)
    details = [task.reason for task in dead] + [record.detail for record in ours if not record.status.complete]
    detail = details[0] if details else ""
    ended = opened.clock()
    opened.ledger.finish_run(run_id, status, ended, counts, peak_memory(), opened.masker.mask(detail))
    if (following := traces.current()) is not None:
        following.run(opened.ledger.run(run_id), status, ended, counts)
    with suppress(AuguryError):
        # The predictions are published; the tables about them are written again by the next run.
        write_summaries(opened, opened.pipeline(request.pipeline, request.version))
    return status


def worst(statuses: list[Status]) -> Status:
    """The status whose exit code a run with these outcomes ends with."""
    if Status.CANCELLED in statuses:
        return Status.CANCELLED
    code = first_that_applies(EXIT_CODES[status] for status in statuses if status in EXIT_CODES)
    return next((status for status in _WORST if EXIT_CODES[status] is code), Status.SUCCEEDED)
