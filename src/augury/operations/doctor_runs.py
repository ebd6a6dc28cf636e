"""Which runs died without saying so, and which ones hold what others wait for?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from augury.errors import Owner
from augury.operations.finding import Finding, command, described
from augury.operations.locking import SERVICE
from augury.operations.opened import Opened
from augury.operations.resuming import recover_crashed
from augury.run.event_hooks import day_of, hook_of, owed_calls


def dead_runs(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Runs that the ledger calls running and that no process performs."""
    alive = opened.locking.markers.is_alive
    dead = [run for run in opened.ledger.unfinished_runs() if not alive(run.run_id)]
    if fix and dead:
        recover_crashed(opened)
    for run in dead:
        yield Finding(
            f"run {run.run_id} of {run.pipeline} reads as running, and its process is gone",
            f"{run.command}: {run.host}, pid {run.pid}, since {run.started_at:%Y-%m-%d %H:%M} UTC",
            "What it finished is recorded, what it did not is crashed. Go on: augury retry"
            if fix
            else "The next run closes it and goes on where it stopped; or: augury doctor --fix",
            mended=fix,
        )


def untold_outcomes(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Outcomes of which the project's hooks were not told: whoever waits for them waits in vain."""
    for versions in opened.spec.pipelines.values():
        for spec in versions.values():
            days: dict[str, set[date]] = {}
            for record in owed_calls(opened.ledger, spec):
                hook = hook_of(spec, record)
                assert hook is not None
                days.setdefault(hook.function, set()).add(day_of(record))
            retry = command("retry", spec, current=opened.current_version(spec.name))
            for name, found in days.items():
                yield Finding(
                    f"{spec.name} {spec.version}: {name} was not called for {described(sorted(found))}",
                    "the process died between the outcome and the call",
                    f"The next run of {spec.name} calls it; or: {retry}",
                )


def living_runs(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Locks that a living process holds: whoever needs the same dates waits for it, or ends with exit code 5.

    What the service is at is no finding: it is there to work.
    """
    serving = {(worker.host, worker.pid) for worker in opened.ledger.workers()}
    held: dict[str, tuple[Owner | None, list[str]]] = {}
    for name, owner in opened.locking.locks.in_use().items():
        if name != SERVICE and (owner is None or (owner.host, owner.pid) not in serving):
            held.setdefault(str(owner), (owner, []))[1].append(name)
    for owner, names in held.values():
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield Finding(
            f"{shown}: in use by a process that lives",
            str(owner) if owner else "it has not written its name yet",
            "Wait for it, or add --wait. If it hangs, end it"
            + (f" on {owner.host}: kill {owner.pid}" if owner else "")
            + "; the next run goes on where it stopped.",
        )
