"""How are measurements shown, kept and judged?"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from benchmarks.cases import Case
from benchmarks.measure import ROOT, Measure, middle


@dataclass(frozen=True)
class Result:
    case: Case
    augury: list[Measure]
    other: list[Measure]
    """Repeats in the order in which they ran; the two sides took turns."""

    @property
    def ratio(self) -> float:
        """Of the median wall times."""
        return middle(self.augury).wall / middle(self.other).wall

    def missed(self) -> list[str]:
        """Goals on ratios that were not reached, in words."""
        ours, theirs, case = middle(self.augury), middle(self.other), self.case
        out = []
        if case.ratio is not None and ours.wall > max(case.ratio * theirs.wall, theirs.wall + case.spare):
            above = f"{self.ratio:.2f} x the script (+{ours.wall - theirs.wall:.2f} s)"
            out.append(f"{case.name}: {above}, goal {case.goal}")
        if case.memory is not None and ours.memory > theirs.memory + case.memory:
            out.append(f"{case.name}: {ours.memory - theirs.memory:.0f} MB above the script, goal {case.goal}")
        return out


def table(results: list[Result]) -> str:
    """Medians as text."""
    head = ("", "augury s", "script s", "ratio", "cpu s", "cpu s", "ratio", "MB", "MB", "goal")
    lines = [head]
    for result in results:
        ours, theirs = middle(result.augury), middle(result.other)
        lines.append(
            (
                result.case.name,
                f"{ours.wall:.2f}",
                f"{theirs.wall:.2f}",
                f"{result.ratio:.2f}",
                f"{ours.cpu:.2f}",
                f"{theirs.cpu:.2f}",
                f"{ours.cpu / theirs.cpu:.2f}",
                f"{ours.memory:.0f}",
                f"{theirs.memory:.0f}",
                result.case.goal,
            )
        )
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, len(head) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def record(results: list[Result], size: str, repeats: int) -> dict[str, Any]:
    """Everything measured, as JSON: one line of the history."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "size": size,
        "repeats": repeats,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "versions": {name: version(name) for name in ("duckdb", "pyarrow", "lightgbm")},
        "cases": [
            {
                "name": result.case.name,
                "augury": asdict(middle(result.augury)),
                "script": asdict(middle(result.other)),
                "ratio": round(result.ratio, 3),
                "walls": {
                    "augury": [one.wall for one in result.augury],
                    "script": [one.wall for one in result.other],
                },
                "goal": result.case.goal,
                "missed": result.missed(),
            }
            for result in results
        ],
    }


def _commit() -> str | None:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or None
