"""How does the state of the pipelines read: what is published, what is due, what is queued, and who serves it?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from augury.cli.render.runs import model_name
from augury.cli.reports import Report
from augury.cli.text import count, few, table
from augury.ledger.records import ModelRecord, Status

if TYPE_CHECKING:
    from augury.operations.status import PipelineStatus

NO_SERVICE = "no service is running: augury up"

MARKS = {
    Status.SUCCEEDED: ("▇", "#"),
    Status.SKIPPED_EMPTY: ("▁", "_"),
    Status.SKIPPED_MISSING: ("▁", "_"),
    Status.SKIPPED_NO_POPULATION: ("▁", "_"),
    Status.QUEUED: ("q", "q"),
    Status.RUNNING: ("r", "r"),
    Status.HELD: ("h", "h"),
    Status.REFUSED: ("l", "l"),
    Status.FAILED: ("f", "f"),
    Status.BLOCKED: ("b", "b"),
    Status.CRASHED: ("c", "c"),
    Status.LOCKED: ("o", "o"),
    Status.EXPIRED: ("x", "x"),
    Status.CANCELLED: ("x", "x"),
    None: ("·", "."),
}
"""One character a date: for terminals that know Unicode, and for the others."""
_WORDS = {
    "▇": "published",
    "#": "published",
    "▁": "skipped",
    "_": "skipped",
    "q": "queued",
    "r": "running",
    "h": "held",
    "l": "refused by a limit",
    "f": "failed",
    "b": "blocked",
    "c": "crashed",
    "o": "locked",
    "x": "expired or cancelled",
    "·": "not built",
    ".": "not built",
}


COLUMNS = (
    *("pipeline", "version", "current", "latest", "due", "model_version", "gate", "next_run", "paused", "queued"),
    "stale_since",
)


def status_report(
    statuses: Sequence[PipelineStatus], days: int, now: datetime, *, served: bool = False, ascii_only: bool = False
) -> Report:
    """`served` says whether a service is running."""
    records = [_status_record(status) for status in statuses]
    return Report(
        document={"days": days, "served": served, "pipelines": records},
        columns=COLUMNS,
        records=[{**record, "queued": len(record["queued"])} for record in records],
        text=_status_text(statuses, days, now, served, ascii_only),
        next=_status_next(statuses, served),
    )


def _status_record(status: PipelineStatus) -> dict[str, Any]:
    return {
        "pipeline": status.pipeline,
        "version": status.version,
        "current": status.current,
        "latest": status.latest,
        "due": status.due,
        "model_version": status.model.number if status.model else None,
        "gate": _gate(status.model),
        "next_run": status.next_run,
        "timezone": status.zone,
        "paused": status.paused,
        "queued": list(status.queued),
        "stale_since": status.stale_since,
        "missing": status.missing,
        "dates": [{"run_date": day, "status": found} for day, found in status.strip],
    }


def _gate(model: ModelRecord | None) -> str:
    return "" if model is None else "ok" if model.passed else "not met"


def _status_text(statuses: Sequence[PipelineStatus], days: int, now: datetime, served: bool, ascii_only: bool) -> str:
    if not statuses:
        return "This project has no pipeline."
    strips = ["".join(MARKS[found][ascii_only] for _, found in status.strip) for status in statuses]
    rows = [
        (
            _versioned(status, statuses),
            strip,
            str(status.latest or "none"),
            str(status.due or ""),
            model_name(status.pipeline, status.version, status.model.number) if status.model else "",
            _gate(status.model),
            next_of(status, now),
        )
        for status, strip in zip(statuses, strips, strict=True)
    ]
    header = ("pipeline", f"last {days} dates", "latest", "due", "model", "gate", "next run")
    lines = [table(header, rows)]
    used = sorted({mark for strip in strips for mark in strip} - {MARKS[Status.SUCCEEDED][ascii_only]})
    if used:
        lines += ["", "   ".join(f"{mark} {_WORDS[mark]}" for mark in used)]
    return "\n".join([*lines, *_below(statuses, served)])


def _below(statuses: Sequence[PipelineStatus], served: bool) -> list[str]:
    """What is to be said of single pipelines."""
    lines = [
        f"{status.pipeline} is stale since {status.stale_since}; latest published: {status.latest or 'none'}"
        for status in statuses
        if status.stale_since is not None
    ]
    lines += [_queued(status, statuses, served) for status in statuses if status.queued]
    seen = {status.pipeline for status in statuses if status.current}
    lines += [
        f"{name}: consumers see a version that is not in the project. See: augury doctor"
        for name in dict.fromkeys(status.pipeline for status in statuses)
        if name not in seen
    ]
    return lines


def _queued(status: PipelineStatus, all_of_them: Sequence[PipelineStatus], served: bool) -> str:
    """`ltv: 2 dates queued (1998-01-15, 1998-01-16), no service is running: augury up`."""
    said = f"{_versioned(status, all_of_them)}: {count(len(status.queued), 'date')} queued ({few(status.queued)})"
    return said if served else f"{said}, {NO_SERVICE}"


def _versioned(status: PipelineStatus, all_of_them: Sequence[PipelineStatus]) -> str:
    """`ltv`; with its version, and which one consumers see, where the pipeline has several."""
    if sum(other.pipeline == status.pipeline for other in all_of_them) > 1:
        return f"{status.pipeline} {status.version}{' (current)' if status.current else ''}"
    return status.pipeline if status.version == "v1" else f"{status.pipeline} {status.version}"


def _status_next(statuses: Sequence[PipelineStatus], served: bool) -> str:
    """What to do about the first pipeline that is behind."""
    if any(status.queued for status in statuses):
        return "See: augury tasks" if served else "Next: augury up"
    for status in statuses:
        strip = dict(status.strip)
        bad = (Status.FAILED, Status.HELD, Status.CRASHED, Status.BLOCKED, Status.REFUSED)
        if any(found in bad for found in strip.values()):
            return f"Next: augury retry {status.pipeline}"
        about = "" if status.current else f" --version {status.version}"
        if status.due is None or (status.latest is not None and status.latest >= status.due):
            continue
        first = status.stale_since or status.due
        if first < status.due:
            end = status.due + timedelta(days=1)
            return f"Next: augury backfill {status.pipeline} --start {first} --end {end}{about}"
        return f"Next: augury run {status.pipeline} --date {status.due}{about}"
    return ""


def next_of(status: PipelineStatus, now: datetime) -> str:
    """When a pipeline runs next, or what keeps it."""
    return status.paused or next_run(status.next_run, status.zone, now)


def next_run(at: datetime | None, zone: str, now: datetime) -> str:
    """`Mon 06:00 Europe/Madrid (05:00 UTC)`; with its date where that is more than six days away."""
    if at is None:
        return "none"
    local, universal = at.astimezone(ZoneInfo(zone)), at.astimezone(UTC)
    day = f"{local:%a}" if timedelta() <= at - now < timedelta(days=6) else f"{local:%Y-%m-%d}"
    return f"{day} {local:%H:%M} {zone}" + ("" if zone == "UTC" else f" ({universal:%H:%M} UTC)")
