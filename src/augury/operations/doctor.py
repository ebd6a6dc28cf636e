"""What is stuck, why, and what mends it?

Each check looks at one thing that can be wrong and answers with findings; it mends, with `fix`, only what nobody has
to decide: close runs whose process died, forget data that is gone, point views, sweep leftovers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from augury.errors import AuguryError, SpecError
from augury.operations import doctor_data, doctor_dates, doctor_folders, doctor_models, doctor_runs
from augury.operations.finding import Finding
from augury.operations.opened import Opened

__all__ = ["Finding", "doctor"]

Check = Callable[[Opened, bool], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    doctor_folders.folders,
    doctor_folders.leftovers,
    # Runs first: what a dead one was at is known only when it is closed.
    doctor_runs.dead_runs,
    doctor_runs.untold_outcomes,
    doctor_runs.living_runs,
    doctor_data.lost_partitions,
    doctor_data.unknown_partitions,
    doctor_data.views,
    doctor_models.changed_models,
    doctor_models.nobody_scores,
    doctor_dates.unfinished_dates,
    doctor_dates.stale_pipelines,
    doctor_dates.late_data,
)


def doctor(opened: Opened, fix: bool, first: Sequence[Check] = ()) -> tuple[Finding, ...]:
    """Everything that is wrong with a target, the causes before what follows from them; empty where nothing is. Checks
    that this layer does not know, those of the service, come `first`.

    With `fix` what is safe to mend is mended, and its findings say so. Without it nothing is written.
    """
    return tuple(finding for check in (*first, *CHECKS) for finding in _findings(check, opened, fix))


def _findings(check: Check, opened: Opened, fix: bool) -> Iterator[Finding]:
    """What a check cannot look at is a finding too, and no reason to leave out the other checks."""
    try:
        yield from check(opened, fix)
    except AuguryError as error:
        place = str(error.where)
        what = f"{place}: {error.what}" if place else error.what
        why = "; ".join(map(str, error.problems)) if isinstance(error, SpecError) else error.why
        yield Finding(what, why or "", error.fix or "Mend the cause, then ask again: augury doctor")
