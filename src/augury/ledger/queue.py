"""Which tasks has the service to do, and where does each stand?

A task moves by conditional updates: whoever finds it in another state or attempt than expected moves nothing. So a
late answer of a worker that was given up changes nothing, and two deciders never both win.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from augury.errors import UsageError
from augury.ledger import queue_tables, tables
from augury.ledger.database import columns_of, records, row_of, rows_of, storable
from augury.ledger.part import Part
from augury.ledger.queue_records import Opening, QueuedTask, Release, TaskState
from augury.ledger.records import RunRecord, Status
from augury.ledger.verbs import once, repeatable

_QUEUE = queue_tables.queue.c
_OPEN = tuple(state for state in TaskState if state.open)
_ONE = (_QUEUE.run_id == bindparam("of_run")) & (_QUEUE.task == bindparam("of_task"))
_HELD = _ONE & (_QUEUE.state == TaskState.RELEASED) & (_QUEUE.attempt == bindparam("of_attempt"))
"""The task, where this very attempt of it is out with the workers."""


class Queue(Part):
    # -- in ------------------------------------------------------------------------------------------------------

    @once
    def enqueue_run(self, run: RunRecord, plan_json: str, tasks: Sequence[QueuedTask]) -> None:
        """Record a run that the service shall perform, with its plan and its tasks: all of it or nothing.

        Raises UsageError where a run of the service has an open task of one of these dates already.
        """
        days = {task.day for task in tasks if task.requested}
        with self._database.write() as connection:
            self._database.alone(connection, f"queue {run.pipeline} {run.version}")
            busy = _busy(connection, run.pipeline, run.version)
            if twice := sorted(days & set(busy)):
                raise UsageError(
                    f"{run.pipeline} {twice[0]} is queued already, by run {busy[twice[0]]}",
                    fix="See: augury tasks",
                )
            connection.execute(tables.runs.insert(), row_of(run))
            connection.execute(tables.plans.insert(), {"run_id": run.run_id, "plan": storable(plan_json)})
            _put(self._database.upsert(queue_tables.queue), connection, tasks)

    @once
    def replan_run(self, run_id: str, plan_json: str, tasks: Sequence[QueuedTask]) -> None:
        """A run of the service goes on, or again, with another plan, whose tasks come in the place of all old ones."""
        with self._database.write() as connection:
            plans, queue = tables.plans, queue_tables.queue
            connection.execute(plans.update().where(plans.c.run_id == run_id), {"plan": storable(plan_json)})
            last = connection.scalar(select(func.max(_QUEUE.attempt)).where(_QUEUE.run_id == run_id)) or 0
            connection.execute(queue.delete().where(_QUEUE.run_id == run_id))
            runs = tables.runs
            again = {"status": Status.QUEUED, "finished_at": None, "detail": ""}
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(again))
            # An attempt of the old plan that comes late is none of the new one.
            _put(self._database.upsert(queue), connection, [replace(task, attempt=last + 1) for task in tasks])

    @repeatable
    def busy_dates(self, pipeline: str, version: str) -> dict[date, str]:
        """Run dates that the service has still to do, with the run that they belong to."""
        with self._database.read() as connection:
            return _busy(connection, pipeline, version)

    # -- asking --------------------------------------------------------------------------------------------------

    @repeatable
    def queued_tasks(
        self,
        states: Collection[TaskState] = _OPEN,
        *,
        run_id: str | None = None,
        pipeline: str | None = None,
        day: date | None = None,
        tasks: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[QueuedTask]:
        """Tasks in any of `states`, in the order in which they would be taken."""
        asked = {_QUEUE.run_id: run_id, _QUEUE.pipeline: pipeline, _QUEUE.day: day}
        query = columns_of(QueuedTask, queue_tables.queue).where(_QUEUE.state.in_(states))
        for column, value in asked.items():
            if value is not None:
                query = query.where(column == value)
        if tasks is not None:
            query = query.where(_QUEUE.task.in_(sorted(tasks)))
        order = (_QUEUE.priority, _QUEUE.enqueued_at, _QUEUE.run_id, _QUEUE.position)
        with self._database.read() as connection:
            return records(connection, QueuedTask, query.order_by(*order).limit(limit))

    @repeatable
    def queued_runs(self) -> dict[str, dict[TaskState, int]]:
        """Unfinished runs of the service with how many of their tasks are in which state."""
        runs = tables.runs.c
        query = (
            select(_QUEUE.run_id, _QUEUE.state, func.count())
            .join(tables.runs, runs.run_id == _QUEUE.run_id)
            .where(runs.status.in_((Status.QUEUED, Status.RUNNING)))
            .group_by(_QUEUE.run_id, _QUEUE.state)
        )
        found: dict[str, dict[TaskState, int]] = {}
        with self._database.read() as connection:
            for run_id, state, count in connection.execute(query):
                found.setdefault(run_id, {})[state] = count
        return found

    @repeatable
    def recent_releases(self, since: datetime) -> list[Release]:
        """Oldest first."""
        of = queue_tables.releases.c
        query = columns_of(Release, queue_tables.releases).where(of.at > since).order_by(of.at, of.id)
        with self._database.read() as connection:
            return records(connection, Release, query)

    # -- moving --------------------------------------------------------------------------------------------------

    @once
    def open_barrier(self, run_id: str, ready: Sequence[Opening], now: datetime) -> int:
        """Waiting tasks that wait for nothing more are queued; how many."""
        update = (
            queue_tables.queue.update()
            .where(_ONE, _QUEUE.state == TaskState.WAITING)
            .values(state=TaskState.QUEUED, enqueued_at=now, not_before=now, polled_at=now, facts=bindparam("known"))
        )
        rows = [{**_of(run_id, each.task), "known": each.facts} for each in ready]
        with self._database.write() as connection:
            return sum(connection.execute(update, row).rowcount for row in rows)

    @once
    def release_tasks(self, tasks: Iterable[QueuedTask], now: datetime) -> list[QueuedTask]:
        """Give queued tasks to the workers; those that were still queued."""
        update = (
            queue_tables.queue.update()
            .where(_ONE, _QUEUE.state == TaskState.QUEUED, _QUEUE.attempt == bindparam("of_attempt"))
            .values(state=TaskState.RELEASED, released_at=now, polled_at=now, worker="")
        )
        with self._database.write() as connection:
            out = [
                task for task in tasks if connection.execute(update, _of(task.run_id, task.task, task.attempt)).rowcount
            ]
            if out:
                rows = rows_of([Release(task.pipeline, task.version, task.step, task.priority, now) for task in out])
                connection.execute(queue_tables.releases.insert(), rows)
        return out

    @repeatable
    def looked_at(self, tasks: Iterable[QueuedTask], now: datetime) -> None:
        """Tasks that were passed over, or whose operations go on, go to the back."""
        if rows := [_of(task.run_id, task.task) for task in tasks]:
            # Spelled out: SQLAlchemy expands no IN for several rows at once.
            waits = (_QUEUE.state == TaskState.QUEUED) | (_QUEUE.state == TaskState.SUSPENDED)
            update = queue_tables.queue.update().where(_ONE, waits).values(polled_at=now)
            with self._database.write() as connection:
                connection.execute(update, rows)

    @once
    def start_task(self, run_id: str, task: str, attempt: int, worker: str) -> QueuedTask | None:
        """A worker begins a released task; None where it is no longer this attempt's to do.

        The same worker may begin twice: after a crash it does the task again.
        """
        update = queue_tables.queue.update().where(_HELD).values(worker=worker, starts=_QUEUE.starts + 1)
        running = tables.runs.update().where(tables.runs.c.run_id == run_id, tables.runs.c.status == Status.QUEUED)
        with self._database.write() as connection:
            if not connection.execute(update, _of(run_id, task, attempt)).rowcount:
                return None
            connection.execute(running.values(status=Status.RUNNING))
            query = columns_of(QueuedTask, queue_tables.queue).where(_QUEUE.run_id == run_id, _QUEUE.task == task)
            return records(connection, QueuedTask, query)[0]

    @once
    def end_task(self, run_id: str, task: str, attempt: int, facts: Mapping[str, Any], reason: str = "") -> bool:
        """The task is over; `facts` say how. False where the attempt was given up meanwhile."""
        return self._move(_HELD, _of(run_id, task, attempt), TaskState.ENDED, facts=facts, reason=storable(reason))

    @once
    def end_waiting(self, run_id: str, task: str, facts: Mapping[str, Any], reason: str) -> bool:
        """A task that is not out with the workers is over: its date ended before it, or its run was cancelled."""
        which = _ONE & _QUEUE.state.in_((TaskState.WAITING, TaskState.QUEUED, TaskState.SUSPENDED))
        return self._move(which, _of(run_id, task), TaskState.ENDED, facts=facts, reason=storable(reason))

    @once
    def repeat_task(
        self,
        run_id: str,
        task: str,
        attempt: int,
        not_before: datetime,
        reason: str,
        *,
        failed: bool = False,
        started: bool = True,
    ) -> bool:
        """The attempt is given up and the task queued again, as another attempt. False where it was not out any more.

        `started=False` takes back a start that does not count: the worker stopped on purpose.
        """
        counts = {"failures": _QUEUE.failures + 1} if failed else {} if started else {"starts": _QUEUE.starts - 1}
        return self._move(
            _HELD,
            _of(run_id, task, attempt),
            TaskState.QUEUED,
            attempt=_QUEUE.attempt + 1,
            not_before=not_before,
            worker="",
            reason=storable(reason),
            **counts,
        )

    @once
    def bury_task(self, run_id: str, task: str, attempt: int, reason: str, facts: Mapping[str, Any]) -> bool:
        """The task becomes a dead letter, whatever it was before. False where it was over or another attempt."""
        which = _ONE & (_QUEUE.attempt == bindparam("of_attempt")) & _QUEUE.state.in_(_OPEN)
        found = _of(run_id, task, attempt)
        return self._move(which, found, TaskState.DEAD, facts=facts, reason=storable(reason))

    @repeatable
    def forget_dead(self, run_id: str) -> None:
        """The dead letters of a run need nothing any more: another run did what they were for."""
        which = (_QUEUE.run_id == run_id) & (_QUEUE.state == TaskState.DEAD)
        with self._database.write() as connection:
            connection.execute(queue_tables.queue.update().where(which).values(state=TaskState.ENDED))

    def _move(self, which: ColumnElement[bool], found: Mapping[str, Any], state: TaskState, **values: Any) -> bool:
        update = queue_tables.queue.update().where(which).values(state=state, **values)
        with self._database.write() as connection:
            return connection.execute(update, found).rowcount > 0


def _of(run_id: str, task: str, attempt: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"of_run": run_id, "of_task": task}
    return found if attempt is None else {**found, "of_attempt": attempt}


def _put(upsert: Any, connection: Connection, tasks: Sequence[QueuedTask]) -> None:
    if tasks:
        connection.execute(upsert, rows_of(tasks))


def _busy(connection: Connection, pipeline: str, version: str) -> dict[date, str]:
    query = select(_QUEUE.day, _QUEUE.run_id).where(
        _QUEUE.pipeline == pipeline, _QUEUE.version == version, _QUEUE.state.in_(_OPEN), _QUEUE.requested
    )
    return {row[0]: row[1] for row in connection.execute(query)}
