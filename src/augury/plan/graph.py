"""In which order do the steps of one date run, and which of them wait for other dates?

Steps that only read their own date share a level. A step that reads the history of another step is one level up, so
that all dates can build the lower level side by side before the first of them starts the higher one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from augury.errors import Problem, SpecError
from augury.names import TableNames
from augury.plan.definitions import Definitions
from augury.plan.misread import depth_first, refuse_leaks, refuse_unknown
from augury.plan.others import Other, Others, refuse_ring
from augury.plan.ticks import Ticks
from augury.spec.files import PipelineSpec
from augury.sql.relations import History, OfAnother, Outcome, Published, Ref, Reference, Relation

FEATURES = ("extract", "prepare", "filter", "scoring")
"""Named steps whose empty result ends a date early."""

BY_HAND = ("training", "train_model")
"""Steps that say themselves which rows a model learns from, as of its tick."""


@dataclass(frozen=True)
class StepGraph:
    """The steps of one pipeline version, those that augury performs itself included."""

    order: tuple[str, ...]
    """All steps that lead to a published date, each after what it reads of its own date."""
    sorted_steps: tuple[str, ...]
    """`order` and the steps that only trainings need."""
    level: dict[str, int]
    reads: dict[str, tuple[Relation, ...]]
    modelled: frozenset[str]
    """predict and everything that reads it, directly or not."""
    scored: str
    """The step whose rows get a prediction: filter where there is one, else prepare; scoring for a model in SQL."""
    assembly: tuple[str, ...]
    """Steps that a training reads, partition by partition."""
    uses_references: bool
    """Features or labels read reference data, so training dates keep tables of their own."""
    referencing: frozenset[str]
    """Steps that read reference data, directly or through what they read of their own date."""
    labelled: frozenset[str]
    """label and everything that reads an outcome: known only when the label is closed."""
    others: Others
    """The pipelines that this one reads."""
    reading_others: frozenset[str]
    """Steps that read another pipeline, directly or through what they read, of whichever date."""

    def with_others_apart(self) -> StepGraph:
        """The same steps, with those that read another pipeline one level above the rest: for plans that wait for one,
        so that nothing else waits with it."""
        return replace(self, level={step: 2 * at + (step in self.reading_others) for step, at in self.level.items()})

    def with_models_apart(self) -> StepGraph:
        """The same steps, with predict and what follows it one level above the features: for plans in which a date is
        scored by a model that learns from this very date."""
        return replace(self, level={step: 2 * at + (step in self.modelled) for step, at in self.level.items()})

    def with_steps_apart(self, apart: frozenset[str]) -> StepGraph:
        """The same steps, with each of `apart` in a level of its own: a step that has to wait for its turn is a task
        of its own, so that nothing else waits with it."""
        cuts: dict[str, int] = {}
        cut = 0
        for step in self.order:
            cut += step in apart
            cuts[step] = cut
            cut += step in apart
        places = {step: (at, cuts.get(step, 0)) for step, at in self.level.items()}
        ranks = {place: rank for rank, place in enumerate(sorted(set(places.values())))}
        return replace(self, level={step: ranks[place] for step, place in places.items()})

    @property
    def reads_references(self) -> bool:
        """Any step reads reference data."""
        return bool(self.referencing)

    def reads_history(self, step: str) -> tuple[History, ...]:
        return tuple(read for read in self.reads[step] if isinstance(read, History))

    def reads_others(self, step: str) -> tuple[OfAnother, ...]:
        return tuple(read for read in self.reads[step] if isinstance(read, OfAnother))

    def others_behind(self, step: str) -> tuple[str, ...]:
        """What the step and its own date's inputs read of other pipelines: `scores.predictions`."""
        found = {read.name for each in self.closure(step) for read in self.reads_others(each)}
        return tuple(sorted(found))

    def known_until(self, step: str, day: date) -> datetime:
        """The end of what a step may know, in UTC: its label knows the outcome of a date."""
        pipeline = self.others.reader
        # A training that reads labels itself is made as of its tick.
        labelled = step in self.labelled and step not in BY_HAND
        return Ticks(pipeline).closes(day) if labelled else pipeline.cutoffs.of(day)

    def reads_itself(self, step: str) -> bool:
        """A step may read its own history, e.g. to carry a balance forward."""
        return any(read.step == step for read in self.reads_history(step))

    def closure(self, step: str) -> frozenset[str]:
        """The step and every step that it reads of its own date, directly or not."""
        return _closure(self.reads, step)


