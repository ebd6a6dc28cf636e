"""By which rows is a model known again, where no training rows are at hand?

They are drawn around the values at which the model's own predictions change: where another version of a library
compares, rounds or treats a missing value differently, it shows there first. Arrow is built from buffers, because
`pa.array` imports pandas where it is installed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from augury.models.contract import Feature, FittedModel
from augury.models.features import SECONDS_PER_DAY, UNITS

ROWS = 200
"""More than of a training set, whose rows are like those to come: these have to find thresholds, and cost nothing."""
MISSING = 8
"""One value of so many is missing."""
_DAYS = (-719_162, 2_932_896)
"""From 0001-01-01 to 9999-12-31: dates that Python and DuckDB have too."""


def drawn_rows(fitted: FittedModel, seed: int, count: int = ROWS) -> pa.Table:
    """`count` rows with the model's features, the same for the same model and seed. The first has no value at all."""
    # Drawn again from the same seed whenever the card is made: nothing that had to be secret.
    chance = random.Random(seed)  # nosec B311
    splits = fitted.splits()
    columns = [_column(feature, splits.get(feature.name, ()), chance, count) for feature in fitted.features]
    return pa.Table.from_arrays(columns, names=[feature.name for feature in fitted.features])


def _column(feature: Feature, splits: Sequence[float], chance: random.Random, count: int) -> Any:
    draw, build = _KINDS[feature.type]
    there = [row > 0 and chance.randrange(MISSING) > 0 for row in range(count)]
    return build([draw(feature, splits, chance) if known else None for known in there])


# -- values ----------------------------------------------------------------------------------------------------


def _number(feature: Feature, splits: Sequence[float], chance: random.Random) -> float:
    """A split, one of its neighbours as a float of 64 or of 32 bits, or a number of no meaning."""
    if not splits or not chance.randrange(MISSING):
        return float(chance.randrange(2))
    at = chance.choice(splits)
    side = chance.choice((-np.inf, np.inf))
    with np.errstate(over="ignore"):
        near = [at, float(np.nextafter(at, side)), float(np.nextafter(np.float32(at), np.float32(side)))]
    return chance.choice([value for value in near if np.isfinite(value)] or [0.0])


def _boolean(feature: Feature, splits: Sequence[float], chance: random.Random) -> bool:
    return bool(chance.randrange(2))


def _category(feature: Feature, splits: Sequence[float], chance: random.Random) -> str:
    unseen = next(name for name in map(str, range(len(feature.levels) + 1)) if name not in feature.levels)
    return chance.choice((*feature.levels, unseen))


def _date(feature: Feature, splits: Sequence[float], chance: random.Random) -> int:
    """Days."""
    low, high = _DAYS
    return max(low, min(high, int(_seconds(splits, chance) // SECONDS_PER_DAY) + chance.randrange(2)))


def _timestamp(feature: Feature, splits: Sequence[float], chance: random.Random) -> int:
    """Microseconds."""
    low, high = (day * SECONDS_PER_DAY * UNITS["us"] for day in _DAYS)
    return max(low, min(high, int(_seconds(splits, chance) * UNITS["us"]) + chance.randrange(2)))


def _seconds(splits: Sequence[float], chance: random.Random) -> float:
    # Beyond these no date exists, and a float may be too large to become an integer.
    limit = float(_DAYS[1] * SECONDS_PER_DAY)
    return max(-limit, min(limit, chance.choice(splits))) if splits else 0.0


# -- columns ---------------------------------------------------------------------------------------------------


def _fixed(kind: pa.DataType, width: type[Any]) -> Callable[[list[Any]], Any]:
    def build(values: list[Any]) -> Any:
        plain = np.array([0 if value is None else value for value in values], dtype=width)
        return pa.Array.from_buffers(kind, len(values), [_there(values), pa.py_buffer(plain)])

    return build


def _bits(values: list[Any]) -> Any:
    packed = np.packbits(np.array([bool(value) for value in values]), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [_there(values), pa.py_buffer(packed)])


def _texts(values: list[Any]) -> Any:
    raw = [b"" if value is None else value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int32)
    buffers = [_there(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(raw))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _there(values: list[Any]) -> Any:
    """The validity bitmap."""
    return pa.py_buffer(np.packbits(np.array([value is not None for value in values]), bitorder="little"))


_KINDS: dict[str, tuple[Callable[..., Any], Callable[[list[Any]], Any]]] = {
    "number": (_number, _fixed(pa.float64(), np.float64)),
    "boolean": (_boolean, _bits),
    "category": (_category, _texts),
    "date": (_date, _fixed(pa.date32(), np.int32)),
    "timestamp": (_timestamp, _fixed(pa.timestamp("us"), np.int64)),
}
