"""Which hyperparameters can be tuned, over which values, and which trials does a search try?

Ranges and scales are those of BigQuery docs: 'Hyperparameter tuning overview', the table of hyperparameters and
objectives. The first trial takes the default of each hyperparameter, or what its space has nearest to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from augury.bigquery_ml.contract import Candidates, Range
from augury.bigquery_ml.supervised.options import FAMILIES
from augury.errors import UsageError

SMALLEST = 1e-14
"""What a logarithmic scale takes for 0."""


@dataclass(frozen=True)
class Axis:
    """The values of one hyperparameter: a range, or a list."""

    low: float = 0.0
    high: float = 0.0
    values: tuple[Any, ...] | None = None
    log: bool = False
    whole: bool = False

    def draw(self, dice: np.random.Generator) -> Any:
        if self.values is not None:
            return self.values[int(dice.integers(len(self.values)))]
        if self.whole:
            return int(dice.integers(math.ceil(self.low), math.floor(self.high), endpoint=True))
        if self.log:
            low = math.log(max(self.low, SMALLEST))
            return math.exp(float(dice.uniform(low, math.log(max(self.high, SMALLEST)))))
        # A linear range such as (0, 1] has an open lower end.
        return max(float(dice.uniform(self.low, self.high)), SMALLEST)

    def nearest(self, default: Any) -> Any:
        """Where the search starts."""
        if self.values is None:
            if self.whole:
                return min(max(default, math.ceil(self.low)), math.floor(self.high))
            return min(max(default, self.low), self.high)
        if default in self.values:
            return default
        if all(isinstance(value, int | float) for value in self.values):
            return min(self.values, key=lambda value: abs(value - default))
        return self.values[0]


@dataclass(frozen=True)
class Tunable:
    """What may be asked of a hyperparameter, and what is searched where nothing is."""

    low: float = 0.0
    high: float = math.inf
    default: tuple[float, float] | None = None
    """None: only searched on request."""
    log: bool = False
    whole: bool = False
    words: bool = False

    def asked(self, name: str, value: Range | Candidates) -> Axis:
        """Raises UsageError where the space is empty or goes beyond what is valid."""
        if isinstance(value, Range):
            if self.words:
                raise UsageError(f"{name} takes HPARAM_CANDIDATES, not HPARAM_RANGE")
            if value.low > value.high:
                raise UsageError(f"HPARAM_RANGE of {name} is empty: {value.low} is above {value.high}")
            if self.whole and math.ceil(value.low) > math.floor(value.high):
                raise UsageError(f"HPARAM_RANGE of {name} holds no whole number")
            self._valid(name, (value.low, value.high))
            return Axis(value.low, value.high, log=self.log, whole=self.whole)
        values = tuple(entry.lower() if isinstance(entry, str) else entry for entry in value.values)
        if not values:
            raise UsageError(f"HPARAM_CANDIDATES of {name} is empty")
        if not self.words:
            self._valid(name, values)
        return Axis(values=values)

    def searched(self) -> Axis | None:
        if self.default is None:
            return None
        return Axis(*self.default, log=self.log, whole=self.whole)

    def _valid(self, name: str, values: tuple[Any, ...]) -> None:
        bad = [value for value in values if not isinstance(value, int | float) or not self.low <= value <= self.high]
        if bad:
            upper = "" if math.isinf(self.high) else f" to {self.high:g}"
            raise UsageError(
                f"{name} cannot be tuned over {', '.join(map(str, bad))}", fix=f"Stay within {self.low:g}{upper}."
            )


_PENALTY = Tunable(default=(0.0, 10.0), log=True)
_PART = Tunable(high=1.0)
_TREES = {
    "l1_reg": _PENALTY,
    "l2_reg": _PENALTY,
    "min_split_loss": Tunable(),
    "min_tree_child_weight": Tunable(whole=True),
    "colsample_bytree": _PART,
    "colsample_bylevel": _PART,
    "colsample_bynode": _PART,
    "tree_method": Tunable(words=True),
    "subsample": Tunable(high=1.0, default=(0.0, 1.0)),
}
_BOOSTED = {
    **_TREES,
    "learn_rate": Tunable(default=(0.0, 1.0)),
    "max_tree_depth": Tunable(low=1, high=20, default=(1, 10), whole=True),
    "num_parallel_tree": Tunable(low=1, whole=True),
    "dropout": _PART,
    "booster_type": Tunable(words=True),
    "dart_normalize_type": Tunable(words=True),
}
_FOREST = {
    **_TREES,
    "max_tree_depth": Tunable(low=1, high=20, default=(1, 20), whole=True),
    "num_parallel_tree": Tunable(low=2, default=(2, 200), whole=True),
    # 1 is not allowed: trees of a forest differ by the rows that they see.
    "subsample": Tunable(high=0.999, default=(0.0, 0.999)),
}
_LINEAR = {"l1_reg": _PENALTY, "l2_reg": _PENALTY}

TUNABLE: Mapping[str, Mapping[str, Tunable]] = {
    "linear_reg": _LINEAR,
    "logistic_reg": _LINEAR,
    "boosted_tree_regressor": _BOOSTED,
    "boosted_tree_classifier": _BOOSTED,
    "random_forest_regressor": _FOREST,
    "random_forest_classifier": _FOREST,
}


def default_space(model_type: str, fixed: Mapping[str, Any]) -> dict[str, Axis]:
    """What is searched where the statement gives no space: everything that has a default range and no value."""
    found = {name: tunable.searched() for name, tunable in TUNABLE[model_type].items() if name not in fixed}
    space = {name: axis for name, axis in found.items() if axis is not None}
    if not space:
        raise UsageError("num_trials leaves nothing to tune", fix="Give an option HPARAM_RANGE or HPARAM_CANDIDATES.")
    return space


def trials(
    model_type: str, space: Mapping[str, Axis], count: int, algorithm: str, seed: int
) -> Iterator[dict[str, Any]]:
    """At most `count` different choices, the same for the same seed."""
    if algorithm == "grid_search":
        lists = [axis.values or () for axis in space.values()]
        for values in itertools.islice(itertools.product(*lists), count):
            yield dict(zip(space, values, strict=True))
        return
    dice = np.random.default_rng(seed)
    fields = FAMILIES[model_type].model_fields
    choice = {name: axis.nearest(fields[name].default) for name, axis in space.items()}
    seen: list[dict[str, Any]] = []
    # A space of few values is exhausted; 50 draws without a new one are taken for that.
    for _ in range(count * 50):
        if choice not in seen:
            seen.append(choice)
            yield choice
        if len(seen) == count:
            return
        choice = {name: axis.draw(dice) for name, axis in space.items()}
