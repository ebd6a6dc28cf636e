"""Which runs died without saying so, and which ones hold what others wait for?"""

from __future__ import annotations

from collections.abc import Iterator

from augury.errors import Owner
from augury.operations.finding import Finding
from augury.operations.opened import Opened
from augury.operations.resuming import recover_crashed
from augury.run.locks import PartitionLocks, RunMarker


def dead_runs(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Runs that the ledger calls running and that no process performs."""
    marker = RunMarker(opened.locks_folder, opened.clock)
    dead = [run for run in opened.ledger.unfinished_runs() if not marker.is_alive(run.run_id)]
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


def living_runs(opened: Opened, fix: bool) -> Iterator[Finding]:
    """Locks that a living process holds: whoever needs the same dates waits for it, or ends with exit code 5."""
    locks = PartitionLocks(opened.locks_folder, opened.clock)
    held: dict[str, tuple[Owner | None, list[str]]] = {}
    if opened.locks_folder.is_dir():
        for path in sorted(opened.locks_folder.glob("*.lock")):
            if not path.stem.startswith("run-") and locks.is_locked(path.stem):
                owner = locks.owner(path.stem)
                held.setdefault(str(owner), (owner, []))[1].append(path.stem)
    for owner, names in held.values():
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        yield Finding(
            f"{shown}: in use by a process that lives",
            str(owner) if owner else "it has not written its name yet",
            "Wait for it, or add --wait. If it hangs, end it"
            + (f" on {owner.host}: kill {owner.pid}" if owner else "")
            + "; the next run goes on where it stopped.",
        )
