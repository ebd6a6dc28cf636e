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


PROMISED = """
A1-A8 A18 A19 B1-B4 B6 B9-B18 C1-C3 C7 D1-D8 E1-E7 E12-E14 F1-F4 G1 G2 G5 G7 G8 G10 G12-G14 H1-H7 H9 H10
I12 J2 J3 J6 K1-K9 L1-L4 M1-M10 N1-N6 R1-R7 O OR2 OR3 P1-P11 S-1 S-2 S-3 S-4 S-5 S-6 S-7 T3 T7 T9 T10
T13 T14 T16 T17 Y4-Y6 Z AA3-AA7 BB1 BB2 BB4 BB5
X1 S0-1 S0-2 S0-3 S0-4 S0-5 S0-6 S0-7 S0-8 S0-9 S0-10
"""


def listed(text: str) -> list[str]:
    """`A4-A7` is A4, A5, A6, A7."""
    out = []
    for word in text.split():
        span = re.fullmatch(r"([A-Z]+)(\d+)-[A-Z]+(\d+)", word)
        out += [f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)] if span else [word]
    return out


def test_every_promise_has_a_row_and_none_twice() -> None:
    assert sorted(row for row, _ in ROWS) == sorted(listed(PROMISED))


@pytest.mark.parametrize(("promise", "cited"), ROWS, ids=[row for row, _ in ROWS])
def test_a_promise_names_tests_that_exist(promise: str, cited: str) -> None:
    tests = list(CITED.finditer(cited))
    assert any(found["name"] for found in tests), f"{promise} names no test"
    for found in tests:
        file = ROOT / found["file"]
        assert file.is_file(), f"{promise}: {found['file']}"
        if found["name"]:
            wanted = "::".join(filter(None, (found["name"], found["method"])))
            assert wanted in names_in(file), f"{promise}: {found[0]}"
