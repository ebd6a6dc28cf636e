"""How does a plan read: what will be built, why, and how long will it take?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from augury.cli.reports import Report
from augury.cli.text import count, duration, table

if TYPE_CHECKING:
    from augury.plan.explain import Explanation
    from augury.plan.steps import Plan

COLUMNS = ("step", "partitions", "why", "estimate_seconds", "estimate_bytes", "estimate_cost", "note")


def plan_report(plan: Plan, explained: Explanation, rerun: str) -> Report:
    """`rerun` is the command that performs the plan, with everything that was typed for it."""
    rows: list[dict[str, Any]] = [
        {
            "step": row.step,
            "partitions": row.partitions,
            "why": row.why,
            "estimate_seconds": row.estimate_seconds,
            "estimate_bytes": row.estimate_bytes,
            "estimate_cost": row.estimate_cost,
            "note": row.note,
        }
        for row in explained.rows
    ]
    return Report(
        document={
            "explanation": {
                "header": explained.header,
                "rows": rows,
                "cost": explained.total,
                "notes": list(explained.notes),
                "next_command": rerun,
            },
        },
        columns=COLUMNS,
        records=rows,
        text=nothing_to_do(plan) if plan.is_empty else _text(explained, rows),
        next="" if plan.is_empty else f"\nNothing was written. Run it: {rerun}",
        costly=lambda: {"plan": json.loads(plan.to_json())},
    )


def _billed(row: dict[str, Any]) -> tuple[str, str]:
    from augury.operations.costing import in_bytes, in_money

    if row["estimate_bytes"] is None:
        return "", ""
    return in_bytes(row["estimate_bytes"]), in_money(row["estimate_cost"])


def nothing_to_do(plan: Plan) -> str:
    """What a command says that finds everything done."""
    asked, dates = plan.request, plan.request.dates
    if plan.left:
        return _left(plan)
    state = f"built up to {asked.step}" if asked.step else "published"
    if not dates and not asked.ticks:
        return f"Nothing to do: no date of {asked.pipeline} was left unfinished."
    if len(dates) == 1:
        said = f"{asked.pipeline} {dates[0]} is {state} and nothing that it depends on has changed."
    else:
        span = f" from {dates[0]} to {dates[-1]}" if dates else ""
        said = f"all {count(len(dates), 'date')} of {asked.pipeline}{span} are {state} and nothing has changed since."
    lines = [f"Nothing to do: {said}"]
    return "\n".join([*lines, *(f"note: {note}" for note in plan.notes)])


def _left(plan: Plan) -> str:
    """What `--reprocess` is not about."""
    days, mode = plan.left, plan.request.reprocess
    if mode is None:
        return f"Nothing to do: {count(len(days), 'date')} of {plan.request.pipeline} did not end well before."
    why = "tried before" if mode == "missing" else "finished before"
    if len(days) == 1:
        return f"Nothing to do: {plan.request.pipeline} {days[0]} was {why}; --reprocess {mode} leaves it as it is."
    dates = f"{count(len(days), 'date')} of {plan.request.pipeline} from {days[0]} to {days[-1]}"
    return f"Nothing to do: {dates} were {why}; --reprocess {mode} leaves them as they are."


def _text(explained: Explanation, rows: list[dict[str, Any]]) -> str:
    cells = [
        (
            row["step"],
            f"{row['partitions']:,}",
            row["why"],
            "" if row["estimate_seconds"] is None else duration(row["estimate_seconds"]),
            *(_billed(row) if explained.total else ()),
            row["note"] or "",
        )
        for row in rows
    ]
    lines = [explained.header, ""]
    billed = ("bytes", "cost") if explained.total else ()
    titles = ("step", "partitions", "why", "estimate", *billed, "")
    lines.append(table(titles, cells, right=(1, 4, 5) if billed else (1,), indent="  "))
    if explained.total:
        lines += ["", f"cost: {explained.total}"]
    if explained.notes:
        lines += ["", *(f"note: {note}" for note in explained.notes)]
    return "\n".join(lines)
