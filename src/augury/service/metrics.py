"""What does Prometheus learn of a service? Events as they come, and the ledger's state whenever it asks.

Counters and histograms belong to the process that did the work; gauges are read from the ledger, so that every process
that shares one says the same. Every name is in METRICS, and the shipped alert rules use no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from augury.errors import AuguryError, UsageError
from augury.events import DateFinished, Event, StepFinished
from augury.ledger.queue_records import QueuedTask, TaskState
from augury.ledger.records import Status
from augury.operations.calendar import due_date, fires_at, missing_dates, past_of, stale_since
from augury.operations.opened import Opened
from augury.plugins import missing_library
from augury.service.inspecting import living

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import GaugeMetricFamily

METRICS = {
    "augury_tasks": "Tasks of the queue by state; dead are dead letters.",
    "augury_oldest_task_seconds": "How long the task has been ready that has been so longest.",
    "augury_task_wait_seconds": "From when a task was ready to when it was given to a worker.",
    "augury_step_seconds": "How long steps took, by how they ended.",
    "augury_rows": "Rows that steps wrote.",
    "augury_dates": "Run dates by their latest outcome.",
    "augury_dates_finished": "Run dates that ended in this process, by outcome.",
    "augury_failures": "Steps that did not end well in this process, by reason.",
    "augury_missing_dates": "Due run dates that are not published.",
    "augury_overdue_seconds": "Since when the first due date after the latest published one is due; 0 where none is.",
    "augury_workers": "Workers that are alive.",
    "augury_ledger_up": "1 where the ledger answers.",
}
"""Name to what it says; counters are shown with `_total` behind theirs."""
WAITS = (0.1, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400)
SECONDS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600)
"""Upper bounds of histogram buckets."""
ENDS = tuple(status for status in Status if status not in (Status.QUEUED, Status.RUNNING))
"""How a run date may end."""


class Metrics:
    """A listener of every run of this process, and what is served of it."""

    def __init__(self, opened: Opened) -> None:
        """Raises PluginError where the library is missing."""
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram
        except ImportError as error:
            raise missing_library("metrics", error) from error
        self._opened = opened
        self._scrape = Lock()
        self.registry: CollectorRegistry = CollectorRegistry(auto_describe=False)

        def counter(name: str, *labels: str) -> Counter:
            return Counter(name, METRICS[name], labels, registry=self.registry)

        self._wait = Histogram(
            "augury_task_wait_seconds",
            METRICS["augury_task_wait_seconds"],
            ("pipeline", "step"),
            buckets=WAITS,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "augury_step_seconds",
            METRICS["augury_step_seconds"],
            ("pipeline", "step", "status"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._rows = counter("augury_rows", "pipeline", "step")
        self._finished = counter("augury_dates_finished", "pipeline", "status")
        self._failures = counter("augury_failures", "pipeline", "step", "reason")
        self.registry.register(_Ledger(self))
        self._begin_at_zero()

    def __call__(self, event: Event) -> None:
        match event:
            case StepFinished():
                self._seconds.labels(event.pipeline, event.step, event.status).observe(event.seconds)
                if event.status == "succeeded" or event.status.startswith("skipped"):
                    self._rows.labels(event.pipeline, event.step).inc(event.rows or 0)
                else:
                    self._failures.labels(event.pipeline, event.step, event.status).inc()
            case DateFinished():
                self._finished.labels(event.pipeline, event.status).inc()

    def let_go(self, tasks: Sequence[QueuedTask], now: datetime) -> None:
        """Tasks are given to the workers."""
        for task in tasks:
            ready = max(task.enqueued_at, task.not_before)
            self._wait.labels(task.pipeline, _step(task)).observe(max(0.0, (now - ready).total_seconds()))

    def take_up(self, opened: Opened) -> None:
        """The project's files were read again."""
        self._opened = opened
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Prometheus does not see the first increase of a counter that was not there before it."""
        for pipeline in self._opened.spec.pipelines:
            for status in ENDS:
                self._finished.labels(pipeline, status.value)

    @contextmanager
    def served(self, address: str, tell: Callable[[str, str], None]) -> Iterator[str]:
        """Answer Prometheus at `host:port`; the address with the port that was taken.

        Raises UsageError where the address cannot be used.
        """
        from prometheus_client import start_http_server

        host, _, port = address.rpartition(":")
        try:
            server, thread = start_http_server(int(port), host.strip("[]"), registry=self.registry)
        except OSError as error:
            raise UsageError(
                f"metrics cannot be served at {address}",
                why=error.strerror or str(error),
                fix="Choose another address for service.metrics; each process of one machine needs its own.",
            ) from error
        taken = f"{host}:{server.server_port}"
        tell("info", f"metrics at http://{taken}/metrics")
        try:
            yield taken
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    # -- the ledger ------------------------------------------------------------------------------------------------

    def of_the_ledger(self) -> list[GaugeMetricFamily]:
        """Its gauges as they are at this moment; of a ledger that does not answer, only that."""
        up = _gauge("augury_ledger_up")
        with self._scrape:
            try:
                found = [self._workers(), *self._queue(), *self._dates()]
            except AuguryError:
                up.add_metric((), 0)
                return [up]
        up.add_metric((), 1)
        return [up, *found]

    def _workers(self) -> GaugeMetricFamily:
        gauge = _gauge("augury_workers")
        ledger = self._opened.ledger
        workers = ledger.workers()
        gauge.add_metric((), len(living(self._opened, workers)))
        return gauge

    def _queue(self) -> Iterator[GaugeMetricFamily]:
        ledger, now = self._opened.ledger, self._opened.clock()
        states = [state for state in TaskState if state is not TaskState.ENDED]
        tasks = ledger.queued_tasks(states)
        depth = _gauge("augury_tasks", "pipeline", "step", "state")
        for (pipeline, step, state), number in sorted(
            Counter((each.pipeline, _step(each), each.state.value) for each in tasks).items()
        ):
            depth.add_metric((pipeline, step, state), number)
        oldest = _gauge("augury_oldest_task_seconds", "pipeline")
        ages: dict[str, float] = dict.fromkeys(self._opened.spec.pipelines, 0.0)
        for each in tasks:
            if each.state is TaskState.QUEUED:
                age = (now - max(each.enqueued_at, each.not_before)).total_seconds()
                ages[each.pipeline] = max(ages.get(each.pipeline, 0.0), age)
        for pipeline, age in ages.items():
            oldest.add_metric((pipeline,), age)
        yield from (depth, oldest)

    def _dates(self) -> Iterator[GaugeMetricFamily]:
        opened, now = self._opened, self._opened.clock()
        dates = _gauge("augury_dates", "pipeline", "version", "status")
        missing = _gauge("augury_missing_dates", "pipeline", "version")
        overdue = _gauge("augury_overdue_seconds", "pipeline", "version")
        pauses = opened.ledger.pauses()
        for name, versions in opened.spec.pipelines.items():
            for version, pipeline in versions.items():
                past = past_of(opened, pipeline)
                for status, number in sorted(Counter(each.status.value for each in past.records.values()).items()):
                    dates.add_metric((name, version, status), number)
                due = due_date(pipeline, now)
                missing.add_metric((name, version), len(missing_dates(pipeline, past, due)))
                rests = name in pauses or pipeline.settings.schedule.paused
                since: date | None = None if rests else stale_since(pipeline, past, due)
                seconds = (now - fires_at(pipeline, since)).total_seconds() if since else 0.0
                overdue.add_metric((name, version), seconds)
        yield from (dates, missing, overdue)


class _Ledger:
    """What Prometheus' library asks for gauges that are read when they are wanted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Any]:
        return self._metrics.of_the_ledger()


def _gauge(name: str, *labels: str) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, METRICS[name], labels=labels)


def _step(task: QueuedTask) -> str:
    """What a task is about: the step whose throttle it obeys, else `train` or `date`."""
    return task.step or "date"
