"""How do dates that were not published read? Alike ones together, with what follows and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from augury.cli.failures import copied
from augury.cli.text import few
from augury.errors import AuguryError, Blocked, Held, Locked, Place, WorkFailed
from augury.ledger.records import Status
from augury.plan.waiting import in_words
from augury.run.outcome import EXIT_CODES, DateOutcome, RunResult

SHOWN = 5
"""Different errors that are shown in full; the ledger has them all."""


_CURES = {".sql": "Fix the SQL", ".py": "Fix the hook", ".yml": "Fix the settings"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Around:
    """What the text says that a result does not know."""

    pipeline: str
    staging: str
    """View of the candidates, for looking at a rejected one."""
    rerun: str
    """The command without its dates, `augury run ltv`."""
    latest: date | None = None
    """The latest published date."""


def problems(result: RunResult, around: Around) -> list[AuguryError]:
    """The errors of a run for people: causes before what they blocked, different ones once, at most SHOWN."""
    found = [_explained(days, error, around) for days, error in _grouped(_errors(result.outcomes))]
    blocked = [error for error in found if _is_blocked(error)]
    causes = [error for error in found if not _is_blocked(error)]
    causes += beside(result, around.pipeline)
    every = [*causes, *blocked]
    if len(every) <= SHOWN:
        return every
    rest = WorkFailed(
        f"{len(every) - SHOWN} more different errors",
        where=Place(pipeline=around.pipeline),
        fix=f"See: augury logs {around.pipeline} --level error" + (f" --run {result.run_id}" if result.run_id else ""),
    )
    return [*every[:SHOWN], rest]


def beside(result: RunResult, pipeline: str) -> list[AuguryError]:
    """The errors of trainings and of history, different ones once."""
    return [_dated(days, error, pipeline) for days, error in _grouped(_elsewhere(result.failures))]


class _Blocked(WorkFailed):
    """A date that something it needs kept from starting."""


def _is_blocked(error: AuguryError) -> bool:
    return isinstance(error, _Blocked)


def _errors(outcomes: Iterable[DateOutcome]) -> list[tuple[str, AuguryError]]:
    return [
        (str(outcome.run_date), outcome.error or _without_error(outcome))
        for outcome in outcomes
        if outcome.status in EXIT_CODES
    ]


def _elsewhere(failures: Iterable[AuguryError]) -> list[tuple[str, AuguryError]]:
    """Errors of trainings and history, by the date where they happened."""
    return [(error.where.date or "", error) for error in failures]


def _without_error(outcome: DateOutcome) -> AuguryError:
    """A date that did not get as far as an error of its own."""
    kinds: dict[Status, type[AuguryError]] = {Status.HELD: Held, Status.BLOCKED: _Blocked}
    detail = f": {outcome.detail}" if outcome.detail else ""
    return kinds.get(outcome.status, WorkFailed)(f"{outcome.status}{detail}")


def _grouped(errors: list[tuple[str, AuguryError]]) -> list[tuple[list[str], AuguryError]]:
    """(dates, one error for all) for errors that say the same."""
    groups: dict[tuple[object, ...], tuple[list[str], list[AuguryError]]] = {}
    for day, error in errors:
        days, alike = groups.setdefault((type(error), error.where.step, _said(error)), ([], []))
        days.append(day)
        alike.append(error)
    return [(days, _together(alike)) for days, alike in groups.values()]


def _said(error: AuguryError) -> object:
    if isinstance(error, Blocked):
        return frozenset(need.name for need in error.needs)
    # A date inside the text does not make it another error.
    return _DATE.sub("", "\n".join(error.lines()))


def _together(errors: list[AuguryError]) -> AuguryError:
    """The first of errors that say the same; what blocks their dates is built by one command."""
    needs = {need for error in errors if isinstance(error, Blocked) for need in error.needs}
    if len(errors) == 1 or not needs:
        return errors[0]
    shown = copied(errors[0])
    shown.what, command = in_words(needs)
    shown.fix = f"Build it: {command}"
    return shown


def _dated(days: list[str], error: AuguryError, pipeline: str) -> AuguryError:
    """A copy of the error that names all its dates."""
    shown = copied(error)
    named = few([day for day in days if day]) or None
    shown.where = replace(error.where, pipeline=error.where.pipeline or pipeline, date=named)
    return shown


def _explained(days: list[str], error: AuguryError, around: Around) -> AuguryError:
    """`_dated`, and what follows from it."""
    shown = _dated(days, error, around.pipeline)
    if not isinstance(error, Locked) and "Nothing was" not in (error.fix or ""):
        if (error.fix or "").startswith("Did you mean"):
            # A spelling stands beside the line that it is about, as in messages about files.
            shown.why, shown.fix = "   ".join(filter(None, (error.why, error.fix))), None
        shown.fix = _consequence(days, shown, around)
    return shown


def _consequence(days: list[str], error: AuguryError, around: Around) -> str:
    again = f"{around.rerun} --date {days[0]}" if len(days) == 1 else f"augury retry {around.pipeline}"
    if isinstance(error, Held):
        stays = f"; {around.latest} stays the latest" if around.latest else ""
        lines = [f'Nothing was published{stays}. Look: augury query "select * from {around.staging}"']
        checks = [check.name for check in getattr(error, "failed", ())]
        if checks:
            accepted = " ".join(f"--accept {name}" for name in checks)
            anyway = f"{around.rerun} --date {days[0]} {accepted}"
            lines.append(f"Publish anyway: {anyway}       (recorded with your name)")
        else:
            lines.append(f"Then: {again}")
        return "\n".join([*([error.fix] if error.fix else []), *lines])
    cure = (error.fix or _CURES.get(PurePath(error.where.file or "").suffix, "Mend the cause")).rstrip(".")
    return f"Nothing was published. {cure}, then: {again}"
