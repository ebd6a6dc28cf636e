"""What does one option or setting say, and does it fit its type and range?

Problems are collected, so that the reader hears about all of them at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from augury.errors import nearest


class Reader:
    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = {name: value for name, value in given.items() if value is not None}
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def name(self, option: str, *, required: bool = False) -> str:
        value = self.given.get(option)
        if isinstance(value, str) and value:
            return value
        if value is not None:
            self.problem(f"{option} is {value!r}: it must be the name of a column")
        elif required:
            self.problem(f"{option} is missing: name the column")
        return ""

    def names(self, option: str) -> tuple[str, ...]:
        value = self.given.get(option)
        if value is None:
            return ()
        parts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
        if not parts or not all(isinstance(part, str) and part for part in parts):
            self.problem(f"{option} is {value!r}: it must be a column, or an array of columns")
            return ()
        return parts

    def boolean(self, option: str, default: bool) -> bool:
        value = self.given.get(option, default)
        if isinstance(value, bool):
            return value
        self.problem(f"{option} is {value!r}: it must be TRUE or FALSE")
        return default

    def integer(self, option: str, default: int, low: int, high: int | None) -> int:
        value = self.given.get(option, default)
        if type(value) is int and value >= low and (high is None or value <= high):
            return value
        span = f"from {low:,} to {high:,}" if high is not None else f"of at least {low:,}"
        self.problem(f"{option} is {value!r}: it must be an integer {span}")
        return default

    def optional_integer(self, option: str, low: int) -> int | None:
        return self.integer(option, low, low, None) if option in self.given else None

    def number(
        self, option: str, *, above: float = -math.inf, below: float = math.inf, at_least: float = -math.inf
    ) -> float | None:
        value = self.given.get(option)
        if value is None:
            return None
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if fits and above < value < below and value >= at_least:
            return float(value)
        span = (
            f"above {above:g} and below {below:g}"
            if math.isfinite(above)
            else f"of at least {at_least:g}"
            if math.isfinite(at_least)
            else "that is finite"
        )
        self.problem(f"{option} is {value!r}: it must be a number {span}")
        return None

    def share(self, option: str, default: float) -> float:
        """A probability in [0, 1)."""
        value = self.given.get(option, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
            return float(value)
        self.problem(f"{option} is {value!r}: it must be at least 0 and less than 1")
        return default

    def word(self, option: str, default: str, known: Sequence[str]) -> str:
        value = self.given.get(option, default)
        if isinstance(value, str) and value.lower() in known:
            return value.lower()
        self._unknown(option, value, known)
        return default

    def words(self, option: str, known: Sequence[str]) -> tuple[str, ...]:
        value = self.given.get(option)
        if value is None:
            return ()
        parts = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else [value]
        for part in parts:
            if not (isinstance(part, str) and part.lower() in known):
                self._unknown(option, part, known)
        return tuple(dict.fromkeys(part.lower() for part in parts if isinstance(part, str) and part.lower() in known))

    def _unknown(self, option: str, value: object, known: Sequence[str]) -> None:
        near = nearest(value.lower(), known) if isinstance(value, str) else None
        hint = f"did you mean {near.upper()}?" if near else f"known are {', '.join(word.upper() for word in known)}"
        self.problem(f"{option} is {value!r}: {hint}")
