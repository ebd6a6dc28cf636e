"""What does a worker do with a released task? It performs it like the foreground would, and tells the queue."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from threading import RLock

from augury.errors import AuguryError
from augury.events import Event, Listener, Noticed
from augury.ledger.database import ConnectionLost
from augury.ledger.queue_records import QueuedTask
from augury.ledger.records import DateRecord, ModelRecord, Status
from augury.operations.hands import work_of
from augury.operations.opened import Opened
from augury.operations.planning import stored_plan
from augury.operations.resuming import owed_before
from augury.plan.graph import FEATURES
from augury.plan.steps import Plan, Task
from augury.run.event_hooks import tell_owed
from augury.run.listeners import log_listener
from augury.run.logs import RunLog, current_context, log_context
from augury.run.operations import operation_of
from augury.run.perform import Performer
from augury.run.prepare import keep_references, register_model_file
from augury.run.progress import Ended
from augury.run.work import Work
from augury.service.durable import Released
from augury.service.facts import facts_of
from augury.service.retries import retry_after
from augury.service.submit import plan_again

LOCKED_PAUSE = timedelta(seconds=5)
"""Until a task is tried again whose date somebody else had."""


@dataclass
class _Run:
    """One run, as this process performs tasks of it."""

    tasks: dict[str, Task]
    work: Work
    performer: Performer
    log: RunLog
    owed: list[DateRecord | ModelRecord]
    """Outcomes of which dead runs did not tell the project's hooks."""


