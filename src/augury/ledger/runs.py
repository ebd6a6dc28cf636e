"""Which runs were there, what did each plan, and how far did it come?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from augury.errors import UsageError
from augury.fences import Fence
from augury.ledger import tables
from augury.ledger.database import columns_of, records, row_of, storable
from augury.ledger.leases import check_fence
from augury.ledger.part import Part
from augury.ledger.records import FOREGROUND, RunRecord, Status
from augury.ledger.verbs import once, repeatable


class Runs(Part):
    @once
    def begin_run(self, run: RunRecord, plan_json: str) -> None:
        """Record a new run with the plan that it performs, and resumes from whatever changes meanwhile."""
        with self._database.write() as connection:
            connection.execute(tables.runs.insert(), row_of(run))
            connection.execute(tables.plans.insert(), {"run_id": run.run_id, "plan": storable(plan_json)})

    @repeatable
    def resume_run(self, run_id: str, host: str, pid: int, *, fence: Fence | None = None) -> None:
        """A run that did not finish goes on in this process. Raises Fenced."""
        found = {
            "status": Status.RUNNING,
            "host": storable(host),
            "pid": pid,
            "finished_at": None,
            "detail": "",
        }
        self._change_run(run_id, found, fence=fence)

    @repeatable
    def finish_run(
        self,
        run_id: str,
        status: Status,
        finished_at: datetime,
        counts: Mapping[str, int],
        peak_memory: int | None = None,
        detail: str = "",
        *,
        fence: Fence | None = None,
    ) -> None:
        """Record the end of a run. Its tasks that still run are cancelled with it, else count as crashed.

        Raises Fenced, and records nothing, where the run goes on elsewhere or was closed by somebody else.
        """
        self._change_run(
            run_id,
            {
                "status": status,
                "finished_at": finished_at,
                "counts": counts,
                "peak_memory": peak_memory,
                "detail": storable(detail),
            },
            left_tasks=Status.CANCELLED if status is Status.CANCELLED else Status.CRASHED,
            fence=fence,
        )

    def _change_run(
        self, run_id: str, values: dict[str, Any], left_tasks: Status | None = None, fence: Fence | None = None
    ) -> None:
        runs, tasks = tables.runs, tables.tasks
        with self._database.write() as connection:
            check_fence(connection, fence)
            changed = connection.execute(runs.update().where(runs.c.run_id == run_id).values(values))
            if changed.rowcount == 0:
                raise _unknown(run_id)
            if left_tasks:
                left = (tasks.c.run_id == run_id) & (tasks.c.status == Status.RUNNING)
                connection.execute(tasks.update().where(left).values(status=left_tasks))

    @repeatable
    def run(self, run_id: str) -> RunRecord:
        """Raises UsageError where there is no such run."""
        query = columns_of(RunRecord, tables.runs).where(tables.runs.c.run_id == run_id)
        with self._database.read() as connection:
            found = records(connection, RunRecord, query)
        if not found:
            raise _unknown(run_id)
        return found[0]

    @repeatable
    def runs(
        self, pipeline: str | None = None, status: Status | None = None, limit: int | None = 50
    ) -> list[RunRecord]:
        """Newest first."""
        runs = tables.runs.c
        query = columns_of(RunRecord, tables.runs).order_by(runs.started_at.desc(), runs.run_id.desc())
        if pipeline is not None:
            query = query.where(runs.pipeline == pipeline)
        if status is not None:
            query = query.where(runs.status == status)
        with self._database.read() as connection:
            return records(connection, RunRecord, query.limit(limit))

    def unfinished_runs(self) -> list[RunRecord]:
        """Runs of processes of their own, newest first; those of the service are closed by the service. Whether their
        processes live is not known here: see `augury.run.locks.RunMarker`."""
        return [run for run in self.runs(status=Status.RUNNING, limit=None) if run.origin == FOREGROUND]

    @repeatable
    def stored_plan(self, run_id: str) -> str:
        """Raises UsageError where there is no such run."""
        plans = tables.plans.c
        with self._database.read() as connection:
            found: str | None = connection.scalar(select(plans.plan).where(plans.run_id == run_id))
        if found is None:
            raise _unknown(run_id)
        return found


def _unknown(run_id: str) -> UsageError:
    return UsageError(f"there is no run {run_id}", fix="See them: augury runs")
