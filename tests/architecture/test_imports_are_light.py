"""Does a command that needs no engine load no engine?

Asked of a fresh interpreter, because an import made anywhere earlier would hide the answer.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

HEAVY = (
    "alembic",
    "duckdb",
    "jinja2",
    "lightgbm",
    "numpy",
    "opentelemetry",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "sqlglot",
    "xgboost",
)
SCRIPT = """
import contextlib, io, sys

names = sys.argv[1:]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
{code}
print(*sorted(sys.modules.keys() & set(names)))
"""


def loaded_by(code: str, names: tuple[str, ...] = HEAVY, folder: Path | None = None) -> list[str]:
    """Which of `names` are loaded after `code` ran in a new process; its own output is thrown away."""
    script = SCRIPT.format(code=indent(code, "    "))
    done = subprocess.run(
        [sys.executable, "-c", script, *names], capture_output=True, text=True, cwd=folder, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def command(*words: str) -> str:
    """Code that does what typing `augury words...` does."""
    return f"from augury.cli.main import main\nsys.argv = ['augury', *{list(words)!r}]\nmain()"


def test_z_importing_the_command_line_is_light() -> None:
    assert loaded_by("import augury.cli.main") == []


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help")])
def test_help_is_light(words: tuple[str, ...]) -> None:
    assert loaded_by(command(*words)) == []


def test_listing_pipelines_opens_no_engine(tmp_path: Path) -> None:
    """`ls` reads YAML; the engine, the ledger's library and the model libraries stay where they are."""
    example = Path(__file__).parents[2] / "examples" / "ltv"
    no_engine = tuple(name for name in HEAVY if name not in ("jinja2", "sqlglot"))
    assert loaded_by(command("ls", "--project-dir", str(example)), no_engine, tmp_path) == []


def test_listing_adapters_imports_none() -> None:
    code = "import augury.plugins as p; p.names('warehouses'), p.names('models')"
    assert loaded_by(code, (*HEAVY, "augury.models", "augury.warehouses")) == []


@pytest.mark.parametrize(
    "room",
    [
        "errors",
        "names",
        "dates",
        "events",
        "plugins",
        "spec",
        "warehouses.contract",
        "models.contract",
        "notifiers.contract",
    ],
)
def test_the_lower_rooms_are_light(room: str) -> None:
    assert loaded_by(f"import augury.{room}") == []
