"""How does a run of the service become one OpenTelemetry trace, whichever processes take part?

The ids of the trace and of its run span are made from the run's id, so that every process knows them without being
told: planning, each task and the steps in it hang below a run span that is written when the run ends. Where the
standard OTEL_ variables name no receiver there is nothing: no import, no thread, no call.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from threading import local
from typing import TYPE_CHECKING

from augury.events import DateFinished, Event, Listener, ModelTrained, StepFinished, TaskFinished
from augury.ledger.records import RunRecord, Status

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_GOOD = ("succeeded", "skipped")


def are_wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the standard variables name a receiver of traces."""
    given = os.environ if environment is None else environment
    off = given.get("OTEL_SDK_DISABLED", "").lower() == "true" or given.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp"
    return not off and any(given.get(name) for name in ENDPOINTS)


@cache
def current() -> Traces | None:
    """The traces of this process; None where nobody wants any, or where their library is missing."""
    if not are_wanted():
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        # The variables may be meant for other programs: `why_not` is told by a service, and stops nothing.
        return None
    # A receiver that is away is no matter of whoever reads the terminal.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    return Traces(BatchSpanProcessor(OTLPSpanExporter()))


def why_not() -> str:
    """What keeps traces from being written though they are wanted; empty where nothing does."""
    if current() is not None or not are_wanted():
        return ""
    return "the OTEL_ variables name a receiver of traces, and none are written: pip install 'augury[otel]'"


class Traces:
    """Writes the spans of this process. May be used by several threads."""

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

        class Ids(RandomIdGenerator):
            """Random, but for the one span whose ids are given."""

            given = local()

            def generate_trace_id(self) -> int:
                return getattr(self.given, "trace", None) or super().generate_trace_id()

            def generate_span_id(self) -> int:
                return getattr(self.given, "span", None) or super().generate_span_id()

        self._ids = Ids()
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "augury"}
        self._provider = TracerProvider(resource=Resource.create(named), id_generator=self._ids)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("augury")

    # -- what happened ---------------------------------------------------------------------------------------------

    def run(self, run: RunRecord, status: Status, ended: datetime, counts: Mapping[str, int]) -> None:
        """A run is over: the span that all others hang below."""
        from opentelemetry.context import Context

        given = self._ids.given
        given.trace, given.span = _trace_id(run.run_id), _span_id(run.run_id)
        try:
            span = self._tracer.start_span(
                f"run {run.pipeline}",
                context=Context(),
                start_time=_nanoseconds(run.started_at),
                attributes={**_of(run.run_id, run.pipeline, run.version), "augury.origin": run.origin},
            )
        finally:
            given.trace = given.span = None
        for name, number in counts.items():
            span.set_attribute(f"augury.dates.{name}", number)
        _judge(span, status.value, run.detail)
        span.end(_nanoseconds(ended))

    def planned(self, run: RunRecord, began: int, tasks: int) -> None:
        """A run was planned and queued, from `began` (nanoseconds) until now."""
        of = _of(run.run_id, run.pipeline, run.version)
        attributes: dict[str, str | int] = {**of, "augury.tasks": tasks, "augury.command": run.command}
        span = self._tracer.start_span("plan", self._below(run.run_id), start_time=began, attributes=attributes)
        span.end()

    @contextmanager
    def task(self, run_id: str, task: str, attempt: int, worker: str) -> Iterator[None]:
        """One attempt of a task, performed by this thread; what it does meanwhile hangs below it."""
        attributes: dict[str, str | int] = {"augury.run_id": run_id, "augury.task": task, "augury.worker": worker}
        attributes["augury.attempt"] = attempt
        with self._tracer.start_as_current_span(f"task {task}", self._below(run_id), attributes=attributes):
            yield

    def listener(self, mask: Callable[[str], str]) -> Listener:
        """A listener of every run of this process; `mask` takes secrets out of what events say."""

        def listen(event: Event) -> None:
            from opentelemetry import trace

            match event:
                case StepFinished():
                    self._step(event, mask(event.detail))
                case DateFinished():
                    _judge(trace.get_current_span(), event.status, mask(event.detail))
                case TaskFinished():
                    _judge(trace.get_current_span(), event.status)
                case ModelTrained():
                    trace.get_current_span().set_attribute("augury.model_version", event.model_version)

        return listen

    def _step(self, event: StepFinished, detail: str) -> None:
        attributes: dict[str, str | int] = {
            "augury.run_id": event.run_id,
            "augury.pipeline": event.pipeline,
            "augury.run_date": str(event.run_date),
        }
        if event.rows is not None:
            attributes["augury.rows"] = event.rows
        began = time.time_ns() - int(event.seconds * 1e9)
        span = self._tracer.start_span(event.step, self._here(event.run_id), start_time=began, attributes=attributes)
        _judge(span, event.status, detail)
        span.end()

    def flush(self) -> None:
        """Send what is waiting, for a few seconds at most."""
        self._provider.force_flush(5000)

    # -- where it belongs ------------------------------------------------------------------------------------------

    def _here(self, run_id: str) -> Context | None:
        """Below the task that this thread performs, else below the run."""
        from opentelemetry import trace

        known = trace.get_current_span().get_span_context()
        return None if known.trace_id == _trace_id(run_id) else self._below(run_id)

    def _below(self, run_id: str) -> Context:
        """Below the run's span, which some process writes when the run ends. Every process samples it alike."""
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.sdk.trace.sampling import Decision

        trace_id = _trace_id(run_id)
        decision = self._provider.sampler.should_sample(None, trace_id, "run").decision
        flags = trace.TraceFlags(int(decision is Decision.RECORD_AND_SAMPLE))
        parent = trace.SpanContext(trace_id, _span_id(run_id), is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _trace_id(run_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"trace {run_id}".encode()).digest()[:16], "big")


def _span_id(run_id: str) -> int:
    return int.from_bytes(hashlib.sha256(f"run {run_id}".encode()).digest()[:8], "big")


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)


def _of(run_id: str, pipeline: str, version: str) -> dict[str, str]:
    return {"augury.run_id": run_id, "augury.pipeline": pipeline, "augury.version": version}


def _judge(span: Span, status: str, detail: str = "") -> None:
    from opentelemetry.trace import Status as SpanStatus
    from opentelemetry.trace import StatusCode

    span.set_attribute("augury.status", status)
    if not status.startswith(_GOOD):
        span.set_status(SpanStatus(StatusCode.ERROR, detail or status))
