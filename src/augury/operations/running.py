"""How does a request become a finished run? Recover, plan, lock, perform, summarise."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

from augury import __version__
from augury.errors import AuguryError, Place
from augury.events import Event, Listener, Noticed, RunFinished, RunStarted
from augury.ledger.records import RunRecord, Status
from augury.operations.hands import work_of
from augury.operations.opened import Opened
from augury.operations.planning import Planned, plan_request
from augury.operations.resuming import recover_crashed, resumed, settle
from augury.operations.summaries import write_summaries
from augury.plan.steps import Plan, Request
from augury.run.ids import new_run_id
from augury.run.limits import peak_memory
from augury.run.listeners import log_listener
from augury.run.locks import ANY_TIME, PartitionLocks, RunMarker
from augury.run.log_bridge import capture_logging, capture_printing
from augury.run.logs import RunLog, current_context
from augury.run.outcome import EXIT_CODES, DateOutcome, RunResult
from augury.run.perform import Outcome, Performer
from augury.run.prepare import keep_references, register_model_file


@dataclass(frozen=True)
class HowToRun:
    command: str
    """As typed, for the ledger."""
    wait: bool = False
    max_parallel: int | None = None
    descending: bool = False


def run_request(opened: Opened, request: Request, how: HowToRun, listeners: Sequence[Listener] = ()) -> RunResult:
    """Bring what is asked for into the wanted state.

    Raises Locked where a single date belongs to another run, CannotStart where nothing can be tried. Whatever fails
    on the way is part of the result.
    """
    recover_crashed(opened)
    locks = PartitionLocks(opened.locks_folder, opened.clock)
    run_id = new_run_id(opened.clock())
    with ExitStack() as stack:
        held: tuple[date, ...] = ()
        if len(request.dates) == 1:
            # Taken before planning, so that of several processes exactly one goes on and the others say so at once.
            pipeline = opened.pipeline(request.pipeline, request.version)
            name = f"{pipeline.tables.stem}-{pipeline.version}-{request.dates[0]}"
            place = Place(pipeline=request.pipeline, date=str(request.dates[0]))
            stack.enter_context(locks.acquire(name, run_id, wait=ANY_TIME if how.wait else None, where=place))
            held = request.dates
        planned = plan_request(opened, request, record_probes=True)
        settle(opened, planned)
        run_id, planned = resumed(opened, planned, run_id)
        if planned.plan.is_empty:
            return RunResult(None, planned.plan, counts=_counts(planned.plan, ()))
        return _Run(opened, planned, how, listeners, run_id, held).perform(stack)


class _Run:
    def __init__(
        self,
        opened: Opened,
        planned: Planned,
        how: HowToRun,
        listeners: Sequence[Listener],
        run_id: str,
        held: tuple[date, ...],
    ) -> None:
        self._opened = opened
        self._planned = planned
        self._how = how
        self._run_id = run_id
        self._held = held
        self._started = time.monotonic()
        pipeline = planned.definitions.pipeline
        self._log = RunLog(
            opened.logs_folder,
            run_id,
            pipeline=pipeline.name,
            version=pipeline.version,
            mask=opened.masker.mask,
            now=opened.clock,
        )
        self._listeners: list[Listener] = [log_listener(self._log), *listeners]

    def perform(self, stack: ExitStack) -> RunResult:
        opened, plan = self._opened, self._planned.plan
        stack.enter_context(RunMarker(opened.locks_folder, opened.clock).hold(self._run_id))
        stack.enter_context(self._log)
        stack.enter_context(capture_logging(self._log))
        stack.enter_context(capture_printing(self._printed))
        self._begin(plan)
        self._tell(
            RunStarted(
                self._run_id,
                plan.request.pipeline,
                plan.request.version,
                self._how.command,
                plan.request.dates,
                len(plan.tasks),
                plan.to_build,
                self._parallel(plan),
            )
        )
        try:
            outcome = self._perform_all()
        except BaseException as error:
            status = Status.CANCELLED if isinstance(error, KeyboardInterrupt) else Status.FAILED
            opened.ledger.finish_run(
                self._run_id, status, opened.clock(), {}, peak_memory(), opened.masker.mask(str(error))
            )
            raise
        result = self._result(outcome)
        self._finish(result)
        return result

    def _begin(self, plan: Plan) -> None:
        opened, request = self._opened, plan.request
        if self._planned.resumed:
            opened.ledger.resume_run(self._run_id, opened.who.host, opened.who.pid)
            return
        record = RunRecord(
            run_id=self._run_id,
            pipeline=request.pipeline,
            version=request.version,
            target=opened.spec.target_name,
            command=opened.masker.mask(self._how.command),
            first_date=request.dates[0] if request.dates else None,
            last_date=request.dates[-1] if request.dates else None,
            status=Status.RUNNING,
            started_at=opened.clock(),
            host=opened.who.host,
            pid=opened.who.pid,
            user=opened.who.user,
            augury_version=__version__,
        )
        opened.ledger.begin_run(record, opened.masker.mask(plan.to_json()))

    def _perform_all(self) -> Outcome:
        """Perform the plan; where a failed gate leads to an earlier tick that is not trained, plan again."""
        seen: set[date] = set()
        outcome = self._perform_plan(self._planned, seen)
        while outcome.needs - seen:
            seen |= outcome.needs
            again = plan_request(self._opened, self._planned.plan.request, record_probes=False)
            if again.plan.is_empty:
                break
            more = self._perform_plan(again, seen)
            outcome = Outcome(
                {**outcome.dates, **more.dates},
                [*outcome.trained, *more.trained],
                [*outcome.failures, *more.failures],
                more.needs,
            )
        return outcome

    def _perform_plan(self, planned: Planned, tried: Collection[date]) -> Outcome:
        parallel = self._parallel(planned.plan)
        threads = 1 if parallel > 1 else (os.cpu_count() or 1)
        work = work_of(self._opened, planned, self._run_id, self._tell, threads=threads, wait=self._how.wait)
        keep_references(work)
        if planned.world.facts.model_file:
            register_model_file(work)
        self._opened.warehouse.set_threads(1 if parallel > 1 else None)
        return Performer(work, held=self._held, tried=tried).perform(parallel=parallel, descending=self._how.descending)

    def _parallel(self, plan: Plan) -> int:
        """Dates side by side, one thread each, beat threads inside a query (see docs/explanation/speed)."""
        wanted = self._how.max_parallel or self._opened.warehouse.features.parallel_dates
        return max(1, min(wanted, len({task.day for task in plan.tasks})))

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001  a listener never breaks a run
                self._log.write("warning", f"a listener failed on {type(event).__name__}: {error}")

    def _printed(self, line: str) -> None:
        """What a hook prints is narration, masked and logged like the rest."""
        context = current_context()
        day = date.fromisoformat(context.date) if context.date else None
        self._tell(Noticed(self._run_id, self._planned.plan.request.pipeline, line, day))

    # -- the end -----------------------------------------------------------------------------------------------

    def _result(self, outcome: Outcome) -> RunResult:
        plan = self._planned.plan
        outcomes = tuple(outcome.dates[day] for day in sorted(outcome.dates))
        return RunResult(
            run_id=self._run_id,
            plan=plan,
            outcomes=outcomes,
            trained=tuple(sorted(outcome.trained, key=lambda model: model.number)),
            failures=tuple(outcome.failures),
            seconds=time.monotonic() - self._started,
            peak_memory=peak_memory(),
            resumed=self._run_id if self._planned.resumed else None,
            counts=_counts(plan, outcomes),
        )

    def _finish(self, result: RunResult) -> None:
        opened = self._opened
        status = run_status(result)
        opened.ledger.finish_run(
            self._run_id, status, opened.clock(), result.counts, result.peak_memory, opened.masker.mask(_detail(result))
        )
        try:
            write_summaries(opened, self._planned.definitions.pipeline)
        except AuguryError as error:
            # The predictions are published; the tables about them are written again by the next run.
            self._log.write("warning", f"summaries not written: {error.what}")
        self._tell(RunFinished(self._run_id, result.plan.request.pipeline, str(status), result.seconds, result.counts))


def run_status(result: RunResult) -> Status:
    """A run's own status: the one whose exit code it ends with."""
    code = result.exit_code
    for status in (Status.FAILED, Status.REFUSED, Status.HELD, Status.LOCKED):
        if EXIT_CODES[status] is code:
            return status
    return Status.SUCCEEDED


def _detail(result: RunResult) -> str:
    errors: list[str] = [outcome.detail for outcome in result.outcomes if outcome.error]
    errors += [error.what for error in result.failures]
    return errors[0] if errors else ""


def _counts(plan: Plan, outcomes: Sequence[DateOutcome]) -> dict[str, int]:
    counts = Counter(str(outcome.status) for outcome in outcomes)
    if plan.up_to_date:
        counts["up to date"] = len(plan.up_to_date)
    return dict(counts)
