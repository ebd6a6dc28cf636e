"""What does a project do with its dates? Plan, run, train, retry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal

from augury.dates import DateRange
from augury.project.opening import Opening

if TYPE_CHECKING:
    from augury.operations.costing import Cost
    from augury.operations.opened import Opened
    from augury.plan.explain import Explanation
    from augury.plan.steps import Plan, Request
    from augury.run.outcome import RunResult

Reprocess = Literal["missing", "failed", "all"]
WhichModel = Literal["point-in-time", "current"]


class Working(Opening):
    _seconds: Mapping[str, float] = {}
    """What steps took lately, as the latest plan found it."""
    _cost: Cost | None = None
    """What the latest plan costs, in a warehouse that bills."""

    def plan(
        self,
        pipeline: str,
        dates: DateRange,
        *,
        version: str | None = None,
        step: str | None = None,
        reprocess: Reprocess | None = None,
        model: WhichModel = "point-in-time",
        refresh_late: bool = False,
        max_cost: float | None = None,
    ) -> Plan:
        """What a run would do, and why. Writes nothing.

        Raises LimitExceeded where it would cost more than `max_cost` (US dollars) or `limits.bytes_billed` allow.
        """
        from augury.errors import Place
        from augury.operations.costing import cost_of, refuse_costly
        from augury.operations.planning import plan_request

        opened = self._reading
        request = self._request(opened, pipeline, dates, version, step, reprocess, model, (), refresh_late)
        planned = plan_request(opened, request, record_probes=False)
        self._seconds = planned.world.facts.seconds
        self._cost = cost_of(opened, planned)
        pipeline_limits = planned.definitions.pipeline.settings.limits
        refuse_costly(self._cost, pipeline_limits, max_cost, Place(pipeline=pipeline))
        return planned.plan

    def explain(self, plan: Plan) -> Explanation:
        """A plan in words."""
        from augury.operations.costing import with_cost
        from augury.plan.explain import explain

        opened = self._reading
        pipeline = opened.pipeline(plan.request.pipeline, plan.request.version)
        explained = explain(plan, pipeline, self._seconds, engine=opened.warehouse.features.engine)
        return with_cost(explained, self._cost)

    def run(
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
        wait: bool = False,
        max_parallel: int | None = None,
        order: Literal["asc", "desc"] = "asc",
        max_cost: float | None = None,
        command: str = "Project.run",
    ) -> RunResult:
        """Bring run dates into the wanted state: build what is missing or out of date, validate, publish.

        What fails is in the result; CannotStart and Locked are raised.
        """
        from augury.operations.running import HowToRun, run_request

        opened, request = self._accepted(
            lambda opened: self._request(
                opened, pipeline, dates, version, step, reprocess, model, tuple(accept), refresh_late
            )
        )
        how = HowToRun(command, wait, max_parallel, order == "desc", max_cost)
        return run_request(opened, request, how, self._listeners)

    def train(
        self,
        pipeline: str,
        tick: date | None = None,
        *,
        version: str | None = None,
        max_cost: float | None = None,
        command: str = "Project.train",
    ) -> RunResult:
        """Train the model of a tick, today's by default, whether or not it has one."""
        from augury.operations.running import HowToRun, run_request
        from augury.operations.training import train_request

        opened, request = self._accepted(lambda opened: train_request(opened, pipeline, tick, version))
        return run_request(opened, request, HowToRun(command, max_cost=max_cost), self._listeners)

    def retry(
        self, pipeline: str | None = None, *, version: str | None = None, command: str = "Project.retry"
    ) -> tuple[RunResult, ...]:
        """Run exactly the dates whose last outcome was not complete, whatever day it is."""
        from augury.operations.retrying import dates_to_retry
        from augury.operations.running import HowToRun, run_request
        from augury.plan.steps import Request

        opened = self._changing
        return tuple(
            run_request(opened, Request(name, which, days), HowToRun(command), self._listeners)
            for name, which, days in dates_to_retry(opened, pipeline, version)
        )

    def _accepted(self, make: Callable[[Opened], Request]) -> tuple[Opened, Request]:
        """What performs a request, and the request. In a new namespace it is planned before anything is opened for
        writing: what cannot start leaves nothing."""
        from augury.operations.planning import plan_request

        if self._is_new:
            plan_request(self._reading, make(self._reading), record_probes=False)
        opened = self._writing
        return opened, make(opened)

    def _request(
        self,
        opened: Opened,
        pipeline: str,
        dates: DateRange,
        version: str | None,
        step: str | None,
        reprocess: Reprocess | None,
        model: WhichModel,
        accept: tuple[str, ...],
        refresh_late: bool,
    ) -> Request:
        from augury.operations.requests import checked_step
        from augury.plan.steps import Request

        spec = opened.pipeline(pipeline, version)
        return Request(
            pipeline=pipeline,
            version=spec.version,
            dates=opened.run_dates(spec, dates),
            step=checked_step(spec, step),
            reprocess=reprocess,
            model=model,
            accept=accept,
            refresh_late=refresh_late,
        )
