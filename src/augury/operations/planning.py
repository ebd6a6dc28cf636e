"""What would have to be done for a request? Facts gathered, plan made; nothing is built."""

from __future__ import annotations

from dataclasses import dataclass

from augury.operations.opened import Opened
from augury.plan.definitions import Definitions
from augury.plan.graph import StepGraph, build_graph
from augury.plan.planner import make_plan
from augury.plan.steps import Plan, Request
from augury.plan.ticks import Ticks
from augury.run.gather import World, gather, record_probes, sources_read


@dataclass(frozen=True)
class Planned:
    plan: Plan
    definitions: Definitions
    graph: StepGraph
    ticks: Ticks
    world: World
    resumed: bool = False


def plan_request(opened: Opened, request: Request, *, record_probes: bool) -> Planned:
    """The plan of a request, with everything that it was made from.

    With `record_probes` sources that changed are probed for good, as a run does; without it the probe is only looked
    at. Raises SpecError, DataRefused (a source lost a declared column), StorageFailed.
    """
    pipeline = opened.pipeline(request.pipeline, request.version)
    definitions = Definitions(opened.spec, pipeline, opened.compiler)
    first = request.dates[0] if request.dates else pipeline.settings.start
    graph = build_graph(pipeline, definitions, first)
    sources = sources_read(read for reads in graph.reads.values() for read in reads)
    now = opened.clock()
    if record_probes:
        _record(opened, sources)
    world = gather(
        opened.spec,
        pipeline,
        opened.warehouse,
        opened.ledger,
        sources=sources,
        now=now,
        current_version=opened.current_version(pipeline.name),
        probe_changed=not record_probes,
    )
    extra = frozenset({model.tick for model in world.facts.models} | set(request.ticks))
    ticks = Ticks(pipeline, frozenset() if world.facts.model_file else extra)
    plan = make_plan(definitions, request, world.facts)
    return Planned(plan, definitions, graph, ticks, world)


def _record(opened: Opened, sources: tuple[str, ...]) -> None:
    record_probes(opened.spec, opened.warehouse, opened.ledger, sources=sources, now=opened.clock())
