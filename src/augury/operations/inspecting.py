"""Does every step compile, and what does its SQL look like on one date?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from augury.dates import DateRange
from augury.errors import Problem, SpecError, UsageError
from augury.operations.opened import Opened
from augury.operations.requests import checked_step
from augury.plan.definitions import Definitions
from augury.plan.graph import BY_HAND, build_graph
from augury.plan.notes import unguarded_reads
from augury.plan.ticks import Ticks
from augury.run.gather import gather, sources_read
from augury.run.relations import Resolver
from augury.spec.files import PipelineSpec
from augury.spec.project import SourceSpec


@dataclass(frozen=True)
class Validation:
    pipelines: int
    versions: int
    """Of all pipelines together."""
    steps: int
    """Of all versions together."""
    notes: tuple[str, ...]
    """Tables read outside the relation functions, functions that are not reproducible, sources not there yet."""


@dataclass(frozen=True)
class CompiledStep:
    step: str
    file: str
    sql: str


def validate(opened: Opened) -> Validation:
    """Raises SpecError with the problems of all pipelines."""
    problems: list[Problem] = []
    notes: list[str] = []
    steps = 0
    specs = [spec for versions in opened.spec.pipelines.values() for spec in versions.values()]
    for spec in specs:
        try:
            notes += _check(opened, spec)
        except SpecError as error:
            problems += error.problems
        steps += len(spec.steps)
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    notes += [
        f"source {name}: nothing at {source.place} yet"
        for name, source in opened.spec.sources.items()
        if not _is_there(opened, source)
    ]
    return Validation(len(opened.spec.pipelines), len(specs), steps, tuple(dict.fromkeys(notes)))


def _is_there(opened: Opened, source: SourceSpec) -> bool:
    try:
        return opened.warehouse.source_state(source) is not None
    except UsageError:
        # A table of another warehouse: this target has no place for it yet.
        return False


def _check(opened: Opened, spec: PipelineSpec) -> list[str]:
    definitions = Definitions(opened.spec, spec, opened.compiler, opened.current_versions())
    build_graph(spec, definitions, spec.settings.start)
    return list(unguarded_reads(definitions, spec.settings.start))


def compile_steps(
    opened: Opened, name: str, day: date, step: str | None, version: str | None
) -> tuple[CompiledStep, ...]:
    """The SQL steps of a pipeline on one date. What a step reads of partitions that do not exist is left by name."""
    spec = opened.pipeline(name, version)
    opened.run_dates(spec, DateRange.one(day))
    wanted = checked_step(spec, step)
    if wanted == "validate":
        wanted = "validation"
    definitions = Definitions(opened.spec, spec, opened.compiler, opened.current_versions())
    graph = build_graph(spec, definitions, day)
    sources = sources_read(read for reads in graph.reads.values() for read in reads)
    world = gather(
        opened.spec,
        spec,
        opened.warehouse,
        opened.ledger,
        sources=sources,
        now=opened.clock(),
        current_version=opened.current_version(name),
        probe_changed=False,
    )
    resolver = Resolver(
        definitions,
        graph,
        Ticks(spec),
        opened.warehouse,
        world.states,
        opened.references_folder,
        world.facts.references,
        day,
        by_name=True,
    )
    out = []
    for each in dict.fromkeys((*graph.sorted_steps, "validation", *BY_HAND)):
        found = spec.steps.get(each)
        if found is None or found.sql is None or (wanted is not None and each != wanted):
            continue
        compiled = definitions.step(each, day).compiled
        assert compiled is not None
        out.append(CompiledStep(each, compiled.file, compiled.bind(definitions.values(day), resolver)))
    return tuple(out)
