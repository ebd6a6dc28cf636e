"""How do planned steps become tasks, and for what does each task wait?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from augury.plan.graph import StepGraph
from augury.plan.steps import PlannedStep, Purpose, Task, Wait
from augury.sql.relations import Published


def to_tasks(
    graph: StepGraph,
    steps: Iterable[PlannedStep],
    trainings: Iterable[Task],
    *,
    skips: Mapping[date, str],
    ticks: Mapping[date, date],
    requested: frozenset[date],
    start: date,
) -> tuple[Task, ...]:
    """Tasks in an order that can be performed one by one.

    Dates ascend, levels within a date ascend, and a tick comes before the date of the same day: what a task reads of
    other dates is always of earlier ones.
    """
    position = {step: at for at, step in enumerate(graph.sorted_steps)}
    groups: dict[tuple[date, int], list[PlannedStep]] = {}
    for step in steps:
        groups.setdefault((step.day, graph.level[step.step]), []).append(step)
    tasks = list(trainings)
    for (day, level), members in groups.items():
        members.sort(key=lambda step: (position[step.step], step.training))
        tasks.append(
            Task(
                kind="date",
                day=day,
                level=level,
                steps=tuple(members),
                waits=_waits(graph, members, day, start),
                tick=ticks.get(day) if any(step.step == "predict" for step in members) else None,
                purpose=_purpose(members),
            )
        )
    for day, missing in skips.items():
        purpose = Purpose.REQUESTED if day in requested else Purpose.HISTORY
        tasks.append(Task(kind="date", day=day, level=0, steps=(), skip=missing, purpose=purpose))
    return tuple(sorted(tasks, key=lambda task: (task.day, task.kind == "date", task.level)))


def _purpose(steps: Iterable[PlannedStep]) -> Purpose:
    found = {step.purpose for step in steps}
    return next(purpose for purpose in (Purpose.REQUESTED, Purpose.TRAINING, Purpose.HISTORY) if purpose in found)


def _waits(graph: StepGraph, steps: Iterable[PlannedStep], day: date, start: date) -> tuple[Wait, ...]:
    yesterday = day - timedelta(days=1)
    lookback: dict[int, int] = {}
    waits: list[Wait] = []
    for step in steps:
        for read in graph.reads_history(step.step):
            level = graph.level[read.step]
            lookback[level] = max(read.days, lookback.get(level, 0))
        if any(isinstance(read, Published) for read in graph.reads[step.step]):
            waits.append(Wait(graph.level["publish"], start, yesterday, needs_success=False))
    return tuple(
        [Wait(level, day - timedelta(days=days), yesterday) for level, days in sorted(lookback.items())] + waits
    )
