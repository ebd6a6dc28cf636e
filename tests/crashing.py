"""A process that runs projects in children, and lets each die where it is told to.

A child dies by os._exit at its n-th change of the world (a file renamed, linked or removed, a write verb of the ledger
before it began or after it was done), or before the n-th call of one verb. The process itself opens nothing and has no
threads, so that a fork is a fresh start without the second that imports cost.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHANGES = ("os.rename", "os.link", "os.remove")
WRITES = (
    "begin_run",
    "resume_run",
    "finish_run",
    "begin_task",
    "finish_task",
    "record_partitions",
    "record_probe",
    "add_model",
    "date_was_told",
    "model_was_told",
)
DIED = 77
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Children:
    """The door for tests: runs in children of a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def run(self, root: Path, start: str, end: str, fatal: int | str = 0) -> tuple[int, int]:
        """Run `ltv` and die at a point: its number, or `finish_task#2` for before the second call of that verb.

        Returns the exit code (DIED where it died) and how many points it passed, if it lived.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{root}\t{start}\t{end}\t{fatal}\n")
        self._process.stdin.flush()
        code, points = self._process.stdout.readline().split()
        return int(code), int(points)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=20)


class _Points:
    """Counts the changes of this process, and ends it at one of them."""

    def __init__(self, fatal: str) -> None:
        self.seen = 0
        self._calls: Counter[str] = Counter()
        self._fatal = fatal

    def pass_one(self) -> None:
        self.seen += 1
        if str(self.seen) == self._fatal:
            os._exit(DIED)

    def audit(self, event: str, _: tuple[Any, ...]) -> None:
        if event in CHANGES:
            self.pass_one()

    def watch(self, ledger: Any) -> None:
        for name in WRITES:
            setattr(ledger, name, self._around(name, getattr(ledger, name)))

    def _around(self, name: str, verb: Any) -> Any:
        def performed(*arguments: Any, **named: Any) -> Any:
            self._calls[name] += 1
            if f"{name}#{self._calls[name]}" == self._fatal:
                os._exit(DIED)
            self.pass_one()
            result = verb(*arguments, **named)
            self.pass_one()
            return result

        return performed


def _run(root: str, start: str, end: str, fatal: str) -> int:
    from augury.project import Project
    from tests.projects import within

    points = _Points(fatal)
    sys.addaudithook(points.audit)
    with Project.open(Path(root), environment={}, clock=lambda: NOW) as project:
        points.watch(project._writing.ledger)
        project.run("ltv", within(start, end), max_parallel=1)
    return points.seen


def _serve() -> None:
    import duckdb  # noqa: F401  so that children need not
    import pyarrow  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    for line in sys.stdin:
        asked = line.rstrip("\n").split("\t")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.write(writing, str(_run(*asked)).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        said = os.read(reading, 100).decode()
        os.close(reading)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {said or 0}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
