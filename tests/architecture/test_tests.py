"""Do tests keep to their folders: unit tests without I/O, and no test module too long to read?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
MODULES = {path.relative_to(TESTS).as_posix(): path.read_text("utf-8") for path in sorted(TESTS.rglob("*.py"))}
LONGEST = 350
"""Lines, as of src. 300 is the aim; beyond this a module tells two stories."""
FIXTURES = {"tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory"}
LIBRARIES = {"subprocess", "socket", "multiprocessing", "tempfile", "shutil", "sqlite3", "urllib"}
VERBS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "touch", "unlink", "rglob", "iterdir"}


def touches(text: str) -> Iterator[str]:
    """Each thing outside the process that a module asks for, with its line."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.arg in FIXTURES:
            yield f"line {node.lineno}: the fixture {node.arg}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [alias.name for alias in node.names]
            yield from (f"line {node.lineno}: {name}" for name in names if name.partition(".")[0] in LIBRARIES)
        elif isinstance(node, ast.Call):
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if verb in VERBS:
                yield f"line {node.lineno}: {verb}()"


def test_unit_tests_do_no_io() -> None:
    found = {name: list(touches(text)) for name, text in MODULES.items() if name.startswith("unit/")}
    assert found
    assert {name: each for name, each in found.items() if each} == {}, (
        "tests/unit is what `make check` runs in seconds: no files, processes or sockets. "
        "Move the test to tests/functional, or tell its project as a tests.drafts.Draft"
    )


def test_every_test_module_is_short_enough_to_read() -> None:
    assert {name: len(text.splitlines()) for name, text in MODULES.items() if text.count("\n") > LONGEST} == {}
