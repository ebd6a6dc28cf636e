"""The library door, and the one place where a project's parts are put together.

    with Project.open("shop", target="prod") as project:
        result = project.run("ltv", DateRange.one(date(1998, 1, 15)))

Opening reads the specification only. The warehouse and the ledger are opened when first asked for: read-only where
the question does not write.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from augury.dates import DateRange, parse_date
from augury.events import Listener
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.reader import find_root, read_project
from augury.spec.settings import Var

if TYPE_CHECKING:
    import pyarrow as pa

    from augury.ledger.records import DateRecord, Decision, RunRecord
    from augury.operations.doctor import Finding
    from augury.operations.housekeeping import Change
    from augury.operations.inspecting import CompiledStep, Validation
    from augury.operations.opened import Opened
    from augury.operations.registry import ModelRow
    from augury.operations.showing import Shown
    from augury.operations.status import PipelineStatus
    from augury.plan.explain import Explanation
    from augury.plan.facts import Facts
    from augury.plan.steps import Plan, Request
    from augury.run.outcome import RunResult

Reprocess = Literal["missing", "failed", "all"]
WhichModel = Literal["point-in-time", "current"]


def utc_now() -> datetime:
    """The clock of everybody who brings none."""
    return datetime.now(UTC)


class Project:
    """A project on one of its targets."""

    def __init__(
        self, spec: ProjectSpec, clock: Callable[[], datetime] = utc_now, listeners: Sequence[Listener] = ()
    ) -> None:
        self.spec = spec
        self._clock = clock
        self._listeners = tuple(listeners)
        self._stack: list[Callable[[], None]] = []
        self._facts: Facts | None = None

    @classmethod
    def open(
        cls,
        path: str | Path = ".",
        *,
        target: str | None = None,
        variables: Mapping[str, Var] | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        listeners: Sequence[Listener] = (),
        only: str | None = None,
    ) -> Self:
        """The project at `path` or above it. `only` reads a single pipeline's folder.

        Raises SpecError with every problem of every file, UsageError where there is no project.
        """
        spec = read_project(
            find_root(Path(path)),
            target=target,
            variables=variables or {},
            environment=os.environ if environment is None else environment,
            only=only,
        )
        return cls(spec, clock, listeners)

    # -- opening -----------------------------------------------------------------------------------------------

    @cached_property
    def _writing(self) -> Opened:
        return self._opened(read_only=False)

    @cached_property
    def _reading(self) -> Opened:
        """Writes nothing, creates nothing; what does not exist yet is empty."""
        return self._opened(read_only=True)

    def _opened(self, *, read_only: bool) -> Opened:
        from augury import plugins
        from augury.ledger.store import Ledger
        from augury.operations.opened import Opened, Who
        from augury.spec.secrets import Masker
        from augury.sql.compiler import Compiler

        spec, target = self.spec, self.spec.target
        root = spec.root / target.path
        home = root / spec.namespace
        warehouse = plugins.load("warehouses", target.warehouse).open(
            root,
            spec.namespace,
            project=spec.name,
            deployment=spec.settings.deployment or "",
            target=spec.target_name,
            project_root=spec.root,
            output_root=spec.root / target.output if target.output else None,
            threads=target.threads,
            memory=target.memory,
            read_only=read_only,
            clock=self._clock,
        )
        self._stack.append(warehouse.close)
        ledger = Ledger.open(home / "_ledger.db", create=not read_only)
        self._stack.append(ledger.close)
        return Opened(
            spec=spec,
            warehouse=warehouse,
            ledger=ledger,
            clock=self._clock,
            masker=Masker(spec.secrets),
            home=home,
            models=spec.root / target.models if target.models else home / "_models",
            who=Who(_user(), socket.gethostname(), os.getpid()),
            compiler=Compiler(spec.macros, warehouse.features.dialect),
        )

    def close(self) -> None:
        while self._stack:
            self._stack.pop()()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- dates and plans ---------------------------------------------------------------------------------------

    def parse_date(self, text: str, pipeline: str) -> date:
        """A date as people write it, `last-saturday` included, in the time zone of the pipeline's schedule."""
        versions = self.spec.pipelines.get(pipeline)
        zone = next(iter(versions.values())).zone if versions else UTC
        return parse_date(text, self._clock().astimezone(zone).date())

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
    ) -> Plan:
        """What a run would do, and why. Writes nothing."""
        from augury.operations.planning import plan_request

        opened = self._reading
        request = self._request(
            opened, pipeline, dates, version, step, reprocess, model, (), refresh_late
        )
        planned = plan_request(opened, request, record_probes=False)
        self._facts = planned.world.facts
        return planned.plan

    def explain(self, plan: Plan) -> Explanation:
        """A plan in words."""
        from augury.plan.explain import explain

        opened = self._reading
        pipeline = opened.pipeline(plan.request.pipeline, plan.request.version)
        return explain(
            plan,
            pipeline,
            self._facts.seconds if self._facts else {},
            engine=opened.warehouse.features.engine,
        )

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
        command: str = "Project.run",
    ) -> RunResult:
        """Bring run dates into the wanted state: build what is missing or out of date, validate, publish.

        What fails is in the result; CannotStart and Locked are raised.
        """
        from augury.operations.running import HowToRun, run_request

        opened = self._writing
        request = self._request(
            opened, pipeline, dates, version, step, reprocess, model, tuple(accept), refresh_late
        )
        how = HowToRun(command, wait, max_parallel, order == "desc")
        return run_request(opened, request, how, self._listeners)

    def train(
        self,
        pipeline: str,
        tick: date | None = None,
        *,
        version: str | None = None,
        command: str = "Project.train",
    ) -> RunResult:
        """Train the model of a tick, today's by default, whether or not it has one."""
        from augury.operations.running import HowToRun, run_request
        from augury.operations.training import train_request

        opened = self._writing
        request = train_request(opened, pipeline, tick, version)
        return run_request(opened, request, HowToRun(command), self._listeners)

    def retry(
        self, pipeline: str | None = None, *, version: str | None = None, command: str = "Project.retry"
    ) -> tuple[RunResult, ...]:
        """Run exactly the dates whose last outcome was not complete, whatever day it is."""
        from augury.operations.retrying import dates_to_retry
        from augury.operations.running import HowToRun, run_request
        from augury.plan.steps import Request

        opened = self._writing
        return tuple(
            run_request(opened, Request(name, which, days), HowToRun(command), self._listeners)
            for name, which, days in dates_to_retry(opened, pipeline, version)
        )

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

    # -- looking -----------------------------------------------------------------------------------------------

    def validate(self) -> Validation:
        """Compile every step of every pipeline. Raises SpecError with all problems."""
        from augury.operations.inspecting import validate

        return validate(self._reading)

    def compile(
        self, pipeline: str, day: date, *, step: str | None = None, version: str | None = None
    ) -> tuple[CompiledStep, ...]:
        """The SQL of a pipeline's steps on one date, as the engine gets it."""
        from augury.operations.inspecting import compile_steps

        return compile_steps(self._reading, pipeline, day, step, version)

    def query(self, sql: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """Stream a SELECT over the tables of the target. Raises UsageError for anything that writes."""
        from augury.operations.querying import query

        return query(self._reading, sql)

    def show(
        self, pipeline: str, day: date, *, version: str | None = None, limit: int = 10
    ) -> Shown:
        """What a date published, and how it came about."""
        from augury.operations.showing import show

        return show(self._reading, pipeline, day, version, limit)

    def status(self, pipeline: str | None = None, *, days: int = 30) -> tuple[PipelineStatus, ...]:
        from augury.operations.status import status

        self._recover()
        return status(self._reading, pipeline, days)

    def runs(self, pipeline: str | None = None, *, limit: int = 20) -> tuple[RunRecord, ...]:
        self._recover()
        return tuple(self._reading.ledger.runs(pipeline, limit=limit))

    def logs(
        self,
        *,
        day: date | None = None,
        run_id: str | None = None,
        pipeline: str | None = None,
        level: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        from augury.operations.logs import logs

        return logs(self._reading, day, run_id, pipeline, level)

    def dates(self, pipeline: str, version: str | None = None) -> Mapping[date, DateRecord]:
        """The latest outcome of every run date, by date."""
        self._recover()
        spec = self._reading.pipeline(pipeline, version)
        return self._reading.ledger.date_records(spec.name, spec.version)

    def config(self, pipeline: str | None = None) -> tuple[tuple[str, str, str], ...]:
        """Every value with where it came from: (key, value, origin)."""
        from augury.operations.configuration import config

        return config(self.spec, pipeline)

    def _recover(self) -> None:
        """Close runs whose process died, so that nothing reads as running; needs the right to write."""
        home = self.spec.root / self.spec.target.path / self.spec.namespace
        if not (home / "_ledger.db").exists() or not os.access(home / "_ledger.db", os.W_OK):
            return
        if not any(True for _ in self._reading.ledger.unfinished_runs()):
            return
        from augury.operations.running import recover_crashed

        recover_crashed(self._writing)

    # -- deciding ----------------------------------------------------------------------------------------------

    def models(self, pipeline: str, *, version: str | None = None) -> tuple[ModelRow, ...]:
        from augury.operations.registry import models

        return models(self._reading, pipeline, version)

    def promote(
        self, pipeline: str, number: int, *, version: str | None = None, from_date: date | None = None
    ) -> Decision:
        from augury.operations.registry import promote

        return promote(self._writing, pipeline, number, version, from_date)

    def rollback(
        self,
        pipeline: str,
        *,
        number: int | None = None,
        version: str | None = None,
        from_date: date | None = None,
    ) -> Decision:
        from augury.operations.registry import rollback

        return rollback(self._writing, pipeline, number, version, from_date)

    def set_version(self, pipeline: str, version: str) -> Decision:
        from augury.operations.registry import set_version

        return set_version(self._writing, pipeline, version)

    # -- housekeeping ------------------------------------------------------------------------------------------

    def copy(self, pattern: str, to: str, *, dry_run: bool = False) -> tuple[Change, ...]:
        from augury.operations.housekeeping import copy

        return copy(self._reading if dry_run else self._writing, pattern, to, dry_run)

    def clean(
        self,
        *,
        step: str,
        pipeline: str | None = None,
        within: DateRange | None = None,
        version: str | None = None,
        dry_run: bool = False,
    ) -> tuple[Change, ...]:
        from augury.operations.housekeeping import clean

        return clean(self._reading if dry_run else self._writing, pipeline, step, within, version, dry_run)

    def reset(
        self,
        *,
        pipeline: str | None = None,
        version: str | None = None,
        within: DateRange | None = None,
        dry_run: bool = False,
    ) -> tuple[Change, ...]:
        from augury.operations.housekeeping import reset

        return reset(self._reading if dry_run else self._writing, pipeline, version, within, dry_run)

    def doctor(self, *, fix: bool = False) -> tuple[Finding, ...]:
        from augury.operations.doctor import doctor

        return doctor(self._writing if fix else self._reading, fix)

    def pipeline(self, name: str, version: str | None = None) -> PipelineSpec:
        """Raises UsageError with the nearest spelling."""
        return self._reading.pipeline(name, version)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a user id that nobody named.
        return str(os.getuid())

