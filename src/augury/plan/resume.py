"""What is left of a plan whose run died? The stored plan, without what it had finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from augury.ledger.records import ModelRecord, PartitionRecord
from augury.plan.steps import Plan, PlannedStep, Task


def remaining(
    plan: Plan,
    run_id: str,
    partitions: Mapping[tuple[str, date], PartitionRecord],
    models: tuple[ModelRecord, ...],
) -> Plan:
    """The tasks that the run `run_id` has not finished, each with the steps that it has not finished.

    validate leaves no partition, so it is repeated whenever its date was not published.
    """

    def is_done(step: PlannedStep) -> bool:
        record = partitions.get((step.table, step.day))
        return record is not None and record.run_id == run_id

    def rest(task: Task) -> Task | None:
        if task.kind == "train":
            # What another pipeline built after the plan was made is in the model's fingerprint, and not in the plan's.
            trained = any(
                model.tick == task.day and (model.fingerprint == task.fingerprint or model.run_id == run_id)
                for model in models
            )
            return None if trained else task
        steps = tuple(step for step in task.steps if not is_done(step))
        if all(step.step == "validate" for step in steps) and not task.skip:
            return None
        return replace(task, steps=steps)

    return replace(plan, tasks=tuple(task for task in map(rest, plan.tasks) if task is not None))
