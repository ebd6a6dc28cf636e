"""Are the sources of a run date there? What a readiness poll asks: metadata, and which days have rows."""

from __future__ import annotations

from datetime import date, timedelta

from augury.operations.opened import Opened
from augury.plan.definitions import Definitions
from augury.plan.graph import build_graph
from augury.run.gather import record_probes, sources_read
from augury.spec.files import PipelineSpec


def sources_are_there(opened: Opened, pipeline: PipelineSpec, day: date) -> bool:
    """Whether every source that the pipeline reads has what belongs to the run date.

    A source of a file or table a day has the one of the last day that the date knows; any other has rows of that day.
    Raises SpecError, StorageFailed and DataRefused as a run would.
    """
    definitions = Definitions(opened.spec, pipeline, opened.compiler)
    graph = build_graph(pipeline, definitions, day)
    reads = [read for step in graph.order if step in graph.reads for read in graph.reads[step]]
    wanted = pipeline.cutoffs.data_date(day)
    names = sources_read(reads)
    found = {name: opened.warehouse.source_state(opened.spec.sources[name]) for name in names}
    if any(state is None for state in found.values()):
        return False
    sharded = {name: state.shards for name, state in found.items() if state and opened.spec.sources[name].sharded}
    if any(wanted not in shards for shards in sharded.values()):
        return False
    plain = [name for name in names if name not in sharded]
    record_probes(opened.spec, opened.warehouse, opened.ledger, sources=plain, now=opened.clock())
    return all(_has_rows(opened, name, wanted) for name in plain)


def _has_rows(opened: Opened, name: str, day: date) -> bool:
    """Event days are those of the source's own zone, so the day beside it counts as well."""
    beside = (day, day + timedelta(days=1))
    return any(each.rows and each.day in beside for each in opened.ledger.source_days(name))
