"""How is a run followed that another process performs? By looking at the ledger, with a bar on a terminal."""

from __future__ import annotations

import time
from collections import Counter

from augury.cli.narrator import summary
from augury.cli.streams import Streams
from augury.ledger.records import RunRecord, Status
from augury.project import Project

SECONDS = 0.3
"""Between two looks."""


def follow(streams: Streams, project: Project, run_id: str) -> RunRecord:
    """Returns when the run is over."""
    bar = None
    try:
        while True:
            run = project.run_of(run_id)
            if run.status not in (Status.QUEUED, Status.RUNNING):
                return run
            if streams.terminal and not streams.quiet:
                over, total, statuses = project.progress_of(run_id)
                if bar is None:
                    from augury.cli.progress import Bar

                    bar = Bar(run.pipeline, total, " tasks", streams)
                bar.reach(over, summary(Counter(statuses)))
            time.sleep(SECONDS)
    finally:
        if bar is not None:
            bar.stop()
