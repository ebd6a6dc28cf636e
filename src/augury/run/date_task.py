"""How is the task of one date performed? Step by step under its lock; what happened comes back as records."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import assert_never

from augury.errors import AuguryError, Blocked, DataRefused, ExitCode, Held, LimitExceeded, Place, QueryRefused
from augury.ledger.database import ConnectionLost
from augury.ledger.records import (
    Decision,
    ModelRecord,
    Status,
)
from augury.plan.fingerprints import with_model
from augury.plan.graph import FEATURES
from augury.plan.steps import PlannedStep, Task
from augury.run.builds import bound_sql, build, candidate, in_template, rows_of_hook, with_place, write_of
from augury.run.checks import in_one_line, judge, run_checks
from augury.run.limits import Meter
from augury.run.models import Scorer
from augury.run.operations import Suspended
from augury.run.others import blocked
from augury.run.predict import predict, refuse_lost_entities
from augury.run.records import ENDS, Performed, Records
from augury.run.recovery import archives_alone
from augury.run.sql_models import model_of
from augury.run.work import Work
from augury.warehouses.contract import Partition, Write


def _absent(why: str) -> DataRefused:
    return DataRefused(why, why="what was published before stays", fix="Put the source in place.")


class DateTask:
    """One task of one date. `perform` never raises an AuguryError: it is part of what is performed."""

    def __init__(self, work: Work, task: Task, scorer: Scorer | None, attempt: int, meter: Meter) -> None:
        self._work = work
        self._task = task
        self._scorer = scorer
        self._meter = meter
        self._records = Records(work, task, attempt)
        self._failed: dict[tuple[str, bool], str] = {}
        """Steps that failed, by name and whether they are for training, and why."""

    def perform(self) -> Performed:
        if self._task.skip:
            self._skip(self._task.skip)
            return self._records.done
        for step in self._task.steps:
            why = self._kept_from(step)
            if why is not None:
                self._leave(step, why)
                continue
            started, at = time.monotonic(), self._work.clock()
            try:
                status, partition, detail = self._within_limits(step)
            except Suspended as waits:
                self._records.done.suspended = (step, waits.operation)
                return self._records.done
            except ConnectionLost:
                raise  # no fault of the step
            except AuguryError as error:
                status, partition, detail = status_of(error), None, in_one_line(error)
                self._fail(step, with_place(error, self._work, step.day, step.step), detail)
            self._records.add(step, status, partition, detail, at, time.monotonic() - started)
        stopped = self._records.done.error
        if stopped is not None:
            self._records.end(status_of(stopped), in_one_line(stopped))
        elif any(step.step in ENDS for step in self._task.steps) and not self._archives_what_failed():
            ended = self._work.ended.get(self._task.day)
            self._records.end(ended or Status.SUCCEEDED, "")
        return self._records.done

    def _archives_what_failed(self) -> bool:
        """The last good partition goes to the archive: the date itself ended otherwise, and that stays so."""
        known = self._work.facts.dates.get(self._task.day)
        return archives_alone(self._task) and known is not None and not known.status.complete

    def _skip(self, why: str) -> None:
        """There is nothing to build from. What an earlier run published stays, unless everything is to be done again:
        the date was to be mended then, and that fails."""
        table, day = self._work.pipeline.tables.predictions, self._task.day
        published = self._work.facts.partitions.get((table, day))
        if published is None or published.status is not Status.SUCCEEDED or self._work.plan.request.reprocess == "all":
            self._records.skip()
            return
        self._records.done.error = _absent(why).at(Place(pipeline=self._work.pipeline.name, date=str(day)))
        self._records.end(Status.FAILED, why)

    def _leads_to_publishing(self, step: PlannedStep) -> bool:
        """The date itself needs this step; others, such as its label, are there for trainings."""
        return not step.training and step.step in self._work.graph.order

    def _kept_from(self, step: PlannedStep) -> str | None:
        """Why a step is left out: after an error a date goes on only with what does not need the failed step."""
        error = self._records.done.error
        if error is not None and self._leads_to_publishing(step):
            return in_one_line(error)
        if not self._failed:
            return None
        needs = self._work.graph.closure(step.step)
        failed = {name: why for (name, training), why in self._failed.items() if training is step.training}
        return next((why for name, why in failed.items() if name in needs), None)

    def _fail(self, step: PlannedStep, error: AuguryError, why: str) -> None:
        self._failed[step.step, step.training] = why
        if self._leads_to_publishing(step):
            self._records.done.error = error
        else:
            self._records.done.beside.append(error)
        self._leave(step, why)

    def _leave(self, step: PlannedStep, why: str) -> None:
        held = isinstance(self._records.done.error, Held) and self._leads_to_publishing(step)
        if not held:
            self._records.done.missing[step.table] = why

    def _has_schema(self, step: str) -> bool:
        """Whether a date without rows still leaves this step's empty partition: what history may read of it."""
        graph = self._work.graph
        return step in graph.closure(graph.scored) or step in graph.labelled

    # -- steps -------------------------------------------------------------------------------------------------

    def _within_limits(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        """Perform one step; what it made beyond its limits is taken away again. Raises AuguryError."""
        made = None
        try:
            with self._meter.step(step.step), self._work.charging(step.step):
                status, made, detail = self._step(step)
        except LimitExceeded:
            if made is not None and made.run_id == self._work.run_id:
                self._records.take_away(step)
            raise
        return status, made, detail

    def _step(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        """Perform one step; (status, its partition, a detail). Raises AuguryError."""
        ended = self._work.ended.get(step.day) if not step.training else None
        if ended is not None and not self._has_schema(step.step):
            return ended, None, ""
        waiting = blocked(self._work.graph, self._task, step.step, step.day)
        if waiting is not None:
            raise waiting
        if step.absent:
            raise _absent(step.absent)
        if self._leads_to_publishing(step):
            self._meter.check(step.step)
        built = self._built_meanwhile(step)
        if built is not None:
            self._note_rows(step, built)
            return self._work.ended.get(step.day, Status.SUCCEEDED), built, "built by another run"
        match step.step:
            case "predict":
                return self._predict(step)
            case "post_process":
                return self._post_process(step)
            case "validate":
                return self._validate(step)
            case "publish":
                return self._publish(step)
            case "archive":
                return self._archive(step)
            case _:
                return self._build(step, ended)

    def _build(self, step: PlannedStep, ended: Status | None) -> tuple[Status, Partition | None, str]:
        write = write_of(self._work, step, step.fingerprint, None)
        references = self._scorer.references(step.day) if self._scorer and not step.training else None
        written = build(self._work, step, write, empty=ended is not None, references=references)
        detail = f"{written.duplicates_dropped} duplicates dropped" if written.duplicates_dropped else ""
        if ended is None:
            ended = self._note_rows(step, written.partition)
        return ended or Status.SUCCEEDED, written.partition, detail

    def _note_rows(self, step: PlannedStep, partition: Partition) -> Status | None:
        """A date whose features come out empty ends here; the status that says why."""
        if partition.rows or step.step not in FEATURES:
            return None
        ended = Status.SKIPPED_NO_POPULATION if step.step == "filter" else Status.SKIPPED_EMPTY
        if not step.training:
            self._work.ended[step.day] = ended
        return ended

    def _built_meanwhile(self, step: PlannedStep) -> Partition | None:
        """The partition as wanted, where another run built it between this plan and its lock.

        The ledger says so: data that it does not know was forgotten on purpose, and is built anew.
        """
        if not step.table or step.modelled:
            return None
        partition = self._work.warehouse.partition(step.table, step.day)
        if partition is None or partition.fingerprint != step.fingerprint:
            return None
        planned = self._work.facts.partitions.get((step.table, step.day))
        if planned is not None and planned.run_id == partition.run_id:
            return None
        pipeline = self._work.pipeline
        known = self._work.ledger.partitions(pipeline.name, pipeline.version).get((step.table, step.day))
        return partition if known is not None and known.run_id == partition.run_id else None

    def _predict(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        assert self._scorer is not None
        bound = self._scorer.bind(step.day)
        write = write_of(self._work, step, with_model(step.fingerprint, bound.record), bound.record)
        if self._work.pipeline.in_sql:
            definition = self._work.definitions.step("predict", step.day)
            written = model_of(self._work, bound.record).predict(definition, step.day, write)
            return Status.SUCCEEDED, written.partition, bound.rule
        written = predict(self._work, self._scorer.fitted(bound.record), write, step.day)
        return Status.SUCCEEDED, written.partition, bound.rule

    def _post_process(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        model, rule, fingerprint = self._model_of(step)
        write = write_of(self._work, step, fingerprint, model)
        written = candidate(self._work, step, write, model, rule)
        if model is not None:
            refuse_lost_entities(self._work, step.day, unique=write.unique)
        return Status.SUCCEEDED, written.partition, ""

    def _validate(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        if not self._work.pipeline.has("validation"):
            return Status.SUCCEEDED, None, "no validation.sql"
        definition = self._work.definitions.step("validation", step.day)
        model = self._model_of(step)[0]
        resolver = self._work.resolver(step.day, references=self._work.references_of(model))
        accept = self._work.plan.request.accept
        if definition.hook is not None:
            rows = rows_of_hook(self._work, definition, step, resolver, most=2)
            total, accepted = judge(rows, accept, by="the hook validation")
        else:
            sql = bound_sql(self._work, definition, step.day, resolver)
            try:
                total, accepted = run_checks(self._work.warehouse, sql, accept)
            except QueryRefused as error:
                raise in_template(error, definition.compiled) from error
        for check in accepted:
            self._work.ledger.decide(
                Decision(
                    at=self._work.clock(),
                    who=self._work.who,
                    host=self._work.host,
                    action="accept",
                    pipeline=self._work.pipeline.name,
                    version=self._work.pipeline.version,
                    subject=check,
                    effective_from=step.day,
                    detail=f"run {self._work.run_id}",
                ),
                fence=self._work.fence(),
            )
        detail = f"{total} checks" + (f", accepted: {', '.join(accepted)}" if accepted else "")
        return Status.SUCCEEDED, None, detail

    def _publish(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        self._meter.check("publishing")
        partition = self._work.warehouse.publish(
            self._work.pipeline.tables.staging, step.day, self._write_published(step)
        )
        self._show()
        return Status.SUCCEEDED, partition, ""

    def _show(self) -> None:
        """Consumers get their name for it with the first publication: hooks read it before the run ends."""
        work, tables = self._work, self._work.pipeline.tables
        if tables.version_view and work.warehouse.view(tables.version_view) is None:
            work.warehouse.set_view(tables.version_view, tables.predictions)
        current = work.facts.current_version == work.pipeline.version
        if current and work.warehouse.view(tables.current_predictions) is None:
            work.warehouse.set_view(tables.current_predictions, tables.predictions)

    def _archive(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        """A copy of what is published, whoever published it and by whichever model."""
        published = self._work.warehouse.partition(self._work.pipeline.tables.predictions, step.day)
        if published is None:
            return Status.SUCCEEDED, None, "nothing is published"
        write = write_of(self._work, step, published.fingerprint, None)
        facts = {**write.facts, "model_version": published.facts.get("model_version")}
        partition = self._work.warehouse.publish(published.table, step.day, replace(write, facts=facts))
        return Status.SUCCEEDED, partition, ""

    def _write_published(self, step: PlannedStep) -> Write:
        model, _, fingerprint = self._model_of(step)
        return write_of(self._work, step, fingerprint, model)

    def _model_of(self, step: PlannedStep) -> tuple[ModelRecord | None, str, str]:
        """(model, rule, final fingerprint) of a step after predict."""
        if self._scorer is None or not step.modelled:
            return None, "", step.fingerprint
        bound = self._scorer.bind(step.day)
        self._records.done.rule = bound.rule
        return bound.record, bound.rule, with_model(step.fingerprint, bound.record)


def status_of(error: AuguryError) -> Status:
    if isinstance(error, Blocked):
        return Status.BLOCKED
    match error.exit_code:
        case ExitCode.HELD:
            return Status.HELD
        case ExitCode.REFUSED:
            return Status.REFUSED
        case ExitCode.LOCKED:
            return Status.LOCKED
        case ExitCode.FAILED | ExitCode.CANNOT_START | ExitCode.DONE:
            return Status.FAILED
    assert_never(error.exit_code)
