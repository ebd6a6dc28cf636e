"""What was logged about a date, a run or a pipeline? The ledger says which files to open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from augury.errors import UsageError, nearest
from augury.operations.opened import Opened
from augury.run.logs import LEVELS, read_logs


def logs(
    opened: Opened,
    day: date | None = None,
    run_id: str | None = None,
    pipeline: str | None = None,
    level: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Lines that fit everything that is given, run by run in the order in which they started.

    `level` is the lowest one wanted. Raises UsageError at once for a run, pipeline or level that does not exist.
    """
    if level is not None and level not in LEVELS:
        close = nearest(level, LEVELS)
        raise UsageError(
            f"there is no log level {level!r}",
            why=f"levels are {', '.join(LEVELS)}",
            fix=f"Did you mean {close!r}?" if close else None,
        )
    run_ids = _run_ids(opened, day, run_id, pipeline)
    return read_logs(opened.logs_folder, run_ids=run_ids, date=day, pipeline=pipeline, level=level)


def _run_ids(opened: Opened, day: date | None, run_id: str | None, pipeline: str | None) -> set[str] | None:
    """The runs that may have something to say; None for all of them."""
    if run_id is not None:
        return {opened.ledger.run(run_id).run_id}
    if day is None and pipeline is None:
        return None
    runs = opened.ledger.runs(pipeline, limit=None)
    if pipeline is not None and not runs:
        opened.versions(pipeline)  # a retired pipeline keeps its logs, an unknown one is a mistake
    if day is None:
        return {run.run_id for run in runs}
    # A run that died left no steps of the dates that it was at, so its range counts too.
    asked = {
        run.run_id
        for run in runs
        if run.first_date is not None and run.last_date is not None and run.first_date <= day <= run.last_date
    }
    return asked | {step.run_id for step in opened.ledger.steps(pipeline=pipeline, run_date=day)}
