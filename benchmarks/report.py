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
from benchmarks.work import STEPS


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


def per_date(results: list[Result]) -> str:
    """What one more date costs, start-up and first probe left out: the first case that builds several dates, less one.

    A hand-written script imports LightGBM's whole package and starts more slowly than augury does, so that the ratios
    of short runs say little about the work itself.
    """
    built = [result for result in results if result.case.dates]
    one, many = (built[0], built[1]) if len(built) == 2 else (None, None)
    if one is None or many is None or (further := many.case.dates - one.case.dates) < 10:
        return ""
    ours, theirs = (
        [
            1000 * (getattr(middle(getattr(many, side)), kind) - getattr(middle(getattr(one, side)), kind)) / further
            for kind in ("wall", "cpu")
        ]
        for side in ("augury", "other")
    )
    above = (ours[0] - theirs[0]) / len(STEPS)
    wall = f"{ours[0]:.1f} ms, script {theirs[0]:.1f} ms ({ours[0] / theirs[0]:.2f} x, {above:+.1f} ms per step)"
    return f"each further date: {wall}; cpu {ours[1]:.1f} and {theirs[1]:.1f} ms ({ours[1] / theirs[1]:.2f} x)"


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
    text = "\n".join(
        "  ".join(
            cell.ljust(width) if at in (0, len(head) - 1) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return "\n".join(part for part in (text, per_date(results)) if part)


def record(results: list[Result], size: str, repeats: int) -> dict[str, Any]:
    """Everything measured, as JSON: one line of the history."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "size": size,
        "repeats": repeats,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "per_date": per_date(results),
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
