"""What Prometheus reads from a service, and what its alerts are made of (AA3, AA4)."""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from augury.errors import PluginError, UsageError
from augury.service.metrics import METRICS
from tests.cli_runner import called, refused, typed, worked
from tests.projects import AUGURY, SPENT, Shop, days, orders_of

BREAKS = SPENT.replace("sum(amount)", "case when {{ run_date }} = date '2026-01-04' then error('no') end")
SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.M)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop", AUGURY + "service: {metrics: 0}\n")
    made.orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-02-01")))
    return made.pipeline(settings="schedule: {paused: true}\nend: 2026-01-08\n", start="2026-01-03", prepare=BREAKS)


@contextmanager
def serving(shop: Shop) -> Iterator[Callable[[], dict[str, float]]]:
    """A service at work; what it answers to Prometheus, sample to value."""
    stop, began = threading.Event(), threading.Event()
    said: list[str] = []

    def tell(level: str, text: str) -> None:
        said.append(text)

    def serve() -> None:
        with shop.open() as project:
            project.serve(stop, concurrency=1, tell=tell, began=began.set)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        assert began.wait(60)
        (address,) = [text.removeprefix("metrics at ") for text in said if text.startswith("metrics at ")]
        assert address.startswith("http://127.0.0.1:")

        def scrape() -> dict[str, float]:
            with urlopen(address, timeout=30) as answer:
                text = answer.read().decode()
            return {
                f"{found['name']}{{{found['labels'] or ''}}}": float(found["value"]) for found in SAMPLE.finditer(text)
            }

        yield scrape
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def until(seen: Callable[[], bool], shop: Shop) -> None:
    wait = threading.Event()
    for _ in range(600):
        if seen():
            return
        wait.wait(0.1)
    raise AssertionError(f"not in a minute: {[each.task for each in shop.tasks()]}")


def test_what_a_service_does_can_be_read_while_it_works_aa3(shop: Shop) -> None:
    with serving(shop) as scrape:
        before = scrape()
        assert before["augury_ledger_up{}"] == before["augury_workers{}"] == 1
        assert before['augury_missing_dates{pipeline="ltv",version="v1"}'] == 0, "nobody began"
        shop.submit("ltv", "2026-01-03", "2026-01-08")
        until(lambda: shop.runs()[0].finished_at is not None, shop)
        found = scrape()
    assert found['augury_dates{pipeline="ltv",status="succeeded",version="v1"}'] == 4
    assert found['augury_dates{pipeline="ltv",status="failed",version="v1"}'] == 1
    assert found['augury_dates_finished_total{pipeline="ltv",status="succeeded"}'] == 4
    assert found['augury_dates_finished_total{pipeline="ltv",status="failed"}'] == 1
    assert found['augury_failures_total{pipeline="ltv",reason="failed",step="prepare"}'] == 1
    assert found['augury_rows_total{pipeline="ltv",step="prepare"}'] == 8
    assert found['augury_step_seconds_count{pipeline="ltv",status="succeeded",step="prepare"}'] == 4
    assert found['augury_task_wait_seconds_count{pipeline="ltv",step="date"}'] == 5
    assert found['augury_missing_dates{pipeline="ltv",version="v1"}'] == 1
    assert found['augury_tasks{pipeline="ltv",state="dead",step="date"}'] == 1
    assert found['augury_overdue_seconds{pipeline="ltv",version="v1"}'] == 0
    assert {name.partition("{")[0] for name in found} <= sample_names()


def test_a_pipeline_that_fell_behind_says_since_when_and_which_dates_are_missing_aa4(shop: Shop) -> None:
    shop.pipeline(settings="end: 2026-01-08\n", start="2026-01-03", prepare=BREAKS)
    shop.run("ltv", "2026-01-03", "2026-01-06")
    with shop.open() as project:
        (status,) = project.status("ltv")
        assert project.pause("ltv")
    assert [str(day) for day in status.missing] == ["2026-01-04", "2026-01-06", "2026-01-07"]
    document = worked(called("status", "ltv", "--output", "json", folder=shop.root)).document
    assert document["pipelines"][0]["missing"] == ["2026-01-04", "2026-01-06", "2026-01-07"]
    with serving(shop) as scrape:
        found = scrape()
        assert found['augury_missing_dates{pipeline="ltv",version="v1"}'] == 3
        assert found['augury_overdue_seconds{pipeline="ltv",version="v1"}'] == 0, "somebody paused it"
        with shop.open() as project:
            opened = project._reading
            from augury.service.metrics import Metrics

            metrics = Metrics(opened)
            opened.ledger.resume_pipeline("ltv")
            (overdue,) = [each for each in metrics.of_the_ledger() if each.name == "augury_overdue_seconds"]
        assert overdue.samples[0].value == (shop.now - shop.now.replace(month=1, day=6, hour=0)).total_seconds()


