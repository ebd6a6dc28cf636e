"""What should a partition have been built from? Fingerprints, chained from a date's definition to its inputs.

A partition's fingerprint covers the step's definition, the instants that bound it, the fingerprints of the partitions
it reads, the reference data it reads, the late data it took in, and the engine. Source rows are not part of it: they
are watched by probes, event day by event day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from augury.dates import DateRange
from augury.ledger.records import ModelRecord, PartitionRecord
from augury.plan.definitions import Definitions
from augury.plan.facts import Facts
from augury.plan.graph import StepGraph, table_of
from augury.plan.steps import Absence
from augury.plan.tails import Tails, base_of, tail_of
from augury.plan.ticks import Ticks
from augury.plan.windows import WindowSums
from augury.spec.files import PipelineSpec
from augury.sql.fingerprint import combine
from augury.sql.relations import History, Outcome, Ref, Reference, Relation, Source, Window

References = tuple[tuple[str, str], ...]
"""Reference name and SHA-256, sorted."""


@dataclass(frozen=True)
class Key:
    """One partition of one step."""

    step: str
    day: date
    training: bool = False
    references: References = ()
    """The versions to read, where the step reads reference data, directly or not."""


@dataclass(frozen=True)
class Wanted:
    """What the partition of a key should carry."""

    table: str
    fingerprint: str
    """Without the model, for a modelled step."""
    definition: str
    generation: int
    late: tuple[str, ...] = ()
    """Late event days that decided the generation, in words."""
    missing: Absence | None = None
    """Why there is nothing to build from."""
    blind: bool = False
    """Something that it reads of another pipeline is not there: the tail is not known."""


def with_model(base: str, model: ModelRecord) -> str:
    """The final fingerprint of a modelled step."""
    return combine(base_of(base), "model", model.sha256) + tail_of(base)


def history_dates(pipeline: PipelineSpec, graph: StepGraph, ticks: Ticks, read: History, day: date) -> tuple[date, ...]:
    """Grid dates in [day - days, day) from the start on; of a label only those that are closed by then."""
    start = max(day - timedelta(days=read.days), pipeline.settings.start)
    if start >= day:
        return ()
    dates = pipeline.grid.dates(DateRange(start, day))
    if read.step in graph.labelled:
        cutoff = pipeline.cutoffs.of(day)
        dates = tuple(each for each in dates if ticks.closes(each) <= cutoff)
    return dates


class Fingerprints:
    """Memo over all partitions that a plan looks at."""

    def __init__(
        self, definitions: Definitions, graph: StepGraph, ticks: Ticks, facts: Facts, *, refresh_late: bool
    ) -> None:
        self.definitions = definitions
        self.graph = graph
        self.ticks = ticks
        self.facts = facts
        self._refresh_late = refresh_late
        self._wanted: dict[Key, Wanted] = {}
        self._windows: dict[tuple[str, bool, References], WindowSums] = {}
        self._pipeline = definitions.pipeline
        self.tails = Tails(self)
        self.references_of: Callable[[date], References] = lambda _: ()
        """The reference versions that belong to a scored date."""
        self.unabsorbed: dict[str, set[date]] = {}
        """Late days that finished partitions have used and that no rule rebuilds: source to event days."""

    def wanted(self, key: Key) -> Wanted:
        found = self._wanted.get(key)
        if found is None:
            if self.graph.reads_itself(key.step):
                self._climb(key)
            found = self._wanted[key] = self._want(key)
        return found

    def _climb(self, key: Key) -> None:
        """A step that reads its own history reaches back to the start: in ascending order no call is deep."""
        start = self._pipeline.settings.start
        for day in self._pipeline.grid.dates(DateRange(start, key.day)) if start < key.day else ():
            earlier = self.seen_by(key, key.step, day)
            if earlier not in self._wanted:
                self._wanted[earlier] = self._want(earlier)

    def record(self, key: Key) -> PartitionRecord | None:
        return self.facts.partitions.get((self._table(key), key.day))

    def history_dates(self, read: History, day: date) -> tuple[date, ...]:
        return history_dates(self._pipeline, self.graph, self.ticks, read, day)

    def own_inputs(self, key: Key) -> tuple[Key, ...]:
        """The partitions of its own date that a partition is built from."""
        reads = self.graph.reads[key.step]
        return tuple(
            self.key(read.step, key.day, training=key.training, references=key.references)
            for read in reads
            if isinstance(read, Ref)
        )

    def history_inputs(self, key: Key) -> Iterator[Key]:
        """The partitions of other dates that it is built from, or would be where they exist."""
        for read in self.graph.reads_history(key.step):
            for day in self.history_dates(read, key.day):
                yield self.seen_by(key, read.step, day)

    def seen_by(self, reader: Key, step: str, day: date) -> Key:
        """The partition of another date, as `reader` sees it: trainings keep to the references of their tick."""
        references = reader.references if reader.training else self.references_of(day)
        return self.key(step, day, training=reader.training, references=references)

    def key(self, step: str, day: date, *, training: bool = False, references: References = ()) -> Key:
        """The one key of a partition: references are part of it only where they can matter."""
        return Key(step, day, training, references if step in self.graph.referencing else ())

    # -- one partition -----------------------------------------------------------------------------------------

    def _table(self, key: Key) -> str:
        return table_of(key.step, self._pipeline.tables, training=key.training)

    def _want(self, key: Key) -> Wanted:
        definition = self._definition(key)
        table = self._table(key)
        missing = self._absence(key)
        if missing:
            return Wanted(table, combine("missing", definition, missing.why), definition, 0, missing=missing)
        generation, late = self._generation(key)
        values = self.definitions.values(key.day)
        parts = [
            self.facts.engine,
            definition,
            values.run_date.isoformat(),
            values.cutoff.isoformat(),
            str(generation),
            *(self._bound(read, key) for read in self.graph.reads[key.step]),
        ]
        inputs = [self.wanted(each) for each in self.own_inputs(key)]
        for each in inputs:
            if each.missing:
                nothing = combine("missing", definition, each.missing.why)
                return Wanted(table, nothing, definition, 0, missing=each.missing)
            parts.append(base_of(each.fingerprint))
        parts += [self._window(read, key) for read in self.graph.reads_history(key.step)]
        tail, blind = self.tails.of(key, inputs)
        return Wanted(table, combine(*parts) + tail, definition, generation, late, blind=blind)

    def _window(self, read: History, key: Key) -> str:
        """What stands for the look-back of one read."""
        days = self.history_dates(read, key.day)
        if self.graph.uses_references and not key.training:
            # Each date has references of its own, so one running sum does not serve all readers.
            return combine(*(base_of(self.wanted(self.seen_by(key, read.step, day)).fingerprint) for day in days))
        sums = self._windows.get((read.step, key.training, key.references))
        if sums is None:
            sums = WindowSums(lambda day: base_of(self.wanted(self.seen_by(key, read.step, day)).fingerprint))
            self._windows[read.step, key.training, key.references] = sums
        return sums.over(days)

    def _definition(self, key: Key) -> str:
        if key.step in self._pipeline.steps:
            return self.definitions.step(key.step, key.day).fingerprint
        if key.step == "validate" and self._pipeline.has("validation"):
            return self.definitions.step("validation", key.day).fingerprint
        if key.step == "predict":
            model = self._pipeline.settings.model
            assert model is not None
            return combine("predict", model.type, model.label, ",".join(self._pipeline.settings.entities))
        return combine(key.step)

    def _bound(self, read: Relation, key: Key) -> str:
        values = self.definitions.values(key.day)
        if isinstance(read, Window):
            return values.previous_cutoff.isoformat()
        if isinstance(read, Outcome):
            return self.ticks.closes(key.day).isoformat()
        if isinstance(read, Reference):
            known = dict(key.references) or self.facts.references
            return known.get(read.name, "")
        return ""

    def _absence(self, key: Key) -> Absence | None:
        """The source without which this date cannot be built yet; None where all are there."""
        values = self.definitions.values(key.day)
        for read in self.graph.reads[key.step]:
            if not isinstance(read, Source | Window):
                continue
            fact = self.facts.sources.get(read.name)
            if fact is None or not fact.present:
                return Absence(f"source {read.name} is not there")
            if not fact.typed:
                why = f"source {read.name} has a header and no rows; its columns are not declared"
                return Absence(why, empty=True)
            if isinstance(read, Window) and fact.sharded:
                zone = self._pipeline.zone
                day = values.previous_cutoff.astimezone(zone).date()
                last = values.cutoff.astimezone(zone).date()
                while day < last:
                    if day not in fact.shards:
                        return Absence(f"source {read.name} has no shard for {day}")
                    day += timedelta(days=1)
        return None

    # -- late data ---------------------------------------------------------------------------------------------

    def _generation(self, key: Key) -> tuple[int, tuple[str, ...]]:
        """The probe whose late rows the partition should have taken in, and the late days in words."""
        record = self.record(key)
        if record is None:
            return 0, ()
        newest, words = 0, []
        for read in self.graph.reads[key.step]:
            if not isinstance(read, Source | Window | Outcome):
                continue
            for late in self.facts.late.get(read.name, ()):
                if late.probe <= record.probe or not self._saw(read, key.day, late.day):
                    continue
                if self._takes_in(read.name, key.day, late.day):
                    newest = max(newest, late.probe)
                    words.append(f"{read.name} {late.day}")
                else:
                    self.unabsorbed.setdefault(read.name, set()).add(late.day)
        return (newest, tuple(words)) if newest else (record.generation, ())

    def _saw(self, read: Relation, run_date: date, event_day: date) -> bool:
        """Whether the rows of an event day lie inside what a read of `run_date` can see."""
        values, zone = self.definitions.values(run_date), self._pipeline.zone
        cutoff = values.cutoff.astimezone(zone).date()
        if isinstance(read, Outcome):
            return cutoff <= event_day < self.ticks.closes(run_date).astimezone(zone).date()
        if isinstance(read, Window):
            return values.previous_cutoff.astimezone(zone).date() <= event_day < cutoff
        return event_day < cutoff

    def _takes_in(self, source: str, run_date: date, event_day: date) -> bool:
        if self._refresh_late:
            return True
        late = self.definitions.project.sources[source].late
        return late is not None and run_date <= event_day + timedelta(days=late.rebuild)
