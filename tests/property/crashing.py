"""A process that runs projects in children, and lets each die where it is told to.

    python -m tests.property.crashing        reads lines `folder start end point` and answers with one line each

A child dies by os._exit at its n-th change of the world: a file renamed, linked or removed, a write verb of the ledger
before it began or after it was done. Point 0 lets it live; the answer then says how many points there were. This
process itself opens nothing and has no threads, so that a fork is a fresh start without the second that imports cost.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
)
DIED = 77
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Points:
    """Counts the changes of this process, and ends it at one of them."""

    def __init__(self, fatal: int) -> None:
        self.seen = 0
        self._fatal = fatal

    def pass_one(self) -> None:
        self.seen += 1
        if self.seen == self._fatal:
            os._exit(DIED)

    def audit(self, event: str, _: tuple[Any, ...]) -> None:
        if event in CHANGES:
            self.pass_one()

    def watch(self, ledger: Any) -> None:
        for name in WRITES:
            setattr(ledger, name, self._around(getattr(ledger, name)))

    def _around(self, verb: Any) -> Any:
        def performed(*arguments: Any, **named: Any) -> Any:
            self.pass_one()
            result = verb(*arguments, **named)
            self.pass_one()
            return result

        return performed


def run(root: str, start: str, end: str, fatal: int) -> int:
    """Points that the run passed."""
    from augury.project import Project
    from tests.projects import within

    points = Points(fatal)
    sys.addaudithook(points.audit)
    with Project.open(Path(root), environment={}, clock=lambda: NOW) as project:
        points.watch(project._writing.ledger)
        project.run("ltv", within(start, end), max_parallel=1)
    return points.seen


def serve() -> None:
    import duckdb  # noqa: F401  so that children need not
    import pyarrow  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    for line in sys.stdin:
        root, start, end, fatal = line.split("\t")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.write(writing, str(run(root, start, end, int(fatal))).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        said = os.read(reading, 100).decode()
        os.close(reading)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)} {said or '-'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
