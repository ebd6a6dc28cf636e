"""Does every promise of docs/reference/promises.md name a test that exists?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "promises.md"
ROW = re.compile(r"^\| (?P<id>[A-Z]{1,2}[\d-]*) \| (?P<promise>[^|]+) \| (?P<tests>[^|]*)\|$", re.M)
CITED = re.compile(r"`(?P<file>[\w./-]+)(?:::(?P<name>\w+)(?:::(?P<method>\w+))?)?`")

ROWS = [(found["id"], found["tests"]) for found in ROW.finditer(PAGE.read_text("utf-8"))]


def names_in(file: Path) -> set[str]:
    """Names of test functions, and of classes with `::` and their methods."""
    names: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names.add(node.name)
            names |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


def test_the_page_was_understood() -> None:
    ids = [row for row, _ in ROWS]
    assert len(ids) > 90
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("promise", "cited"), ROWS, ids=[row for row, _ in ROWS])
def test_a_promise_names_tests_that_exist(promise: str, cited: str) -> None:
    for found in CITED.finditer(cited):
        file = ROOT / found["file"]
        assert file.is_file(), f"{promise}: {found['file']}"
        if found["name"]:
            wanted = "::".join(filter(None, (found["name"], found["method"])))
            assert wanted in names_in(file), f"{promise}: {found[0]}"
