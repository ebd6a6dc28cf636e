"""Is a date still inside the limits of its pipeline? Asked between steps and once more before publishing."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass, field

from augury.errors import LimitExceeded
from augury.spec.pipeline import Limits


def peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux reports kilobytes, macOS bytes.
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass
class Meter:
    """The time of one date, summed over its tasks: waiting for other dates does not count."""

    limits: Limits
    before: float = 0.0
    """Seconds that earlier tasks of the same date took."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    def check(self, about_to: str) -> None:
        """Raises LimitExceeded where a limit is passed; `about_to` says what therefore does not happen."""
        time_limit, memory_limit = self.limits.time, self.limits.memory
        if time_limit is not None and self.seconds > time_limit:
            raise LimitExceeded(
                f"took {self.seconds:.1f} s of the {time_limit:g} s that limits.time allows",
                why=f"stopped before {about_to}",
                fix="Nothing was published. Raise limits.time in pipeline.yml, or make the steps cheaper.",
            )
        if memory_limit is not None and (peak := peak_memory()) > memory_limit:
            raise LimitExceeded(
                f"used {peak / 1e6:,.0f} MB of the {memory_limit / 1e6:,.0f} MB that limits.memory allows",
                why=f"stopped before {about_to}",
                fix="Nothing was published. Raise limits.memory in pipeline.yml, or read fewer columns.",
            )
