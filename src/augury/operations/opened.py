"""What is in everybody's hands once a project is open: its specification, its warehouse and its ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from augury.dates import DateRange
from augury.errors import StorageFailed, UsageError, nearest
from augury.ledger.decisions import SET_VERSION
from augury.ledger.store import Ledger
from augury.run.locking import Locking
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


class GoneVersion(UsageError):
    """The version that consumers see is no longer in the project: which one is meant is not for augury to say."""

    def __init__(self, name: str, gone: str, versions: Mapping[str, PipelineSpec]) -> None:
        last = list(versions)[-1]
        super().__init__(
            f"the current version of {name} is {gone}, and the project has no {gone}",
            why=f"it has {', '.join(versions)}; consumers go on reading what {gone} published",
            fix=f"Restore pipelines/{name}/{'' if gone == 'v1' else gone}, or let consumers see another one: "
            f"augury set-version {name} {last}. To work on one beside it, name it: --version {last}",
        )


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
    locking: Locking
    """Locks of dates, trainings and runs: of the operating system, or in a ledger that several hosts share."""

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
        versions = self.versions(name)
        wanted = version or self.current_version(name)
        if wanted in versions:
            return versions[wanted]
        if version is None:
            raise GoneVersion(name, wanted, versions)
        raise UsageError(f"pipeline {name!r} has no version {wanted!r}", why=f"it has {', '.join(versions)}")

    def versions(self, name: str) -> Mapping[str, PipelineSpec]:
        """The versions of a pipeline, ascending. Raises UsageError with the nearest spelling."""
        versions = self.spec.pipelines.get(name)
        if versions is None:
            close = nearest(name, self.spec.pipelines)
            raise UsageError(
                f"there is no pipeline called {name!r}",
                fix=f"Did you mean {close!r}?" if close else "See: augury ls",
            )
        return versions

    def current_version(self, name: str) -> str:
        """The version that consumers see: the one set last, else the one whose predictions they read, else the first.

        Its folder may be gone. Nobody but `augury set-version` moves consumers.
        """
        return self.ledger.current_version(name) or self._shown_version(name)

    def _shown_version(self, name: str) -> str:
        versions = self.spec.pipelines[name]
        first = next(iter(versions))
        tables = versions[first].tables
        try:
            shown = self.warehouse.view(tables.current_predictions)
        except StorageFailed:
            # Whoever points the view, or checks it, says so.
            return first
        version = tables.version_of(shown) if shown else None
        if shown is None or version is None or shown == tables.predictions:
            return first
        # A name that shows nothing keeps nobody.
        return version if self.warehouse.partitions(shown) else first

    def current_versions(self) -> dict[str, str]:
        """The version that consumers see, of each pipeline that has several or for which somebody decided."""
        decided = {made.pipeline: made.subject for made in self.ledger.decisions(actions=(SET_VERSION,))}
        several = [name for name, versions in self.spec.pipelines.items() if len(versions) > 1]
        return {**{name: self._shown_version(name) for name in several if name not in decided}, **decided}

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