class Executor:
    """Performs released tasks, on as many threads as call it."""

    def __init__(self, opened: Opened, worker: str, *, max_starts: int, listeners: Sequence[Listener] = ()) -> None:
        self._opened = opened
        self._worker = worker
        self._max_starts = max_starts
        self._listeners = tuple(listeners)
        self._runs: dict[str, _Run] = {}
        self._untold: dict[Released, str] = {}
        """Attempts whose end the ledger did not hear of, and why."""
        self._lock = RLock()

    def perform(self, released: Released) -> None:
        """Perform one attempt of one task, unless it is somebody else's by now. Where the ledger cannot be told how it
        ended, it is given back as soon as the ledger can be reached again: see `give_back`."""
        try:
            self._perform(released)
        except AuguryError as error:
            with self._lock:
                self._untold[released] = self._opened.masker.mask(error.what)
        except Exception as error:
            # A bug of ours must not keep a slot for ever.
            logging.getLogger(__name__).exception("%s %s", released.run_id, released.task)
            what = self._opened.masker.mask(f"augury failed on an error of its own: {type(error).__name__}: {error}")
            bug = facts_of(Ended(Status.FAILED, what))
            self._opened.ledger.bury_task(released.run_id, released.task, released.attempt, what, bug)

    def give_back(self) -> None:
        """Queue the attempts again whose end the ledger did not hear of. Raises StorageFailed while it is away."""
        for released, why in list(self._untold.items()):
            now = self._opened.clock()
            self._opened.ledger.repeat_task(released.run_id, released.task, released.attempt, now, why, started=False)
            with self._lock:
                del self._untold[released]

    def _perform(self, released: Released) -> None:
        ledger = self._opened.ledger
        queued = ledger.start_task(released.run_id, released.task, released.attempt, self._worker)
        if queued is None:
            return
        if queued.starts > self._max_starts:
            reason = f"poison: its worker died {queued.starts - 1} times"
            ledger.bury_task(
                queued.run_id, queued.task, queued.attempt, reason, facts_of(Ended(Status.CRASHED, reason))
            )
            return
        with log_context(run_id=queued.run_id, pipeline=queued.pipeline, version=queued.version, date=queued.day):
            try:
                run = self._run_of(queued)
            except ConnectionLost:
                raise
            except AuguryError as error:
                # What cannot even be prepared is retried like work that failed.
                self._settle(queued, Ended(Status.FAILED, self._opened.masker.mask(error.what)))
                return
            if run is None:
                return
            try:
                ended = self._performed(run, queued)
            except KeyboardInterrupt:
                # The service stops: the task is somebody else's, and this start does not count.
                ledger.repeat_task(*_key(queued), self._opened.clock(), "its worker stopped", started=False)
                return
            self._settle(queued, ended, needs=run.performer.outcome.needs)

    def forget(self, run_id: str) -> None:
        """A run is over: its log is closed."""
        with self._lock:
            run = self._runs.pop(run_id, None)
        if run is not None:
            run.log.close()

    def _forget_finished(self) -> None:
        """Runs that are over hold an open log and their models; a service sees thousands of them."""
        for run_id in list(self._runs):
            if self._opened.ledger.run(run_id).status not in (Status.QUEUED, Status.RUNNING):
                self.forget(run_id)

    def close(self) -> None:
        for run_id in list(self._runs):
            self.forget(run_id)

    # -- one task ------------------------------------------------------------------------------------------------

    def _performed(self, run: _Run, queued: QueuedTask) -> Ended:
        task = run.tasks[queued.task]
        if task.level:
            run.work.ended.update(self._ended_early(run.work, task.day))
        if queued.attempt > 1:
            for over in self._opened.ledger.operations(queued.run_id, queued.task, over=True):
                task = run.performer.going_on(task, over.step, operation_of(over))
        return run.performer.perform_one(
            task,
            blocked=str(queued.facts.get("blocked", "")),
            retried=retry_after(self._opened.spec, queued) is not None,
        )

    def _ended_early(self, work: Work, day: date) -> dict[date, Status]:
        """Whether an earlier task of the date, perhaps in another process, found no rows."""
        pipeline = work.pipeline
        records = work.ledger.partitions(pipeline.name, pipeline.version, day)
        for step in FEATURES:
            record = records.get((pipeline.tables.step(step), day))
            if record is not None and record.run_id == work.run_id and record.status is not Status.SUCCEEDED:
                return {day: record.status}
        return {}

    def _settle(self, queued: QueuedTask, ended: Ended, needs: Collection[date] = ()) -> None:
        """Tell the queue how an attempt ended: over, again later, or a dead letter."""
        ledger, now = self._opened.ledger, self._opened.clock()
        key = _key(queued)
        if ended.suspended is not None:
            ledger.suspend_task(ended.suspended, queued.attempt)
            return
        if queued.attempt > 1:
            ledger.forget_operations(queued.run_id, queued.task)
        if ended.status is Status.LOCKED:
            # Another process is at the date, or took it over while this one stood still.
            ledger.repeat_task(*key, now + LOCKED_PAUSE, ended.detail, started=False)
            return
        if ended.status is not Status.FAILED:
            ledger.end_task(*key, facts_of(ended, needs=sorted(map(str, needs))), ended.detail)
            return
        seconds = retry_after(self._opened.spec, queued)
        if seconds is not None:
            ledger.repeat_task(*key, now + timedelta(seconds=seconds), ended.detail, failed=True)
            return
        tried = f"failed {queued.failures + 1} times: " if queued.failures else "failed: "
        ledger.bury_task(*key, tried + ended.detail, facts_of(ended))

    # -- one run -------------------------------------------------------------------------------------------------

    def _run_of(self, queued: QueuedTask) -> _Run | None:
        """The run of a task, prepared once in this process. None where the specification has changed since the run was
        planned: it is planned again, and its tasks come back."""
        with self._lock:
            run = self._runs.get(queued.run_id)
            if run is None:
                self._forget_finished()
                run = self._prepared(queued)
                if run is not None:
                    self._runs[queued.run_id] = run
                    tell_owed(run.work, run.owed)
            if run is not None and queued.task not in run.tasks:
                # Another worker planned the run again.
                self.forget(queued.run_id)
                return self._run_of(queued)
            return run

    def _prepared(self, queued: QueuedTask) -> _Run | None:
        opened, run_id = self._opened, queued.run_id
        plan = Plan.from_json(opened.ledger.stored_plan(run_id))
        planned = stored_plan(opened, plan)
        if planned is None:
            plan_again(opened, run_id, plan.request)
            return None
        log = RunLog(
            opened.logs_folder,
            run_id,
            pipeline=queued.pipeline,
            version=queued.version,
            mask=opened.masker.mask,
            now=opened.clock,
        )
        listeners = (log_listener(log), *self._listeners)

        def tell(event: Event) -> None:
            for listener in listeners:
                try:
                    listener(event)
                except Exception as error:  # noqa: BLE001  a listener never breaks a run
                    log.write("warning", f"a listener failed on {type(event).__name__}: {error}")

        work = work_of(opened, planned, run_id, tell, threads=1, wait=True, suspends=True)
        keep_references(work)
        if planned.world.facts.model_file:
            register_model_file(work)
        tried = [date.fromisoformat(str(tick)) for tick in queued.facts.get("tried", ())]
        tasks = {task.key: task for task in plan.tasks}
        return _Run(tasks, work, Performer(work, tried=tried), log, owed_before(opened, planned))

    def printed(self, line: str) -> None:
        """What a hook prints is narration of the run that it belongs to."""
        context = current_context()
        run = self._runs.get(context.run_id or "")
        if run is not None:
            day = date.fromisoformat(context.date) if context.date else None
            run.work.tell(Noticed(run.work.run_id, run.work.pipeline.name, line, day))


def _key(queued: QueuedTask) -> tuple[str, str, int]:
    return queued.run_id, queued.task, queued.attempt
