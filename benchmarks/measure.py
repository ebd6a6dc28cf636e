"""How long does a command take, how much CPU and how much memory?

Each command is a process of its own and the kernel counts for it (wait4). A child inherits the peak memory of
whoever forks it, so nothing here or above may import DuckDB, Arrow or a model library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
AUGURY = str(Path(sys.executable).with_name("augury"))


@dataclass(frozen=True)
class Measure:
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all threads, user and system."""
    memory: float
    """Peak resident memory in MB (2**20 bytes)."""


class CommandFailed(Exception):
    """A measured command did not end with exit code 0."""


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this folder."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def measure(command: list[str], output: Path) -> Measure:
    """Run a command to its end; what it prints goes to a file."""
    with output.open("wb") as file:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=_environment())
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = output.read_text(errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)}\nended with {process.returncode}:\n{text}")
    return Measure(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    """The caller's, without what would change a measured command's work."""
    # An installed package has its bytecode: compiling augury's modules each time would cost 0.05 s of CPU.
    changing = ("AUGURY_", "OMP_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
    return {**kept, "NO_COLOR": "1"}


def middle(measures: list[Measure]) -> Measure:
    """The median of each figure."""
    return Measure(
        median(one.wall for one in measures),
        median(one.cpu for one in measures),
        median(one.memory for one in measures),
    )
