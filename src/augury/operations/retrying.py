"""Which dates does `augury retry` run? Exactly those that the ledger knows not to be complete, whatever day it is."""

from __future__ import annotations

from datetime import date

from augury.ledger.records import Status
from augury.operations.opened import Opened
from augury.operations.resuming import recover_crashed
from augury.run.event_hooks import owed_calls

UNFINISHED = (Status.FAILED, Status.HELD, Status.CRASHED, Status.BLOCKED, Status.REFUSED, Status.LOCKED)


def dates_to_retry(
    opened: Opened, pipeline: str | None, version: str | None
) -> tuple[tuple[str, str, tuple[date, ...]], ...]:
    """(pipeline, version, dates ascending) of every version that has some, or whose hooks are owed a call; all
    versions where none is named.

    Runs whose process died are closed first, so that their dates count. A date that left the grid (another start,
    end or schedule since) is not run again. Raises UsageError for an unknown pipeline or version.
    """
    recover_crashed(opened)
    if pipeline is None:
        wanted = [spec for versions in opened.spec.pipelines.values() for spec in versions.values()]
        if version is not None:
            wanted = [spec for spec in wanted if spec.version == version]
    elif version is None:
        wanted = list(opened.versions(pipeline).values())
    else:
        wanted = [opened.pipeline(pipeline, version)]
    found = []
    for spec in wanted:
        records = opened.ledger.date_records(spec.name, spec.version)
        days = tuple(day for day, record in records.items() if record.status in UNFINISHED and day in spec.grid)
        if days or owed_calls(opened.ledger, spec):
            found.append((spec.name, spec.version, days))
    return tuple(found)
