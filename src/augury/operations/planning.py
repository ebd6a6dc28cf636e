"""What would have to be done for a request? Facts gathered, plan made; nothing is built."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from augury.errors import UsageError
from augury.operations.opened import Opened
from augury.plan.definitions import Definitions, spec_fingerprint
from augury.plan.graph import StepGraph, build_graph
from augury.plan.planner import make_plan
from augury.plan.steps import Plan, Request
from augury.plan.ticks import Ticks
from augury.run.gather import World, gather, record_probes, sources_read
from augury.run.others import other_facts


@dataclass(frozen=True)
class Planned:
    plan: Plan
    definitions: Definitions
    graph: StepGraph
    ticks: Ticks
    world: World
    resumed: bool = False


def plan_request(
    opened: Opened, request: Request, *, record_probes: bool, apart: frozenset[str] = frozenset()
) -> Planned:
    """The plan of a request, with everything that it was made from; the steps `apart` get tasks of their own.

    With `record_probes` sources that changed are probed for good, as a run does; without it the probe is only looked
    at. Raises SpecError, UsageError (a label that is not closed yet), DataRefused (a source lost a declared column),
    StorageFailed.
    """
    definitions, graph, ticks, world = _grounds(opened, request, record_probes)
    _refuse_open_labels(request, graph, ticks, world.facts.now)
    plan = make_plan(definitions, request, world.facts, apart=apart)
    return Planned(plan, definitions, graph, ticks, world)


def stored_plan(opened: Opened, plan: Plan) -> Planned | None:
    """A plan made before, with everything that performing it takes. None where the project's files have changed since.

    Raises like `plan_request`.
    """
    definitions, graph, ticks, world = _grounds(opened, plan.request, record_probes=True)
    if spec_fingerprint(definitions, plan.request) != plan.spec:
        return None
    return Planned(plan, definitions, graph, ticks, world)


def _grounds(opened: Opened, request: Request, record_probes: bool) -> tuple[Definitions, StepGraph, Ticks, World]:
    """What plans are made from and performed with."""
    pipeline = opened.pipeline(request.pipeline, request.version)
    definitions = Definitions(opened.spec, pipeline, opened.compiler, opened.current_versions())
    first = request.dates[0] if request.dates else pipeline.settings.start
    graph = build_graph(pipeline, definitions, first)
    sources = sources_read(read for reads in graph.reads.values() for read in reads)
    if record_probes:
        _record(opened, sources)
    world = gather(
        opened.spec,
        pipeline,
        opened.warehouse,
        opened.ledger,
        sources=sources,
        now=opened.clock(),
        current_version=opened.current_version(pipeline.name),
        probe_changed=not record_probes,
        others=other_facts(opened.ledger, graph),
    )
    extra = frozenset({model.tick for model in world.facts.models} | set(request.ticks))
    ticks = Ticks(pipeline, frozenset() if world.facts.model_file else extra)
    return definitions, graph, ticks, world


def _refuse_open_labels(request: Request, graph: StepGraph, ticks: Ticks, now: datetime) -> None:
    """A label that was built before its outcomes are known would be taken for the whole one ever after."""
    if request.step not in graph.labelled:
        return
    still_open = [day for day in request.dates if ticks.closes(day) > now]
    if still_open:
        closes = ticks.closes(still_open[0]).astimezone(ticks.pipeline.zone)
        raise UsageError(
            f"the {request.step} of {still_open[0]} closes on {closes:%Y-%m-%d}: its outcomes are not known yet",
            why=f"horizon {ticks.pipeline.settings.horizon} days, and whatever label_delay adds",
        )


def _record(opened: Opened, sources: tuple[str, ...]) -> None:
    record_probes(opened.spec, opened.warehouse, opened.ledger, sources=sources, now=opened.clock())
