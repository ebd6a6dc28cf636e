"""What does the doctor find? What is wrong, why, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from augury.spec.files import PipelineSpec


@dataclass(frozen=True)
class Finding:
    problem: str
    """One sentence: what is stuck or wrong, and where."""
    why: str
    """What it was found from, in the words of whoever said so."""
    mend: str
    """What to do, ideally a command; what was done, where it is mended."""
    mended: bool = False


def described(days: Sequence[date]) -> str:
    """`1998-01-15`, `1998-01-15, 1998-01-17`, or `31 dates from 1998-01-01 to 1998-01-31`; `days` ascend."""
    if len(days) <= 3:
        return ", ".join(str(day) for day in days)
    return f"{len(days)} dates from {days[0]} to {days[-1]}"


def command(verb: str, spec: PipelineSpec, days: Sequence[date] = (), *, current: str, more: str = "") -> str:
    """`augury run ltv --date D`, or `augury backfill ltv --start A --end B` for several; `days` ascend."""
    words = ["augury", verb, spec.name]
    if len(days) == 1:
        words += ["--date", str(days[0])]
    elif days:
        words[1] = "backfill" if verb == "run" else verb
        words += ["--start", str(days[0]), "--end", str(days[-1] + timedelta(days=1))]
    if spec.version != current:
        words += ["--version", spec.version]
    return " ".join([*words, more] if more else words)
