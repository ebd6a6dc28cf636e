"""What may each argument of a preprocessing function be?"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from augury.errors import nearest
from augury.sql.bigquery_ml.values import Expression

_REQUIRED = object()
_INFINITY = re.compile(r"""CAST\s*\(\s*['"]\+?INF(?:INITY)?['"]\s+AS\s+FLOAT64\s*\)""", re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Literal["expression", "features", "constant"]
    """An expression that depends on the row, a STRUCT of such, or a constant."""
    read: Callable[[Any], Any] = lambda value: value
    """The constant, checked. Raises ValueError with what it may be."""
    default: Any = _REQUIRED

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED


EXPRESSION = Parameter("expression", "expression")
FEATURES = Parameter("features", "features")


def integer(name: str, low: int, high: int | None = None, *, default: Any = _REQUIRED) -> Parameter:
    upper = f" and at most {high:,}" if high is not None else ""

    def read(value: Any) -> int:
        if type(value) is not int or value < low or (high is not None and value > high):
            raise ValueError(f"is a whole number of at least {low}{upper}")
        return value

    return Parameter(name, "constant", read, default)


def flag(name: str, default: bool) -> Parameter:
    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError("is TRUE or FALSE")
        return value

    return Parameter(name, "constant", read, default)


def text(name: str, default: str) -> Parameter:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is a string in quotes")
        return value

    return Parameter(name, "constant", read, default)


def choice(name: str, *known: str, required: bool = False) -> Parameter:
    """One of these strings; the first where it is left out."""
    by = {each.lower(): each for each in known}

    def read(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in by:
            close = nearest(str(value).lower(), by)
            hint = f"; did you mean '{by[close]}'?" if close else ""
            raise ValueError(f"is one of {', '.join(repr(each) for each in known)}{hint}")
        return by[value.lower()]

    return Parameter(name, "constant", read, _REQUIRED if required else known[0])


def split_points(name: str) -> Parameter:
    def read(value: Any) -> tuple[float, ...]:
        points = _numbers(value)
        if not points or any(after <= before for before, after in pairwise(points)):
            raise ValueError("is an array of numbers, each larger than the one before, such as [10, 20, 30]")
        return tuple(float(point) for point in points)

    return Parameter(name, "constant", read)


def percentiles(name: str, default: tuple[int, int]) -> Parameter:
    def read(value: Any) -> tuple[int, int]:
        points = _numbers(value)
        if len(points) != 2 or any(type(point) is not int for point in points) or not 0 < points[0] < points[1] < 100:
            raise ValueError("is an array of two whole numbers between 0 and 100, such as [25, 75]")
        return points[0], points[1]

    return Parameter(name, "constant", read, default)


def sizes(name: str) -> Parameter:
    """The smallest and the largest n of n-grams."""

    def read(value: Any) -> tuple[int, int]:
        points = _numbers(value if isinstance(value, list) else [value, value])
        if len(points) != 2 or any(type(point) is not int for point in points) or not 1 <= points[0] <= points[1]:
            raise ValueError("is a whole number of at least 1, or an array of two in order, such as [1, 3]")
        return points[0], points[1]

    return Parameter(name, "constant", read)


def norm(name: str, default: Any = _REQUIRED) -> Parameter:
    def read(value: Any) -> float:
        if isinstance(value, Expression) and _INFINITY.fullmatch(value.sql):
            return math.inf
        found = _numbers([value])
        if not found or not (found[0] == 0 or found[0] >= 1):
            raise ValueError("is 0.0, a number of at least 1.0, or CAST('INF' AS FLOAT64)")
        return float(found[0])

    return Parameter(name, "constant", read, default)


def _numbers(value: Any) -> list[Any]:
    """The numbers of a list; nothing where one is no finite number."""
    if not isinstance(value, list) or any(type(each) not in (int, float) for each in value):
        return []
    return value if all(math.isfinite(each) for each in value) else []
