"""What do suspended tasks wait for, and is it over?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from augury.ledger import queue_tables as tables
from augury.ledger.database import columns_of, records, row_of, storable
from augury.ledger.part import Part
from augury.ledger.queue_records import OperationRecord, TaskState
from augury.ledger.verbs import once, repeatable

_OF = tables.operations.c
_QUEUE = tables.queue.c


class Operations(Part):
    @once
    def suspend_task(self, operation: OperationRecord, attempt: int) -> bool:
        """A task gives its worker back and keeps its slot, until its operation is over. False where the attempt was
        given up meanwhile."""
        mine = (_QUEUE.run_id == operation.run_id) & (_QUEUE.task == operation.task) & (_QUEUE.attempt == attempt)
        waits = {
            "state": TaskState.SUSPENDED,
            "attempt": attempt + 1,
            "reason": storable(f"waits for {operation.name}"),
            "worker": "",
        }
        update = tables.queue.update().where(mine, _QUEUE.state == TaskState.RELEASED).values(waits)
        with self._database.write() as connection:
            if not connection.execute(update).rowcount:
                return False
            connection.execute(self._database.upsert(tables.operations), row_of(operation))
            return True

    @repeatable
    def keep_operation(self, operation: OperationRecord) -> None:
        """An operation that the foreground waits for: whoever is notified of it finds it here."""
        with self._database.write() as connection:
            connection.execute(self._database.upsert(tables.operations), row_of(operation))

    @repeatable
    def operations(
        self, run_id: str | None = None, task: str | None = None, *, name: str | None = None, over: bool = False
    ) -> list[OperationRecord]:
        """Those that go on, or with `over` those that are over, the one that is due first first."""
        query = columns_of(OperationRecord, tables.operations)
        query = query.where(_OF.result.is_not(None) if over else _OF.result.is_(None))
        for column, value in ((_OF.run_id, run_id), (_OF.task, task), (_OF.name, name)):
            if value is not None:
                query = query.where(column == value)
        with self._database.read() as connection:
            return records(connection, OperationRecord, query.order_by(_OF.due_at, _OF.run_id, _OF.task))

    @repeatable
    def postpone_operation(self, operation: OperationRecord, due_at: datetime) -> None:
        """It was asked about, and goes on."""
        with self._database.write() as connection:
            connection.execute(tables.operations.update().where(_one(operation)).values(due_at=due_at))

    @once
    def end_operation(self, operation: OperationRecord, result: Mapping[str, Any], now: datetime) -> bool:
        """It is over: a suspended task is queued again. False where it was over already."""
        update = tables.operations.update().where(_one(operation), _OF.result.is_(None)).values(result=result)
        with self._database.write() as connection:
            if not connection.execute(update).rowcount:
                return False
            _wake(connection, operation, now)
            return True

    @repeatable
    def forget_operations(self, run_id: str, task: str) -> None:
        """The task is over, and so is the need to remember."""
        which = (_OF.run_id == run_id) & (_OF.task == task)
        with self._database.write() as connection:
            connection.execute(tables.operations.delete().where(which))


def _one(operation: OperationRecord) -> Any:
    return (_OF.run_id == operation.run_id) & (_OF.task == operation.task) & (_OF.step == operation.step)


def _wake(connection: Connection, operation: OperationRecord, now: datetime) -> None:
    of = (_QUEUE.run_id == operation.run_id) & (_QUEUE.task == operation.task) & (_QUEUE.state == TaskState.SUSPENDED)
    again = {"state": TaskState.QUEUED, "not_before": now, "polled_at": now, "reason": ""}
    connection.execute(tables.queue.update().where(of).values(again))
