"""What did a run leave whose process died? The warehouse knows what it finished; the ledger catches up with it."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import date, datetime

from augury.errors import Locked
from augury.ledger.records import DateRecord, PartitionRecord, RunRecord, Status
from augury.ledger.store import Ledger
from augury.plan.steps import Plan, PlannedStep, Purpose, Task
from augury.run.event_hooks import hook_of
from augury.run.locking import Held, Locking, Locks, date_lock, training_lock
from augury.spec.files import ProjectSpec
from augury.warehouses.contract import Partition, Warehouse


def recover(
    spec: ProjectSpec, warehouse: Warehouse, ledger: Ledger, locking: Locking, now: datetime
) -> list[RunRecord]:
    """Close every run whose process is gone; the runs that were closed.

    A partition whose pointer was swapped is live, whether or not the ledger heard of it: it is recorded (rolled
    forward). Dates that had begun and not ended are `crashed`.

    The run and its dates are taken from it first: a process that was only stopped, and goes on, finds that it lost
    them. A date that a living run has taken by now is that one's to record.
    """
    closed = []
    for run in ledger.unfinished_runs():
        if locking.markers.is_alive(run.run_id):
            continue
        with suppress(Locked), ExitStack() as stack:
            marker = stack.enter_context(locking.markers.hold(run.run_id))
            if ledger.run(run.run_id).status is not Status.RUNNING:
                continue  # somebody else closed it meanwhile
            plan = _plan_of(ledger, run)
            if plan is not None:
                _roll_forward(spec, warehouse, ledger, locking.locks, run, plan, now, stack)
            detail = "its process died"
            ledger.finish_run(run.run_id, Status.CRASHED, now, run.counts, detail=detail, fence=marker.fence())
            closed.append(run)
    return closed


def _plan_of(ledger: Ledger, run: RunRecord) -> Plan | None:
    try:
        return Plan.from_json(ledger.stored_plan(run.run_id))
    except (ValueError, KeyError, TypeError):
        # A plan of another augury version: what it finished stays unrecorded and is built again.
        return None


def _roll_forward(
    spec: ProjectSpec,
    warehouse: Warehouse,
    ledger: Ledger,
    locks: Locks,
    run: RunRecord,
    plan: Plan,
    now: datetime,
    stack: ExitStack,
) -> None:
    """Record what the run finished without telling; the locks of its tasks are held as long as `stack`."""
    states = ledger.task_states(run.run_id)
    pipeline = spec.pipelines.get(run.pipeline, {}).get(run.version)
    for task in plan.tasks:
        if states.get(task.key) is not Status.RUNNING:
            continue
        lock: Held | None = None
        if pipeline is not None:
            name = training_lock(pipeline, task.day) if task.kind == "train" else date_lock(pipeline, task.day)
            try:
                lock = stack.enter_context(locks.acquire(name, run.run_id))
            except Locked:
                continue
        if task.kind == "date":
            found = _finished_by(warehouse, run, task)
            partitions = [_record(run, step, partition) for step, partition in found]
            published = next((part for step, part in found if step.step == "publish"), None)
            ends = task.purpose is Purpose.REQUESTED and not archives_alone(task)
            dates = [_date(spec, run, task.day, published, now)] if ends else []
            ledger.record_partitions(partitions, dates=dates, fence=lock.fence() if lock else None)


def archives_alone(task: Task) -> bool:
    """The date ended before: this task only keeps what it published."""
    return bool(task.steps) and all(step.step == "archive" for step in task.steps)


def _finished_by(warehouse: Warehouse, run: RunRecord, task: Task) -> list[tuple[PlannedStep, Partition]]:
    """Steps of a task whose live partition this very run wrote."""
    out = []
    for step in task.steps:
        partition = warehouse.partition(step.table, step.day) if step.table else None
        if partition is not None and partition.run_id == run.run_id:
            out.append((step, partition))
    return out


def _record(run: RunRecord, step: PlannedStep, partition: Partition) -> PartitionRecord:
    return record_of(partition, step.day, run.pipeline, run.version, _status(step.step, partition.rows))


def _status(step: str, rows: int) -> Status:
    if rows or step not in ("extract", "prepare", "filter"):
        return Status.SUCCEEDED
    return Status.SKIPPED_NO_POPULATION if step == "filter" else Status.SKIPPED_EMPTY


def _date(spec: ProjectSpec, run: RunRecord, day: date, published: Partition | None, now: datetime) -> DateRecord:
    pipeline = spec.pipelines.get(run.pipeline, {}).get(run.version)
    record = DateRecord(
        pipeline=run.pipeline,
        version=run.version,
        run_date=day,
        status=Status.SUCCEEDED if published else Status.CRASHED,
        run_id=run.run_id,
        updated_at=now,
        rows=published.rows if published else None,
        model_version=published.facts.get("model_version") if published else None,
        data_date=pipeline.cutoffs.data_date(day) if pipeline else None,
        detail="" if published else "its process died",
    )
    # The next run calls the hook that the dead one did not come to call.
    owed = pipeline is not None and hook_of(pipeline, record) is not None
    return replace(record, told_at=None if owed else now)


def record_of(partition: Partition, day: date, pipeline: str, version: str, status: Status) -> PartitionRecord:
    """The ledger's row for a live partition, from what its writer left in the pointer."""
    facts = partition.facts
    return PartitionRecord(
        table=partition.table,
        run_date=day,
        pipeline=pipeline,
        version=version,
        step=str(facts.get("step", "")),
        status=status,
        fingerprint=partition.fingerprint,
        definition=str(facts.get("definition", "")),
        run_id=partition.run_id,
        rows=partition.rows,
        built_at=partition.created_at,
        probe=int(facts.get("probe") or 0),
        generation=int(facts.get("generation") or 0),
        model_version=facts.get("model_version"),
    )
