"""Does CI still ask everything that a change must answer (Z), and do the commands of the README exist?"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_z_every_stage_is_there_and_the_tests_come_last() -> None:
    stages = re.findall(r"^stage '([^']+)'", (ROOT / ".ci" / "run").read_text("utf-8"), re.M)
    assert stages == [
        "set up",
        "format",
        "lint",
        "strict types",
        "architecture",
        "security lint",
        "secret scan",
        "complexity bound",
        "documentation",
        "benchmark smoke run",
        "model gate",
        "tests",
    ]


def test_z_what_readme_and_contributing_say_to_make_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for page in ("README.md", "CONTRIBUTING.md"):
        said = re.findall(r"^make ([a-z-]+) |`make ([a-z-]+)`", (ROOT / page).read_text("utf-8"), re.M)
        assert {first or second for first, second in said} - targets == set(), page


def test_z_no_index_address_stands_in_the_lock() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert [line for line in lines if "://" in line or line.startswith("-")] == []
    assert all("==" in line for line in lines if line and not line.startswith("#"))
