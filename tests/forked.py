"""Commands that begin at once: typed in processes that are forked from one that has imported what they need.

For tests that start a great many and kill most of them: a process of its own is what such a test is about, and not the
half second in which it would import the engine. The server opens nothing and has no thread, so a fork is a fresh start.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from augury.cli.main import main
from tests.cli_runner import Answer, environment

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "tests.forked",
        "augury.cli.commands.work",
        "augury.cli.narrator",
        "augury.cli.render.outcomes",
        "augury.cli.render.runs",
        "augury.ledger.store",
        "augury.operations.requests",
        "augury.operations.running",
        "augury.project.project",
        "augury.sql.statement",
        "augury.sql.template",
        "augury.warehouses.duckdb",
        "duckdb",
        "jinja2.sandbox",
        "pyarrow.json",
        "sqlglot",
    ]
)


@dataclass(frozen=True)
class Forked:
    """A command at work."""

    process: BaseProcess
    said: Path
    """What it printed, on both streams."""

    def poll(self) -> int | None:
        """The exit code, None while it works. A killed one has the negative number of its signal."""
        return self.process.exitcode

    def kill(self) -> None:
        self.process.kill()

    def ended(self, seconds: float = 120) -> Answer:
        """Wait for it."""
        self.process.join(seconds)
        code = self.process.exitcode
        assert code is not None, f"still at work after {seconds} s"
        return Answer(code, "", self.said.read_text("utf-8"))


def forked(*words: str, folder: Path) -> Forked:
    """Type `augury WORDS` in `folder` and do not wait for it."""
    descriptor, said = tempfile.mkstemp(dir=folder.parent)
    os.close(descriptor)
    process = SERVER.Process(target=_type, args=(words, folder, environment(), said))
    process.start()
    return Forked(process, Path(said))


def _type(words: tuple[str, ...], folder: Path, variables: dict[str, str], said: str) -> None:
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    with Path(said).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.exit(main(list(words)))
