"""How does a request become a finished run? Recover, plan, lock, perform, summarise."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date

from augury import __version__
from augury.errors import AuguryError, Place
from augury.events import Event, Listener, Noticed, RunFinished, RunStarted
from augury.ledger.records import DateRecord, ModelRecord, RunRecord, Status
from augury.machine import cores
from augury.operations.costing import cost_of, refuse_costly
from augury.operations.hands import work_of
from augury.operations.opened import Opened
from augury.operations.planning import Planned, plan_request
from augury.operations.resuming import owed_before, recover_crashed, resumed
from augury.operations.summaries import write_summaries
from augury.plan.steps import Plan, Request
from augury.run.event_hooks import tell_owed
from augury.run.ids import new_run_id
from augury.run.limits import peak_memory
from augury.run.listeners import log_listener
from augury.run.locking import ANY_TIME, Held, date_lock
from augury.run.log_bridge import capture_logging, capture_printing
from augury.run.logs import RunLog, current_context
from augury.run.outcome import EXIT_CODES, DateOutcome, RunResult
from augury.run.perform import Outcome, Performer
from augury.run.prepare import keep_references, register_model_file
from augury.run.work import Work


@dataclass(frozen=True)
class HowToRun:
    command: str
    """As typed, for the ledger."""
    wait: bool = False
    max_parallel: int | None = None
    descending: bool = False
    max_cost: float | None = None
    """US dollars that the queries of a warehouse that bills may cost."""


def run_request(opened: Opened, request: Request, how: HowToRun, listeners: Sequence[Listener] = ()) -> RunResult:
    """Bring what is asked for into the wanted state.

    Raises Locked where a single date belongs to another run, CannotStart where nothing can be tried. Whatever fails
    on the way is part of the result.
    """
    recover_crashed(opened)
    locks = opened.locking.locks
    run_id = new_run_id(opened.clock())
    with ExitStack() as stack:
        held: dict[date, Held] = {}
        if len(request.dates) == 1:
            # Taken before planning, so that of several processes exactly one goes on and the others say so at once.
            pipeline = opened.pipeline(request.pipeline, request.version)
            (day,) = request.dates
            place = Place(pipeline=request.pipeline, date=str(day))
            wait = ANY_TIME if how.wait else None
            held[day] = stack.enter_context(locks.acquire(date_lock(pipeline, day), run_id, wait, where=place))
            if how.wait:
                recover_crashed(opened)  # who had it may have died meanwhile
        planned = plan_request(opened, request, record_probes=True)
        run_id, planned = resumed(opened, planned, run_id)
        owed = owed_before(opened, planned)
        if planned.plan.is_empty and not owed:
            return RunResult(None, planned.plan, counts=_counts(planned.plan, ()))
        pipeline = planned.definitions.pipeline
        where = Place(pipeline=request.pipeline)
        refuse_costly(cost_of(opened, planned), pipeline.settings.limits, how.max_cost, where)
        marker = stack.enter_context(opened.locking.markers.hold(run_id))
        if planned.plan.is_empty:
            # Nothing begins: what is said on the way belongs to the log of the run that died.
            run_id = owed[0].run_id
        return _Run(opened, planned, how, listeners, run_id, held, marker).perform(stack, owed)


class _Run:
    def __init__(
        self,
        opened: Opened,
        planned: Planned,
        how: HowToRun,
        listeners: Sequence[Listener],
        run_id: str,
        held: Mapping[date, Held],
        marker: Held,
    ) -> None:
        self._opened = opened
        self._planned = planned
        self._how = how
        self._run_id = run_id
        self._held = held
        self._marker = marker
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

    def perform(self, stack: ExitStack, owed: Sequence[DateRecord | ModelRecord]) -> RunResult:
        """`owed` are outcomes of which a dead run did not tell the project's hooks."""
        plan = self._planned.plan
        stack.enter_context(self._log)
        stack.enter_context(capture_logging(self._log))
        stack.enter_context(capture_printing(self._printed))
        # First, while the run that owes them still counts as over: this one may go on under its name.
        failed = tell_owed(self._work(self._planned), owed, self._held)
        if plan.is_empty:
            return RunResult(None, plan, failures=tuple(failed), counts=_counts(plan, ()))
        self._begin(plan)
        try:
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
                    plan.left,
                )
            )
            outcome = self._perform_all()
        except BaseException as error:
            status = Status.CANCELLED if isinstance(error, KeyboardInterrupt) else Status.FAILED
            with suppress(AuguryError):  # the next run closes it, and what stopped this one is what counts
                self._close(status, {}, peak_memory(), str(error))
            raise
        outcome.failures[:0] = failed
        result = self._result(outcome)
        self._finish(result)
        return result

    def _begin(self, plan: Plan) -> None:
        opened, request = self._opened, plan.request
        if self._planned.resumed:
            opened.ledger.resume_run(self._run_id, opened.who.host, opened.who.pid, fence=self._marker.fence())
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
        parallel, work = self._parallel(planned.plan), self._work(planned)
        keep_references(work)
        if planned.world.facts.model_file:
            register_model_file(work)
        self._opened.warehouse.set_threads(1 if parallel > 1 else None)
        return Performer(work, held=self._held, tried=tried).perform(parallel=parallel, descending=self._how.descending)

    def _work(self, planned: Planned) -> Work:
        threads = 1 if self._parallel(planned.plan) > 1 else cores()
        wait = self._how.wait
        return work_of(self._opened, planned, self._run_id, self._tell, threads=threads, wait=wait, marker=self._marker)

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
        self._close(status, result.counts, result.peak_memory, _detail(result))
        try:
            write_summaries(opened, self._planned.definitions.pipeline)
        except AuguryError as error:
            # The predictions are published; the tables about them are written again by the next run.
            self._log.write("warning", f"summaries not written: {error.what}")
        self._tell(RunFinished(self._run_id, result.plan.request.pipeline, str(status), result.seconds, result.counts))

    def _close(self, status: Status, counts: Mapping[str, int], memory: int | None, detail: str) -> None:
        now, masked = self._opened.clock(), self._opened.masker.mask(detail)
        self._opened.ledger.finish_run(self._run_id, status, now, counts, memory, masked, fence=self._marker.fence())


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
    if plan.left:
        counts["left as they are"] = len(plan.left)
    return dict(counts)
