"""How do dates that were not published read? Alike ones together, with what follows and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from augury.cli.text import few
from augury.errors import AuguryError, Held, Locked, Place, WorkFailed
from augury.ledger.records import Status
from augury.run.outcome import EXIT_CODES, DateOutcome, RunResult

SHOWN = 5
"""Different errors that are shown in full; the ledger has them all."""


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
    """The errors of a run for people: different ones once, at most SHOWN, then how many more there are."""
    found = _grouped(_errors(result.outcomes), around) + list(result.failures)
    if len(found) <= SHOWN:
        return found
    rest = WorkFailed(
        f"{len(found) - SHOWN} more different errors",
        where=Place(pipeline=around.pipeline),
        fix=f"See: augury logs {around.pipeline} --level error" + (f" --run {result.run_id}" if result.run_id else ""),
    )
    return [*found[:SHOWN], rest]


def _errors(outcomes: Iterable[DateOutcome]) -> list[tuple[date, AuguryError]]:
    return [
        (outcome.run_date, outcome.error or _without_error(outcome))
        for outcome in outcomes
        if outcome.status in EXIT_CODES
    ]


def _without_error(outcome: DateOutcome) -> AuguryError:
    """A date that did not get as far as an error of its own."""
    kind = Held if outcome.status is Status.HELD else WorkFailed
    detail = f": {outcome.detail}" if outcome.detail else ""
    return kind(f"{outcome.status}{detail}")


def _grouped(errors: list[tuple[date, AuguryError]], around: Around) -> list[AuguryError]:
    groups: dict[tuple[object, ...], list[tuple[date, AuguryError]]] = {}
    for day, error in errors:
        # A date inside the text does not make it another error.
        said = "\n".join(error.lines()).replace(str(day), "")
        groups.setdefault((type(error), error.where.step, said), []).append((day, error))
    return [_explained([day for day, _ in group], group[0][1], around) for group in groups.values()]


def _explained(days: list[date], error: AuguryError, around: Around) -> AuguryError:
    """A copy of the error that names all its dates and says what follows."""
    shown = _copy(error)
    shown.where = replace(error.where, pipeline=error.where.pipeline or around.pipeline, date=few(days))
    if not isinstance(error, Locked) and "Nothing was" not in (error.fix or ""):
        shown.fix = _consequence(days, error, around)
    return shown


def _copy(error: AuguryError) -> AuguryError:
    """copy.copy would call the constructor, whose arguments differ from class to class."""
    made = type(error).__new__(type(error), *error.args)
    made.__dict__.update(vars(error))
    return made


def _consequence(days: list[date], error: AuguryError, around: Around) -> str:
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
    cure = (error.fix or "Mend the cause").rstrip(".")
    return f"Nothing was published. {cure}, then: {again}"
