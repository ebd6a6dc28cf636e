"""What all tests share: Hypothesis profiles, a clean environment, and a summary by folder."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# `dev` is quick and looks elsewhere each time; `ci` looks longer, and at the same places for everybody.
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A developer's own settings must not decide whether a test passes.
for name in [name for name in os.environ if name.startswith("AUGURY_")]:
    del os.environ[name]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per folder: how many tests, and how long they took on all workers together."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for outcome in ("passed", "failed", "xfailed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            folder = report.nodeid.split("/")[1] if report.nodeid.startswith("tests/") else "other"
            counts[folder] += 1
            seconds[folder] += report.duration
    if len(counts) > 1:
        terminalreporter.section("by folder")
        for folder in sorted(counts):
            terminalreporter.write_line(f"{folder:14} {counts[folder]:6} tests {seconds[folder]:8.1f} s")
