"""How does the past read: what is published and due, which runs there were, which models, what was logged?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from augury.cli.render.runs import model_name
from augury.cli.reports import Report
from augury.cli.text import duration, table
from augury.ledger.records import ModelRecord, RunRecord, Status

if TYPE_CHECKING:
    from augury.operations.registry import ModelRow
    from augury.operations.status import PipelineStatus

MARKS = {
    Status.SUCCEEDED: ("▇", "#"),
    Status.SKIPPED_EMPTY: ("▁", "_"),
    Status.SKIPPED_MISSING: ("▁", "_"),
    Status.SKIPPED_NO_POPULATION: ("▁", "_"),
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


def status_report(statuses: Sequence[PipelineStatus], days: int, now: datetime, *, ascii_only: bool = False) -> Report:
    records = [_status_record(status) for status in statuses]
    return Report(
        document={"days": days, "pipelines": records},
        columns=("pipeline", "version", "current", "latest", "due", "model_version", "gate", "next_run", "stale_since"),
        records=[{name: value for name, value in record.items() if name != "dates"} for record in records],
        text=_status_text(statuses, days, now, ascii_only),
        next=_status_next(statuses),
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
        "stale_since": status.stale_since,
        "dates": [{"run_date": day, "status": found} for day, found in status.strip],
    }


def _gate(model: ModelRecord | None) -> str:
    return "" if model is None else "ok" if model.passed else "not met"


def _status_text(statuses: Sequence[PipelineStatus], days: int, now: datetime, ascii_only: bool) -> str:
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
            next_run(status.next_run, status.zone, now),
        )
        for status, strip in zip(statuses, strips, strict=True)
    ]
    header = ("pipeline", f"last {days} dates", "latest", "due", "model", "gate", "next run")
    lines = [table(header, rows)]
    used = sorted({mark for strip in strips for mark in strip} - {MARKS[Status.SUCCEEDED][ascii_only]})
    if used:
        lines += ["", "   ".join(f"{mark} {_WORDS[mark]}" for mark in used)]
    lines += [
        f"{status.pipeline} is stale since {status.stale_since}; latest published: {status.latest or 'none'}"
        for status in statuses
        if status.stale_since is not None
    ]
    seen = {status.pipeline for status in statuses if status.current}
    lines += [
        f"{name}: consumers see a version that is not in the project. See: augury doctor"
        for name in dict.fromkeys(status.pipeline for status in statuses)
        if name not in seen
    ]
    return "\n".join(lines)


def _versioned(status: PipelineStatus, all_of_them: Sequence[PipelineStatus]) -> str:
    """`ltv`; with its version, and which one consumers see, where the pipeline has several."""
    if sum(other.pipeline == status.pipeline for other in all_of_them) > 1:
        return f"{status.pipeline} {status.version}{' (current)' if status.current else ''}"
    return status.pipeline if status.version == "v1" else f"{status.pipeline} {status.version}"


def _status_next(statuses: Sequence[PipelineStatus]) -> str:
    """What to do about the first pipeline that is behind."""
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


def next_run(at: datetime | None, zone: str, now: datetime) -> str:
    """`Mon 06:00 Europe/Madrid (05:00 UTC)`; with its date where that is more than six days away."""
    if at is None:
        return "none"
    local, universal = at.astimezone(ZoneInfo(zone)), at.astimezone(UTC)
    day = f"{local:%a}" if timedelta() <= at - now < timedelta(days=6) else f"{local:%Y-%m-%d}"
    return f"{day} {local:%H:%M} {zone}" + ("" if zone == "UTC" else f" ({universal:%H:%M} UTC)")


RUN_COLUMNS = (
    *("run_id", "pipeline", "version", "target", "first_date", "last_date", "status", "counts"),
    *("started_at", "finished_at", "seconds", "peak_memory", "user", "host", "pid", "augury_version"),
    *("command", "detail"),
)


def runs_report(runs: Sequence[RunRecord], first: str = "") -> Report:
    """`first` is the command to type where there is no run yet."""
    columns = RUN_COLUMNS
    records = [{**{name: getattr(run, name, None) for name in columns}, "seconds": _seconds(run)} for run in runs]
    rows = [
        (
            run.run_id,
            run.pipeline if run.version == "v1" else f"{run.pipeline} {run.version}",
            span(run.first_date, run.last_date),
            str(run.status),
            _counts(run) or run.detail or run.command,
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            "" if (seconds := _seconds(run)) is None else duration(seconds),
            run.user,
        )
        for run in runs
    ]
    header = ("run", "pipeline", "dates", "status", "", "started (UTC)", "took", "by")
    return Report(
        document={"runs": records},
        columns=columns,
        records=records,
        text=table(header, rows) if rows else "There is no run yet.",
        next=f"See: augury logs --run {runs[0].run_id}" if runs else f"Next: {first}",
    )


def _counts(run: RunRecord) -> str:
    names = {str(Status.SUCCEEDED): "published"}
    return ", ".join(f"{number:,} {names.get(status, status)}" for status, number in run.counts.items() if number)


def _seconds(run: RunRecord) -> float | None:
    return None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds()


def span(first: date | None, last: date | None) -> str:
    """Both included."""
    if first is None:
        return ""
    return str(first) if last in (None, first) else f"{first} to {last}"


def models_report(pipeline: str, models: Sequence[ModelRow], train: str) -> Report:
    """`train` is the command that trains one."""
    records = [
        {
            "pipeline": row.record.pipeline,
            "version": row.record.version,
            "model_version": row.record.number,
            "tick": row.record.tick,
            "type": row.record.type,
            "label": row.record.label,
            "passed": row.record.passed,
            "verdict": row.record.verdict,
            "champion": row.champion,
            "rule": row.rule,
            "metrics": row.record.metrics,
            "rows": row.record.rows,
            "dates": row.record.dates,
            "features": row.record.features,
            "seed": row.record.seed,
            "cutoff": row.record.cutoff,
            "trained_at": row.record.trained_at,
            "run_id": row.record.run_id,
            "sha256": row.record.sha256,
            "folder": row.record.folder,
            "note": row.record.note,
        }
        for row in models
    ]
    rows = [
        (
            model_name(row.record.pipeline, row.record.version, row.record.number),
            str(row.record.tick),
            row.record.type,
            f"{row.record.rows:,}",
            "ok" if row.record.passed else "not met",
            "champion" if row.champion else "",
            row.record.verdict + (f"   ({row.rule})" if row.champion and row.rule else ""),
        )
        for row in models
    ]
    header = ("model", "as of", "type", "rows", "gate", "", "verdict")
    return Report(
        document={"models": records},
        columns=tuple(records[0]) if records else ("pipeline", "version", "model_version"),
        records=records,
        text=table(header, rows, right=(3,)) if rows else f"{pipeline} has no model yet.",
        next="" if models else f"Next: {train}",
    )


def log_text(line: Mapping[str, Any]) -> str:
    """A line of a log as people read it: time, level, place, message."""
    clock = str(line.get("time", ""))[:19].replace("T", " ")
    place = " / ".join(str(line[key]) for key in ("pipeline", "date", "step") if line.get(key))
    return f"{clock}  {line.get('level') or '':7}  {place}  {line.get('message') or ''}".rstrip()


LOG_COLUMNS = ("time", "level", "run_id", "pipeline", "version", "date", "step", "message", "extra")


def log_records(lines: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for line in lines:
        yield {name: line.get(name) for name in LOG_COLUMNS}
