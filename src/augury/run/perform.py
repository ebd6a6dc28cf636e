"""How is a plan performed, from the first lock to the last record?

Perform, then record: every step may be repeated, and what the ledger did not hear about is done again or, where the
warehouse shows it finished, recorded by recovery.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from augury.errors import AuguryError, Locked, ModelFailed, Place, WorkFailed
from augury.events import TaskFinished
from augury.hooks import Operation
from augury.ledger.database import ConnectionLost
from augury.ledger.queue_records import OperationRecord
from augury.ledger.records import FOREGROUND, DateRecord, ModelRecord, Status
from augury.plan.steps import Purpose, Task
from augury.run.date_task import DateTask, status_of
from augury.run.event_hooks import event_of, tell_hooks, until_told
from augury.run.limits import Meter
from augury.run.locking import ANY_TIME, Held
from augury.run.logs import log_context
from augury.run.models import NeedsTick, Scorer
from augury.run.operations import operation_of, record_of, wait_for
from augury.run.others import OtherPipelines, blocked_by
from augury.run.outcome import DateOutcome
from augury.run.progress import Ended
from augury.run.records import Performed
from augury.run.recovery import archives_alone
from augury.run.runner import Runner
from augury.run.train import Trained, train, untrainable
from augury.run.work import Work


@dataclass
class Outcome:
    """What a performed plan leaves beside the ledger."""

    dates: dict[date, DateOutcome] = field(default_factory=dict)
    trained: list[ModelRecord] = field(default_factory=list)
    failures: list[AuguryError] = field(default_factory=list)
    needs: set[date] = field(default_factory=set)
    """Ticks that the rules led to and that the plan had not foreseen."""


class Performer:
    """Performs one plan with one set of hands."""

    def __init__(self, work: Work, *, held: Mapping[date, Held] | None = None, tried: Collection[date] = ()) -> None:
        self._work = work
        self._held = held or {}
        """Locks of dates that the run holds already."""
        self._tried = frozenset(tried)
        """Ticks that this run has planned for already: a date that still needs one of them is held."""
        model = work.pipeline.settings.model
        self._scorer = Scorer(work) if model is not None else None
        self._others = OtherPipelines(work)
        self._seconds: dict[date, float] = {}
        self._retried: set[str] = set()
        """Tasks whose failure is nobody's business yet."""
        self._attempts = work.ledger.task_attempts(work.run_id)
        """Of the tasks that a resumed run tried before."""
        self.outcome = Outcome()

    def perform(self, *, parallel: int, descending: bool) -> Outcome:
        Runner(self._work.plan, self._task, self._block, self._over, parallel=parallel, descending=descending).run()
        return self.outcome

    def perform_one(self, task: Task, *, blocked: str = "", retried: bool = False) -> Ended:
        """One task of the plan, where somebody else decides on their order.

        `blocked` says why it cannot be done. A failure of a task that will be `retried` is not told yet.
        """
        if retried:
            self._retried.add(task.key)
        try:
            ended = self._block(task, blocked) if blocked else self._task(task)
        finally:
            self._retried.discard(task.key)
        if ended.suspended is None:
            self._over(task, ended)
        return ended

    def _over(self, task: Task, ended: Ended) -> None:
        self._work.tell(TaskFinished(self._work.run_id, self._work.pipeline.name, task.key, str(ended.status)))

    # -- one task ----------------------------------------------------------------------------------------------

    def _task(self, task: Task) -> Ended:
        work = self._work
        with log_context(pipeline=work.pipeline.name, version=work.pipeline.version, date=str(task.day)):
            try:
                return self._train(task) if task.kind == "train" else self._date(task)
            except ConnectionLost:
                raise  # no fault of the date, and nobody to tell
            except AuguryError as error:
                return self._failed(task, error)
            except Exception as error:  # noqa: BLE001  a bug of ours must not take the other dates with it
                return self._failed(task, self._bug(error))

    def _bug(self, error: Exception) -> WorkFailed:
        self._work.notice("".join(traceback.format_exception(error)))
        return WorkFailed(
            f"augury failed on an error of its own: {type(error).__name__}: {error}",
            fix=f"Please report it with the log: augury logs --run {self._work.run_id}",
        )

    def _date(self, task: Task) -> Ended:
        work = self._work
        with ExitStack() as stack:
            lock = self._held.get(task.day)
            if lock is None:
                patient = work.wait or task.purpose is not Purpose.REQUESTED
                name = work.lock_name(task.day)
                lock = stack.enter_context(work.locks.acquire(name, work.run_id, wait=ANY_TIME if patient else None))
            work = stack.enter_context(work.under(lock))
            attempt = self._attempts.get(task.key, 0) + 1
            self._begin(work, task, attempt)
            task = self._others.bound(task)
            meter = Meter(work.pipeline.settings.limits, self._seconds.get(task.day, 0.0))
            performed = DateTask(work, task, self._scorer, attempt, meter).perform()
            while performed.suspended is not None:
                waits = self._suspended(work, task, performed)
                if work.suspends:
                    return Ended(Status.RUNNING, suspended=waits)
                task = self._after_waiting(task, waits)
                performed = DateTask(work, task, self._scorer, attempt, meter).perform()
            self._seconds[task.day] = meter.seconds
            status = self._recorded(work, task, performed)
        self._tell_end(task, performed)
        return Ended(status, performed.error.what if performed.error else "", performed.missing)

    def _begin(self, work: Work, task: Task, attempt: int) -> None:
        name, version = work.pipeline.name, work.pipeline.version
        # A run that was given up for dead begins nothing more, whatever locks it gets. In the service there is none.
        fence = self._work.fence() or work.fence()
        work.ledger.begin_task(work.run_id, task.key, name, version, task.day, attempt, work.clock(), fence=fence)

    def _suspended(self, work: Work, task: Task, performed: Performed) -> OperationRecord:
        """Commit what a task did before it had to wait."""
        assert performed.suspended is not None
        step, operation = performed.suspended
        work.ledger.finish_task(
            work.run_id,
            task.key,
            performed.steps,
            performed.partitions,
            performed.removed,
            definitions=performed.definitions,
            status=Status.RUNNING,
            fence=work.fence(),
        )
        work.notice(f"waits for {operation.name}", day=step.day, step=step.step)
        return record_of(operation, work.run_id, task.key, step.step, work.clock())

    def _after_waiting(self, task: Task, waits: OperationRecord) -> Task:
        """Wait here until an operation is over; the task from the step on that waited."""
        work = self._work
        work.ledger.keep_operation(waits)

        def notified() -> Mapping[str, Any] | None:
            over = work.ledger.operations(work.run_id, task.key, over=True)
            return next((each.result for each in over if each.step == waits.step), None)

        project = work.definitions.project
        operation = wait_for(project, work.pipeline, operation_of(waits), notified)
        work.ledger.forget_operations(work.run_id, task.key)
        return self.going_on(task, waits.step, operation)

    def going_on(self, task: Task, step: str, operation: Operation) -> Task:
        """The rest of a task whose `step` waited for an operation that is over."""
        self._work.operations[task.day, step] = operation
        at = next(at for at, each in enumerate(task.steps) if each.step == step and not each.training)
        return replace(task, steps=task.steps[at:])

    def _recorded(self, work: Work, task: Task, performed: Performed) -> Status:
        """Commit a task: everything it did in one transaction. How the date itself ended."""
        if performed.date is not None:
            # What is archived alone was told of when it was published.
            owed = self._is_over(task, performed.error) and (performed.error is not None or not archives_alone(task))
            performed.date = until_told(self._work, performed.date, owed=owed)
        status = status_of(performed.error) if performed.error else Status.SUCCEEDED
        work.ledger.finish_task(
            work.run_id,
            task.key,
            performed.steps,
            performed.partitions,
            performed.removed,
            performed.date,
            performed.definitions,
            status=status_of(performed.beside[0]) if performed.beside and not performed.error else status,
            fence=work.fence(),
        )
        work.definitions_kept.update(definition.fingerprint for definition in performed.definitions)
        return status

    def _tell_end(self, task: Task, performed: Performed) -> None:
        error = performed.error
        self.outcome.failures += performed.beside
        if task.purpose is not Purpose.REQUESTED:
            if error is not None:
                self.outcome.failures.append(error)
            return
        record = performed.date
        if record is None:
            if self._work.plan.request.step is not None or archives_alone(task):
                self.outcome.dates.setdefault(task.day, DateOutcome(task.day, Status.SUCCEEDED))
            return
        self.outcome.dates[task.day] = DateOutcome(
            run_date=task.day,
            status=record.status,
            rows=record.rows,
            model_version=record.model_version,
            model_rule=performed.rule,
            detail=record.detail,
            error=error,
        )
        awaited = self._awaited(error)
        if awaited is not None:
            self.outcome.needs.add(awaited)
        elif self._is_over(task, error):
            self._after(record)

    def _awaited(self, error: AuguryError | None) -> date | None:
        """The tick with which this very run plans again: the date is not over."""
        return error.tick if isinstance(error, NeedsTick) and error.tick not in self._tried else None

    def _is_over(self, task: Task, error: AuguryError | None) -> bool:
        """Nobody tries this date again by itself."""
        again = error is not None and status_of(error) is Status.FAILED and task.key in self._retried
        return self._awaited(error) is None and not again

    def _after(self, record: DateRecord | ModelRecord) -> None:
        """Tell everybody, the project's hooks last: the ledger has the outcome by now."""
        self._work.tell(event_of(record))
        hook_error = tell_hooks(self._work, record)
        if hook_error is not None:
            self.outcome.failures.append(hook_error)

    def _train(self, task: Task) -> Ended:
        locks, run_id = self._work.locks, self._work.run_id
        assert self._scorer is not None
        name = self._work.training_lock_name(task.day)
        with locks.acquire(name, run_id, wait=ANY_TIME) as lock, self._work.under(lock) as work:
            task = self._others.bound(task)
            known = self._trained_meanwhile(task)
            if known is None:
                if task.needs:
                    raise blocked_by(task.needs)
                self._begin(work, task, 1)
                trained = self._train_or_pass_over(work, task, self._scorer)
                known = work.ledger.finish_task(
                    work.run_id,
                    task.key,
                    [trained.step],
                    trained.partitions,
                    model=until_told(self._work, trained.model),
                    status=Status.SUCCEEDED,
                    fence=work.fence(),
                )
                assert known is not None
                self._trained(known)
        self._scorer.refresh()
        return Ended(Status.SUCCEEDED)

    def _train_or_pass_over(self, work: Work, task: Task, scorer: Scorer) -> Trained:
        """Train a tick. One that nobody asked for and no date scores with may have too little to learn from: the
        first months of a history. It gets a verdict like any other, and the next tick goes on."""
        request = self._work.plan.request
        scoring = {each.tick for each in self._work.plan.tasks if each.tick is not None}
        try:
            return train(work, task, scorer)
        except ModelFailed as error:
            if task.day in request.ticks or task.day in scoring:
                raise
            return untrainable(work, task, error)

    def _trained(self, model: ModelRecord) -> None:
        self.outcome.trained.append(model)
        self._after(model)

    def _trained_meanwhile(self, task: Task) -> ModelRecord | None:
        """The model of this tick, where another run trained it while this one waited for the lock or in the queue."""
        work = self._work
        models = work.ledger.models(work.pipeline.name, work.pipeline.version)
        run = work.ledger.run(work.run_id)
        # The facts of a run of the service are read when it is first performed; its plan knew what there was before.
        ours = run.origin == FOREGROUND
        seen = {model.number for model in work.facts.models if ours or model.trained_at < run.started_at}
        for model in reversed(models):
            if model.tick == task.day and model.fingerprint == task.fingerprint and model.number not in seen:
                return model
        return None

    # -- tasks that do not happen ------------------------------------------------------------------------------

    def _failed(self, task: Task, error: AuguryError) -> Ended:
        """A task that ended before its steps could say so: a lock, a training, a fault of ours."""
        work = self._work
        error.at(
            Place(
                pipeline=work.pipeline.name,
                date=str(task.day),
                step="train" if task.kind == "train" else None,
            )
        )
        status = status_of(error)
        if task.kind == "date" and task.purpose is Purpose.REQUESTED:
            is_over = self._is_over(task, error)
            record = until_told(self._work, self._record_of(task, status, error.what), owed=is_over)
            if not isinstance(error, Locked):
                # The date of a locked partition is its owner's to record.
                work.ledger.finish_task(work.run_id, task.key, date=record, status=status, fence=work.fence())
            self.outcome.dates[task.day] = DateOutcome(task.day, status, detail=error.what, error=error)
            if is_over:
                self._after(record)
        else:
            if not isinstance(error, Locked):
                work.ledger.finish_task(work.run_id, task.key, status=status, fence=work.fence())
            self.outcome.failures.append(error)
        return Ended(status, error.what)

    def _block(self, task: Task, why: str) -> Ended:
        """A task that something it needs keeps from starting."""
        if task.kind == "date" and task.purpose is Purpose.REQUESTED:
            record = until_told(self._work, self._record_of(task, Status.BLOCKED, why))
            work = self._work
            work.ledger.finish_task(work.run_id, task.key, date=record, status=Status.BLOCKED, fence=work.fence())
            self.outcome.dates[task.day] = DateOutcome(task.day, Status.BLOCKED, detail=why)
            self._after(record)
        return Ended(Status.BLOCKED, why)

    def _record_of(self, task: Task, status: Status, detail: str) -> DateRecord:
        pipeline = self._work.pipeline
        return DateRecord(
            pipeline=pipeline.name,
            version=pipeline.version,
            run_date=task.day,
            status=status,
            run_id=self._work.run_id,
            updated_at=self._work.clock(),
            data_date=pipeline.cutoffs.data_date(task.day),
            detail=self._work.mask(detail),
        )