def table_of(step: str, names: TableNames, *, training: bool = False) -> str:
    """The table that a step writes; empty for validate and train."""
    match step:
        case "post_process":
            return names.staging
        case "publish":
            return names.predictions
        case "archive":
            return names.archive
        case "validate" | "train":
            return ""
    return names.step(step, training=training)


def build_graph(pipeline: PipelineSpec, definitions: Definitions, day: date) -> StepGraph:
    """Raises SpecError on a cycle, on a step that reads what comes after it or what it cannot know yet, and on unusable
    templates, those of the pipelines that it reads included."""
    return _build(definitions, day, (), {})


_Built = dict[tuple[str, str], StepGraph]
"""Graphs of pipelines that were read on the way, by name and version."""


def _build(definitions: Definitions, day: date, within: tuple[Definitions, ...], built: _Built) -> StepGraph:
    pipeline = definitions.pipeline
    reads = _all_reads(pipeline, definitions, day)
    refuse_unknown(pipeline, reads)
    others = _others(definitions, reads, day, (*within, definitions), built)
    order = _sorted(pipeline, reads)
    assembly = _assembly(pipeline, reads)
    labelled = _downstream(reads, lambda read: isinstance(read, Outcome) or others.is_labelled(read))
    labelled |= {"label"} & set(reads)
    others.refuse_outcomes()
    refuse_leaks(pipeline, labelled)
    final = _closure(reads, "publish") | (_closure(reads, "extract") if "extract" in reads else frozenset())
    trained = frozenset[str]().union(*(_closure(reads, step) for step in assembly))
    graph = StepGraph(
        order=(*(step for step in order if step in final), "archive"),
        sorted_steps=tuple(order),
        level=_levels(pipeline, order, reads),
        reads=reads,
        modelled=_downstream(reads, lambda read: read == Ref("predict")) | ({"predict"} & set(reads)),
        scored=_scored(pipeline),
        assembly=assembly,
        uses_references=any(isinstance(read, Reference) for step in trained for read in reads[step]),
        referencing=_downstream(reads, lambda read: isinstance(read, Reference)),
        labelled=labelled,
        others=others,
        reading_others=_downstream(reads, lambda read: isinstance(read, OfAnother), History),
    )
    for step, read in others.places:
        others.refuse_future(step, read, day, until=graph.known_until(step, day))
    return graph


def _others(
    definitions: Definitions,
    reads: dict[str, tuple[Relation, ...]],
    day: date,
    within: tuple[Definitions, ...],
    built: _Built,
) -> Others:
    known: dict[tuple[str, str], Other] = {}
    places: dict[tuple[str, OfAnother], tuple[str, int | None]] = {}
    for step, relations in reads.items():
        for read in relations:
            if not isinstance(read, OfAnother):
                continue
            name = "validation" if step == "validate" else step
            place = places[step, read] = definitions.step(name, day).place_of(read)
            other = definitions.other(read.pipeline, read.version)
            refuse_ring(other, within, place)
            pipeline = other.pipeline
            key = (pipeline.name, pipeline.version)
            if key not in built:
                built[key] = _build(other, pipeline.settings.start, within, built)
            graph = built[key]
            known[read.pipeline, read.version] = Other(
                pipeline, frozenset(graph.order), graph.labelled, current=not read.version
            )
    return Others(definitions.pipeline, known, places)


def _all_reads(pipeline: PipelineSpec, definitions: Definitions, day: date) -> dict[str, tuple[Relation, ...]]:
    problems: list[Problem] = []
    reads: dict[str, tuple[Relation, ...]] = {}
    for name in pipeline.steps:
        try:
            reads[name] = definitions.step(name, day).reads
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return _with_own_steps(pipeline, reads)


