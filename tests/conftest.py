"""What all tests share: Hypothesis profiles, a clean environment, and a summary by folder."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import NOT_RUN, namespace, postgres

__all__ = ["namespace", "postgres"]  # fixtures

ROOT = Path(__file__).parents[1]

# What is started in the background ignores Ctrl-C, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `dev` is quick and looks elsewhere each time; `ci` looks longer, and at the same places for everybody.
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A developer's own settings must not decide whether a test passes; where the servers of the tests are is no setting.
for name in [name for name in os.environ if name.startswith("AUGURY_") and not name.startswith("AUGURY_TEST_")]:
    del os.environ[name]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every test that was not run; and one line per folder: how many tests, and how long they took on all workers."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for outcome in ("passed", "failed", "xfailed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            folder = report.nodeid.split("/")[1] if report.nodeid.startswith("tests/") else "other"
            counts[folder] += 1
            seconds[folder] += report.duration
    absent = [report for report in terminalreporter.stats.get("skipped", []) if NOT_RUN in str(report.longrepr)]
    if absent:
        terminalreporter.section("not run, as their server is absent")
        for report in absent:
            terminalreporter.write_line(report.nodeid)
    if len(counts) > 1:
        terminalreporter.section("by folder")
        for folder in sorted(counts):
            terminalreporter.write_line(f"{folder:14} {counts[folder]:6} tests {seconds[folder]:8.1f} s")
