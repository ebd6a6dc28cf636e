"""How does one date read: its rows, its model and what each step did?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from augury.cli.render.rows import rows_text
from augury.cli.render.runs import model_name
from augury.cli.render.status import NO_SERVICE
from augury.cli.reports import Report
from augury.cli.suggestions import Suggest
from augury.cli.text import count, duration, table

if TYPE_CHECKING:
    from augury.operations.showing import Shown

STEP_COLUMNS = ("step", "status", "rows", "seconds", "reason", "detail", "table", "attempt", "run_id")


def shown_report(
    pipeline: str, day: date, shown: Shown, suggest: Suggest, about: Sequence[str], *, served: bool = True
) -> Report:
    """`about` are the words that name the date to a command; `served` says whether a service is running."""
    steps = [{name: getattr(step, name) for name in STEP_COLUMNS} for step in shown.steps]
    return Report(
        document={
            "pipeline": pipeline,
            "run_date": day,
            "status": shown.status,
            "queued": shown.queued,
            "model": shown.model,
            "total_rows": shown.total_rows,
            "columns": list(shown.columns),
            "rows": shown.rows,
            "steps": steps,
        },
        columns=tuple(shown.columns),
        records=shown.rows,
        text=_text(pipeline, day, shown, steps, served),
        next=_next(shown, suggest, about),
    )


def _text(pipeline: str, day: date, shown: Shown, steps: list[dict[str, Any]], served: bool) -> str:
    record, model = shown.status, shown.model
    queued = f"queued by run {shown.queued}" + ("" if served else f", {NO_SERVICE}")
    if record is None:
        return f"{pipeline} {day} {f'is {queued}' if shown.queued else 'has not been built.'}"
    through = f", data through {record.data_date}" if record.data_date else ""
    detail = f": {record.detail}" if record.detail else ""
    lines = [f"{pipeline} {day}  {record.status}{detail}   {count(shown.total_rows, 'row')}{through}"]
    if model is not None:
        name = model_name(model.pipeline, model.version, model.number)
        lines.append(f"  model  {name} ({model.type}), trained as of {model.tick}: {model.verdict}")
    lines.append(f"  run    {record.run_id}")
    if shown.queued:
        lines.append(f"  again  {queued}")
    if steps:
        cells = [
            (
                str(step["step"]),
                str(step["status"]),
                "" if step["rows"] is None else f"{step['rows']:,}",
                duration(step["seconds"]),
                str(step["detail"] or step["reason"]),
            )
            for step in steps
        ]
        lines += ["", table(("step", "status", "rows", "took", ""), cells, right=(2,), indent="  ")]
    if shown.rows:
        rows = [[row.get(name) for name in shown.columns] for row in shown.rows]
        lines += ["", rows_text(tuple(shown.columns), rows, indent="  ")]
        if shown.total_rows > len(rows):
            lines.append(f"  ... and {count(shown.total_rows - len(rows), 'more row')}")
    return "\n".join(lines)


def _next(shown: Shown, suggest: Suggest, about: Sequence[str]) -> str:
    if shown.status is None and shown.queued:
        return f"See: {suggest('tasks', '--run', shown.queued)}"
    if shown.status is None:
        return f"Next: {suggest('run', *about)}"
    if shown.total_rows > len(shown.rows):
        return f"\nMore of them: {suggest('show', *about, '--limit', '50')}"
    return ""
