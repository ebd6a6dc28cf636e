"""What is compared? Pairs of commands that do the same work, each on fresh folders."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks import project, work
from benchmarks.measure import AUGURY, CommandFailed, measure, python
from benchmarks.work import Size

SECONDS_PER_STEP = 0.003
"""What ledger, logs and locks may cost per date and step."""


@dataclass(frozen=True)
class Folders:
    """Where one repeat of one case works; empty at its beginning."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def script(self) -> Path:
        return self.root / "script"

    @property
    def output(self) -> Path:
        return self.root / "output.txt"


@dataclass(frozen=True)
class Case:
    name: str
    augury: Callable[[Folders], list[str]]
    other: Callable[[Folders], list[str]]
    """The hand-written script, or what is the least that any command costs."""
    before: Callable[[Folders], None]
    """Makes the folders ready; not measured."""
    same_rows: bool
    """The published tables of both must be equal afterwards."""
    goal: str
    ratio: float | None = None
    """Largest ratio of wall times that --check accepts."""
    spare: float = 0.0
    """Seconds above the script that are accepted whatever the ratio."""
    memory: float | None = None
    """MB above the script that --check accepts."""
    of_size: bool = True
    """Whether the size of the data matters."""
    dates: int = 0
    """How many dates are built from nothing, one after the other."""

    def fits(self, size: str, sizes: Sequence[str]) -> bool:
        """Whether the case is measured with this size: once where the size does not matter."""
        return self.of_size or size == sizes[0]


def cases(size: Size, dates: int, planned: int) -> list[Case]:
    """The cases of one size: `dates` run dates are built, `planned` are planned."""

    def fresh(folders: Folders) -> None:
        project.write(folders.project, size)

    def built(folders: Folders) -> None:
        """Both have all their tables; augury then loses those of predict."""
        fresh(folders)
        for command in (backfill(dates, "--max-parallel", "1")(folders), script(dates)(folders)):
            measure(command, folders.output)
        measure(augury("clean", *span(dates, "--from", "--to"), "--step", "predict", "--yes")(folders), folders.output)

    def augury(command: str, *arguments: str) -> Callable[[Folders], list[str]]:
        return lambda at: [AUGURY, "--project-dir", str(at.project), command, *arguments]

    def backfill(count: int, *arguments: str) -> Callable[[Folders], list[str]]:
        return augury("backfill", project.PIPELINE, *span(count), *arguments)

    def script(count: int, *arguments: str) -> Callable[[Folders], list[str]]:
        options = ["--size", size.name, "--dates", str(count), *arguments]
        return lambda at: python("by_hand", "--out", str(at.script), *options)

    newest = ("--date", str(work.LAST_DATE))
    return [
        Case(
            "one date, cold",
            augury("run", project.PIPELINE, *newest),
            script(1),
            fresh,
            same_rows=True,
            goal="<= 1.10 x, + 60 MB",
            ratio=1.10,
            memory=60,
            dates=1,
        ),
        Case(
            f"{dates} dates, day by day",
            backfill(dates, "--max-parallel", "1"),
            script(dates),
            fresh,
            same_rows=True,
            goal=f"<= 1.10 x or {1000 * SECONDS_PER_STEP:.0f} ms per date and step, + 60 MB",
            ratio=1.10,
            spare=SECONDS_PER_STEP * dates * len(work.STEPS),
            memory=60,
            dates=dates,
        ),
        Case(
            f"{dates} dates, default",
            backfill(dates),
            script(dates, "--jobs", str(os.cpu_count())),
            fresh,
            same_rows=True,
            goal="<= 1.10 x, + 60 MB",
            ratio=1.10,
            memory=60,
        ),
        Case(
            f"scoring alone, {dates} dates",
            augury("run", project.PIPELINE, *span(dates), "--step", "predict"),
            script(dates, "--only-predict"),
            built,
            same_rows=False,
            goal="shown",
        ),
        *(
            Case(name, command, _nothing, fresh, same_rows=False, goal=goal, of_size=False)
            for name, command, goal in (
                ("augury --help", lambda _: [AUGURY, "--help"], "<= 0.25 s"),
                ("augury ls", augury("ls"), "<= 0.25 s"),
                (f"plan of {planned} dates", augury("plan", project.PIPELINE, *span(planned)), "<= 1 s"),
            )
        ),
    ]


def span(count: int, start: str = "--start", end: str = "--end") -> tuple[str, str, str, str]:
    """The newest `count` run dates as options; the end is excluded."""
    return start, str(work.last_dates(count)[0]), end, str(work.LAST_DATE + timedelta(days=1))


def _nothing(_: Folders) -> list[str]:
    """A Python that starts and ends."""
    return [sys.executable, "-c", "pass"]


def check_rows(folders: Folders) -> None:
    """Compare what both published and archived. Raises CommandFailed where a table differs."""
    for theirs, ours in (("predictions", project.PUBLISHED), ("archive", project.ARCHIVE)):
        latest = folders.project / project.NAMESPACE / "_latest" / ours
        try:
            measure(python("compare", str(folders.script / theirs), str(latest)), folders.output)
        except CommandFailed as error:
            raise CommandFailed(f"the published rows differ: {error}") from error


def clear(folders: Folders) -> None:
    shutil.rmtree(folders.root, ignore_errors=True)
    folders.root.mkdir(parents=True)
