"""What have other pipelines built by the time that a task is performed?

A plan may be hours old when its tasks begin: their inputs from other pipelines are looked up once more. What is there
by then decides the tail of the task's fingerprints, what is not is what the task is blocked by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from threading import Lock

from augury.errors import Blocked, Place
from augury.ledger.store import Ledger
from augury.plan.champion import Candidates
from augury.plan.facts import Facts, OtherFacts
from augury.plan.fingerprints import Fingerprints
from augury.plan.graph import BY_HAND, StepGraph
from augury.plan.others import look
from augury.plan.steps import External, PlannedStep, Task
from augury.plan.tails import base_of, tail_of
from augury.plan.trainings import Trainings
from augury.plan.waiting import in_words
from augury.run.work import Work
from augury.sql.relations import History, OtherHistory


def other_facts(
    ledger: Ledger, graph: StepGraph, first: date | None = None, last: date | None = None
) -> dict[tuple[str, str], OtherFacts]:
    """What the ledger knows of the pipelines that are read, from `first` to `last`, both included."""
    return {
        (name, version): OtherFacts(
            ledger.partitions_of(tables, first, last), ledger.date_records(name, version, first, last)
        )
        for (name, version), tables in graph.others.tables().items()
    }


def unmet(ledger: Ledger, needs: Sequence[External]) -> tuple[External, ...]:
    """Those of `needs` that cannot be read yet, each with the reason of this moment."""
    out: list[External] = []
    for table in dict.fromkeys(need.table for need in needs):
        group = [need for need in needs if need.table == table]
        first, last = min(need.day for need in group), max(need.day for need in group)
        built = ledger.partitions_of((table,), first, last)
        ended = ledger.date_records(group[0].pipeline, group[0].version, first, last)
        for need in group:
            fingerprint, why = look(need, built.get((table, need.day)), ended.get(need.day))
            if not fingerprint:
                out.append(replace(need, why=why))
    return tuple(out)


class OtherPipelines:
    """The view that the tasks of one run have of other pipelines. Safe to use from several threads."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = Lock()
        self._facts: Facts = work.facts
        self._prints = self._fingerprints()

    def bound(self, task: Task) -> Task:
        """The task with the fingerprints that its results will carry, and with `needs` as they are now.

        Raises SpecError where something is read that can never be there.
        """
        graph = self._work.graph
        names = list(BY_HAND) if task.kind == "train" else [step.step for step in task.steps]
        if not graph.reading_others or (task.kind == "date" and graph.reading_others.isdisjoint(names)):
            return task
        with self._lock:
            self._ask_anew(names, task)
            if task.kind == "train":
                return self._training(task)
            steps = tuple(map(self._step, task.steps))
            keys = [self._prints.key(step.step, step.day, training=step.training) for step in steps]
            needs = dict.fromkeys(need for key in keys for need in self._prints.tails.unmet(key))
            return replace(task, steps=steps, needs=tuple(needs))

    def _step(self, step: PlannedStep) -> PlannedStep:
        wanted = self._prints.wanted(self._prints.key(step.step, step.day, training=step.training))
        return replace(step, fingerprint=base_of(step.fingerprint) + tail_of(wanted.fingerprint))

    def _training(self, task: Task) -> Task:
        work = self._work
        candidates = Candidates.of(work.ticks, work.facts.models, work.facts.decisions)
        trainings = Trainings(work.pipeline, self._prints, candidates, work.plan.request)
        tail, _ = trainings.tail(task.day)
        return replace(task, fingerprint=base_of(task.fingerprint) + tail, needs=trainings.unmet(task.day))

    def _ask_anew(self, names: Sequence[str], task: Task) -> None:
        first, last = self._first(names, task), max((task.day, *task.dates))
        fresh = {
            which: _within(self._facts.others.get(which, OtherFacts()), found, first, last)
            for which, found in other_facts(self._work.ledger, self._work.graph, first, last).items()
        }
        if fresh != self._facts.others:
            self._facts = replace(self._facts, others=fresh)
            self._prints = self._fingerprints()

    def _first(self, names: Sequence[str], task: Task) -> date | None:
        """The first date that the task can depend on; None where its steps look back on steps that look back."""
        graph = self._work.graph
        behind = {step for name in names if name in graph.reads for step in graph.closure(name)}
        reads = [read for step in behind & graph.reading_others for read in graph.reads[step]]
        if task.kind == "train" or any(isinstance(read, History) for read in reads):
            return None
        return task.day - timedelta(
            days=max((read.days for read in reads if isinstance(read, OtherHistory)), default=0)
        )

    def _fingerprints(self) -> Fingerprints:
        work = self._work
        return Fingerprints(work.definitions, work.graph, work.ticks, self._facts, refresh_late=False)


def _within(known: OtherFacts, found: OtherFacts, first: date | None, last: date) -> OtherFacts:
    """What is known, with what was found in the place of everything from `first` to `last`."""

    def outside(day: date) -> bool:
        return day > last or (first is not None and day < first)

    return OtherFacts(
        {**{key: record for key, record in known.partitions.items() if outside(key[1])}, **found.partitions},
        {**{day: record for day, record in known.dates.items() if outside(day)}, **found.dates},
    )


def blocked(graph: StepGraph, task: Task, step: str, day: date) -> Blocked | None:
    """The error of a step that reads what is not there; None where all of it is."""
    others = graph.others
    if not task.needs:
        return None
    missing = {(need.table, need.day): need for need in task.needs}
    found = {
        read: [
            missing[each.table, each.day] for each in others.partitions(read, day) if (each.table, each.day) in missing
        ]
        for read in graph.reads_others(step)
    }
    absent = [read for read, needs in found.items() if needs]
    if not absent:
        return None
    error = blocked_by([need for needs in found.values() for need in needs])
    file, line = others.places[step, absent[0]]
    error.where = Place(file=file, line=line)
    return error


def blocked_by(needs: Sequence[External]) -> Blocked:
    """The error of whatever reads `needs`, which are not there."""
    what, command = in_words(needs)
    return Blocked(what, needs=needs, fix=f"Build it: {command}")
