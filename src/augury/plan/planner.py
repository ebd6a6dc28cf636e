"""What has to be built for these dates, in which order, and why?

Pure: the same specification, request and facts give the same plan, byte for byte, on any host. Work is found from the
end: a published date whose fingerprint is the wanted one needs nothing, whatever became of what it was made from;
otherwise its inputs are asked the same question.
"""

from __future__ import annotations

from datetime import date

from augury.ledger.records import PartitionRecord, Status
from augury.plan.champion import Candidates, Champion, Choice, NoChampion
from augury.plan.comparison import Comparison
from augury.plan.definitions import Definitions, spec_fingerprint
from augury.plan.facts import Facts
from augury.plan.fingerprints import Fingerprints, Key
from augury.plan.graph import FEATURES, StepGraph, build_graph, table_of
from augury.plan.notes import crossed_start, held, late_data, unguarded_reads
from augury.plan.order import to_tasks
from augury.plan.steps import Absence, Plan, PlannedStep, Purpose, Reason, Request
from augury.plan.ticks import Ticks
from augury.plan.trainings import Trainings

NO_ROWS = (Status.SKIPPED_EMPTY, Status.SKIPPED_NO_POPULATION)


def make_plan(definitions: Definitions, request: Request, facts: Facts, *, apart: frozenset[str] = frozenset()) -> Plan:
    """The plan of a request; the steps `apart` get tasks of their own.

    Raises SpecError where the pipeline's SQL cannot be used, UsageError never: dates are checked by who asks.
    """
    return _Planner(definitions, request, facts).plan(apart)


