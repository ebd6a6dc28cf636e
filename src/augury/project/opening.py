"""How is a project opened? The one place where specification, warehouse and ledger are put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from augury.dates import parse_date
from augury.spec.files import PipelineSpec, ProjectSpec
from augury.spec.reader import find_root, read_project
from augury.spec.settings import Var

if TYPE_CHECKING:
    from augury.events import Listener
    from augury.ledger.store import Ledger
    from augury.operations.opened import Opened
    from augury.run.locking import Locking
    from augury.sql.compiler import Compiler
    from augury.warehouses.contract import Warehouse


def utc_now() -> datetime:
    """The clock of everybody who brings none."""
    return datetime.now(UTC)


class Opening:
    """The specification at once; warehouse and ledger when first asked for."""

    def __init__(
        self, spec: ProjectSpec, clock: Callable[[], datetime] = utc_now, listeners: Sequence[Listener] = ()
    ) -> None:
        self.spec = spec
        self._clock = clock
        self._listeners = tuple(listeners)
        self._read: Callable[[], ProjectSpec] = lambda: spec
        """Reads the same files again, as they are by then."""
        self._closing = ExitStack()
        self._warehouses: list[Warehouse] = []
        self._compiler: Compiler | None = None
        """One for reading and writing: a template is compiled once."""

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
        read = partial(
            read_project,
            find_root(Path(path)),
            target=target,
            variables=variables or {},
            environment=os.environ if environment is None else environment,
            only=only,
        )
        made = cls(read(), clock, listeners)
        made._read = read
        return made

    @cached_property
    def _writing(self) -> Opened:
        return self._opened(read_only=False)

    @property
    def _is_new(self) -> bool:
        """Nobody ever wrote into the target's namespace."""
        target, namespace = self.spec.target, self.spec.namespace
        roots = [self.spec.root / place / namespace for place in (target.path, target.output) if place]
        if any(map(_holds_something, roots)):
            return False
        return target.ledger is None or not self._read_only.ledger.shared

    @property
    def _changing(self) -> Opened:
        """For what changes things that are there: where nothing is, there is nothing to open for writing either, and
        a command that cannot start leaves nothing."""
        return self._reading if self._is_new else self._writing

    @property
    def _reading(self) -> Opened:
        """Writes nothing, creates nothing; what does not exist yet is empty. What is open for writing is read too."""
        opened: Opened | None = vars(self).get("_writing")
        return opened or self._read_only

    @cached_property
    def _read_only(self) -> Opened:
        return self._opened(read_only=True)

    def _opened(self, *, read_only: bool) -> Opened:
        import socket

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
            settings=target,
            **_functions(spec),
        )
        self._closing.callback(warehouse.close)
        self._warehouses.append(warehouse)
        if target.ledger is None:
            ledger = Ledger.open(home / "_ledger.db", create=not read_only)
        else:
            ledger = Ledger.connect(target.ledger, spec.name, spec.namespace, create=not read_only)
        self._closing.callback(ledger.close)
        self._compiler = self._compiler or Compiler(spec.macros, warehouse.features.dialect)
        return Opened(
            spec=spec,
            warehouse=warehouse,
            ledger=ledger,
            clock=self._clock,
            masker=Masker(spec.secrets),
            home=home,
            models=spec.root / target.models if target.models else home / "_models",
            who=Who(_user(), socket.gethostname(), os.getpid()),
            compiler=self._compiler,
            locking=self._locking(home, warehouse, ledger),
        )

    def _locking(self, home: Path, warehouse: Warehouse, ledger: Ledger) -> Locking:
        if ledger.shared:
            from augury.run.lease_locks import lease_locking

            return lease_locking(ledger, warehouse.raise_fence, self._clock, self.spec.settings.service.lease)
        from augury.run.locks import file_locking

        return file_locking(home / "_locks", self._clock)

    @property
    def opened(self) -> bool:
        """Whether the warehouse was asked for."""
        return bool(self._warehouses)

    def listen(self, listener: Listener) -> None:
        """From now on `listener` hears of what happens as well."""
        self._listeners = (*self._listeners, listener)

    def interrupt(self) -> None:
        """Stop the queries in work: whoever waits for one gets a KeyboardInterrupt. For another thread to call."""
        for warehouse in self._warehouses:
            warehouse.interrupt()

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def parse_date(self, text: str, pipeline: str) -> date:
        """A date as people write it, `last-saturday` included, in the time zone of the pipeline's schedule."""
        versions = self.spec.pipelines.get(pipeline)
        zone = next(iter(versions.values())).zone if versions else UTC
        return parse_date(text, self._clock().astimezone(zone).date())

    def pipeline(self, name: str, version: str | None = None) -> PipelineSpec:
        """Raises UsageError with the nearest spelling."""
        return self._reading.pipeline(name, version)

    def current_version(self, name: str) -> str:
        """The version of a pipeline that consumers see. Its folder may be gone."""
        return self._reading.current_version(name)

    def _recover(self) -> None:
        """Close runs whose process died, so that nothing reads as running; needs the right to write."""
        ledger = self._reading.ledger
        if not ledger.unfinished_runs() or not ledger.may_write:
            return
        from augury.operations.resuming import recover_crashed

        recover_crashed(self._writing)


def _functions(spec: ProjectSpec) -> dict[str, Any]:
    """What an engine needs for SQL of another dialect than its own."""
    versions = [version for each in spec.pipelines.values() for version in each.values()]
    if spec.target.warehouse != "duckdb" or all(version.dialect == "duckdb" for version in versions):
        return {}
    from augury.sql.bigquery.functions import install

    return {"prepare": install}


def _holds_something(folder: Path) -> bool:
    """True also for what is no folder or may not be read: whoever opens it says so."""
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _user() -> str:
    try:
        import getpass

        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a user id that nobody named.
        return str(os.getuid())
