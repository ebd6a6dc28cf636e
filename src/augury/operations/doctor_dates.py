"""Which dates are not complete, what keeps them, and what do consumers miss by it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from augury.ledger.records import DateRecord, Status
from augury.operations.calendar import date_to_score, due_date, past_of, stale_since
from augury.operations.finding import Finding, command, described
from augury.operations.opened import Opened
from augury.operations.planning import plan_request
from augury.plan.steps import Reason, Request
from augury.spec.files import PipelineSpec

_LOOKED_AT = 400
"""Newest published dates that are asked for late data: each costs the plan about 0.2 ms per step."""

_VERBS = {
    Status.HELD: "held",
    Status.FAILED: "failed",
    Status.REFUSED: "refused by a limit",
    Status.BLOCKED: "blocked",
    Status.LOCKED: "locked",
    Status.CRASHED: "crashed",
    Status.CANCELLED: "cancelled",
    Status.EXPIRED: "expired",
    Status.RUNNING: "still running",
    Status.SKIPPED_MISSING: "skipped: missing",
}


def unfinished_dates(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Dates that did not end well, alike ones together, each with the way on; not those that are queued again."""
    for spec in _specs(opened):
        queued = opened.ledger.busy_dates(spec.name, spec.version)
        records = opened.ledger.date_records(spec.name, spec.version)
        again = {day: record for day, record in records.items() if day not in queued}
        for (status, detail), days in _alike(again).items():
            yield Finding(
                f"{spec.name} {spec.version}: {_VERBS[status]}: {described(days)}",
                detail or _WHY.get(status, ""),
                _mend(opened, spec, status, detail, days),
            )


def _alike(records: Mapping[date, DateRecord]) -> dict[tuple[Status, str], list[date]]:
    groups: dict[tuple[Status, str], list[date]] = {}
    for day, record in records.items():
        if record.status in _VERBS:
            groups.setdefault((record.status, record.detail), []).append(day)
    return groups


_WHY = {
    Status.CRASHED: "its process died",
    Status.LOCKED: "another run owned it",
    Status.CANCELLED: "somebody stopped the run",
}


def _mend(opened: Opened, spec: PipelineSpec, status: Status, detail: str, days: list[date]) -> str:
    current = opened.current_version(spec.name)
    retry = command("retry", spec, current=current)
    run = command("run", spec, days, current=current)
    log = command("logs", spec, days[:1], current=spec.version, more="--level error")
    match status:
        case Status.HELD if detail.startswith("no champion"):
            see = command("models", spec, current=current)
            train = command("train", spec, days[:1], current=current)
            return f"See which models there are: {see}. Train one: {train}. Then: {retry}"
        case Status.HELD:
            look = f'augury query "select * from {spec.tables.staging}"'
            accept = command("run", spec, days[:1], current=current, more="--accept CHECK")
            return f"Look at the candidate: {look}. Publish it anyway: {accept}. After a correction: {retry}"
        case Status.REFUSED:
            return f"Raise `limits` in {spec.file}, or make the step lighter; then: {retry}"
        case Status.BLOCKED:
            return f"Mend first what it waits for; then both: {retry}"
        case Status.SKIPPED_MISSING:
            return f"Put the source in place, then: {run}"
        case Status.CANCELLED | Status.EXPIRED:
            return f"Run it when it is wanted: {run}"
        case Status.LOCKED:
            return f"When the other run is over: {retry}"
        case Status.CRASHED:
            return f"Nothing of it was published. Go on: {retry}"
    return f"See what happened: {log}. Mend the cause, then: {retry}"


def stale_pipelines(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Pipelines whose consumers read an older date than the due one."""
    for spec in _specs(opened):
        past, due = past_of(opened, spec), due_date(spec, opened.clock())
        since = stale_since(spec, past, due)
        if since is None or due is None:
            continue
        current = opened.current_version(spec.name)
        record, run_id = past.records.get(since), past.queued.get(since)
        why = f"{record.status}: {record.detail}".rstrip(": ") if record else f"nobody has run {since} yet"
        yield Finding(
            f"{spec.name} {spec.version}: stale since {since}: consumers have "
            f"{past.latest or 'nothing'}, and {due} is due",
            f"{since}: queued by run {run_id}" if run_id else f"{since}: {why}" if record else why,
            "The service will run it. See: augury tasks"
            if run_id
            else "Run what is due: " + command("run", spec, sorted({since, due}), current=current),
        )


def late_data(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Rows that came after dates had used their days; also whatever keeps a pipeline from being planned at all."""
    for spec in _specs(opened):
        past = past_of(opened, spec)
        complete = sorted(day for day in past.complete if day in spec.grid)[-_LOOKED_AT:]
        days = complete or [date_to_score(spec, past.complete, opened.clock())]
        request = Request(spec.name, spec.version, tuple(days))
        plan = plan_request(opened, request, record_probes=False).plan
        current = opened.current_version(spec.name)
        for note in plan.notes:
            if note.startswith("late data: "):
                refresh = command("run", spec, days, current=current, more="--refresh late")
                yield Finding(f"{spec.name} {spec.version}: {note}", "", f"Take it in: {refresh}")
        waiting = sorted({step.day for step in plan.steps() if step.reason is Reason.LATE})
        if waiting and complete:
            detail = next(step.detail for step in plan.steps() if step.reason is Reason.LATE)
            yield Finding(
                f"{spec.name} {spec.version}: late data waits to be taken in by {described(waiting)}",
                detail,
                "The next run takes it in: " + command("run", spec, waiting, current=current),
            )


def _specs(opened: Opened) -> Iterator[PipelineSpec]:
    for versions in opened.spec.pipelines.values():
        yield from versions.values()
