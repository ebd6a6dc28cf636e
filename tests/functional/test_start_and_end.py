"""What does a command load, and does it end in silence? Asked of processes of their own."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from augury.cli.main import main
from tests.cli_runner import environment, typed
from tests.functional.cli_shop import make_shop

ENGINE = ("duckdb", "numpy", "pyarrow", "jinja2", "sqlglot")
CODE = """
import sys
from augury.cli.main import main
code = main(sys.argv[1:])
print(*sorted(sys.modules.keys() & {names!r}), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that has published 2024-03-10."""
    shop = make_shop(tmp_path_factory.mktemp("shop"))
    done = typed("run", "spend", "--date", "2024-03-10", folder=shop.folder)
    assert done.code == 0, done.said
    return shop.folder


@pytest.mark.parametrize(
    "words",
    [("status",), ("runs",), ("models", "spend"), ("logs", "--date", "2024-03-10")],
    ids=lambda words: words[0],
)
def test_what_the_ledger_knows_is_answered_without_an_engine(folder: Path, words: tuple[str, ...]) -> None:
    """Importing and starting the engine takes a fifth of such a command."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(names=set(ENGINE)), *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize(
    "words",
    [("ls",), ("plan", "spend", "--date", "2024-03-11"), ("query", "select 1 as one"), ("status",)],
    ids=lambda words: words[0],
)
def test_a_command_ends_in_silence(folder: Path, words: tuple[str, ...]) -> None:
    """The engine's binding reports objects that the interpreter's last collection leaves."""
    done = typed(*words, folder=folder)
    assert done.code == 0, done.said
    assert "leaked" not in done.err


def test_a_command_called_from_python_leaves_the_collector_as_it_was(folder: Path) -> None:
    before = gc.isenabled(), gc.get_freeze_count()
    assert main(["--project-dir", str(folder), "plan", "spend", "--date", "2024-03-11"]) == 0
    assert (gc.isenabled(), gc.get_freeze_count()) == before
