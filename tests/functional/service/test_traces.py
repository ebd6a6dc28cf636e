"""One trace for each run of the service, from its submission to the last publication, across processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from augury.project import Project
from augury.service import traces
from augury.service.traces import Traces, are_wanted
from tests.cli_runner import typed, worked
from tests.projects import SPENT, Shop, days, orders_of, within

BY_HAND = "schedule: {paused: true}\n"
BREAKS = SPENT.replace("sum(amount)", "case when {{ run_date }} = date '2026-01-04' then error('no') end")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings=BY_HAND, prepare=BREAKS)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    following = Traces(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(traces, "current", lambda: following)
    return exporter


def named(spans: Sequence[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


def parent_of(span: ReadableSpan, spans: Sequence[ReadableSpan]) -> str | None:
    if span.parent is None:
        return None
    (found,) = [each.name for each in spans if each.context and each.context.span_id == span.parent.span_id]
    return found


def test_a_run_is_one_trace_of_its_plan_tasks_and_steps(shop: Shop, spans: InMemorySpanExporter) -> None:
    submission = shop.submit("ltv", "2026-01-03", "2026-01-06")
    shop.serve()
    found = spans.get_finished_spans()
    assert len({span.context.trace_id for span in found if span.context}) == 1
    assert {str((span.attributes or {})["augury.run_id"]) for span in found} == {submission.run_id}
    (run,) = named(found, "run ltv")
    assert run.parent is None
    assert parent_of(named(found, "plan")[0], found) == "run ltv"
    for day in ("2026-01-03", "2026-01-04", "2026-01-05"):
        (task,) = named(found, f"task {day}")
        assert parent_of(task, found) == "run ltv"
        steps = [span for span in found if parent_of(span, found) == task.name]
        names = [step.name for step in sorted(steps, key=lambda step: step.start_time or 0)]
        assert names[0] == "prepare"
        assert ("publish" in names) is (day != "2026-01-04")
        for step in steps:
            assert (task.start_time or 0) <= (step.start_time or 0) <= (step.end_time or 0) <= (task.end_time or 0)


def test_what_failed_says_so_up_to_the_run_without_secrets(shop: Shop, spans: InMemorySpanExporter) -> None:
    shop.edit("augury.yml", "name: shop", "name: shop\nvars: {word: '${SHOP_TOKEN:-none}'}")
    shop.pipeline(settings=BY_HAND, prepare=BREAKS.replace("'no'", '{{ var("word") }}'))
    with Project.open(shop.root, environment={"SHOP_TOKEN": "hush-hush-1"}, clock=lambda: shop.now) as project:
        project.submit("ltv", within("2026-01-03", "2026-01-05"))
        project.serve(threading.Event(), until_idle=True)
    found = spans.get_finished_spans()
    bad = {
        span.name: span.status.description or "" for span in found if not span.status.is_ok and not span.status.is_unset
    }
    assert set(bad) == {"prepare", "task 2026-01-04", "run ltv"}
    assert "hush" not in "".join(span.to_json() for span in found)


def test_a_step_in_a_task_of_its_own_is_in_the_same_trace(shop: Shop, spans: InMemorySpanExporter) -> None:
    shop.pipeline(settings=BY_HAND + "throttle: {publish: {max_concurrent: 1}}\n", prepare=SPENT)
    shop.submit("ltv", "2026-01-03")
    shop.serve()
    found = spans.get_finished_spans()
    (publish,) = named(found, "publish")
    assert parent_of(publish, found) not in ("task 2026-01-03", "run ltv", None)
    assert len({span.context.trace_id for span in found if span.context}) == 1


@contextmanager
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """An OTLP receiver over HTTP: its address, and the spans that came, with the name of their service."""
    came: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            request.ParseFromString(body)
            for resource in request.resource_spans:
                (service,) = [
                    each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
                ]
                came.extend((service, span) for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_processes_write_into_one_trace_without_telling_each_other(shop: Shop) -> None:
    with receiver() as (address, came):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
        worked(typed("submit", "ltv", "--date", "2026-01-03", folder=shop.root, env=env))
        assert [span.name for _, span in came] == ["plan"]
        worked(typed("up", "--until-idle", folder=shop.root, env=env))
    assert {service for service, _ in came} == {"augury"}
    by_name = {span.name: span for _, span in came}
    assert {"plan", "task 2026-01-03", "prepare", "publish", "run ltv"} <= by_name.keys()
    assert len({span.trace_id for span in by_name.values()}) == 1
    run = by_name["run ltv"]
    assert run.parent_span_id == b""
    assert by_name["plan"].parent_span_id == by_name["task 2026-01-03"].parent_span_id == run.span_id
    assert by_name["publish"].parent_span_id == by_name["task 2026-01-03"].span_id


def test_a_receiver_that_is_away_disturbs_nobody(shop: Shop) -> None:
    with receiver() as (address, _):
        pass
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    shop.pipeline(settings=BY_HAND, prepare=SPENT)
    answer = worked(typed("submit", "ltv", "--date", "2026-01-03", folder=shop.root, env=env))
    served = worked(typed("up", "--until-idle", folder=shop.root, env=env))
    assert shop.statuses() == {"2026-01-03": "succeeded"}
    assert "opentelemetry" not in (answer.said + served.said).lower()
    assert "Traceback" not in answer.said + served.said


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://h:4318"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], wanted: bool) -> None:
    assert are_wanted(environment) is wanted


def test_without_the_library_a_service_says_what_to_install_and_works(shop: Shop) -> None:
    shop.pipeline(settings=BY_HAND, prepare=SPENT)
    code = (
        "import sys, os, threading\n"
        "sys.modules['opentelemetry.sdk'] = None\n"
        "os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'http://127.0.0.1:1'\n"
        "from augury.project import Project\n"
        f"with Project.open({str(shop.root)!r}) as project:\n"
        "    project.serve(threading.Event(), until_idle=True, tell=lambda *said: print(*said))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "warning the OTEL_ variables" in done.stdout
    assert "pip install 'augury[otel]'" in done.stdout
