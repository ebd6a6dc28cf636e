"""With what in its hands is a plan performed? Everything that its tasks share, from what the project has open."""

from __future__ import annotations

from collections.abc import Callable

from augury.events import Event
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.operations.resuming import ended_before
from augury.run.locking import Held
from augury.run.work import Work


def work_of(
    opened: Opened,
    planned: Planned,
    run_id: str,
    tell: Callable[[Event], None],
    *,
    threads: int,
    wait: bool,
    suspends: bool = False,
    marker: Held | None = None,
) -> Work:
    """`threads` is for one task; `wait` is for locked dates, which else are left to their owner; with
    `suspends` a task that waits for something outside gives its thread back. `marker` is the lock of a run that one
    process performs."""
    return Work(
        run_id=run_id,
        plan=planned.plan,
        definitions=planned.definitions,
        graph=planned.graph,
        ticks=planned.ticks,
        facts=planned.world.facts,
        warehouse=opened.warehouse,
        ledger=opened.ledger,
        locks=opened.locking.locks,
        models=opened.models,
        references=opened.references_folder,
        clock=opened.clock,
        tell=tell,
        who=opened.who.user,
        host=opened.who.host,
        threads=threads,
        wait=wait,
        suspends=suspends,
        mask=opened.masker.mask,
        states=planned.world.states,
        ended=ended_before(planned),
        lock=marker,
    )
