"""Are operations outside over? Asked one after the other on a thread of their own: a poll is somebody else's code.

Those that were asked about longest ago come first, and a look stops once it found as many that are over as
`max_tasks_per_poll` allows: so of many that wait each is asked equally often, and many that end at once do not come
upon the workers together.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread

from augury.errors import AuguryError, WorkFailed
from augury.ledger.queue_records import OperationRecord
from augury.ledger.records import Status
from augury.operations.opened import Opened
from augury.run.operations import operation_of, poll
from augury.run.progress import Ended
from augury.service.facts import facts_of
from augury.service.policy import Queued

Asked = tuple[Sequence[Queued], int | None]
"""Suspended tasks in the order in which they are asked about, and after how many that are over to stop."""


class Polling:
    """At most one round at a time; used by the one process that decides."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._thread: Thread | None = None

    def ask(self, groups: Sequence[Asked], stamp: datetime, now: datetime) -> None:
        """Begin a round, unless one is under way or nothing is due."""
        if not groups or (self._thread is not None and self._thread.is_alive()):
            return
        waiting = {(each.run_id, each.task): each for each in self._opened.ledger.operations()}
        due = [
            ([waiting[task.key] for task in tasks if task.key in waiting and waiting[task.key].due_at <= now], most)
            for tasks, most in groups
        ]
        if any(found for found, _ in due):
            self._thread = Thread(target=self._round, args=(due, stamp), name="augury-polling", daemon=True)
            self._thread.start()

    def _round(self, groups: Sequence[tuple[Sequence[OperationRecord], int | None]], stamp: datetime) -> None:
        # A ledger that is away for a while comes back; the next round asks those again that were left.
        with suppress(AuguryError):
            for found, most in groups:
                left = most
                for operation in found:
                    if left == 0:
                        break
                    if self._is_over(operation, stamp) and left is not None:
                        left -= 1

    def _is_over(self, record: OperationRecord, stamp: datetime) -> bool:
        opened, now = self._opened, self._opened.clock()
        queued = opened.ledger.queued_tasks(run_id=record.run_id, tasks=[record.task])
        if not queued:
            return False
        opened.ledger.looked_at(queued, stamp)
        operation = operation_of(record)
        try:
            if now >= record.deadline:
                raise WorkFailed(f"the operation {record.name} was not over by {record.deadline:%Y-%m-%d %H:%M:%S} UTC")
            pipeline = opened.pipeline(queued[0].pipeline, queued[0].version)
            result = poll(opened.spec, pipeline, operation) if record.poll else None
        except AuguryError as error:
            failed = Ended(Status.FAILED, opened.masker.mask(error.what))
            opened.ledger.bury_task(*_key(record), queued[0].attempt, failed.detail, facts_of(failed))
            return True
        if result is None:
            opened.ledger.postpone_operation(record, now + timedelta(seconds=record.every))
            return False
        return opened.ledger.end_operation(record, result, now)


def _key(record: OperationRecord) -> tuple[str, str]:
    return record.run_id, record.task
