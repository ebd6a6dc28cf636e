"""Is a date still inside the limits of its pipeline? Asked around steps and once more before publishing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from augury.errors import LimitExceeded
from augury.run.memory import measured, peak_memory
from augury.spec.pipeline import Limits

__all__ = ["Meter", "peak_memory"]


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

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Around one step, or a training. Raises LimitExceeded where it took more than `limits.steps` gives it; its
        result then counts as not built."""
        limits = self.limits.steps.get(name)
        if limits is None:
            yield
            return
        began = time.monotonic()
        with measured(limits.memory is not None) as memory:
            yield
        seconds = time.monotonic() - began
        if limits.time is not None and seconds > limits.time:
            raise _too_much(name, "time", f"took {seconds:.1f} s of the {limits.time:g} s")
        if limits.memory is not None and memory.peak > limits.memory:
            raise _too_much(name, "memory", f"used {memory.peak / 1e6:,.0f} MB of the {limits.memory / 1e6:,.0f} MB")


def _too_much(step: str, what: str, figures: str) -> LimitExceeded:
    key = f"limits.steps.{step}.{what}"
    undone = "No model was registered" if step == "train" else "Nothing was published"
    return LimitExceeded(
        f"{step} {figures} that {key} allows",
        why=f"stopped after {step}",
        fix=f"{undone}. Raise {key} in pipeline.yml, or make the step cheaper.",
    )
