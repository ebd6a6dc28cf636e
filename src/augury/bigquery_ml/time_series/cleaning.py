"""Which points are spikes, dips or steps, and what would the series be without them?

Both rules judge a change by the quartiles of its kind in the same series: more than three times their range beyond
them, Tukey's fence for points that are far out. Seasonal patterns are taken out before, so a yearly peak is no spike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

FENCE = 3.0
"""Interquartile ranges beyond the quartiles."""

SIDE = 3
"""Points on either side that a point is compared with: with their median, runs of up to two points stand out."""


def spikes(values: Vector) -> Vector:
    """What to subtract: 0 except at spikes and dips, which local linear interpolation replaces.

    A spike lies above, a dip below, the medians of the points before it and of those after it, by more than the bends
    of the series explain. A step or a slope lies between the two medians.
    """
    length = len(values)
    out = np.zeros(length)
    if length < 2 * SIDE + 1:
        return out
    # Near the ends there are fewer points on one side; the end itself has nothing beyond it to come back to.
    outside = np.full(SIDE, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([outside, values, outside]), SIDE)
    inside = slice(1, length - 1)
    before = values[inside] - np.nanmedian(windows[1 : length - 1], axis=1)
    after = values[inside] - np.nanmedian(windows[SIDE + 2 : SIDE + length], axis=1)
    height = np.where(before * after > 0, np.sign(before) * np.minimum(np.abs(before), np.abs(after)), 0.0)
    low, high = _fences(values[1:-1] - (values[:-2] + values[2:]) / 2)
    found = np.zeros(length, dtype=np.bool_)
    found[inside] = (height < low) | (height > high)
    if found.any():
        where = np.arange(length)
        out[found] = values[found] - np.interp(where[found], where[~found], values[~found])
    return out


def steps(values: Vector) -> Vector:
    """What to subtract so that the whole history lies on the level of its end: constant between steps, then 0.

    A step is a change from one point to the next that is far out among all such changes, and that lasts: the medians
    of the points before and after differ by at least half of it.
    """
    out = np.zeros(len(values))
    changes = np.diff(values)
    if len(values) < 4 * SIDE:
        return out
    usual = float(np.median(changes))
    low, high = _fences(changes)
    for at in np.flatnonzero((changes < low) | (changes > high)) + 1:
        size = changes[at - 1] - usual
        before, after = values[max(0, at - 2 * SIDE) : at], values[at : at + 2 * SIDE]
        if min(len(before), len(after)) < SIDE:
            continue
        lasting = float(np.median(after) - np.median(before))
        if lasting * size > 0 and abs(lasting) >= abs(size) / 2:
            out[:at] -= size
    return out


def _fences(values: Vector) -> tuple[float, float]:
    low, high = np.quantile(values, [0.25, 0.75])
    # A series that hardly moves has no scale of its own to judge by: nothing is far out.
    reach = FENCE * (high - low) if high > low else np.inf
    return float(low - reach), float(high + reach)
