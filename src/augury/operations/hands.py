"""With what in its hands is a plan performed? Everything that its tasks share, from what the project has open."""

from __future__ import annotations

from collections.abc import Callable

from augury.events import Event
from augury.operations.opened import Opened
from augury.operations.planning import Planned
from augury.operations.resuming import ended_before
from augury.run.locks import PartitionLocks
from augury.run.work import Work


def work_of(
    opened: Opened, planned: Planned, run_id: str, tell: Callable[[Event], None], *, threads: int, wait: bool
) -> Work:
    """`threads` is for one task; `wait` is for locked dates, which else are left to their owner."""
    return Work(
        run_id=run_id,
        plan=planned.plan,
        definitions=planned.definitions,
        graph=planned.graph,
        ticks=planned.ticks,
        facts=planned.world.facts,
        warehouse=opened.warehouse,
        ledger=opened.ledger,
        locks=PartitionLocks(opened.locks_folder, opened.clock),
        models=opened.models,
        references=opened.references_folder,
        clock=opened.clock,
        tell=tell,
        who=opened.who.user,
        host=opened.who.host,
        threads=threads,
        wait=wait,
        mask=opened.masker.mask,
        states=planned.world.states,
        ended=ended_before(planned),
    )
