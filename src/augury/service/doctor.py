"""What of the service is stuck, why, and what mends it? Asked beside the checks of `augury.operations.doctor`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from augury.ledger.queue_records import QueuedTask, TaskState
from augury.operations.calendar import due_date, past_of
from augury.operations.changes import counted
from augury.operations.finding import Finding, described
from augury.operations.opened import Opened
from augury.plan.steps import External, Plan
from augury.run.others import unmet
from augury.service.inspecting import is_served, living

AHEAD = timedelta(minutes=1)
"""Clocks of hosts that share a ledger differ by less."""
SILENT = timedelta(minutes=5)
"""A service that runs asks about an operation this long after it is due at the latest."""


def no_service(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Tasks that could be done, and nobody who does them."""
    queued = opened.ledger.queued_tasks()
    if queued and not is_served(opened):
        runs = counted(len({task.run_id for task in queued}), "run")
        yield Finding(
            f"{counted(len(queued), 'task')} of {runs} wait, and no service is running",
            f"the oldest waits since {min(task.enqueued_at for task in queued):%Y-%m-%d %H:%M} UTC",
            f"Start one: {_start(opened)}. Or take a run back: augury cancel {queued[0].run_id}",
        )


def dead_workers(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Processes of the service that died without saying so."""
    workers = opened.ledger.workers()
    # Beside a ledger in a file one process serves at a time, and it forgets those before it when it begins.
    alive = living(opened, workers) if opened.ledger.shared else {each.name for each in workers if is_served(opened)}
    out = opened.ledger.queued_tasks((TaskState.RELEASED,))
    for worker in workers:
        if worker.name not in alive:
            tasks = counted(sum(task.worker == worker.name for task in out), "task")
            yield Finding(
                f"the worker {worker.name} died with {tasks} under way",
                f"{worker.host}, pid {worker.pid}, last heard of {worker.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC",
                f"A service that runs gives them to somebody else: {_start(opened)}",
            )


def dead_letters(opened: Opened, fix: bool) -> Iterator[Finding]:
    """What the service gave up, alike ones together."""
    groups: dict[tuple[str, str, str], list[QueuedTask]] = defaultdict(list)
    for task in opened.ledger.queued_tasks((TaskState.DEAD,)):
        groups[task.pipeline, task.version, task.reason].append(task)
    for (pipeline, version, reason), tasks in groups.items():
        days = sorted({task.day for task in tasks})
        runs = list(dict.fromkeys(task.run_id for task in tasks))
        again = f"augury retry {runs[0]}" if len(runs) == 1 else "augury retry --failed"
        yield Finding(
            f"{pipeline} {version}: {counted(len(tasks), 'dead letter')}: {described(days)}",
            reason,
            f"See what happened: augury logs --run {runs[0]} --level error. Mend the cause, then: {again}",
        )


def waits_in_vain(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Tasks that read a partition of another pipeline which nobody is going to build."""
    needs: dict[External, set[date]] = defaultdict(set)
    readers: dict[External, str] = {}
    plans: dict[str, Plan] = {}
    for task in opened.ledger.queued_tasks((TaskState.QUEUED,)):
        try:
            if task.run_id not in plans:
                plans[task.run_id] = Plan.from_json(opened.ledger.stored_plan(task.run_id))
        except (ValueError, KeyError, TypeError):
            continue  # of another version of augury: the service closes it, and says so
        planned = next((each for each in plans[task.run_id].tasks if each.key == task.task), None)
        for need in unmet(opened.ledger, planned.needs) if planned is not None else ():
            if _nobody_builds(opened, need):
                needs[need].add(task.day)
                readers[need] = task.pipeline
    for need, days in needs.items():
        yield Finding(
            f"{readers[need]}: {described(sorted(days))} waits for {need.pipeline} {need.day}, which nobody builds",
            f"{need.pipeline} {need.day} is neither queued nor due by its schedule",
            f"Have it built: augury submit {need.pipeline} --date {need.day}",
        )


def _nobody_builds(opened: Opened, need: External) -> bool:
    """Never tried, not queued, and not to be due by itself."""
    spec = opened.spec.pipelines.get(need.pipeline, {}).get(need.version)
    if spec is None or need.day in opened.ledger.busy_dates(need.pipeline, need.version):
        return spec is None
    if need.day in opened.ledger.date_records(need.pipeline, need.version, need.day, need.day):
        return False  # however it ended: a worker says so to whoever reads it
    due = due_date(spec, opened.clock())
    paused = spec.settings.schedule.paused or need.pipeline in opened.ledger.pauses()
    return paused or need.day not in spec.grid or (due is not None and need.day <= due)


def operations(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Operations outside that are past their deadline, or that nobody asks about."""
    suspended = {(task.run_id, task.task): task for task in opened.ledger.queued_tasks((TaskState.SUSPENDED,))}
    served, now = is_served(opened), opened.clock()
    for operation in opened.ledger.operations():
        task = suspended.get((operation.run_id, operation.task))
        late = operation.poll and now > operation.due_at + SILENT
        if task is None or not (now >= operation.deadline or late):
            continue
        over = f"was to be over by {operation.deadline:%Y-%m-%d %H:%M} UTC"
        asked = f"was to be asked about at {operation.due_at:%Y-%m-%d %H:%M} UTC"
        yield Finding(
            f"{task.pipeline} {task.day} {operation.step} waits for {operation.name}, which "
            + (over if now >= operation.deadline else asked),
            "a service that runs makes it a dead letter at its next look"
            if served
            else "no service is running that would ask",
            f"If it is over: augury notify {operation.name} --result JSON. "
            + (f"If not: augury cancel {operation.run_id}" if served else f"Else start a service: {_start(opened)}"),
        )


def paused_and_due(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Pipelines that somebody paused, and whose consumers wait by now."""
    for name, pause in opened.ledger.pauses().items():
        for spec in opened.spec.pipelines.get(name, {}).values():
            due = due_date(spec, opened.clock())
            if spec.version == opened.current_version(name) and due and due not in past_of(opened, spec).complete:
                yield Finding(
                    f"{name} is paused, and {due} is due",
                    f"paused by {pause.who} at {pause.since:%Y-%m-%d %H:%M} UTC",
                    f"Serve it again: augury resume {name}",
                )


def clock_set_back(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Times in the ledger that are still to come."""
    now = opened.clock()
    times: dict[str, list[datetime]] = {
        "a run began": [run.started_at for run in opened.ledger.runs(limit=1)],
        "a task was released": [each.at for each in opened.ledger.recent_releases(now)],
        "a worker was heard of": [worker.heartbeat_at for worker in opened.ledger.workers()],
    }
    ahead = {what: max(found) for what, found in times.items() if found and max(found) > now + AHEAD}
    if ahead:
        what = max(ahead, key=lambda each: ahead[each])
        yield Finding(
            f"the ledger knows times that are still to come: {what} at {ahead[what]:%Y-%m-%d %H:%M:%S} UTC",
            f"the clock of this host says {now:%Y-%m-%d %H:%M:%S} UTC: one of them was set back, or was wrong before",
            "Set the clock of this host. No date is run twice and no limit is passed meanwhile; what waits for a time "
            "waits until the clock shows it.",
        )


def _start(opened: Opened) -> str:
    return "augury worker" if opened.ledger.shared else "augury up"


CHECKS = (clock_set_back, dead_workers, no_service, operations, waits_in_vain, dead_letters, paused_and_due)
