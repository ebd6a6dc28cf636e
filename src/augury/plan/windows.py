"""What stands for the fingerprints of a whole look-back? Their sum, so that sliding it by a day costs nothing.

A year of look-backs over a year of dates would otherwise hash 133,000 fingerprints: 2 s of a plan. Each partition's
fingerprint covers its own date, so the order of the summands carries nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import date

_MODULUS = 2**128


class WindowSums:
    """Running sums over the dates of one step, extended as they are asked for."""

    def __init__(self, fingerprint_of: Callable[[date], str]) -> None:
        """`fingerprint_of` gives hexadecimal digits."""
        self._fingerprint_of = fingerprint_of
        self._days: list[date] = []
        self._sums: list[int] = [0]
        """The sum of all days before the one at the same position; one more than there are days."""

    def over(self, days: Sequence[date]) -> str:
        """What stands for consecutive run dates, ascending."""
        if not days:
            return "nothing"
        self._cover(days)
        first = bisect_left(self._days, days[0])
        total = self._sums[first + len(days)] - self._sums[first]
        return f"{len(days)} {total % _MODULUS:x}"

    def _cover(self, days: Sequence[date]) -> None:
        if self._days and self._days[0] <= days[0] <= self._days[-1]:
            new = days[bisect_left(days, self._days[-1]) + 1 :]
        else:
            # Earlier than what is known, or after a gap: begin again.
            self._days, self._sums, new = [], [0], days
        for day in new:
            self._days.append(day)
            self._sums.append(self._sums[-1] + int(self._fingerprint_of(day), 16))