class _Planner:
    def __init__(self, definitions: Definitions, request: Request, facts: Facts) -> None:
        self.definitions = definitions
        self.pipeline = definitions.pipeline
        self.request = request
        self.facts = facts
        self._sample_day = request.dates[0] if request.dates else self.pipeline.settings.start
        self.graph: StepGraph = build_graph(self.pipeline, definitions, self._sample_day)
        extra = {model.tick for model in facts.models} | set(request.ticks)
        self.ticks = Ticks(self.pipeline, frozenset(extra if self._trains else ()))
        self.prints = Fingerprints(definitions, self.graph, self.ticks, facts, refresh_late=request.refresh_late)
        candidates = Candidates.of(self.ticks, facts.models, facts.decisions)
        self.trainings = Trainings(self.pipeline, self.prints, candidates, request)
        self.prints.references_of = self._references
        self._compared = Comparison(definitions, self.graph, self.prints, self._champion)
        self._features = self.graph.closure(self.graph.scored)
        self.steps: dict[Key, PlannedStep] = {}
        self._settled: set[Key] = set()
        """Partitions that were asked about: planned, or there as wanted."""
        self._busy: set[date] = set()
        """Requested dates that have something to do. What others need of the rest is history: whatever becomes of it,
        these dates ended as they did."""
        self.skips: dict[date, Absence] = {}
        self.tick_of: dict[date, date] = {}

    @property
    def _trains(self) -> bool:
        return self.pipeline.settings.model is not None and not self.facts.model_file

    def plan(self, apart: frozenset[str]) -> Plan:
        for day in self.request.dates:
            self._busy.add(day)
            if not self._plan_date(day):
                self._busy.remove(day)
        self._plan_trainings()
        no_champion = self._held()
        notes = [
            *held(no_champion),
            *crossed_start(self.graph, self.request.dates, self.pipeline.settings.start),
            *unguarded_reads(self.definitions, self._sample_day),
            *late_data(self.prints.unabsorbed),
        ]
        graph = self.graph.with_models_apart() if self._learns_from_what_it_scores() else self.graph
        reading = {key: step for key, step in self.steps.items() if self.graph.reads_others(key.step)}
        unmet = {step: self.prints.tails.unmet(key) for key, step in reading.items()}
        if any(unmet.values()):
            graph = graph.with_others_apart()
        if apart:
            graph = graph.with_steps_apart(apart)
        tasks = to_tasks(
            graph,
            self.pipeline.tables,
            self.steps.values(),
            self.trainings.tasks(graph),
            skips=self.skips,
            ticks=self.tick_of,
            requested=frozenset(self._busy),
            start=self.pipeline.settings.start,
            needs=lambda step: unmet.get(step, ()),
        )
        quiet = [day for day in self.request.dates if day not in self._busy]
        left = [day for day in quiet if not self._asked_for(day) or self._unfinished(day)]
        return Plan(
            request=self.request,
            target=self.definitions.project.target_name,
            tasks=tasks,
            up_to_date=tuple(day for day in quiet if day not in left),
            left=tuple(left),
            held=tuple(no_champion),
            notes=tuple(dict.fromkeys(notes)),
            spec=spec_fingerprint(self.definitions, self.request),
        )

    # -- one requested date ------------------------------------------------------------------------------------

    def _plan_date(self, day: date) -> bool:
        """Plan one requested date; False where it needs nothing."""
        if not self._asked_for(day):
            return False
        if self.request.archive == "only":
            return self._plan_archive(day)
        step = self.request.step
        missing = self.prints.wanted(self._key("post_process", day)).missing
        if missing and (step is None or self.prints.wanted(self._key(step, day)).missing):
            return self._plan_skip(day, missing)
        if step is not None:
            return self._plan_up_to(step, day)
        if self._skipped_before(day):
            return False
        return self._plan_finals(day)

    def _asked_for(self, day: date) -> bool:
        """Whether `reprocess` is about this date: the others are left as they are."""
        record = self.facts.dates.get(day)
        match self.request.reprocess:
            case "missing":
                return record is None or record.status in (Status.CRASHED, Status.RUNNING)
            case "failed":
                return record is None or not record.status.complete
        return True

    def _unfinished(self, day: date) -> Status | None:
        """How a date ended that did not end well. Such a date is never up to date, whatever lies in its tables."""
        record = self.facts.dates.get(day)
        return None if record is None or record.status.complete else record.status

    def _plan_up_to(self, step: str, day: date) -> bool:
        """Build the one step again, and before it whatever it needs that is missing."""
        wanted = self._key(step, day)
        for each in (*self.prints.own_inputs(wanted), *self.prints.history_inputs(wanted)):
            self._require(each, force=False)
        self._require(wanted, force=True)
        return wanted in self.steps

    def _plan_skip(self, day: date, missing: Absence) -> bool:
        """A source is not there. What an earlier run published stays, unless everything is to be done again."""
        record = self.facts.dates.get(day)
        skipped = Status.SKIPPED_EMPTY if missing.empty else Status.SKIPPED_MISSING
        known = record is not None and record.status is skipped
        settled = known or (self._published(day) and not self._unfinished(day))
        if settled and self.request.reprocess != "all":
            return False
        self.skips[day] = missing
        return True

    def _skipped_before(self, day: date) -> bool:
        """The date ended early for want of rows, from the same inputs as now, and left nothing published."""
        if self.request.reprocess == "all" or self._published(day):
            return False
        ended = self.facts.dates.get(day)
        if ended is None or ended.status not in NO_ROWS:
            # Empty features that were built as the history of another date leave this one without an outcome.
            return False
        return self._has_no_rows(day)

    def _has_no_rows(self, day: date) -> bool:
        """The features of a date are built as wanted, and one of them came out empty."""
        for step in FEATURES:
            if step not in self.graph.reads:
                continue
            key = self._key(step, day)
            record = self.prints.record(key)
            if record is None or record.fingerprint != self.prints.wanted(key).fingerprint:
                return False
            if record.status in NO_ROWS:
                return True
        return False

    def _published(self, day: date) -> PartitionRecord | None:
        record = self.facts.partitions.get((self.pipeline.tables.predictions, day))
        return record if record is not None and record.status is Status.SUCCEEDED else None

    def _plan_finals(self, day: date) -> bool:
        force = self.request.reprocess == "all"
        publish, validate = self._key("publish", day), self._key("validate", day)
        reason = self._why_publish(publish, force=force)
        if reason is not None:
            self._add(publish, *reason)
            self._add(validate, Reason.AFTER)
            for each in self.prints.own_inputs(validate):
                self._require(each, force=force)
            for each in self.prints.history_inputs(validate):
                self._require(each, force=False)
            if "extract" in self.graph.reads:
                self._require(self._key("extract", day), force=force)
        archives = self._archives(day, published_now=reason is not None)
        if archives:
            self._add(self._key("archive", day), Reason.AFTER if reason else Reason.MISSING)
        return archives or reason is not None

    def _why_publish(self, publish: Key, *, force: bool) -> tuple[Reason, str] | None:
        reason, unfinished = self._compared.reason(publish, force=force), self._unfinished(publish.day)
        if unfinished is not None and (reason is None or reason[0] is Reason.MISSING):
            return Reason.RETRY, str(unfinished)
        return reason

    def _plan_archive(self, day: date) -> bool:
        published = self._published(day)
        kept = self.facts.partitions.get((self.pipeline.tables.archive, day))
        if published is None or (kept is not None and kept.fingerprint == published.fingerprint):
            return False
        self._add(self._key("archive", day), Reason.MISSING)
        return True

    def _archives(self, day: date, *, published_now: bool) -> bool:
        if not self.pipeline.settings.archive or self.facts.current_version != self.pipeline.version:
            return False
        if self.request.archive == "without":
            return False
        if published_now:
            return True
        return (self.pipeline.tables.archive, day) not in self.facts.partitions

    # -- what a partition needs --------------------------------------------------------------------------------

    def _key(self, step: str, day: date) -> Key:
        return self.prints.key(step, day, references=self._references(day))

    def _references(self, day: date) -> tuple[tuple[str, str], ...]:
        """The reference versions of the model that scores a date; as they are now where it is not trained yet."""
        if not self.graph.reads_references or not self._trains:
            return ()
        choice = self._champion(day)
        known = choice.model.references if isinstance(choice, Champion) else {}
        return tuple(sorted({**self.facts.references, **known}.items()))

    def _champion(self, day: date) -> Choice:
        return self.trainings.champion(self._champion_date(day))

    def _champion_date(self, day: date) -> date:
        """The date whose champion scores `day`: its own, or today's for `--model current`."""
        if self.request.model == "point-in-time":
            return day
        today = self.facts.now.astimezone(self.pipeline.zone).date()
        return self.pipeline.grid.at_or_before(today) or day

    def _held(self) -> dict[date, str]:
        """Dates that nobody can score, whatever is trained on the way, and why: ascending."""
        if not self._trains:
            return {}
        scored = [day for day in sorted(self._busy) if self._key("predict", day) in self.steps]
        choices = {day: self._champion(day) for day in scored if not self._has_no_rows(day)}
        return {day: choice.why for day, choice in choices.items() if isinstance(choice, NoChampion)}

    def _choose(self, day: date) -> None:
        """Remember the tick that decides a date, and plan every training that the choice depends on."""
        if not self._trains:
            return
        at = self._champion_date(day)
        self.trainings.need_for(at)
        tick = self.ticks.of(at)
        if tick is not None:
            self.tick_of[day] = tick

    def _require(self, first: Key, *, force: bool) -> None:
        """Plan a partition unless it is there as wanted, then ask the same of what it is built from.

        What has lost its source stays as it is. A date that never had features is skipped; anything else that cannot be
        built is planned all the same, so that the run says what is missing.
        """
        todo = [first]
        while todo:
            key = todo.pop()
            if key in self._settled:
                continue
            self._settled.add(key)
            # What is forced of a date is forced of its own inputs, never of its history.
            reason = self._compared.reason(key, force=force and key.day == first.day)
            if reason is None:
                continue
            missing = self.prints.wanted(key).missing
            if missing and self.prints.record(key) is not None and not (force and key == first):
                continue
            if missing and key.step in self._features and not self._published(key.day):
                self.skips.setdefault(key.day, missing)
                continue
            self._add(key, *reason)
            if key.step == "predict":
                self._choose(key.day)
            todo += self.prints.own_inputs(key)
            todo += (each for each in self.prints.history_inputs(key) if each not in self._settled)

    def _add(self, key: Key, reason: Reason, detail: str = "", purpose: Purpose | None = None) -> PlannedStep:
        wanted = self.prints.wanted(key)
        if purpose is None:
            purpose = Purpose.REQUESTED if key.day in self._busy else Purpose.HISTORY
        step = PlannedStep(
            step=key.step,
            table=table_of(key.step, self.pipeline.tables, training=key.training),
            day=key.day,
            reason=reason,
            detail=detail,
            fingerprint=wanted.fingerprint,
            definition=wanted.definition,
            modelled=key.step in self.graph.modelled,
            generation=wanted.generation,
            training=key.training,
            purpose=purpose,
            absent=wanted.missing.why if wanted.missing else "",
        )
        self.steps[key] = step
        return step

    # -- trainings ---------------------------------------------------------------------------------------------

    def _plan_trainings(self) -> None:
        """What is built for a training alone is of that purpose; what a requested date needs as well is not."""
        self.trainings.need_asked()
        todo = list(self.trainings.partitions())
        learned = {key.day for key in todo}
        while todo:
            key = todo.pop()
            if key in self._settled:
                continue
            self._settled.add(key)
            reason = self._compared.reason(key, force=False)
            if reason is None or self.prints.wanted(key).missing:
                continue
            purpose = Purpose.TRAINING if key.day in learned else Purpose.HISTORY
            requested = key.day in self._busy and not key.training
            self._add(key, *reason, purpose=Purpose.REQUESTED if requested else purpose)
            todo += self.prints.own_inputs(key)
            todo += (each for each in self.prints.history_inputs(key) if each not in self._settled)

    def _learns_from_what_it_scores(self) -> bool:
        """Some date waits for a model whose training waits for features of that date."""
        return any(
            day in task.dates and task.day <= tick
            for task in self.trainings.tasks(self.graph)
            for day, tick in self.tick_of.items()
        )
