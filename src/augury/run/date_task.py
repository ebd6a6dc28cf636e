"""How is the task of one date performed? Step by step under its lock; what happened comes back as records."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import assert_never

from augury.errors import AuguryError, ExitCode
from augury.events import StepFinished
from augury.ledger.records import (
    DateRecord,
    Decision,
    Definition,
    ModelRecord,
    PartitionRecord,
    Status,
    StepRecord,
)
from augury.plan.fingerprints import with_model
from augury.plan.graph import FEATURES
from augury.plan.reasons import definition_text
from augury.plan.steps import PlannedStep, Purpose, Task
from augury.run.builds import bound_sql, build, candidate, with_place, write_of
from augury.run.checks import run_checks
from augury.run.limits import Meter
from augury.run.models import Scorer
from augury.run.predict import predict, refuse_lost_entities
from augury.run.recovery import record_of
from augury.run.relations import Resolver
from augury.run.work import Work
from augury.sql.fingerprint import combine
from augury.warehouses.contract import Partition, Write


@dataclass
class Performed:
    """What the ledger will hear about one task."""

    steps: list[StepRecord] = field(default_factory=list)
    partitions: list[PartitionRecord] = field(default_factory=list)
    removed: list[tuple[str, date]] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    date: DateRecord | None = None
    error: AuguryError | None = None
    rule: str = ""


class DateTask:
    """One task of one date. `perform` never raises an AuguryError: it is part of what is performed."""

    def __init__(self, work: Work, task: Task, scorer: Scorer | None, attempt: int, meter: Meter) -> None:
        self._work = work
        self._task = task
        self._scorer = scorer
        self._attempt = attempt
        self._meter = meter
        self._done = Performed()
        self._rows: int | None = None

    def perform(self) -> Performed:
        if self._task.skip:
            self._skip_missing()
            return self._done
        for step in self._task.steps:
            started, at = time.monotonic(), self._work.clock()
            try:
                status, partition, detail = self._step(step)
            except AuguryError as error:
                self._done.error = with_place(error, self._work, step.day, step.step)
                status, partition = status_of(error), None
                detail = error.what
            seconds = time.monotonic() - started
            self._record(step, status, partition, detail, at, seconds)
            if self._done.error is not None:
                self._end(status, self._done.error.what)
                return self._done
        if any(step.step == "publish" for step in self._task.steps):
            ended = self._work.ended.get(self._task.day)
            self._end(ended or Status.SUCCEEDED, "")
        return self._done

    # -- steps -------------------------------------------------------------------------------------------------

    def _step(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        """Perform one step; (status, its partition, a detail). Raises AuguryError."""
        ended = self._work.ended.get(step.day) if not step.training else None
        if ended is not None and step.step not in self._work.graph.closure(self._work.graph.scored):
            if step.step not in self._work.graph.labelled:
                return ended, None, ""
        self._meter.check(f"{step.step}")
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
        partition, detail = written.partition, ""
        if written.duplicates_dropped:
            detail = f"{written.duplicates_dropped} duplicates dropped"
        if ended is None and partition.rows == 0 and step.step in FEATURES:
            ended = Status.SKIPPED_NO_POPULATION if step.step == "filter" else Status.SKIPPED_EMPTY
            if not step.training:
                self._work.ended[step.day] = ended
        return ended or Status.SUCCEEDED, partition, detail

    def _predict(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        assert self._scorer is not None
        bound = self._scorer.bind(step.day)
        write = write_of(self._work, step, with_model(step.fingerprint, bound.record), bound.record)
        written = predict(self._work, self._scorer.fitted(bound.record), write, step.day)
        return Status.SUCCEEDED, written.partition, bound.rule

    def _post_process(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        model, rule, fingerprint = self._model_of(step)
        write = write_of(self._work, step, fingerprint, model)
        written = candidate(self._work, step, write, model, rule)
        if model is not None:
            refuse_lost_entities(self._work, step.day)
        return Status.SUCCEEDED, written.partition, ""

    def _validate(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        if not self._work.pipeline.has("validation"):
            return Status.SUCCEEDED, None, "no validation.sql"
        definition = self._work.definitions.step("validation", step.day)
        model = self._model_of(step)[0]
        resolver = self._work.resolver(step.day, references=model.references if model else None)
        sql = bound_sql(self._work, definition, step.day, resolver)
        accept = self._work.plan.request.accept
        total, accepted = run_checks(self._work.warehouse, sql, accept)
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
                )
            )
        detail = f"{total} checks" + (f", accepted: {', '.join(accepted)}" if accepted else "")
        return Status.SUCCEEDED, None, detail

    def _publish(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        self._meter.check("publishing")
        partition = self._work.warehouse.publish(
            self._work.pipeline.tables.staging, step.day, self._write_published(step)
        )
        self._rows = partition.rows
        return Status.SUCCEEDED, partition, ""

    def _archive(self, step: PlannedStep) -> tuple[Status, Partition | None, str]:
        partition = self._work.warehouse.publish(
            self._work.pipeline.tables.predictions, step.day, self._write_published(step)
        )
        return Status.SUCCEEDED, partition, ""

    def _write_published(self, step: PlannedStep) -> Write:
        model, _, fingerprint = self._model_of(step)
        return write_of(self._work, step, fingerprint, model)

    def _model_of(self, step: PlannedStep) -> tuple[ModelRecord | None, str, str]:
        """(model, rule, final fingerprint) of a step after predict."""
        if self._scorer is None or not step.modelled:
            return None, "", step.fingerprint
        bound = self._scorer.bind(step.day)
        self._done.rule = bound.rule
        return bound.record, bound.rule, with_model(step.fingerprint, bound.record)

    # -- records -----------------------------------------------------------------------------------------------

    def _record(
        self,
        step: PlannedStep,
        status: Status,
        partition: Partition | None,
        detail: str,
        at: datetime,
        seconds: float,
    ) -> None:
        facts = partition.facts if partition else {}
        model_version = facts.get("model_version")
        self._done.steps.append(
            StepRecord(
                run_id=self._work.run_id,
                task=self._task.key,
                pipeline=self._work.pipeline.name,
                version=self._work.pipeline.version,
                run_date=step.day,
                step=step.step,
                attempt=self._attempt,
                status=status,
                started_at=at,
                seconds=seconds,
                reason=": ".join(part for part in (str(step.reason), step.detail) if part),
                table=step.table,
                rows=partition.rows if partition else None,
                bytes=partition.bytes if partition else None,
                fingerprint=partition.fingerprint if partition else step.fingerprint,
                model_version=model_version,
                detail=detail,
            )
        )
        self._work.tell(
            StepFinished(
                self._work.run_id,
                self._work.pipeline.name,
                step.day,
                step.step,
                str(status),
                partition.rows if partition else None,
                seconds,
                detail,
            )
        )
        if partition is not None:
            self._done.partitions.append(record_of(
                    partition, step.day, self._work.pipeline.name, self._work.pipeline.version, status
                ))
            file, text = definition_text(self._work.definitions, step.step)
            self._done.definitions.append(Definition(step.definition, file, text))
        elif status.value.startswith("skipped") and step.table:
            self._remove(step)

    def _remove(self, step: PlannedStep) -> None:
        """A skipped date removes what an earlier run of it left."""
        if self._work.warehouse.remove(step.table, step.day):
            self._work.notice(f"removed the stale partition of {step.table}", day=step.day, step=step.step)
        self._done.removed.append((step.table, step.day))

    def _skip_missing(self) -> None:
        """There is nothing to build from: leave no output of an earlier run, and complete the date."""
        tables, day = self._work.pipeline.tables, self._task.day
        for table in (tables.step("predict"), tables.staging, tables.predictions, tables.archive):
            if self._work.warehouse.remove(table, day):
                self._done.removed.append((table, day))
        for step in self._work.graph.closure(self._work.graph.scored):
            table = tables.step(step)
            record = PartitionRecord(
                table=table,
                run_date=day,
                pipeline=self._work.pipeline.name,
                version=self._work.pipeline.version,
                step=step,
                status=Status.SKIPPED_MISSING,
                fingerprint=combine("missing", self._task.skip),
                definition="",
                run_id=self._work.run_id,
                rows=0,
                built_at=self._work.clock(),
                probe=self._work.facts.probe,
            )
            self._done.partitions.append(record)
        self._end(Status.SKIPPED_MISSING, self._task.skip)

    def _end(self, status: Status, detail: str) -> None:
        if self._task.purpose is not Purpose.REQUESTED and not self._task.skip:
            return
        model = self._scorer.bound(self._task.day) if self._scorer else None
        self._done.date = DateRecord(
            pipeline=self._work.pipeline.name,
            version=self._work.pipeline.version,
            run_date=self._task.day,
            status=status,
            run_id=self._work.run_id,
            updated_at=self._work.clock(),
            rows=self._rows,
            model_version=model.record.number if model and status is Status.SUCCEEDED else None,
            data_date=self._work.pipeline.cutoffs.data_date(self._task.day),
            detail=detail,
        )


def status_of(error: AuguryError) -> Status:
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

