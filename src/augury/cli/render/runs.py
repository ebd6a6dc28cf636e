"""How does a run that ended read: what was published, by which model, and what to look at next?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from augury.cli.narrator import summary
from augury.cli.render.plans import nothing_to_do
from augury.cli.reports import Report
from augury.cli.suggestions import Choices, Suggest
from augury.cli.text import count, duration, few
from augury.errors import AuguryError
from augury.ledger.records import ModelRecord, Status
from augury.run.outcome import DateOutcome, RunResult

COLUMNS = (
    "pipeline",
    "version",
    "run_date",
    "status",
    "rows",
    "model_version",
    "model_rule",
    "detail",
    "run_id",
)


@dataclass(frozen=True)
class Published:
    """What a run's text says that its result does not know."""

    table: str
    """What consumers read."""
    noun: str = "row"
    """What a row is about: `customer`."""
    models: Mapping[int, ModelRecord] = field(default_factory=dict)
    suggest: Suggest = Choices().command
    about: tuple[str, ...] = ()
    """The words that name the version, where it is not the current one."""


def run_report(result: RunResult, published: Published, *, shown: Sequence[AuguryError] = ()) -> Report:
    """`shown` are the errors told beside this report; where they say it all, it says nothing more."""
    request = result.plan.request
    records: list[dict[str, Any]] = [
        {
            "pipeline": request.pipeline,
            "version": request.version,
            "run_date": outcome.run_date,
            "status": outcome.status,
            "rows": outcome.rows,
            "model_version": outcome.model_version,
            "model_rule": outcome.model_rule,
            "detail": outcome.detail,
            "run_id": result.run_id,
        }
        for outcome in result.outcomes
    ]
    return Report(
        document={"run": run_document(result)},
        columns=COLUMNS,
        records=records,
        text=_text(result, published, bool(shown)),
        next=_next(result, published) if not shown else "",
    )


def run_document(result: RunResult) -> dict[str, Any]:
    request = result.plan.request
    return {
        "run_id": result.run_id,
        "pipeline": request.pipeline,
        "version": request.version,
        "target": result.plan.target,
        "exit_code": int(result.exit_code),
        "counts": result.counts,
        "seconds": result.seconds,
        "peak_memory": result.peak_memory,
        "resumed": result.resumed,
        "dates": result.outcomes,
        "up_to_date": result.plan.up_to_date,
        "left": result.plan.left,
        "trained": result.trained,
        "failures": result.failures,
    }


def model_name(pipeline: str, version: str, number: int) -> str:
    """`ltv@3`; with its pipeline version where that is not the first: `ltv_v2@3`."""
    return f"{pipeline}@{number}" if version == "v1" else f"{pipeline}_{version}@{number}"


def _text(result: RunResult, published: Published, failed: bool) -> str:
    if result.plan.is_empty and not result.outcomes and not failed:
        return nothing_to_do(result.plan)
    alone = result.outcomes[0] if len(result.plan.request.dates) == 1 and result.outcomes else None
    if alone is not None:
        return "\n".join(_one_date(result, alone, published)) if alone.status.complete else ""
    return "\n".join([*_resumed(result), *_many_dates(result, published)])


def _one_date(result: RunResult, outcome: DateOutcome, published: Published) -> list[str]:
    lines = _resumed(result)
    record = published.models.get(outcome.model_version or 0)
    if record is not None:
        lines.append(f"  model      {_model(record)}")
    if outcome.status is not Status.SUCCEEDED:
        detail = f": {outcome.detail}" if outcome.detail else ""
        lines.append(f"  {outcome.status}{detail}")
    elif (step := result.plan.request.step) not in (None, "publish", "archive"):
        rows = "" if outcome.rows is None else f": {count(outcome.rows, 'row')}"
        lines.append(f"  built      up to {step}, run_date {outcome.run_date}{rows}; nothing was published")
    else:
        rows = "" if outcome.rows is None else f": {count(outcome.rows, published.noun)}"
        lines.append(f"  published  {published.table}, run_date {outcome.run_date}{rows}")
    return lines


def _model(record: ModelRecord) -> str:
    name = model_name(record.pipeline, record.version, record.number)
    return f"{name} ({record.type}), trained as of {record.tick}: {record.verdict}"


def _resumed(result: RunResult) -> list[str]:
    return [f"  resumed    the stored plan of run {result.resumed}, which had crashed"] if result.resumed else []


def _many_dates(result: RunResult, published: Published) -> list[str]:
    request = result.plan.request
    if not result.outcomes:
        return [f"  {line}" for line in _trained(result, published)]
    done = "published" if request.step in (None, "publish", "archive") else f"built up to {request.step}"
    figures = f"{request.pipeline}  {summary(dict(result.counts), done)}   {duration(result.seconds)}"
    lines = [figures if result.run_id is None else f"{figures}   run {result.run_id}"]
    lines += [f"  {line}" for line in _trained(result, published)]
    used = Counter(outcome.model_version for outcome in result.outcomes if outcome.model_version is not None)
    if used:
        names = [
            f"{model_name(request.pipeline, request.version, number)} for {count(times, 'date')}"
            for number, times in sorted(used.items())
        ]
        lines.append(f"  scored by  {few(names, 4)}")
    return lines


def _trained(result: RunResult, published: Published) -> list[str]:
    if len(result.trained) <= 2:
        return [f"trained    {_model(record)}" for record in result.trained]
    passed = sum(record.passed for record in result.trained)
    models = count(len(result.trained), "model")
    see = published.suggest("models", result.plan.request.pipeline, *published.about)
    return [f"trained    {models}, {passed} passed the gate: {see}"]


def _next(result: RunResult, published: Published) -> str:
    request, suggest = result.plan.request, published.suggest
    if result.plan.is_empty and not result.outcomes:
        return ""
    if len(request.dates) == 1:
        run = f"        run {result.run_id}" if result.run_id else ""
        show = suggest("show", request.pipeline, "--date", str(request.dates[0]), *published.about)
        return f"  see        {show}{run}"
    return f"  see        {suggest('status', request.pipeline)}"


def train_report(result: RunResult, models: str) -> Report:
    """A training's own answer: the model, its figures and the verdict of the gate. `models` is the command that lists
    them all."""
    request = result.plan.request
    asked = [record for record in result.trained if record.tick in request.ticks]
    earlier = [record for record in result.trained if record.tick not in request.ticks]
    lines = [f"  model      {_model(record)}" for record in asked]
    if earlier:
        passed = sum(record.passed for record in earlier)
        lines.append(f"  before it  {count(len(earlier), 'earlier tick')}, {passed} passed the gate")
    text = (
        "\n".join(lines)
        or "Nothing to do: the model of this tick is trained and nothing that it depends on has changed."
    )
    columns = ("pipeline", "version", "number", "tick", "type", "passed", "verdict", "rows", "run_id")
    return Report(
        document={"run": run_document(result)},
        columns=columns,
        records=[{name: getattr(record, name) for name in columns} for record in result.trained],
        text="" if result.failures and not lines else text,
        next=""
        if result.failures
        else f"  see        {models}"
        if all(record.passed for record in asked)
        else f"  held       the champion before it goes on. See: {models}",
    )


def many_reports(reports: Sequence[Report]) -> Report:
    """The reports of several runs as one."""
    return Report(
        document={"runs": [report.document["run"] for report in reports]},
        columns=COLUMNS,
        records=[record for report in reports for record in report.records],
        text="\n".join(report.text for report in reports if report.text),
        next=next((report.next for report in reports if report.next), ""),
    )
