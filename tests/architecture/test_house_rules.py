"""Is every room small, explained, finished and free of pickle?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "augury"
MODULES = {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(text) for name, text in MODULES.items()}
LONGEST = 350
"""Lines. 60 to 300 is the aim; beyond this a module has two reasons to exist."""
UNFINISHED = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b")
UNSAFE = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
"""Formats that run code when they are read; model artifacts are data."""


def imported(tree: ast.Module) -> set[str]:
    """Top-level packages that a module imports anywhere, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_every_module_opens_with_what_it_is_for() -> None:
    silent = [name for name, text in MODULES.items() if text.strip() and not ast.get_docstring(TREES[name])]
    assert silent == []


def test_every_module_is_short_enough_to_read() -> None:
    assert {name: len(text.splitlines()) for name, text in MODULES.items() if text.count("\n") > LONGEST} == {}


def test_every_module_is_finished() -> None:
    assert {name: UNFINISHED.findall(text) for name, text in MODULES.items() if UNFINISHED.search(text)} == {}


def test_no_module_reads_a_format_that_runs_code() -> None:
    found = {name: imported(tree) & UNSAFE for name, tree in TREES.items()}
    assert {name: unsafe for name, unsafe in found.items() if unsafe} == {}
