"""How far did the tasks of a run come, and what did their steps do?

A date costs two transactions: one when its task begins, one that records everything it did. A crash in
between leaves a task that still runs and nothing else of it, so the task is simply done again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from augury.fences import Fence
from augury.ledger import tables
from augury.ledger.database import columns_of, records, row_of
from augury.ledger.leases import check_fence
from augury.ledger.models import alone_with_numbers, register
from augury.ledger.part import Part
from augury.ledger.partitions import put_dates, put_definitions, put_partitions, remove_partitions
from augury.ledger.records import (
    DateRecord,
    Definition,
    ModelRecord,
    PartitionRecord,
    Status,
    StepRecord,
)
from augury.ledger.verbs import repeatable

RECENT_STEPS = 500
"""How many steps the estimates look back at."""


class Tasks(Part):
    @repeatable
    def begin_task(
        self,
        run_id: str,
        task_key: str,
        pipeline: str,
        version: str,
        run_date: date | None,
        attempt: int,
        at: datetime,
        *,
        fence: Fence | None = None,
    ) -> None:
        """A task starts, for the first time or again. Raises Fenced."""
        row = {
            "run_id": run_id,
            "task": task_key,
            "pipeline": pipeline,
            "version": version,
            "run_date": run_date,
            "attempt": attempt,
            "status": Status.RUNNING,
            "started_at": at,
        }
        with self._database.write() as connection:
            check_fence(connection, fence)
            connection.execute(self._database.upsert(tables.tasks), row)

    @repeatable
    def finish_task(
        self,
        run_id: str,
        task_key: str,
        steps: Sequence[StepRecord] = (),
        partitions: Sequence[PartitionRecord] = (),
        removed: Collection[tuple[str, date]] = (),
        date: DateRecord | None = None,
        definitions: Iterable[Definition] = (),
        *,
        status: Status | None = None,
        model: ModelRecord | None = None,
        fence: Fence | None = None,
    ) -> ModelRecord | None:
        """Record all that a task did, in one transaction: everything of it or nothing.

        `removed` are partitions (table, run date) that are no longer there. `status` is the task's own;
        without it, it is that of `date`, else the first of its steps that did not complete, else succeeded.
        `model` is registered as `add_model` would and returned with its number. Done twice it leaves what
        doing it once leaves. Raises Fenced, and records nothing, where the task's lock is another one's by now.
        """
        ended = status or (date.status if date else _worst(steps))
        with self._database.write() as connection:
            if model:
                alone_with_numbers(self._database, connection, model)
            check_fence(connection, fence)
            if steps:
                rows = [{**row_of(step), "position": at} for at, step in enumerate(steps)]
                connection.execute(self._database.upsert(tables.steps), rows)
            remove_partitions(connection, removed)
            put_partitions(self._database, connection, partitions)
            put_definitions(self._database, connection, definitions)
            if date:
                put_dates(self._database, connection, [date])
            registered = register(connection, model) if model else None
            connection.execute(_END_TASK, {"of_run": run_id, "of_task": task_key, "ended": ended})
        return registered

    @repeatable
    def task_states(self, run_id: str) -> dict[str, Status]:
        """Where each task of a run stands; one that never began is absent."""
        tasks = tables.tasks.c
        with self._database.read() as connection:
            return _pairs(connection, select(tasks.task, tasks.status).where(tasks.run_id == run_id))

    @repeatable
    def task_attempts(self, run_id: str) -> dict[str, int]:
        """The latest attempt of each task of a run."""
        tasks = tables.tasks.c
        with self._database.read() as connection:
            return _pairs(connection, select(tasks.task, tasks.attempt).where(tasks.run_id == run_id))

    @repeatable
    def steps(
        self,
        run_id: str | None = None,
        pipeline: str | None = None,
        run_date: date | None = None,
        *,
        version: str | None = None,
    ) -> list[StepRecord]:
        """Every attempt of every step asked for, oldest first, those of a task in their order."""
        steps = tables.steps.c
        asked = {
            steps.run_id: run_id,
            steps.pipeline: pipeline,
            steps.run_date: run_date,
            steps.version: version,
        }
        query = columns_of(StepRecord, tables.steps).order_by(
            steps.started_at, steps.task, steps.attempt, steps.position
        )
        for column, value in asked.items():
            if value is not None:
                query = query.where(column == value)
        with self._database.read() as connection:
            return records(connection, StepRecord, query)

    @repeatable
    def step_seconds(self, pipeline: str, version: str) -> dict[str, float]:
        """Mean seconds that each step took lately, for estimates."""
        steps = tables.steps.c
        lately = (
            select(steps.step, steps.seconds)
            .where(steps.pipeline == pipeline, steps.version == version, steps.status == Status.SUCCEEDED)
            .order_by(steps.started_at.desc())
            .limit(RECENT_STEPS)
            .subquery()
        )
        query = select(lately.c.step, func.avg(lately.c.seconds)).group_by(lately.c.step)
        with self._database.read() as connection:
            return _pairs(connection, query)


def _pairs(connection: Connection, query: Any) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _worst(steps: Sequence[StepRecord]) -> Status:
    return next((step.status for step in steps if not step.status.complete), Status.SUCCEEDED)


_END_TASK = (
    tables.tasks.update()
    .where(tables.tasks.c.run_id == bindparam("of_run"), tables.tasks.c.task == bindparam("of_task"))
    .values(status=bindparam("ended"))
)
