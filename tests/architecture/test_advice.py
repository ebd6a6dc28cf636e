"""Does advice name commands that exist? `augury.cli.suggestions` completes those, and leaves every other word alone."""

from __future__ import annotations

import re
from pathlib import Path

from augury.cli.app import root

SOURCE = Path(__file__).parents[2] / "src" / "augury"
MODULES = {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}
ADVISED = re.compile(r"(?:: |, or |, then |; or |train: )augury ([a-z][a-z-]*)")
"""A command where advice has one: behind a colon, or after another command."""


def test_advice_names_commands_that_exist() -> None:
    named = {(module, name) for module, text in MODULES.items() for name in ADVISED.findall(text)}
    assert {name for _, name in named} > {"run", "retry", "train", "models", "doctor", "query"}
    assert {(module, name) for module, name in named if name not in root.entries} == set()
