"""What do others learn of a process of the service while it works? Metrics and traces, each where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime

from augury.events import Listener
from augury.ledger.queue_records import QueuedTask
from augury.operations.opened import Opened
from augury.service import traces
from augury.service.durable import Released
from augury.service.metrics import Metrics


class Observing:
    """From the settings that a process began with; an edit of them counts for the next one."""

    def __init__(self, opened: Opened, tell: Callable[[str, str], None]) -> None:
        """Raises PluginError where metrics are wanted and their library is missing."""
        self._tell = tell
        self._address = opened.spec.settings.service.metrics
        self._metrics = None if self._address is None else Metrics(opened)
        self._traces = traces.current()

    def take_up(self, opened: Opened) -> tuple[Listener, ...]:
        """The project as it is from now on; who listens to its runs."""
        found: list[Listener] = []
        if self._metrics is not None:
            self._metrics.take_up(opened)
            found.append(self._metrics)
        if self._traces is not None:
            found.append(self._traces.listener(opened.masker.mask))
        return tuple(found)

    @contextmanager
    def served(self) -> Iterator[None]:
        """Raises UsageError where metrics cannot be served at their address."""
        if why := traces.why_not():
            self._tell("warning", why)
        serving = (
            self._metrics.served(self._address, self._tell) if self._metrics and self._address else nullcontext("")
        )
        try:
            with serving:
                yield
        finally:
            if self._traces is not None:
                self._traces.flush()

    def let_go(self, tasks: Sequence[QueuedTask], now: datetime) -> None:
        """Tasks are given to the workers."""
        if self._metrics is not None:
            self._metrics.let_go(tasks, now)

    @contextmanager
    def task(self, released: Released, worker: str) -> Iterator[None]:
        """This thread performs an attempt."""
        following = self._traces
        key = (released.run_id, released.task, released.attempt)
        with following.task(*key, worker) if following is not None else nullcontext():
            yield