def _with_own_steps(pipeline: PipelineSpec, reads: dict[str, tuple[Relation, ...]]) -> dict[str, tuple[Relation, ...]]:
    """Add what augury performs itself: predict, validate, publish, archive, and a plain post_process."""
    scored = _scored(pipeline)
    if pipeline.settings.model is not None:
        reads.setdefault("predict", tuple(dict.fromkeys((Ref(scored), Ref("prepare")))))
        default: tuple[Relation, ...] = (Ref("predict"),)
    else:
        default = (Ref(scored),)
    reads.setdefault("post_process", default)
    validation = reads.pop("validation", ())
    reads["validate"] = (Ref("post_process"), *validation)
    reads["publish"] = (Ref("validate"),)
    reads["archive"] = (Ref("publish"),)
    return reads


def _scored(pipeline: PipelineSpec) -> str:
    if pipeline.has("predict"):
        return "scoring" if pipeline.has("scoring") else "predict"
    return "filter" if pipeline.has("filter") else "prepare"


def _sorted(pipeline: PipelineSpec, reads: dict[str, tuple[Relation, ...]]) -> list[str]:
    """Depth-first order over the reads of one date; a cycle is a problem that names its steps."""
    own = {step: [read.step for read in relations if isinstance(read, Ref)] for step, relations in reads.items()}
    return depth_first(pipeline, own, "steps read one another in a cycle")


def _levels(pipeline: PipelineSpec, order: list[str], reads: dict[str, tuple[Relation, ...]]) -> dict[str, int]:
    """Levels rise by one along `history` and `published`; a step may read its own history at its own level."""
    level = dict.fromkeys(order, 0)
    for _ in range(len(order) + 1):
        before = dict(level)
        for step in order:
            for read in reads[step]:
                if isinstance(read, Ref):
                    level[step] = max(level[step], level[read.step])
                elif isinstance(read, History) and read.step != step:
                    level[step] = max(level[step], level[read.step] + 1)
            if any(isinstance(read, Published) for read in reads[step]):
                level[step] = max(level[step], level["post_process"] + 1)
        if level == before:
            return level
    needs = {
        step: [read.step for read in relations if isinstance(read, Ref | History) and read.step != step]
        for step, relations in reads.items()
    }
    depth_first(pipeline, needs, "steps read one another's history in a cycle")
    raise AssertionError("levels rise for ever only along a ring")


def _closure(reads: dict[str, tuple[Relation, ...]], step: str) -> frozenset[str]:
    found: set[str] = set()
    todo = [step]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [read.step for read in reads[name] if isinstance(read, Ref)]
    return frozenset(found)


def _downstream(
    reads: dict[str, tuple[Relation, ...]],
    seed: Callable[[Relation], bool],
    *along: type[History],
) -> frozenset[str]:
    """The steps with such a read, and those that read them of their own date, or `along` other relations as well."""
    found = {step for step, relations in reads.items() if any(seed(read) for read in relations)}
    while True:
        more = {
            step
            for step, relations in reads.items()
            if step not in found and any(_leads(read, found, along) for read in relations)
        }
        if not more:
            return frozenset(found)
        found |= more


def _leads(read: Relation, found: set[str], along: tuple[type[History], ...]) -> bool:
    return isinstance(read, Ref | History) and isinstance(read, (Ref, *along)) and read.step in found


def _assembly(pipeline: PipelineSpec, reads: dict[str, tuple[Relation, ...]]) -> tuple[str, ...]:
    model = pipeline.settings.model
    if model is None:
        return ()
    if by_hand := [step for step in BY_HAND if pipeline.has(step)]:
        found = [read.step for step in by_hand for read in reads[step] if isinstance(read, Ref | History)]
        return tuple(dict.fromkeys(step for step in found if step not in BY_HAND))
    steps = ["prepare", "label"]
    if model.train.population == "filter" and pipeline.has("filter"):
        steps.insert(1, "filter")
    return tuple(step for step in steps if step in reads)
