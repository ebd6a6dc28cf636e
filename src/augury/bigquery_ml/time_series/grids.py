"""At which times does a series have its points?

A grid starts at the first point of the series and goes on in equal steps: fixed ones up to a week, calendar months
beyond. Times are microseconds since 1970 in UTC; DATE and DATETIME count as UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.errors import ModelFailed

Times = npt.NDArray[np.int64]

SECOND = 1_000_000
DAY = 86_400 * SECOND

FIXED = {"per_minute": 60 * SECOND, "hourly": 3600 * SECOND, "daily": DAY, "weekly": 7 * DAY}
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}

SHORTEST = {**FIXED, "monthly": 28 * DAY, "quarterly": 89 * DAY, "yearly": 365 * DAY}
"""The least time between two points; of the calendar's months, quarters (January to March) and years."""


@dataclass(frozen=True)
class Grid:
    frequency: str
    origin: int
    """The first point."""
    month_ends: bool = False
    """Every point lies on the last day of its month, and so do those to come."""

    def at(self, positions: Times) -> Times:
        """The times of the n-th points, the first being 0."""
        if self.frequency in FIXED:
            return np.asarray(self.origin + positions * FIXED[self.frequency], dtype=np.int64)
        start = _months(np.array([self.origin], dtype=np.int64))
        months = start[0] + positions * MONTHS[self.frequency]
        first = _starts(months)
        days = (_starts(months + 1) - first) // DAY
        into = self.origin - int(_starts(start)[0])
        day, clock = divmod(into, DAY)
        # The 31st is followed by the 28th and the 31st, as DATE_ADD has it.
        last = days - 1
        days_in = last if self.month_ends else np.minimum(day, last)
        return np.asarray(first + days_in * DAY + clock, dtype=np.int64)

    def positions(self, times: Times) -> Times:
        """The nearest point of each time; for months, quarters and years the one it lies in."""
        if self.frequency in FIXED:
            step = FIXED[self.frequency]
            return np.asarray((times - self.origin + step // 2) // step, dtype=np.int64)
        start = _months(np.array([self.origin], dtype=np.int64))[0]
        return np.asarray((_months(times) - start) // MONTHS[self.frequency], dtype=np.int64)


def grid(times: Times, frequency: str) -> Grid:
    """The grid of a series with these times, which are sorted and distinct. Raises ModelFailed.

    AUTO_FREQUENCY takes the longest step that is no longer than the median interval, so that a few gaps or stray points
    do not change it. A given frequency must not be coarser than the data, as in BigQuery.
    """
    intervals = np.diff(times)
    if frequency == "auto_frequency":
        frequency = _inferred(int(np.sort(intervals)[(len(intervals) - 1) // 2]))
    elif len(intervals) and int(intervals.min()) < SHORTEST[frequency]:
        closest = int(np.argmin(intervals))
        raise ModelFailed(
            f"data_frequency is {frequency.upper()}, but points lie closer together",
            why=f"{spoken(int(times[closest]))} is followed by {spoken(int(times[closest + 1]))}",
            fix="Aggregate the rows in the query, or use a finer data_frequency or AUTO_FREQUENCY.",
        )
    months = frequency in MONTHS and bool(np.all(_is_month_end(times)))
    return Grid(frequency, int(times[0]), months)


def spoken(time: int) -> str:
    """A time as people write it."""
    text = str(np.datetime64(time, "us").astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(" 00:00:00")


def _inferred(interval: int) -> str:
    fitting = [name for name, least in SHORTEST.items() if least <= interval]
    if not fitting:
        raise ModelFailed(
            "the points lie less than a minute apart",
            why="PER_MINUTE is the finest frequency",
            fix="Aggregate the rows in the query, e.g. by TIMESTAMP_TRUNC(t, MINUTE).",
        )
    return fitting[-1]


def _months(times: Times) -> Times:
    return times.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _starts(months: Times) -> Times:
    return months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)


def _is_month_end(times: Times) -> npt.NDArray[np.bool_]:
    return np.asarray(_months(times + DAY) != _months(times), dtype=np.bool_)
