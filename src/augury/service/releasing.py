"""What of the queue goes to the workers now? The ledger's rows are put before the policy, and its decision is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from augury.errors import StorageFailed
from augury.ledger.queue_records import QueuedTask, TaskState, WorkerRecord
from augury.ledger.records import DateRecord, Status
from augury.operations.opened import Opened
from augury.plan.steps import External, Task
from augury.run.others import unmet
from augury.run.progress import Ended
from augury.service.durable import Durable, Released
from augury.service.facts import facts_of
from augury.service.policy import Decision, Queued, Situation, Slot, decide
from augury.service.polling import Polling
from augury.service.rooms import Queue
from augury.service.turns import Release
from augury.spec.service import Throttle

UNSTARTED = timedelta(seconds=5)
"""A released task that nobody began for so long is given to the workers once more."""
REMEMBERED = timedelta(days=1, hours=1)
"""Releases are kept for the longest period of a rate, and a little more."""

PlannedTask = Callable[[QueuedTask], Task | None]
"""The task of the plan behind a queued one."""
LetGo = Callable[[Sequence[QueuedTask], datetime], None]
"""Hears of the tasks that are given to the workers, and when."""


class Releasing:
    """Used by the one process that decides."""

    def __init__(self, opened: Opened, durable: Durable, let_go: LetGo = lambda tasks, now: None) -> None:
        self._opened = opened
        self._let_go = let_go
        self._ledger = opened.ledger
        self._durable = durable
        self._polled: dict[Queue, datetime] = {}
        self._pipelines: dict[str, Mapping[str, Throttle]] = {
            _name(name, version): pipeline.settings.throttle
            for name, versions in opened.spec.pipelines.items()
            for version, pipeline in versions.items()
        }
        self._forgot = opened.clock()
        self._polling = Polling(opened)

    def once(self, workers: Sequence[WorkerRecord], planned: PlannedTask, now: datetime) -> bool:
        """Release what may go, bury what waited too long. True where something became a dead letter."""
        rows = self._ledger.queued_tasks((TaskState.QUEUED, TaskState.RELEASED, TaskState.SUSPENDED))
        by_state = {state: [row for row in rows if row.state is state] for state in TaskState}
        out = by_state[TaskState.RELEASED]
        self._start_again(out, now)
        if not by_state[TaskState.QUEUED] and not by_state[TaskState.SUSPENDED]:
            return False
        decision = decide(
            Situation(
                now=now,
                queued=[_queued(row, self._waits(planned(row), now)) for row in by_state[TaskState.QUEUED]],
                running=[Slot(row.run_id, row.task, _name(row.pipeline, row.version), row.step) for row in out],
                suspended=[_queued(row, None) for row in by_state[TaskState.SUSPENDED]],
                releases=self._releases(now),
                pipelines=self._pipelines,
                project=self._opened.spec.settings.throttle,
                capacity=max(0, sum(each.concurrency for each in workers if not each.stopping) - len(out)),
                polled=self._polled,
                poll=self._opened.spec.settings.service.poll,
            )
        )
        self._polled |= dict.fromkeys(decision.polled, now)
        self._polling.ask([(each.tasks, each.most) for each in decision.operations], decision.stamp, now)
        self._do(decision, {(row.run_id, row.task): row for row in rows}, now)
        return bool(decision.expired)

    def _do(self, decision: Decision, rows: Mapping[tuple[str, str], QueuedTask], now: datetime) -> None:
        for each in decision.expired:
            row, ended = rows[each.task.key], Ended(Status.EXPIRED, each.reason)
            if self._ledger.bury_task(row.run_id, row.task, row.attempt, each.reason, facts_of(ended)):
                self._record_expired(row, each.reason, now)
        self._ledger.looked_at([rows[task.key] for task in decision.looked_at], decision.stamp)
        released = self._ledger.release_tasks([rows[task.key] for task in decision.released], now)
        self._let_go(released, now)
        for row in released:
            self._start(row, now)

    def _start(self, row: QueuedTask, now: datetime) -> None:
        """Hand a released task over. Where that fails its slot is free again at once."""
        try:
            self._durable.start(Released(row.run_id, row.task, row.attempt))
        except StorageFailed as error:
            self._ledger.repeat_task(row.run_id, row.task, row.attempt, now, error.what)
            raise

    def _record_expired(self, row: QueuedTask, reason: str, now: datetime) -> None:
        """The date says that it expired, unless it is published already."""
        if not row.requested:
            return
        pipeline = self._opened.spec.pipelines.get(row.pipeline, {}).get(row.version)
        known = self._ledger.date_records(row.pipeline, row.version, row.day, row.day).get(row.day)
        if known is None or not known.status.complete:
            record = DateRecord(
                pipeline=row.pipeline,
                version=row.version,
                run_date=row.day,
                status=Status.EXPIRED,
                run_id=row.run_id,
                updated_at=now,
                data_date=pipeline.cutoffs.data_date(row.day) if pipeline else None,
                detail=reason,
            )
            self._ledger.record_partitions(dates=[record])

    def _start_again(self, out: Sequence[QueuedTask], now: datetime) -> None:
        """Released tasks that nobody begins. Whoever released one may have died before it was started: starting it
        twice is harmless. And a worker may have died that had taken it and not begun: after the time of a lease it is
        another attempt, which others may take."""
        taken = max(UNSTARTED, timedelta(seconds=self._opened.spec.settings.service.lease))
        for row in out:
            if row.worker or row.released_at is None or now - row.released_at <= UNSTARTED:
                continue
            if now - row.released_at <= taken:
                self._start(row, now)
            elif self._ledger.repeat_task(row.run_id, row.task, row.attempt, now, "nobody began it"):
                self._durable.give_up([Released(row.run_id, row.task, row.attempt)])

    def _releases(self, now: datetime) -> list[Release]:
        if now - self._forgot > timedelta(hours=1):
            self._ledger.forget_releases(now - REMEMBERED)
            self._forgot = now
        return [
            Release(_name(each.pipeline, each.version), each.step, each.priority, each.at)
            for each in self._ledger.recent_releases(now - REMEMBERED)
        ]

    # -- other pipelines -------------------------------------------------------------------------------------------

    def _waits(self, task: Task | None, now: datetime) -> datetime | None:
        """When a task is looked at again that reads a partition of another pipeline which is still to come."""
        if (
            task is None
            or not task.needs
            or not any(self._is_to_come(need) for need in unmet(self._ledger, task.needs))
        ):
            return None
        return now + timedelta(seconds=self._opened.spec.settings.service.poll)

    def _is_to_come(self, need: External) -> bool:
        """Queued, or never tried. What ended otherwise blocks whoever reads it, and a worker says so."""
        if need.day in self._ledger.busy_dates(need.pipeline, need.version):
            return True
        known = self._ledger.date_records(need.pipeline, need.version, need.day, need.day).get(need.day)
        return known is None


def _queued(row: QueuedTask, not_before: datetime | None) -> Queued:
    return Queued(
        run_id=row.run_id,
        task=row.task,
        pipeline=_name(row.pipeline, row.version),
        step=row.step,
        priority=row.priority,
        position=row.position,
        enqueued_at=row.enqueued_at,
        not_before=max(row.not_before, not_before) if not_before else row.not_before,
        expires_at=row.expires_at,
        polled_at=row.polled_at,
        attempt=row.attempt,
    )


def _name(pipeline: str, version: str) -> str:
    """What has throttles and turns of its own."""
    return f"{pipeline} {version}"
