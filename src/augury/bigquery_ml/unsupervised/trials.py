"""Which values does hyperparameter tuning try?

BigQuery docs: 'Hyperparameter tuning overview'. There is no Vizier here: VIZIER_DEFAULT is a random search too, over
the same ranges and scales, from the seed of the training. Where the space has no more points than trials, every
point is tried once.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from augury.bigquery_ml.contract import Candidates, Range
from augury.errors import UsageError

Scale = Literal["whole", "linear", "log"]

LOG_FLOOR = 1e-4
"""A logarithmic range that begins at 0 begins at this share of its end."""


@dataclass(frozen=True)
class Axis:
    """What BigQuery documents for one hyperparameter."""

    scale: Scale
    default: Range


@dataclass(frozen=True)
class Plan:
    """The points to try, in order; each holds every tuned hyperparameter."""

    points: tuple[dict[str, Any], ...]


def tuned(options: Mapping[str, Any], axes: Mapping[str, Axis], seed: int) -> tuple[dict[str, Any], Plan | None]:
    """Options without their ranges, and the plan; None where nothing is tuned. Raises UsageError."""
    spaces = {name: value for name, value in options.items() if name in axes and isinstance(value, Range | Candidates)}
    plain = {name: value for name, value in options.items() if name not in spaces}
    count = options.get("num_trials")
    extra = [name for name in options if name.startswith("hparam_tuning") or name == "max_parallel_trials"]
    if count is None:
        if spaces or extra:
            raise UsageError(
                f"{', '.join([*spaces, *extra])}: tuning needs a number of trials", fix="Add num_trials = 10, say."
            )
        return plain, None
    for name, axis in axes.items():
        if name not in options:
            spaces[name] = axis.default
    if not spaces:
        raise UsageError(
            "num_trials is given, but nothing is left to tune",
            fix=f"Give HPARAM_RANGE or HPARAM_CANDIDATES to one of: {', '.join(axes)}.",
        )
    wanted = int(count) if isinstance(count, int) else 1  # what is no number is refused with the other options
    grid = str(options.get("hparam_tuning_algorithm", "")).lower() == "grid_search"
    return plain, Plan(_points(spaces, axes, wanted, grid, seed))


def _points(
    spaces: Mapping[str, Range | Candidates], axes: Mapping[str, Axis], count: int, grid: bool, seed: int
) -> tuple[dict[str, Any], ...]:
    choices = {name: _choices(name, space, axes[name].scale) for name, space in spaces.items()}
    open_ones = [name for name, values in choices.items() if values is None]
    if grid and open_ones:
        raise UsageError(
            f"GRID_SEARCH needs a list of values: {', '.join(open_ones)}", fix="Use HPARAM_CANDIDATES([...])."
        )
    listed = [values for values in choices.values() if values is not None]
    if not open_ones and (grid or np.prod([float(len(values)) for values in listed]) <= count):
        every = itertools.islice(itertools.product(*listed), count)
        return tuple(dict(zip(choices, point, strict=True)) for point in every)
    generator = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    while len(out) < count:
        point = {name: _draw(generator, choices[name], space, axes[name].scale) for name, space in spaces.items()}
        if point not in out:
            out.append(point)
    return tuple(out)


def _choices(name: str, space: Range | Candidates, scale: Scale) -> Sequence[Any] | None:
    """The values of a discrete space; None of a continuous one."""
    if isinstance(space, Candidates):
        if not space.values:
            raise UsageError(f"{name}: HPARAM_CANDIDATES has no values")
        return list(dict.fromkeys(space.values))
    if not 0 <= space.low <= space.high < float("inf"):
        raise UsageError(
            f"{name}: HPARAM_RANGE({space.low:g}, {space.high:g}) is no range", fix="Write the lower end first."
        )
    if scale != "whole":
        return [space.low] if space.low == space.high else None
    values = range(int(np.ceil(space.low)), int(space.high) + 1)
    if not values:
        raise UsageError(f"{name}: there is no whole number in HPARAM_RANGE({space.low:g}, {space.high:g})")
    return values


def _draw(generator: np.random.Generator, values: Sequence[Any] | None, space: Any, scale: Scale) -> Any:
    if values is not None:
        return values[int(generator.integers(len(values)))]
    if scale == "linear":
        return float(generator.uniform(space.low, space.high))
    low = space.low or space.high * LOG_FLOOR
    return float(np.exp(generator.uniform(np.log(low), np.log(space.high))))
