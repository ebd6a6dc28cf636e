"""What does a plan say to a person? Rows of steps with counts, reasons and an estimate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from augury.plan.steps import Plan, PlannedStep, Purpose, Reason, Task
from augury.plan.waiting import awaited
from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class ExplainRow:
    step: str
    partitions: int
    why: str
    estimate_seconds: float | None
    """From what the step took lately; None where it never ran."""
    note: str = ""
    estimate_bytes: int | None = None
    """What its queries read, in a warehouse that bills; None where that cannot be told."""
    estimate_cost: float | None = None
    """US dollars."""


@dataclass(frozen=True)
class Explanation:
    header: str
    """Which pipeline, where, and which dates."""
    rows: tuple[ExplainRow, ...]
    notes: tuple[str, ...]
    next_command: str
    total: str = ""
    """What all of it costs, in a warehouse that bills."""


def explain(plan: Plan, pipeline: PipelineSpec, seconds: Mapping[str, float], *, engine: str) -> Explanation:
    """Counts add up: every planned partition is in exactly one row."""
    return Explanation(
        header=f"{pipeline.name} {pipeline.version} on {plan.target} ({engine})   {_asked(plan, pipeline)}",
        rows=tuple(_rows(plan, seconds)),
        notes=(*_waiting(plan), *plan.notes),
        next_command=_command(plan),
    )


def _waiting(plan: Plan) -> Iterable[str]:
    """What the plan waits for in other pipelines, who waits for it, and how it is built."""
    needs = {need for task in plan.tasks for need in task.needs}
    for each in awaited(needs):
        waiting = [task for task in plan.tasks if any(need.name == each.name for need in task.needs)]
        days = {purpose: {task.day for task in _for(purpose, waiting)} for purpose in Purpose}
        counts = [_purpose(purpose, len(found)) for purpose, found in days.items() if found]
        verb = "waits" if sum(map(len, days.values())) == 1 else "wait"
        yield f"{each.what}; {' and '.join(counts)} {verb} for that. First: {each.command}"


def _for(purpose: Purpose, tasks: Iterable[Task]) -> Iterable[Task]:
    return (task for task in tasks if (Purpose.TRAINING if task.kind == "train" else task.purpose) is purpose)


def describe_dates(days: Sequence[date]) -> str:
    """`1 date: 1998-01-15`, or `31 dates: 1998-01-01 to 1998-01-31`."""
    if len(days) == 1:
        return f"1 date: {days[0]}"
    return f"{len(days)} dates: {days[0]} to {days[-1]}"


def _asked(plan: Plan, pipeline: PipelineSpec) -> str:
    days = plan.request.dates
    if not days:
        return f"training ticks: {', '.join(str(tick) for tick in plan.request.ticks)}"
    if len(days) == 1:
        cutoff = pipeline.cutoffs.of(days[0]).astimezone(pipeline.zone)
        return f"{describe_dates(days)}, cutoff {cutoff:%Y-%m-%d %H:%M} {pipeline.zone.key}"
    figures = (
        (len(plan.to_build), "to build"),
        (len(plan.up_to_date), "up to date"),
        (len(plan.left), "left as they are"),
    )
    quiet = plan.up_to_date or plan.left
    said = [f"{number} {words}" for number, words in figures if number or words == "to build"] if quiet else []
    return ", ".join([f"{describe_dates(days)} (end excluded)", *said])


def _rows(plan: Plan, seconds: Mapping[str, float]) -> Iterable[ExplainRow]:
    by_step: dict[str, list[PlannedStep]] = {}
    for step in plan.steps():
        by_step.setdefault(step.step, []).append(step)
    trainings = [task for task in plan.tasks if task.kind == "train"]
    skips = [task for task in plan.tasks if task.skip]
    shown_training = False
    for name in by_step:
        if name == "predict" and trainings:
            yield _training_row(trainings, seconds)
            shown_training = True
        yield ExplainRow(
            name,
            len(by_step[name]),
            _why(by_step[name]),
            _estimate(seconds, name, len(by_step[name])),
        )
    if trainings and not shown_training:
        yield _training_row(trainings, seconds)
    if skips:
        kind = "empty" if skips[0].empty else "missing"
        yield ExplainRow("skip", len(skips), f"{kind}: {skips[0].skip}", None)


def _training_row(tasks: Sequence[Task], seconds: Mapping[str, float]) -> ExplainRow:
    reasons = Counter(task.reason for task in tasks)
    days = sorted(task.day for task in tasks)
    ticks = f"as of tick {days[0]}" if len(days) == 1 else f"as of ticks {days[0]} to {days[-1]}"
    dates = len({day for task in tasks for day in task.dates})
    return ExplainRow(
        "train",
        len(tasks),
        _counted(reasons),
        _estimate(seconds, "train", len(tasks)),
        f"{ticks}, {dates} training dates",
    )


def _why(steps: Sequence[PlannedStep]) -> str:
    """E.g. `missing: 1 date, 26 training dates`, or `definition changed: prepare.sql line 12 (recency)`."""
    groups: dict[tuple[Reason, str], Counter[Purpose]] = {}
    for step in steps:
        groups.setdefault((step.reason, step.detail), Counter())[step.purpose] += 1
    if len(groups) > 3:
        merged: dict[tuple[Reason, str], Counter[Purpose]] = {}
        for (reason, _), purposes in groups.items():
            merged.setdefault((reason, ""), Counter()).update(purposes)
        groups = merged
    parts = []
    for (reason, detail), purposes in groups.items():
        if reason is Reason.AFTER:
            parts.append("follows from the steps before it")
            continue
        counts = ", ".join(_purpose(purpose, count) for purpose, count in sorted(purposes.items()))
        parts.append(f"{reason}: {detail} ({counts})" if detail else f"{reason}: {counts}")
    return "; ".join(parts)


def _purpose(purpose: Purpose, count: int) -> str:
    plural = "s" if count != 1 else ""
    match purpose:
        case Purpose.TRAINING:
            return f"{count} training date{plural}"
        case Purpose.HISTORY:
            return f"{count} date{plural} of history"
        case Purpose.REQUESTED:
            return f"{count} date{plural}"


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(reason if len(reasons) == 1 else f"{reason}: {count}" for reason, count in reasons.items())


def _estimate(seconds: Mapping[str, float], step: str, count: int) -> float | None:
    known = seconds.get(step)
    return None if known is None else known * count


def _command(plan: Plan) -> str:
    request = plan.request
    if not request.dates:
        return f"augury train {request.pipeline} --date {request.ticks[0]}"
    if len(request.dates) == 1:
        return f"augury run {request.pipeline} --date {request.dates[0]}"
    end = request.dates[-1] + timedelta(days=1)
    return f"augury backfill {request.pipeline} --start {request.dates[0]} --end {end}"
