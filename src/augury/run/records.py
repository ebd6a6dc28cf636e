"""What will the ledger hear about a task? Collected step by step, committed in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from augury.errors import AuguryError
from augury.events import StepFinished
from augury.hooks import Operation
from augury.ledger.records import DateRecord, Definition, PartitionRecord, Status, StepRecord
from augury.plan.reasons import definition_text
from augury.plan.steps import PlannedStep, Purpose, Task
from augury.run.recovery import record_of
from augury.run.work import Work
from augury.sql.fingerprint import combine
from augury.warehouses.contract import Partition

ENDS = ("publish", "archive")
"""Steps that complete a date."""


@dataclass
class Performed:
    """What the ledger will hear about one task."""

    steps: list[StepRecord] = field(default_factory=list)
    partitions: list[PartitionRecord] = field(default_factory=list)
    removed: list[tuple[str, date]] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    date: DateRecord | None = None
    error: AuguryError | None = None
    """What kept the date from being published."""
    beside: list[AuguryError] = field(default_factory=list)
    """Errors of steps that the date itself does not need, such as the label of a training date."""
    missing: dict[str, str] = field(default_factory=dict)
    """Tables whose partition could not be built, and why."""
    rule: str = ""
    """Why the model that scored the date did."""
    suspended: tuple[PlannedStep, Operation] | None = None
    """The step that waits for an operation outside: it and what follows it are still to be done."""


class Records:
    """The records of one task while it is performed."""

    def __init__(self, work: Work, task: Task, attempt: int) -> None:
        self._work = work
        self._task = task
        self._attempt = attempt
        self._rows: int | None = None
        self._model_version: int | None = None
        self.done = Performed()

    def add(
        self,
        step: PlannedStep,
        status: Status,
        partition: Partition | None,
        detail: str,
        at: datetime,
        seconds: float,
    ) -> None:
        """One step is over."""
        model_version = partition.facts.get("model_version") if partition else None
        if partition is not None and step.step in ENDS:
            self._rows, self._model_version = partition.rows, model_version
        self.done.steps.append(
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
                detail=self._work.mask(detail),
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
            self.done.partitions.append(
                record_of(partition, step.day, self._work.pipeline.name, self._work.pipeline.version, status)
            )
            if step.definition not in self._work.definitions_kept:
                file, text = definition_text(self._work.definitions, step.step)
                self.done.definitions.append(Definition(step.definition, file, text))
        elif status.value.startswith("skipped") and step.table:
            self._remove(step)

    def _remove(self, step: PlannedStep) -> None:
        """A skipped date removes what an earlier run of it left."""
        if step.step == "archive" and (step.table, step.day) not in self._work.facts.partitions:
            # All versions share it: what another one put there stays.
            return
        if self._work.warehouse.remove(step.table, step.day, fence=self._work.fence()):
            self._work.notice(f"removed the stale partition of {step.table}", day=step.day, step=step.step)
        self.done.removed.append((step.table, step.day))

    def take_away(self, step: PlannedStep) -> None:
        """What a step made does not count: neither the ledger nor whoever reads the table knows it."""
        self._work.warehouse.remove(step.table, step.day, fence=self._work.fence())
        self.done.removed.append((step.table, step.day))

    def skip(self) -> None:
        """There is nothing to build from: leave nothing of an earlier run, and complete the date."""
        why = self._task.skip
        tables, day = self._work.pipeline.tables, self._task.day
        features = self._work.graph.closure(self._work.graph.scored)
        stale = [*map(tables.step, features), tables.step("predict"), tables.staging, tables.predictions]
        if (tables.archive, day) in self._work.facts.partitions:
            # The archive is shared by all versions: only what this one put there is stale.
            stale.append(tables.archive)
        for table in stale:
            if self._work.warehouse.remove(table, day, fence=self._work.fence()):
                self.done.removed.append((table, day))
        for step in features:
            table = tables.step(step)
            record = PartitionRecord(
                table=table,
                run_date=day,
                pipeline=self._work.pipeline.name,
                version=self._work.pipeline.version,
                step=step,
                # Of an empty source too: without types not even an empty partition can be built.
                status=Status.SKIPPED_MISSING,
                fingerprint=combine("missing", why),
                definition="",
                run_id=self._work.run_id,
                rows=0,
                built_at=self._work.clock(),
                probe=self._work.facts.probe,
            )
            self.done.partitions.append(record)
        self.end(Status.SKIPPED_EMPTY if self._task.empty else Status.SKIPPED_MISSING, why)

    def end(self, status: Status, detail: str) -> None:
        """The date is over, as far as this task can say: dates of history and training have no outcome."""
        if self._task.purpose is not Purpose.REQUESTED and not self._task.skip:
            return
        self.done.date = DateRecord(
            pipeline=self._work.pipeline.name,
            version=self._work.pipeline.version,
            run_date=self._task.day,
            status=status,
            run_id=self._work.run_id,
            updated_at=self._work.clock(),
            rows=self._rows,
            model_version=self._model_version,
            data_date=self._work.pipeline.cutoffs.data_date(self._task.day),
            detail=self._work.mask(detail),
        )
