"""What do other pipelines give to this one, and may it know that yet?

A step of another pipeline is read for the same run date, so both must have it; and only where it knows nothing that
happens after the cutoff of the reader, whose lag or time zone may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from augury.dates import DateRange
from augury.errors import Problem, SpecError, WorkFailed
from augury.ledger.records import DateRecord, PartitionRecord, Status
from augury.plan.definitions import Definitions
from augury.plan.misread import BEFORE_THE_OUTCOME
from augury.plan.steps import External
from augury.plan.ticks import Ticks
from augury.spec.files import PipelineSpec
from augury.sql.relations import OfAnother, OtherHistory, OtherRef, Relation

SKIPPED = "skipped"
"""Stands for the fingerprint of what a skipped date left: nothing."""


@dataclass(frozen=True)
class Other:
    """One version of a pipeline that another one reads."""

    pipeline: PipelineSpec
    order: frozenset[str]
    """Steps that a published date needs."""
    labelled: frozenset[str]
    """Steps that know the outcome."""
    current: bool
    """Asked for as the version that consumers see."""

    def known_until(self, step: str, day: date) -> datetime:
        """The end of what a partition knows, in UTC."""
        return self._ticks.closes(day) if step in self.labelled else self.pipeline.cutoffs.of(day)

    @cached_property
    def _ticks(self) -> Ticks:
        return Ticks(self.pipeline)


@dataclass(frozen=True)
class Others:
    """The pipelines that one pipeline reads."""

    reader: PipelineSpec
    known: Mapping[tuple[str, str], Other]
    """By pipeline and version, as SQL names them."""
    places: Mapping[tuple[str, OfAnother], tuple[str, int | None]]
    """(file, line) of each read, by the step that reads."""

    def of(self, read: OfAnother) -> Other:
        """Raises WorkFailed for a read that a template makes on some dates only."""
        found = self.known.get((read.pipeline, read.version))
        if found is None:
            what = f"{read.name} is read on some dates only, so that no plan can wait for it"
            raise WorkFailed(what, fix="Read it on all dates")
        return found

    def is_labelled(self, read: Relation) -> bool:
        """This date's partition of a step that knows the outcome."""
        return isinstance(read, OtherRef) and read.step in self.of(read).labelled

    def days(self, read: OfAnother, day: date) -> tuple[date, ...]:
        """The run dates that are read, ascending. Of a label only those that are closed for the reader."""
        if isinstance(read, OtherRef):
            return (day,)
        other = self.of(read)
        start = max(day - timedelta(days=read.days), other.pipeline.settings.start)
        found = other.pipeline.grid.dates(DateRange(start, day)) if start < day else ()
        if read.step in other.labelled:
            cutoff = self.reader.cutoffs.of(day)
            found = tuple(each for each in found if other.known_until(read.step, each) <= cutoff)
        return found

    def partitions(self, read: OfAnother, day: date) -> tuple[External, ...]:
        """What is read for one run date of the reader."""
        return tuple(self.partition(read, each) for each in self.days(read, day))

    def partition(self, read: OfAnother, day: date) -> External:
        """The partition of one date of the other pipeline."""
        other = self.of(read)
        pipeline, apart = other.pipeline, read.step not in other.order
        return External(
            pipeline.name, pipeline.version, read.step, self.table(read), day, current=other.current, apart=apart
        )

    def table(self, read: OfAnother) -> str:
        tables = self.of(read).pipeline.tables
        return tables.predictions if read.step == "publish" else tables.step(read.step)

    def tables(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The tables that are read, by pipeline and version."""
        found: dict[tuple[str, str], set[str]] = {}
        for _, read in self.places:
            pipeline = self.of(read).pipeline
            found.setdefault((pipeline.name, pipeline.version), set()).add(self.table(read))
        return {which: tuple(sorted(tables)) for which, tables in found.items()}

    # -- what may not be read ------------------------------------------------------------------------------------

    def refuse_future(self, step: str, read: OfAnother, day: date, *, until: datetime) -> None:
        """Raise SpecError where a read knows more than the step, which knows everything before `until`."""
        days = self.days(read, day)
        if not days:
            return
        other = self.of(read)
        knows = other.known_until(read.step, days[-1])
        if knows <= until:
            return
        name, own = other.pipeline.name, self.reader.name
        message = (
            f"{read.name} of {days[-1]} knows what happened before {knows:%Y-%m-%d %H:%M} UTC "
            f"(lag {other.pipeline.settings.schedule.lag}d, {other.pipeline.zone.key}), and {own} {day} only what did "
            f"before {until:%Y-%m-%d %H:%M} UTC (lag {self.reader.settings.schedule.lag}d, {self.reader.zone.key}): "
            f"that is knowledge of the future. Let {name} trail as far as {own} does"
        )
        raise SpecError([self._problem(step, read, message, self._earlier(read, day, until))])

    def _earlier(self, read: OfAnother, day: date, until: datetime) -> str | None:
        """The dates before it may be known by then."""
        before = self.of(read).pipeline.grid.before(day)
        if isinstance(read, OtherHistory) or before is None or self.of(read).known_until(read.step, before) > until:
            return None
        return f"history('{read.name}', days={(day - before).days})"

    def refuse_outcomes(self) -> None:
        """Raise SpecError where a step that must not know the outcome reads one."""
        problems = [
            self._problem(
                step,
                read,
                f"{read.name} knows the outcome of its date, which {step} must not know",
                f"history('{read.name}', days=...), which holds closed ones only",
            )
            for step, read in self.places
            if step in BEFORE_THE_OUTCOME and self.is_labelled(read)
        ]
        if problems:
            raise SpecError(problems)

    def refuse_off_grid(self, step: str, read: OfAnother, day: date) -> None:
        """Raise SpecError where the other pipeline has no such run date, naming the nearest."""
        pipeline = self.of(read).pipeline
        if isinstance(read, OtherHistory) or day in pipeline.grid:
            return
        settings, near, before = pipeline.settings, pipeline.grid.nearest(day), pipeline.grid.before(day)
        bounds = f"from {settings.start}" + (f" until {settings.end} (excluded)" if settings.end else "")
        message = (
            f"{self.reader.name} {day} needs {read.name} of that date, which is no run date of {pipeline.name}: "
            f"it has the days of {settings.schedule.cron!r} {bounds}" + (f"; the nearest is {near}" if near else "")
        )
        after = pipeline.grid.after(before) if before else None
        days = ((after or day) - before).days if before else 0
        hint = f"history('{read.name}', days={days})" if before else None
        raise SpecError([self._problem(step, read, message, hint)])

    def _problem(self, step: str, read: OfAnother, message: str, hint: str | None = None) -> Problem:
        file, line = self.places[step, read]
        return Problem(message, file, line, suggestion=hint)


def look(need: External, partition: PartitionRecord | None, ended: DateRecord | None) -> tuple[str, str]:
    """(fingerprint, "") of a partition that can be read, else ("", why not).

    What was published stays readable when a later attempt of its date is held or fails. A skipped date has left
    nothing, and nothing is what is read of it.
    """
    if partition is not None and partition.status.complete:
        return partition.fingerprint, ""
    if ended is None or ended.status is Status.SUCCEEDED:
        return "", "is not built"
    if ended.status.complete:
        return ("", "is not built") if need.apart else (SKIPPED, "")
    said = _WORDS.get(ended.status, f"is {ended.status}")
    return "", f"{said}: {ended.detail}" if ended.detail else said


_WORDS = {
    Status.HELD: "was held",
    Status.REFUSED: "was refused",
    Status.FAILED: "failed",
    Status.CRASHED: "is not built: its run crashed",
    Status.CANCELLED: "was cancelled",
    Status.EXPIRED: "expired",
}


def refuse_ring(definitions: Definitions, within: tuple[Definitions, ...], place: tuple[str, int | None]) -> None:
    """Raise SpecError where a pipeline reads one that reads it."""
    if definitions not in within:
        return
    ring = [*within[within.index(definitions) :], definitions]
    names = " -> ".join(_called(each) for each in ring)
    raise SpecError([Problem(f"pipelines read one another in a cycle: {names}", *place)])


def _called(definitions: Definitions) -> str:
    pipeline = definitions.pipeline
    current = definitions.other(pipeline.name, "")
    return pipeline.name if current is definitions else f"{pipeline.name}.{pipeline.version}"
