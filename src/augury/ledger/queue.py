"""Which tasks has the service to do, and where does each stand?

A task moves by conditional updates: whoever finds it in another state or attempt than expected moves nothing. So a
late answer of a worker that was given up changes nothing, and two deciders never both win.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from augury.errors import UsageError
from augury.ledger import queue_tables, tables
from augury.ledger.database import columns_of, records, row_of, rows_of, storable
from augury.ledger.part import Part
from augury.ledger.queue_records import QueuedTask, Release, TaskState
from augury.ledger.records import RunRecord, Status

_QUEUE = queue_tables.queue.c
_OPEN = tuple(state for state in TaskState if state.open)
_ONE = (_QUEUE.run_id == bindparam("of_run")) & (_QUEUE.task == bindparam("of_task"))
_HELD = _ONE & (_QUEUE.state == TaskState.RELEASED) & (_QUEUE.attempt == bindparam("of_attempt"))
"""The task, where this very attempt of it is out with the workers."""


class Queue(Part):
    # -- in ------------------------------------------------------------------------------------------------------

    def enqueue_run(self, run: RunRecord, plan_json: str, tasks: Sequence[QueuedTask]) -> None:
        """Record a run that the service shall perform, with its plan and its tasks: all of it or nothing.

        Raises UsageError where a run of the service has an open task of one of these dates already.
        """
        days = {task.day for task in tasks if task.requested}
        with self._database.write() as connection:
            busy = _busy(connection, run.pipeline, run.version)
            if twice := sorted(days & set(busy)):
                raise UsageError(
                    f"{run.pipeline} {twice[0]} is queued already, by run {busy[twice[0]]}",
                    fix="See: augury tasks",
                )
            connection.execute(tables.runs.insert(), row_of(run))
            connection.execute(tables.plans.insert(), {"run_id": run.run_id, "plan": storable(plan_json)})
            _put(self._database.upsert(queue_tables.queue), connection, tasks)

    def replan_run(self, run_id: str, plan_json: str, tasks: Sequence[QueuedTask]) -> None:
        """A queued run goes on with another plan, whose tasks come in the place of the old ones."""
        with self._database.write() as connection:
            plans, queue = tables.plans, queue_tables.queue
            connection.execute(plans.update().where(plans.c.run_id == run_id), {"plan": storable(plan_json)})
            connection.execute(queue.delete().where(_QUEUE.run_id == run_id, _QUEUE.state != TaskState.DEAD))
            _put(self._database.upsert(queue), connection, tasks)

    def busy_dates(self, pipeline: str, version: str) -> dict[date, str]:
        """Run dates that the service has still to do, with the run that they belong to."""
        with self._database.read() as connection:
            return _busy(connection, pipeline, version)

    # -- asking --------------------------------------------------------------------------------------------------

    def queued_tasks(
        self,
        states: Collection[TaskState] = _OPEN,
        *,
        run_id: str | None = None,
        pipeline: str | None = None,
        day: date | None = None,
        limit: int | None = None,
    ) -> list[QueuedTask]:
        """Tasks in any of `states`, in the order in which they would be taken."""
        asked = {_QUEUE.run_id: run_id, _QUEUE.pipeline: pipeline, _QUEUE.day: day}
        query = columns_of(QueuedTask, queue_tables.queue).where(_QUEUE.state.in_(states))
        for column, value in asked.items():
            if value is not None:
                query = query.where(column == value)
        order = (_QUEUE.priority, _QUEUE.enqueued_at, _QUEUE.run_id, _QUEUE.position)
        with self._database.read() as connection:
            return records(connection, QueuedTask, query.order_by(*order).limit(limit))

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

    def recent_releases(self, since: datetime) -> list[Release]:
        """Oldest first."""
        of = queue_tables.releases.c
        query = columns_of(Release, queue_tables.releases).where(of.at > since).order_by(of.at, of.id)
        with self._database.read() as connection:
            return records(connection, Release, query)

    # -- moving --------------------------------------------------------------------------------------------------

    def open_barrier(self, run_id: str, ready: Mapping[str, tuple[datetime, datetime | None]], now: datetime) -> int:
        """Waiting tasks that wait for nothing more are queued; how many.

        `ready` gives each its `not_before` and its `expires_at`.
        """
        update = (
            queue_tables.queue.update()
            .where(_ONE, _QUEUE.state == TaskState.WAITING)
            .values(
                state=TaskState.QUEUED,
                enqueued_at=now,
                polled_at=now,
                not_before=bindparam("earliest"),
                expires_at=bindparam("latest"),
            )
        )
        rows = [
            {"of_run": run_id, "of_task": task, "earliest": earliest, "latest": latest}
            for task, (earliest, latest) in ready.items()
        ]
        with self._database.write() as connection:
            return sum(connection.execute(update, row).rowcount for row in rows)

    def release(self, tasks: Iterable[QueuedTask], now: datetime) -> list[QueuedTask]:
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
                rows = rows_of([Release(task.pipeline, task.version, task.step, now) for task in out])
                connection.execute(queue_tables.releases.insert(), rows)
        return out

    def looked_at(self, tasks: Iterable[QueuedTask], now: datetime) -> None:
        """Queued tasks that were passed over go to the back."""
        if rows := [_of(task.run_id, task.task) for task in tasks]:
            update = queue_tables.queue.update().where(_ONE, _QUEUE.state == TaskState.QUEUED).values(polled_at=now)
            with self._database.write() as connection:
                connection.execute(update, rows)

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

    def end_task(self, run_id: str, task: str, attempt: int, outcome: Mapping[str, Any], reason: str = "") -> bool:
        """The task is over. False where the attempt was given up meanwhile."""
        return self._move(_HELD, _of(run_id, task, attempt), TaskState.ENDED, outcome=outcome, reason=storable(reason))

    def end_unstarted(self, tasks: Iterable[QueuedTask], outcome: Mapping[str, Any], reason: str) -> None:
        """Tasks that nobody began are over: cancelled with their run."""
        for task in tasks:
            which = _ONE & _QUEUE.state.in_((TaskState.WAITING, TaskState.QUEUED, TaskState.SUSPENDED))
            found = _of(task.run_id, task.task)
            self._move(which, found, TaskState.ENDED, outcome=outcome, reason=storable(reason))

    def repeat_task(
        self, run_id: str, task: str, attempt: int, not_before: datetime, reason: str, *, started: bool = True
    ) -> bool:
        """The attempt is given up and the task queued again, as another attempt. False where it was not out any more.

        `started=False` takes back a start that does not count: the worker stopped on purpose.
        """
        back = {} if started else {"starts": _QUEUE.starts - 1}
        return self._move(
            _HELD,
            _of(run_id, task, attempt),
            TaskState.QUEUED,
            attempt=_QUEUE.attempt + 1,
            not_before=not_before,
            worker="",
            reason=storable(reason),
            **back,
        )

    def bury_task(self, run_id: str, task: str, attempt: int, reason: str, outcome: Mapping[str, Any]) -> bool:
        """The task becomes a dead letter, whatever it was before. False where it was over or another attempt."""
        which = _ONE & (_QUEUE.attempt == bindparam("of_attempt")) & _QUEUE.state.in_(_OPEN)
        found = _of(run_id, task, attempt)
        return self._move(which, found, TaskState.DEAD, outcome=outcome, reason=storable(reason))

    def revive_task(self, run_id: str, task: str, now: datetime) -> bool:
        """A dead letter is queued again, as if it were new. False where it is none."""
        return self._move(
            _ONE & (_QUEUE.state == TaskState.DEAD),
            _of(run_id, task),
            TaskState.WAITING,
            attempt=_QUEUE.attempt + 1,
            starts=0,
            enqueued_at=now,
            not_before=now,
            polled_at=now,
            worker="",
            outcome={},
        )

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
