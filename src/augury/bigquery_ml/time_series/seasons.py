"""Which seasonal patterns does a series have, and how do they go on?

A pattern is taken out by STL, the shortest period first, in two rounds. AUTO tries the periods of the frequency and
keeps those that line up: the mean of the periods varies more than when each is turned by a random amount, at the 5%
level, which is a fair test for any noise, correlated or not. A pattern goes on by exponential smoothing of each of its
phases over the periods, so it keeps its size up to any horizon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.time_series import library
from augury.bigquery_ml.time_series.cleaning import FENCE

Vector = npt.NDArray[np.float64]

PERIODS: Mapping[str, Mapping[str, int]] = {
    "per_minute": {"daily": 1440, "weekly": 10_080},
    "hourly": {"daily": 24, "weekly": 168, "monthly": 730, "quarterly": 2190, "yearly": 8766},
    "daily": {"weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365},
    "weekly": {"monthly": 4, "quarterly": 13, "yearly": 52},
    "monthly": {"quarterly": 3, "yearly": 12},
    "quarterly": {"yearly": 4},
    "yearly": {},
}
"""Points per period, in whole points: what does not divide (a month of days, a year of weeks) is the nearest number."""

AUTO: Mapping[str, tuple[str, ...]] = {
    "per_minute": ("daily", "weekly"),
    "hourly": ("daily", "weekly"),
    "daily": ("weekly", "yearly"),
    "weekly": ("yearly",),
    "monthly": ("yearly",),
    "quarterly": ("yearly",),
    "yearly": (),
}

NAMES = ("yearly", "quarterly", "monthly", "weekly", "daily")
"""In the order of ML.EXPLAIN_FORECAST's columns."""

TURNS = 199
"""Random alignments that AUTO compares with: 10 or more as strong as the real one are too many at 5%."""

ROUNDS = 2


@dataclass(frozen=True)
class Season:
    name: str
    period: int
    history: Vector
    """Its part of each point."""
    phases: Vector
    """Its level in each phase, the first for the point after the last."""
    share: float
    """Of the noise of one point, how much is in the pattern: 1/n where it is a plain mean of n periods."""

    def ahead(self, positions: npt.NDArray[np.int64]) -> Vector:
        """Its part 1, 2, ... points after the end."""
        return np.asarray(self.phases[(positions - 1) % self.period], dtype=np.float64)


def find(values: Vector, frequency: str, wanted: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Names of the patterns to take out, the shortest period first."""
    periods = PERIODS[frequency]
    if wanted == ("no_seasonality",):
        return ()
    automatic = wanted == ("auto",)
    names = AUTO[frequency] if automatic else tuple(name for name in periods if name in wanted)
    # Two periods are the least that can repeat.
    names = tuple(name for name in sorted(names, key=lambda name: periods[name]) if len(values) >= 2 * periods[name])
    if not automatic:
        return names
    kept = []
    rest = values
    for name in names:
        cycles = _cycles(rest, periods[name])
        if _repeats(cycles, np.random.default_rng(seed)):
            kept.append(name)
            rest = rest - np.tile(np.nanmean(cycles, axis=0), len(cycles))[-len(values) :]
    return tuple(kept)


def take_out(values: Vector, frequency: str, names: tuple[str, ...]) -> tuple[Season, ...]:
    """The patterns of `values`; what is left is `values` minus their histories."""
    smooth = library.stl()
    periods = {name: PERIODS[frequency][name] for name in names}
    parts = {name: np.zeros(len(values)) for name in names}
    rest = values.copy()
    for _ in range(ROUNDS if len(names) > 1 else 1):
        for number, (name, period) in enumerate(periods.items()):
            rest = rest + parts[name]
            fit = smooth(rest, period=period, seasonal=_window(number), seasonal_deg=0).fit()
            parts[name] = np.asarray(fit.seasonal, dtype=np.float64)
            rest = rest - parts[name]
    return tuple(
        Season(name, period, parts[name], _levels(parts[name], period), _share(len(values) / period, _window(number)))
        for number, (name, period) in enumerate(periods.items())
    )


def inflation(seasons: tuple[Season, ...]) -> float:
    """By how much the variance of what is left must grow to be that of a forecast: the patterns took this share of the
    noise out of the history, and bring as much into the future. Without it intervals are known to be too narrow."""
    share = min(sum(season.share for season in seasons), 0.5)
    return (1.0 + share) / (1.0 - share)


def _window(number: int) -> int:
    """Periods that a phase is smoothed over, of the first, second, ... pattern, as R's forecast::mstl has them."""
    return 11 + 4 * number


def _share(cycles: float, window: int) -> float:
    """The sum of the squared weights by which STL smooths `cycles` points of a phase at their end."""

    def of(count: int) -> float:
        # Cleveland et al., 'STL': tricube weights; a span longer than the data widens the neighbourhood by half.
        reach = min(count, window) - 1 + max(window - count, 0) // 2
        weights = (1 - (np.arange(min(count, window)) / max(reach, 1)) ** 3).clip(0) ** 3
        return float(np.sum(weights**2) / np.sum(weights) ** 2)

    whole, part = int(cycles), cycles - int(cycles)
    return (1 - part) * of(whole) + part * of(whole + 1)


def _cycles(values: Vector, period: int) -> Vector:
    """One period per row, without slow movement and with far-out points drawn in; NaN before the first point."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    where = np.arange(len(values))
    first, last = np.maximum(where - period // 2, 0), np.minimum(where + (period + 1) // 2, len(values))
    level = (total[last] - total[first]) / (last - first)
    moved = values - level
    low, high = np.quantile(moved, [0.25, 0.75])
    reach = FENCE * (high - low)
    moved = np.clip(moved, low - reach, high + reach)
    moved = moved - moved.mean()
    return np.concatenate([np.full(-len(values) % period, np.nan), moved]).reshape(-1, period)


def _repeats(cycles: Vector, rng: np.random.Generator) -> bool:
    count, period = cycles.shape
    real = _strength(cycles)
    if real <= 0:
        return False
    as_strong = 0
    for _ in range(TURNS):
        turns = rng.integers(period, size=(count, 1))
        turned = np.take_along_axis(cycles, (np.arange(period) + turns) % period, axis=1)
        # Turns that all agree give the same strength in another order of additions.
        as_strong += _strength(turned) >= real * (1 - 1e-9)
    return (1 + as_strong) / (1 + TURNS) <= 0.05


def _strength(cycles: Vector) -> float:
    """The sum of squares between phases."""
    known = ~np.isnan(cycles)
    sums = np.where(known, cycles, 0.0).sum(axis=0)
    return float(np.sum(sums**2 / known.sum(axis=0)))


def _levels(history: Vector, period: int) -> Vector:
    """The smoothed level of each phase at the end; one weight for all, the one with the least one-step error."""
    cycles = history[len(history) % period :].reshape(-1, period)
    best, chosen = np.inf, cycles[-1]
    for weight in np.linspace(0.1, 1.0, 10):
        level, error = cycles[0], 0.0
        for cycle in cycles[1:]:
            error += float(np.sum((cycle - level) ** 2))
            level = level + weight * (cycle - level)
        if error < best:
            best, chosen = error, level
    return np.asarray(chosen, dtype=np.float64)
