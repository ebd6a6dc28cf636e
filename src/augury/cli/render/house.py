"""How do listings of the project itself read: pipelines, settings, changes, findings, decisions?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from augury.cli.reports import Report
from augury.cli.text import count, table
from augury.cli.values import csv_cell, plain
from augury.spec.others import steps_named

if TYPE_CHECKING:
    from augury.ledger.records import Decision
    from augury.operations.changes import Change
    from augury.operations.finding import Finding
    from augury.spec.files import PipelineSpec, ProjectSpec


def pipelines_report(spec: ProjectSpec) -> Report:
    records = [_pipeline_record(pipeline) for versions in spec.pipelines.values() for pipeline in versions.values()]
    # Only where there is something to see: in most projects no pipeline reads another.
    depending = any(record["reads"] for record in records)
    rows: list[tuple[str, ...]] = [
        (
            record["pipeline"],
            record["version"],
            ", ".join(record["entity"]),
            record["model"] or "SQL",
            record["cron"],
            str(record["start"]) + (f" to {record['end']}" if record["end"] else " on"),
            *([", ".join(record["reads"])] if depending else []),
            record["description"],
        )
        for record in records
    ]
    header = ("pipeline", "version", "entity", "model", "schedule", "run dates", *(["reads"] if depending else []), "")
    first = next(iter(spec.pipelines), None)
    return Report(
        document={
            "project": spec.name,
            "target": spec.target_name,
            "namespace": spec.namespace,
            "targets": list(spec.settings.targets),
            "sources": list(spec.sources),
            "pipelines": records,
        },
        columns=(
            "pipeline",
            "version",
            "entity",
            "model",
            "cron",
            "timezone",
            "start",
            "end",
            "steps",
            "reads",
            "description",
        ),
        records=records,
        text=table(header, rows) if rows else "This project has no pipeline.",
        next=f"Next: augury status {first}" if first else "Next: augury new pipeline NAME",
    )


def _pipeline_record(pipeline: PipelineSpec) -> dict[str, Any]:
    settings = pipeline.settings
    return {
        "pipeline": pipeline.name,
        "version": pipeline.version,
        "entity": list(settings.entities),
        "model": settings.model.type if settings.model else None,
        "cron": settings.schedule.cron,
        "timezone": pipeline.zone.key,
        "start": settings.start,
        "end": settings.end,
        "steps": list(pipeline.steps),
        "reads": list(steps_named(pipeline)),
        "owner": settings.owner,
        "description": settings.description,
        "table": pipeline.tables.current_predictions,
        "file": pipeline.file,
    }


def config_report(values: Sequence[tuple[str, Any, str]]) -> Report:
    records = [{"key": key, "value": value, "origin": origin} for key, value, origin in values]
    rows = [(record["key"], _setting(record["value"]), record["origin"]) for record in records]
    return Report(
        document={"config": records},
        columns=("key", "value", "origin"),
        records=records,
        text=table(("key", "value", "from"), rows),
    )


def _setting(value: Any) -> str:
    return "" if value is None or value == "" else csv_cell(plain(value))


def changes_report(changes: Sequence[Change], *, dry_run: bool, rerun: str = "", subject: str = "") -> Report:
    """What was changed, or with `dry_run` would be."""
    records = [{"verb": change.verb, "subject": change.subject, "detail": change.detail} for change in changes]
    rows = [(change.verb, change.subject, change.detail) for change in changes]
    lines = [table(("", "", ""), rows).lstrip("\n")] if rows else []
    done = count(len(changes), "change")
    lines.append(
        f"Nothing to do{f': {subject}' if subject else ''}."
        if not changes
        else f"{done} would be made."
        if dry_run
        else f"{done} made, recorded with your name."
    )
    return Report(
        document={"dry_run": dry_run, "changes": records},
        columns=("verb", "subject", "detail"),
        records=records,
        text="\n".join(lines),
        next=f"Nothing was changed. Do it: {rerun}" if dry_run and changes and rerun else "",
    )


def findings_report(findings: Sequence[Finding], *, fix: bool) -> Report:
    records = [
        {"problem": found.problem, "why": found.why, "mend": found.mend, "mended": found.mended} for found in findings
    ]
    lines = []
    for found in findings:
        lines.append(f"{'mended' if found.mended else 'found'}: {found.problem}")
        lines += [f"  {text}" for text in (found.why, found.mend) if text]
    left = sum(not found.mended for found in findings)
    if not findings:
        lines.append("Nothing is stuck.")
    else:
        lines.append(f"{count(len(findings), 'finding')}: {len(findings) - left} mended, {left} left")
    return Report(
        document={"findings": records},
        columns=("problem", "why", "mend", "mended"),
        records=records,
        text="\n".join(lines),
        next="Mend what can be mended: augury doctor --fix" if _mendable(findings) and not fix else "",
    )


def _mendable(findings: Sequence[Finding]) -> bool:
    return any("doctor --fix" in found.mend for found in findings if not found.mended)


def decision_report(decision: Decision, said: str, then: str = "") -> Report:
    columns = ("at", "who", "action", "pipeline", "version", "subject", "effective_from", "detail")
    record = {name: getattr(decision, name) for name in columns}
    return Report(
        document={"decision": record},
        columns=columns,
        records=[record],
        text=f"{said}   (recorded: {decision.who}, {decision.at:%Y-%m-%d %H:%M} UTC)",
        next=then,
    )
