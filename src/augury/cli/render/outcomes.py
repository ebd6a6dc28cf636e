"""How do dates that were not published read? Alike ones together, with what follows and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from augury.cli.text import few
from augury.errors import AuguryError, Held, Locked, Place, WorkFailed
from augury.ledger.records import Status
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
    causes += [_dated(days, error, around) for days, error in _grouped(_elsewhere(result.failures))]
    every = [*causes, *blocked]
    if len(every) <= SHOWN:
        return every
    rest = WorkFailed(
        f"{len(every) - SHOWN} more different errors",
        where=Place(pipeline=around.pipeline),
        fix=f"See: augury logs {around.pipeline} --level error" + (f" --run {result.run_id}" if result.run_id else ""),
    )
    return [*every[:SHOWN], rest]


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
    """(dates, the first of the errors) for errors that say the same."""
    groups: dict[tuple[object, ...], tuple[list[str], AuguryError]] = {}
    for day, error in errors:
        # A date inside the text does not make it another error.
        said = _DATE.sub("", "\n".join(error.lines()))
        groups.setdefault((type(error), error.where.step, said), ([], error))[0].append(day)
    return list(groups.values())


def _dated(days: list[str], error: AuguryError, around: Around) -> AuguryError:
    """A copy of the error that names all its dates."""
    shown = _copy(error)
    named = few([day for day in days if day]) or None
    shown.where = replace(error.where, pipeline=error.where.pipeline or around.pipeline, date=named)
    return shown


def _causes(errors: Iterable[AuguryError]) -> list[AuguryError]:
    """Errors of trainings and of history: the same one on many dates is told once."""
    groups: dict[tuple[object, ...], list[AuguryError]] = {}
    for error in errors:
        said = "\n".join(error.lines()[1:])
        groups.setdefault((type(error), error.where.step, error.what, said), []).append(error)
    return [_on_all_dates(group) for group in groups.values()]


def _on_all_dates(group: list[AuguryError]) -> AuguryError:
    shown = _copy(group[0])
    days = sorted(date.fromisoformat(error.where.date) for error in group if error.where.date)
    shown.where = replace(shown.where, date=few(days) if days else None)
    return shown


def _explained(days: list[str], error: AuguryError, around: Around) -> AuguryError:
    """`_dated`, and what follows from it."""
    shown = _dated(days, error, around)
    if not isinstance(error, Locked) and "Nothing was" not in (error.fix or ""):
        if (error.fix or "").startswith("Did you mean"):
            # A spelling stands beside the line that it is about, as in messages about files.
            shown.why, shown.fix = "   ".join(filter(None, (error.why, error.fix))), None
        shown.fix = _consequence(days, shown, around)
    return shown


def _copy(error: AuguryError) -> AuguryError:
    """copy.copy would call the constructor, whose arguments differ from class to class."""
    made = type(error).__new__(type(error), *error.args)
    made.__dict__.update(vars(error))
    return made


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
