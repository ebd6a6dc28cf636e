"""Which ticks must be trained, from which partitions, and which trained models are out of date?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from augury.ledger.records import ModelRecord
from augury.plan.champion import Candidates, Champion, Choice, NoChampion, Untrained
from augury.plan.fingerprints import Fingerprints, Key, References
from augury.plan.graph import BY_HAND, StepGraph, table_of
from augury.plan.steps import External, Reason, Request, Task, Wait
from augury.plan.tails import base_of
from augury.spec.files import PipelineSpec
from augury.sql.fingerprint import combine
from augury.sql.relations import History, Ref


class Trainings:
    """The trainings of one plan. Filled by `need...`, read by `partitions` and `tasks`."""

    def __init__(self, pipeline: PipelineSpec, prints: Fingerprints, candidates: Candidates, request: Request) -> None:
        self._pipeline = pipeline
        self._prints = prints
        self._candidates = candidates
        self._forced = frozenset(request.ticks)
        self._reasons: dict[date, str] = {}
        self._stale: dict[int, bool] = {}

    # -- what is needed ----------------------------------------------------------------------------------------

    def champion(self, run_date: date) -> Choice:
        """Who scores a date as far as the ledger knows; Untrained where this plan has to train first."""
        file = self._prints.facts.model_file
        if file:
            return self._file_champion(run_date, file)
        return self._candidates.choose(run_date, self.is_stale)

    def need_for(self, run_date: date) -> None:
        """Plan the trainings on which the champion of a run date depends."""
        tick = self._prints.ticks.of(run_date)
        if tick is None:
            return
        self._need_before(tick)
        choice = self.champion(run_date)
        if isinstance(choice, Untrained):
            self._need(choice.tick)

    def need_asked(self) -> None:
        """Plan the trainings that somebody asked for."""
        for tick in sorted(self._forced):
            self._need_before(tick)
            self._need(tick)

    def _need_before(self, tick: date) -> None:
        """Whether a candidate beats the champion depends on every tick before it: train them all, oldest first."""
        if self._gate_beats_champion:
            for each in self._prints.ticks.until(tick):
                self._need(each)

    def _need(self, tick: date) -> None:
        model = self._candidates.by_tick.get(tick)
        if tick in self._forced:
            self._reasons.setdefault(tick, str(Reason.REQUESTED))
        elif model is None:
            self._reasons.setdefault(tick, "no model for this tick")
        elif self.is_stale(model):
            self._reasons.setdefault(tick, str(Reason.UPSTREAM))

    def is_stale(self, model: ModelRecord) -> bool:
        """Whether a model was trained from something else than its tick would be trained from now."""
        if model.tick in self._forced:
            return True
        found = self._stale.get(model.number)
        if found is None:
            references = tuple(sorted(model.references.items())) if self._own_tables else ()
            wanted, blind = self._wanted(model.tick, references)
            # What was tidied away in another pipeline makes no model stale.
            same = base_of(wanted) == base_of(model.fingerprint) if blind else wanted == model.fingerprint
            found = self._stale[model.number] = not same
        return found

    @property
    def _gate_beats_champion(self) -> bool:
        model = self._pipeline.settings.model
        return model is not None and model.gate.beats is not None

    @property
    def _own_tables(self) -> bool:
        return self._prints.graph.uses_references

    def _file_champion(self, run_date: date, file: str) -> Choice:
        """A model file decides, unless somebody promoted another one."""
        choice = self._candidates.choose(run_date, lambda model: False)
        if isinstance(choice, Champion) and not choice.rule.startswith("tick"):
            return choice
        found = [model for model in self._candidates.by_number.values() if model.fingerprint == file]
        return Champion(found[-1], "file") if found else NoChampion("the model file is not registered yet")

    # -- what a training is made from --------------------------------------------------------------------------

    def fingerprint(self, tick: date, references: References) -> str:
        """Everything that decides the model of a tick."""
        return self._wanted(tick, references)[0]

    def _wanted(self, tick: date, references: References) -> tuple[str, bool]:
        """(fingerprint, whether something of another pipeline that decides it is not known)."""
        settings = self._pipeline.settings
        model = settings.model
        assert model is not None
        chosen = model.model_dump_json(exclude={"gate": True, "train": {"schedule", "grace", "start"}})
        dates = self._prints.ticks.training_dates(tick)
        base = combine(
            self._prints.facts.engine,
            chosen,
            ",".join(settings.entities),
            str(settings.horizon),
            self._pipeline.cutoffs.of(tick).isoformat(),
            *(day.isoformat() for day in dates),
            self._assembly_definition(tick),
            *(base_of(self._prints.wanted(key).fingerprint) for key in self._keys(tick, references)),
        )
        tail, blind = self.tail(tick, references)
        return base + tail, blind

    def tail(self, tick: date, references: References = ()) -> tuple[str, bool]:
        """The part of a fingerprint that stands for other pipelines, and whether something of it is not known."""
        tails = self._prints.tails
        if not self._by_hand:
            return tails.of_many([self._prints.wanted(key) for key in self._keys(tick, references)])
        by_hand = self._key(self._by_hand[0], tick, references)
        return tails.of(by_hand, [self._prints.wanted(key) for key in self._prints.own_inputs(by_hand)])

    def unmet(self, tick: date) -> tuple[External, ...]:
        """What training.sql itself reads of other pipelines and is not there."""
        return self._prints.tails.unmet(Key(self._by_hand[0], tick)) if self._by_hand else ()

    @property
    def _by_hand(self) -> tuple[str, ...]:
        return tuple(step for step in BY_HAND if self._pipeline.has(step))

    def _assembly_definition(self, tick: date) -> str:
        found = [self._prints.definitions.step(step, tick).fingerprint for step in self._by_hand]
        return found[0] if len(found) == 1 else combine(*found) if found else ""

    def _keys(self, tick: date, references: References) -> list[Key]:
        graph, dates = self._prints.graph, self._prints.ticks.training_dates(tick)
        if not self._by_hand:
            return [self._key(step, day, references) for day in dates for step in graph.assembly]
        keys: list[Key] = []
        for read in (read for step in self._by_hand for read in graph.reads[step]):
            if isinstance(read, History):
                keys += [self._key(read.step, day, references) for day in self._prints.history_dates(read, tick)]
            elif isinstance(read, Ref) and read.step not in BY_HAND:
                keys.append(self._key(read.step, tick, references))
        return list(dict.fromkeys(keys))

    def _key(self, step: str, day: date, references: References) -> Key:
        return self._prints.key(step, day, training=self._own_tables, references=references)

    def _current_references(self) -> References:
        return tuple(sorted(self._prints.facts.references.items())) if self._own_tables else ()

    # -- what the plan gets ------------------------------------------------------------------------------------

    def partitions(self) -> Iterable[Key]:
        """The partitions that the needed trainings read, oldest tick first."""
        for tick in sorted(self._reasons):
            yield from self._keys(tick, self._current_references())

    def tasks(self, graph: StepGraph) -> tuple[Task, ...]:
        """One task per tick. A tick waits for the partitions that it reads."""
        tables = self._pipeline.tables
        out = []
        for tick, reason in sorted(self._reasons.items()):
            references = self._current_references()
            keys = self._keys(tick, references)
            waits: dict[str, Wait] = {}
            for key in keys:
                table = table_of(key.step, tables, training=key.training)
                seen = waits.get(table, Wait(graph.level[key.step], key.day, key.day, (table,)))
                waits[table] = replace(seen, first=min(seen.first, key.day), last=max(seen.last, key.day))
            out.append(
                Task(
                    kind="train",
                    day=tick,
                    level=0,
                    steps=(),
                    waits=tuple(waits.values()),
                    dates=tuple(sorted({key.day for key in keys})),
                    fingerprint=self.fingerprint(tick, references),
                    reason=reason,
                    needs=self.unmet(tick),
                )
            )
        return tuple(out)
