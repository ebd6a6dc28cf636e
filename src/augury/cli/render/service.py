"""How does the service read: what it took, what waits, what became of it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from augury.cli.narrator import summary
from augury.cli.render.status import next_of
from augury.cli.reports import Report
from augury.cli.text import count, days, few, one_line, table
from augury.ledger.queue_records import TaskState

if TYPE_CHECKING:
    from augury.ledger.records import RunRecord
    from augury.project import Project
    from augury.service.inspecting import Waiting
    from augury.service.submit import Submission

COLUMNS = ("run_id", "task", "pipeline", "version", "run_date", "step", "state", "attempt", "since", "why")


def up_lines(project: Project) -> Iterator[str]:
    """What a service says when it begins."""
    yield f"Serving {project.spec.name} on {project.spec.target_name}. Stop it with Ctrl-C."
    now = datetime.now(UTC)
    for status in project.status():
        if not status.current:
            continue
        yield f"  {status.pipeline}  {'' if status.paused else 'next run '}{next_of(status, now)}"


def submitted_report(submission: Submission, tasks: str, *, served: bool) -> Report:
    plan = submission.plan
    document = {
        "run_id": submission.run_id,
        "pipeline": plan.request.pipeline,
        "pipeline_version": plan.request.version,
        "dates": list(plan.to_build),
        "tasks": len(plan.tasks) if submission.run_id else 0,
        "queued_before": [{"run_date": day, "run_id": run} for day, run in submission.queued_before.items()],
    }
    lines = []
    if submission.run_id:
        what = f"{days(plan.to_build)}, {count(len(plan.tasks), 'task')}" if plan.to_build else "one training"
        lines.append(f"Queued {plan.request.pipeline}: {what}; run {submission.run_id}")
    elif not submission.queued_before:
        lines.append(f"Nothing to do: {plan.request.pipeline} is published as wanted.")
    if submission.queued_before:
        runs = few(sorted(set(submission.queued_before.values())))
        lines.append(f"{count(len(submission.queued_before), 'date')} queued already, by run {runs}")
    following = f"See: {tasks}" if served else "No service is running. Start one: augury up"
    return Report(
        document=document,
        columns=("run_id", "run_date"),
        records=[{"run_id": submission.run_id, "run_date": day} for day in plan.to_build],
        text="\n".join(lines),
        next=following if submission.run_id else "",
    )


def followed_report(run: RunRecord, submission: Submission, tasks: str) -> Report:
    detail = f"\n  {one_line(run.detail)}" if run.detail else ""
    return Report(
        document={"run_id": run.run_id, "status": run.status, "counts": dict(run.counts), "detail": run.detail},
        columns=("run_id", "status", "detail"),
        records=[{"run_id": run.run_id, "status": run.status, "detail": run.detail}],
        text=f"{run.pipeline}  {summary(dict(run.counts))}   run {run.run_id}{detail}",
        next="" if run.status.complete else f"See: {tasks}",
    )


def tasks_report(found: Sequence[Waiting], retry: str) -> Report:
    records = [_record(each) for each in found]
    rows = [
        (
            str(record["pipeline"]),
            str(record["task"]),
            str(record["step"] or ""),
            str(record["state"]),
            str(record["attempt"]),
            one_line(str(record["why"])),
            str(record["run_id"]),
        )
        for record in records
    ]
    header = ("pipeline", "task", "step", "state", "attempt", "why", "run")
    dead = any(each.task.state is TaskState.DEAD for each in found)
    return Report(
        document={"tasks": records},
        columns=COLUMNS,
        records=records,
        text=table(header, rows, longest=100) if rows else "Nothing waits and nothing failed.",
        next=f"Send dead letters again: {retry}" if dead else "",
    )


def _record(waiting: Waiting) -> dict[str, Any]:
    task = waiting.task
    return {
        "run_id": task.run_id,
        "task": task.task,
        "pipeline": task.pipeline,
        "version": task.version,
        "run_date": task.day,
        "step": task.step,
        "state": task.state,
        "attempt": task.failures + 1,
        "since": waiting.since,
        "why": waiting.why,
    }


def said(document: dict[str, Any], text: str) -> Report:
    """One fact."""
    return Report(document=document, columns=tuple(document), records=[document], text=text)
