"""How do planned steps become tasks, and for what does each task wait?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from augury.names import TableNames
from augury.plan.graph import StepGraph, table_of
from augury.plan.steps import Absence, External, PlannedStep, Purpose, Task, Wait
from augury.sql.relations import Published


def to_tasks(
    graph: StepGraph,
    tables: TableNames,
    steps: Iterable[PlannedStep],
    trainings: Iterable[Task],
    *,
    skips: Mapping[date, Absence],
    ticks: Mapping[date, date],
    requested: frozenset[date],
    start: date,
    needs: Callable[[PlannedStep], tuple[External, ...]] = lambda _: (),
) -> tuple[Task, ...]:
    """Tasks in an order that can be performed one by one.

    Dates ascend, levels within a date ascend, and a tick comes before what its model scores: what a task reads of
    other dates is always of earlier ones. `needs` is what a step waits for in other pipelines.
    """

    def turn(task: Task) -> tuple[date, int, int]:
        if task.kind == "train":
            return task.day, 1, 0
        if task.level < graph.level.get("predict", 0):
            return task.day, 0, task.level
        # `--model current` scores a date with the tick of a later one.
        return max(task.day, ticks.get(task.day, task.day)), 2, task.level

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
                waits=_waits(graph, tables, members, start),
                tick=ticks.get(day) if any(step.step == "predict" for step in members) else None,
                purpose=_purpose(members),
                needs=tuple(dict.fromkeys(need for step in members for need in needs(step))),
            )
        )
    for day, missing in skips.items():
        purpose = Purpose.REQUESTED if day in requested else Purpose.HISTORY
        skip = Task(kind="date", day=day, level=0, steps=(), skip=missing.why, empty=missing.empty, purpose=purpose)
        tasks.append(skip)
    return tuple(sorted(tasks, key=turn))


def _purpose(steps: Iterable[PlannedStep]) -> Purpose:
    found = {step.purpose for step in steps}
    return next(purpose for purpose in (Purpose.REQUESTED, Purpose.TRAINING, Purpose.HISTORY) if purpose in found)


def _waits(graph: StepGraph, tables: TableNames, steps: Iterable[PlannedStep], start: date) -> tuple[Wait, ...]:
    found: dict[Wait, None] = {}
    for step in steps:
        yesterday = step.day - timedelta(days=1)
        for read in graph.reads_history(step.step):
            first, table = step.day - timedelta(days=read.days), table_of(read.step, tables, training=step.training)
            found[Wait(graph.level[read.step], first, yesterday, (table,))] = None
        if any(isinstance(read, Published) for read in graph.reads[step.step]):
            found[Wait(graph.level["publish"], start, yesterday)] = None
    return tuple(found)
