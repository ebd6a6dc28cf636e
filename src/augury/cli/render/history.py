"""How does the past read: which runs there were, which models, what was logged?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.cli.render.runs import model_name
from augury.cli.reports import Report
from augury.cli.text import count, duration, table
from augury.ledger.records import FOREGROUND, RunRecord, Status

if TYPE_CHECKING:
    from augury.operations.registry import ModelRow

RUN_COLUMNS = (
    *("run_id", "pipeline", "version", "target", "first_date", "last_date", "status", "counts"),
    *("started_at", "finished_at", "seconds", "peak_memory", "user", "host", "pid", "augury_version"),
    *("command", "detail", "origin"),
)


def runs_report(runs: Sequence[RunRecord], first: str = "", *, served: bool = True) -> Report:
    """`first` is the command to type where there is no run yet; `served` says whether a service is running."""
    columns = RUN_COLUMNS
    records = [{**{name: getattr(run, name, None) for name in columns}, "seconds": _seconds(run)} for run in runs]
    rows = [
        (
            run.run_id,
            run.pipeline if run.version == "v1" else f"{run.pipeline} {run.version}",
            span(run.first_date, run.last_date),
            str(run.status),
            run.origin,
            _counts(run) or run.detail or run.command,
            f"{run.started_at:%Y-%m-%d %H:%M:%S}",
            "" if (seconds := _seconds(run)) is None else duration(seconds),
            run.user,
        )
        for run in runs
    ]
    header = ("run", "pipeline", "dates", "status", "from", "", "started (UTC)", "took", "by")
    return Report(
        document={"runs": records},
        columns=columns,
        records=records,
        text=table(header, rows) if rows else "There is no run yet.",
        next=f"Next: {first}" if not runs else _runs_next(runs, served),
    )


def _runs_next(runs: Sequence[RunRecord], served: bool) -> str:
    waiting = [run for run in runs if run.origin != FOREGROUND and run.status in (Status.QUEUED, Status.RUNNING)]
    if waiting and not served:
        return f"{count(len(waiting), 'run')} of the service waiting, and no service is running. Start it: augury up"
    return f"See: augury logs --run {runs[0].run_id}"


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
