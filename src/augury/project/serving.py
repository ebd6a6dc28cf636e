"""What does a project do as a service? Keep every pipeline predicted, take requests, and show what waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from threading import Event
from typing import TYPE_CHECKING, Any

from augury.project.working import Reprocess, WhichModel, Working

if TYPE_CHECKING:
    from augury.dates import DateRange
    from augury.errors import ExitCode
    from augury.ledger.queue_records import Pause
    from augury.ledger.records import RunRecord
    from augury.service.inspecting import Waiting
    from augury.service.submit import Submission


class Serving(Working):
    def serve(
        self,
        stop: Event,
        *,
        concurrency: int | None = None,
        grace: float = 30.0,
        until_idle: bool = False,
        tell: Callable[[str, str], None] = lambda level, message: None,
        began: Callable[[], None] = lambda: None,
    ) -> bool:
        """Perform what is due and what was submitted, until `stop` is set.

        False where tasks did not end in time: they were handed back, but their threads may go on, and the process has
        to end without waiting for them.

        `grace` seconds are what running tasks have to end in. Raises Locked where another process serves this
        ledger, PluginError where the service's library is missing.
        """
        from augury.service.serve import HowToServe, Server

        opened = self._writing
        tasks = concurrency or opened.spec.settings.service.concurrency or opened.warehouse.features.parallel_dates
        how = HowToServe(tasks, grace, until_idle)
        return Server(opened, how, tell, self._listeners, self._read).serve(stop, began)

    def submit(
        self,
        pipeline: str,
        dates: DateRange,
        *,
        version: str | None = None,
        step: str | None = None,
        reprocess: Reprocess | None = None,
        model: WhichModel = "point-in-time",
        accept: Sequence[str] = (),
        refresh_late: bool = False,
        command: str = "Project.submit",
    ) -> Submission:
        """Queue what `run` would do, for the service to perform."""
        from augury.service.submit import submit

        opened = self._writing
        request = self._request(opened, pipeline, dates, version, step, reprocess, model, tuple(accept), refresh_late)
        return submit(opened, request, command=command)

    def tasks(
        self,
        pipeline: str | None = None,
        *,
        day: date | None = None,
        run_id: str | None = None,
        everything: bool = False,
    ) -> Sequence[Waiting]:
        """Tasks that wait, run or are dead letters; with `everything` those that ended as well."""
        from augury.service.inspecting import tasks

        return tasks(self._reading, pipeline, day=day, run_id=run_id, everything=everything)

    def cancel(self, run_id: str) -> int:
        """Take back what of a run is not under way; how many tasks."""
        from augury.service.deciding import cancel

        return cancel(self._writing, run_id)

    def revive(self, run_id: str | None = None) -> int:
        """Send dead letters again, of one run or of all; how many."""
        from augury.service.deciding import revive

        return revive(self._writing, run_id)

    def pause(self, pipeline: str) -> bool:
        """Serve no schedule of a pipeline until it is resumed; False where it was paused already."""
        from augury.service.deciding import pause

        return pause(self._writing, pipeline)

    def resume(self, pipeline: str) -> bool:
        """False where it was not paused."""
        from augury.service.deciding import resume

        return resume(self._writing, pipeline)

    def notify(self, operation: str, result: Mapping[str, Any] | None = None) -> int:
        """An operation that tasks wait for is over; how many go on. Raises UsageError where nobody waits for it."""
        from augury.service.deciding import notify

        return notify(self._writing, operation, result or {})

    def pauses(self) -> Mapping[str, Pause]:
        """Paused pipelines by name."""
        return self._reading.ledger.pauses()

    @property
    def is_served(self) -> bool:
        """Whether some process of the service is alive."""
        from augury.service.inspecting import is_served

        return is_served(self._reading)

    @property
    def is_shared(self) -> bool:
        """Whether several workers may serve this target."""
        return self.spec.target.ledger is not None

    def run_of(self, run_id: str) -> RunRecord:
        """Raises UsageError where there is no such run."""
        return self._reading.ledger.run(run_id)

    def progress_of(self, run_id: str) -> tuple[int, int, Mapping[str, int]]:
        """Of a run of the service: tasks that are over, all tasks, and its dates by status."""
        from augury.service.inspecting import progress_of

        return progress_of(self._reading, run_id)

    def exit_code_of(self, run: RunRecord) -> ExitCode:
        from augury.service.inspecting import exit_code_of

        return exit_code_of(run)
