"""Which models are there, which one scores, and how do people decide otherwise?

A decision is appended to the ledger with who, where and when; nothing that was published changes by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from augury.errors import Held, Place, UsageError
from augury.ledger.records import Decision, ModelRecord
from augury.operations import artifacts
from augury.operations.calendar import Past, date_to_score, past_of
from augury.operations.champions import Champions, champions_of
from augury.operations.opened import Opened
from augury.operations.summaries import point_views
from augury.plan.champion import Champion
from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class ModelRow:
    record: ModelRecord
    champion: bool
    """It would score the date that a run would score now."""
    rule: str
    """Why it is the champion: `tick 1998-01-01`, `promoted from 1998-02-10`, `file`; empty for the others."""


def models(opened: Opened, name: str, version: str | None) -> tuple[ModelRow, ...]:
    """The models of one version, ascending by number. Raises UsageError for an unknown pipeline or version."""
    pipeline = opened.pipeline(name, version)
    champions = champions_of(opened, pipeline)
    now = champions.known(_scored_next(opened, pipeline, past_of(opened, pipeline)))
    return tuple(
        ModelRow(record, chosen, now.rule if now is not None and chosen else "")
        for record in champions.models
        for chosen in (now is not None and record.number == now.model.number,)
    )


def promote(opened: Opened, name: str, number: int, version: str | None, from_date: date | None) -> Decision:
    """Let a model score from a run date on: `from_date`, or the next run date.

    Raises UsageError (no such model, a date that is no run date), Held (it failed its gate) and ModelFailed (its
    files are missing or were changed); nothing is decided then.
    """
    pipeline = opened.pipeline(name, version)
    champions = champions_of(opened, pipeline)
    return _decide(opened, champions, "promote", _model(champions, number), from_date)


def rollback(opened: Opened, name: str, number: int | None, version: str | None, from_date: date | None) -> Decision:
    """Go back to a model, by default the champion before the current one. What was published stays as it is.

    Raises as `promote` does, and UsageError where there is no champion to go back to.
    """
    pipeline = opened.pipeline(name, version)
    champions = champions_of(opened, pipeline)
    if number is not None:
        return _decide(opened, champions, "rollback", _model(champions, number), from_date)
    past = past_of(opened, pipeline)
    day = from_date or _scored_next(opened, pipeline, past)
    current = champions.known(day)
    if current is None:
        raise UsageError(f"{name} has no champion to roll back from", fix=f"See: augury models {name}")
    # A file decides by being there: of the others, the newest was there before it.
    before = replace(champions.without({current.model.number, *_left(champions)}), file="").known(day)
    if before is None:
        raise UsageError(
            f"there is no champion of {name} before model {current.model.number}",
            why="no other model passed its gate by then",
            fix=f"See: augury models {name}",
        )
    return _decide(opened, champions, "rollback", before.model, from_date)


def set_version(opened: Opened, name: str, version: str) -> Decision:
    """Let consumers see another version: `<pipeline>_predictions` shows it from now on, in one step.

    The same command goes back. Raises UsageError for an unknown version and for one that has published nothing.
    """
    pipeline = opened.pipeline(name, version)
    published = opened.warehouse.partitions(pipeline.tables.predictions)
    if not published:
        raise UsageError(
            f"{name} {version} has published nothing yet: its readers would find no table",
            why=f"{pipeline.tables.predictions} has no partition",
            fix=f"Build it first: augury backfill {name} --version {version} --start DATE --end DATE",
        )
    before = opened.current_version(name)
    decision = _made(
        opened,
        "set-version",
        pipeline,
        version,
        None,
        f"{pipeline.tables.current_predictions}: {before} -> {version}, {min(published)} to {max(published)}",
    )
    # Decided first: a crash in between leaves views that the next run, or the doctor, points to what was decided.
    kept = opened.ledger.decide(decision)
    point_views(opened, pipeline)
    return kept


# -- deciding for a model ----------------------------------------------------------------------------------------


def _decide(opened: Opened, champions: Champions, action: str, record: ModelRecord, from_date: date | None) -> Decision:
    pipeline = champions.pipeline
    if not record.passed:
        raise Held(
            f"model {record.number} did not pass its gate and cannot be set current",
            where=Place(pipeline=pipeline.name),
            why=record.verdict,
            fix=f"Nothing was changed. See the others: augury models {pipeline.name}",
        )
    artifacts.prove(opened, record)
    past = past_of(opened, pipeline)
    first = _on_grid(pipeline, from_date) if from_date else _next_date(opened, pipeline, past, record)
    before = champions.known(first)
    detail = _detail(record, before, past, first)
    return opened.ledger.decide(_made(opened, action, pipeline, str(record.number), first, detail))


def _made(
    opened: Opened, action: str, pipeline: PipelineSpec, subject: str, first: date | None, detail: str
) -> Decision:
    return Decision(
        at=opened.clock(),
        who=opened.who.user,
        host=opened.who.host,
        action=action,
        pipeline=pipeline.name,
        version=pipeline.version,
        subject=subject,
        effective_from=first,
        detail=detail,
    )


def _detail(record: ModelRecord, before: Champion | None, past: Past, first: date) -> str:
    """What follows from the decision, for the audit."""
    parts = [f"instead of model {before.model.number} ({before.rule})" if before else "instead of no model"]
    outdated = sum(1 for day in past.complete if day >= first)
    if outdated:
        parts.append(f"{outdated} published dates keep their scores until they are run again")
    if first < record.tick:
        parts.append(f"dates before {record.tick} would be scored by a model that knows their future")
    return "; ".join(parts)


def _model(champions: Champions, number: int) -> ModelRecord:
    for record in champions.models:
        if record.number == number:
            return record
    known = [str(record.number) for record in champions.models]
    name = champions.pipeline.name
    raise UsageError(
        f"{name} {champions.pipeline.version} has no model {number}",
        why=f"it has {', '.join(known)}" if known else "it has none yet",
        fix=f"See: augury models {name}" if known else f"Train one: augury train {name}",
    )


def _scored_next(opened: Opened, pipeline: PipelineSpec, past: Past) -> date:
    return date_to_score(pipeline, past.complete, opened.clock())


def _next_date(opened: Opened, pipeline: PipelineSpec, past: Past, record: ModelRecord) -> date:
    """The next run date: the one after the latest complete one, else the first that is not over yet.

    Never before the model's own tick, where it would know the future of what it scores.
    """
    latest = past.latest or opened.today(pipeline) - timedelta(days=1)
    found = pipeline.grid.after(max(latest, record.tick - timedelta(days=1)))
    if found is None:
        raise UsageError(
            f"{pipeline.name} has no run date after {latest}",
            why=f"it ends before {pipeline.settings.end}" if pipeline.settings.end else None,
            fix="Name the first run date that it counts for: --from DATE",
        )
    return found


def _on_grid(pipeline: PipelineSpec, day: date) -> date:
    if day not in pipeline.grid:
        near = pipeline.grid.nearest(day)
        raise UsageError(
            f"{day} is not a run date of {pipeline.name}",
            why=f"run dates are the days of {pipeline.settings.schedule.cron!r} from {pipeline.settings.start}"
            + (f" until {pipeline.settings.end} (excluded)" if pipeline.settings.end else ""),
            fix=f"The nearest run date is {near}." if near else None,
        )
    return day


def _left(champions: Champions) -> set[int]:
    """Models that people rolled back from and did not promote again: going back once more passes them by."""
    left: set[int] = set()
    made: Sequence[Decision] = champions.decisions
    for at, decision in enumerate(made):
        if decision.action == "rollback" and decision.effective_from is not None:
            before = replace(champions, decisions=tuple(made[:at])).known(decision.effective_from)
            if before is not None:
                left.add(before.model.number)
        left.discard(int(decision.subject))
    return left
