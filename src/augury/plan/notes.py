"""What should a person know about a plan, although it changes nothing?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from augury.plan.definitions import Definitions
from augury.plan.graph import StepGraph
from augury.sql.compiled import CompiledSql


def held(no_champion: Mapping[date, str]) -> Iterator[str]:
    """Dates that will end `held: no champion`, those with the same reason together."""
    for why in dict.fromkeys(no_champion.values()):
        days = [day for day, other in no_champion.items() if other == why]
        yield f"{_dates(days)} will be held: no champion: {why}"


def crossed_start(graph: StepGraph, days: Sequence[date], start: date) -> Iterator[str]:
    """Look-backs that reach past the first run date, where history is empty."""
    for step in graph.order:
        for read in graph.reads_history(step):
            crossing = [day for day in days if day - timedelta(days=read.days) < start < day]
            if crossing:
                yield (
                    f"{step} looks back {read.days} days over {read.step}: for {_dates(crossing)} "
                    f"that reaches past the start {start}, where history is empty"
                )


def unguarded_reads(definitions: Definitions, day: date) -> Iterator[str]:
    """Tables read outside the relation functions, and functions with another result each time."""
    for name in definitions.pipeline.steps:
        compiled = definitions.step(name, day).compiled
        if compiled is None:
            continue
        if not compiled.contained:
            yield from _outside(compiled)
        for function in compiled.volatile:
            yield f"{compiled.file} uses {function}: its result is not reproducible"


def _outside(compiled: CompiledSql) -> Iterator[str]:
    if compiled.opaque:
        yield f"{compiled.file}: what it reads outside the relation functions could not be told from its SQL"
    for table in compiled.outside:
        yield f"{compiled.file} reads {table} directly: rows after the cutoff are not kept out"


def late_data(unabsorbed: Mapping[str, set[date]]) -> Iterator[str]:
    """Late rows that finished dates have not taken in and that no rule rebuilds."""
    for source, days in sorted(unabsorbed.items()):
        yield (
            f"late data: {source} changed for {_dates(sorted(days))} after dates had used it; "
            f"take it in with --refresh late"
        )


def _dates(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} dates)"
