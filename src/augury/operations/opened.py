"""What is in everybody's hands once a project is open: its specification, its warehouse and its ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from augury.dates import DateRange
from augury.errors import UsageError, nearest
from augury.ledger.store import Ledger
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.secrets import Masker
from augury.sql.compiler import Compiler
from augury.warehouses.contract import Warehouse


@dataclass(frozen=True)
class Who:
    """Who is at work, for the audit."""

    user: str
    host: str
    pid: int


@dataclass(frozen=True)
class Opened:
    spec: ProjectSpec
    warehouse: Warehouse
    ledger: Ledger
    clock: Callable[[], datetime]
    """Now, aware, in UTC. The only clock there is."""
    masker: Masker
    home: Path
    """`<target.path>/<namespace>`: locks, logs and models lie below it."""
    models: Path
    who: Who
    compiler: Compiler

    @property
    def locks_folder(self) -> Path:
        return self.home / "_locks"

    @property
    def logs_folder(self) -> Path:
        return self.home / "_logs"

    @property
    def references_folder(self) -> Path:
        """Every version of the reference data that a model learned from."""
        return self.home / "_references"

    def pipeline(self, name: str, version: str | None = None) -> PipelineSpec:
        """A pipeline's version; the current one by default. Raises UsageError with the nearest spelling."""
        versions = self.spec.pipelines.get(name)
        if versions is None:
            close = nearest(name, self.spec.pipelines)
            raise UsageError(
                f"there is no pipeline called {name!r}",
                fix=f"Did you mean {close!r}?" if close else "See: augury ls",
            )
        wanted = version or self.current_version(name)
        if wanted not in versions:
            raise UsageError(f"pipeline {name!r} has no version {wanted!r}", why=f"it has {', '.join(versions)}")
        return versions[wanted]

    def current_version(self, name: str) -> str:
        """The version that consumers see: the one set last, else the first."""
        versions = self.spec.pipelines[name]
        decided = self.ledger.current_version(name)
        return decided if decided in versions else next(iter(versions))

    def today(self, pipeline: PipelineSpec) -> date:
        """The local date of the pipeline's schedule."""
        return self.clock().astimezone(pipeline.zone).date()

    def run_dates(self, pipeline: PipelineSpec, within: DateRange) -> tuple[date, ...]:
        """The run dates of a range.

        Raises UsageError for one date that is off the grid (naming the nearest), for dates before the start or
        from the end on, and for dates whose knowledge is not complete yet.
        """
        start, end = pipeline.settings.start, pipeline.settings.end
        dates = pipeline.grid.dates(within)
        asked = str(within.start) if within == DateRange.one(within.start) else f"{within.start} to {within.end}"
        if not dates:
            near = pipeline.grid.nearest(within.start)
            bounds = f"it runs from {start}" + (f" until {end} (excluded)" if end else "")
            raise UsageError(
                f"{asked} is not a run date of {pipeline.name}",
                why=f"{bounds}, on the days of {pipeline.settings.schedule.cron!r} in {pipeline.zone.key}",
                fix=f"The nearest run date is {near}." if near else None,
            )
        now = self.clock()
        future = [day for day in dates if pipeline.cutoffs.of(day) > now]
        if future:
            last = pipeline.grid.at_or_before(self.today(pipeline))
            raise UsageError(
                f"{future[0]} lies in the future: its cutoff is {pipeline.cutoffs.of(future[0]):%Y-%m-%d %H:%M} UTC",
                fix=f"The latest run date that can be built is {last}." if last else None,
            )
        return dates
