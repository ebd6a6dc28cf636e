"""How does a request become a run of the service? Planned now, its tasks queued behind their barriers."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from augury import __version__
from augury.ledger.queue_records import Priority, QueuedTask, TaskState
from augury.ledger.records import RunRecord, Status
from augury.operations.opened import Opened
from augury.operations.planning import Planned, plan_request
from augury.operations.resuming import recover_crashed
from augury.plan.steps import Plan, Purpose, Request, Task
from augury.run.ids import new_run_id
from augury.service import traces
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.service import DEFAULT, TRAIN

SCHEDULE, SUBMIT = "schedule", "submit"
"""Where a run of the service comes from."""


@dataclass(frozen=True)
class Submission:
    run_id: str | None
    """None where there was nothing to do."""
    plan: Plan
    queued_before: Mapping[date, str]
    """Dates that were asked for and are queued already, with the run that has them."""


def submit(opened: Opened, request: Request, *, command: str, origin: str = SUBMIT) -> Submission:
    """Queue whatever a request needs. Dates that are queued already stay with the run that has them.

    Runs of processes that died are closed first, so that the plan knows what they finished. Raises what planning
    raises.
    """
    began, following = time.time_ns(), traces.current()
    recover_crashed(opened)
    spec = opened.pipeline(request.pipeline, request.version)
    busy = opened.ledger.busy_dates(spec.name, spec.version)
    before = {day: busy[day] for day in request.dates if day in busy}
    left = replace(request, dates=tuple(day for day in request.dates if day not in busy))
    planned = plan_for_queue(opened, left)
    if planned.plan.is_empty or (request.dates and not left.dates):
        return Submission(None, planned.plan, before)
    now = opened.clock()
    run = _record(opened, planned.plan, new_run_id(now), command, origin, now)
    tasks = tasks_of(opened.spec, spec, planned.plan, run.run_id, origin, now)
    opened.ledger.enqueue_run(run, opened.masker.mask(planned.plan.to_json()), tasks)
    if following is not None:
        following.planned(run, began, len(tasks))
    return Submission(run.run_id, planned.plan, before)


def plan_again(opened: Opened, run_id: str, request: Request, tried: Collection[date] = ()) -> bool:
    """A run goes on with a new plan for what is left of its request; False where nothing is.

    `tried` are ticks that an earlier plan of the run was made for already.
    """
    plan = plan_for_queue(opened, request).plan
    if plan.is_empty:
        return False
    spec, origin = opened.pipeline(request.pipeline, request.version), opened.ledger.run(run_id).origin
    facts = {"tried": sorted(map(str, tried))} if tried else {}
    tasks = tasks_of(opened.spec, spec, plan, run_id, origin, opened.clock(), facts)
    opened.ledger.replan_run(run_id, opened.masker.mask(plan.to_json()), tasks)
    return True


def plan_for_queue(opened: Opened, request: Request) -> Planned:
    """A plan in which every throttled step is a task of its own."""
    spec = opened.pipeline(request.pipeline, request.version)
    return plan_request(opened, request, record_probes=True, apart=throttled_steps(opened.spec, spec))


def throttled_steps(project: ProjectSpec, pipeline: PipelineSpec) -> frozenset[str]:
    named = {*pipeline.settings.throttle, *project.settings.throttle}
    return frozenset(named - {TRAIN, DEFAULT})


def tasks_of(
    project: ProjectSpec,
    pipeline: PipelineSpec,
    plan: Plan,
    run_id: str,
    origin: str,
    now: datetime,
    facts: Mapping[str, object] | None = None,
) -> list[QueuedTask]:
    """One queued task per task of a plan, all behind their barriers; `facts` is what they are told to begin with."""
    apart = throttled_steps(project, pipeline)
    return [
        QueuedTask(
            run_id=run_id,
            task=task.key,
            pipeline=pipeline.name,
            version=pipeline.version,
            day=task.day,
            step=throttled(task, apart),
            priority=Priority.SCHEDULED if origin == SCHEDULE else Priority.SUBMITTED,
            requested=task.kind == "date" and task.purpose is Purpose.REQUESTED,
            position=position,
            state=TaskState.WAITING,
            attempt=1,
            failures=0,
            starts=0,
            enqueued_at=now,
            not_before=now,
            polled_at=now,
            facts=dict(facts or {}),
        )
        for position, task in enumerate(plan.tasks)
    ]


def throttled(task: Task, apart: frozenset[str]) -> str:
    """The step whose throttle a task obeys: one of its own, `train`, or none."""
    if task.kind == "train":
        return TRAIN
    return next((step.step for step in task.steps if step.step in apart), "")


def _record(opened: Opened, plan: Plan, run_id: str, command: str, origin: str, now: datetime) -> RunRecord:
    request = plan.request
    return RunRecord(
        run_id=run_id,
        pipeline=request.pipeline,
        version=request.version,
        target=opened.spec.target_name,
        command=opened.masker.mask(command),
        first_date=request.dates[0] if request.dates else None,
        last_date=request.dates[-1] if request.dates else None,
        status=Status.QUEUED,
        started_at=now,
        host=opened.who.host,
        pid=opened.who.pid,
        user=opened.who.user,
        augury_version=__version__,
        origin=origin,
    )