def test_without_the_library_the_extra_is_named_and_nothing_is_served(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with shop.open() as project, pytest.raises(PluginError, match="augury\\[metrics\\]"):
        project.serve(threading.Event(), until_idle=True)


def test_an_address_that_is_taken_is_refused_before_anything_is_done(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shop.edit("augury.yml", "metrics: 0", f"metrics: {port}")
        said = refused(typed("up", "--until-idle", folder=shop.root), 2, f"127.0.0.1:{port}", "service.metrics")
    assert "Address already in use" in said
    shop.edit("augury.yml", f"metrics: {port}", "metrics: no.such.host.invalid:9469")
    with shop.open() as project, pytest.raises(UsageError, match=r"no\.such\.host\.invalid:9469"):
        project.serve(threading.Event(), until_idle=True)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("9469", "127.0.0.1:9469"),
        ("127.0.0.1:9469", "127.0.0.1:9469"),
        ("0.0.0.0:1", "0.0.0.0:1"),
        ("'[::]:1'", "[::]:1"),
    ],
)
def test_a_port_alone_is_for_this_machine(shop: Shop, written: str, read: str) -> None:
    shop.edit("augury.yml", "metrics: 0", f"metrics: {written}")
    with shop.open() as project:
        assert project.spec.settings.service.metrics == read


@pytest.mark.parametrize("written", ["yes", "localhost", "127.0.0.1:99999", "70000", "true"])
def test_an_address_that_cannot_be_is_explained(shop: Shop, written: str) -> None:
    shop.edit("augury.yml", "metrics: 0", f"metrics: {written}")
    refused(called("validate", folder=shop.root), 2, "service.metrics", "is not an address")


def test_metrics_cost_nothing_where_nobody_wants_them(shop: Shop) -> None:
    shop.edit("augury.yml", "service: {metrics: 0}", "")
    code = (
        "import sys, threading\nfrom augury.project import Project\n"
        f"with Project.open({str(shop.root)!r}) as project:\n"
        "    project.serve(threading.Event(), until_idle=True)\n"
        "assert not {'prometheus_client', 'opentelemetry.sdk'} & sys.modules.keys(), 'loaded'\n"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


# -- alert rules ---------------------------------------------------------------------------------------------------


def sample_names() -> set[str]:
    """Every name that a sample of a service may have."""
    kinds = ("", "_total", "_created", "_count", "_sum", "_bucket")
    return {f"{name}{kind}" for name in METRICS for kind in kinds}


def rules(shop: Shop) -> list[dict[str, object]]:
    found = yaml.safe_load(worked(called("alerts", folder=shop.root)).out)
    return [rule for group in found["groups"] for rule in group["rules"]]


def test_alert_rules_are_shipped_and_name_only_metrics_that_exist_aa3_aa4(shop: Shop) -> None:
    found = rules(shop)
    assert {rule["alert"] for rule in found} == {
        "AuguryErrorRate",
        "AuguryMissingDates",
        "AuguryOverdue",
        "AuguryHeld",
        "AuguryQueueAge",
        "AuguryDeadLetters",
        "AuguryNoWorker",
        "AuguryLedgerDown",
    }
    for rule in found:
        used = set(re.findall(r"\baugury_\w+", str(rule["expr"])))
        assert used, rule
        assert used <= sample_names(), rule


def test_every_rule_says_what_to_type_aa4(shop: Shop) -> None:
    from augury.cli.app import root

    for rule in rules(shop):
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        assert annotations["summary"]
        commands = re.findall(r"augury ([a-z]+)", str(annotations["description"]))
        assert commands, rule
        assert set(commands) <= set(root.entries), rule
    error_rate = next(rule for rule in rules(shop) if rule["alert"] == "AuguryErrorRate")
    assert "0.01" in str(error_rate["expr"])
    assert "[5m]" in str(error_rate["expr"])
    assert "--output json" in str(error_rate["annotations"])


def test_rules_are_printed_outside_a_project_too(tmp_path: Path) -> None:
    assert "AuguryErrorRate" in worked(called("alerts", folder=tmp_path)).out
