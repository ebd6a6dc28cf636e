"""How is a mean or a standard deviation learnt so that the same rows give the same bits?

Threads add up parts of a column in an order that differs from run to run, and a sum of floating-point numbers depends
on the order. Here each number is scaled by a power of two, which loses nothing, and added as a whole number, 2**60
for the largest of the column. What is lost below that is less than a sum of doubles loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from augury.sql.bigquery_ml.transform_learning import LEARNING, Aggregate, Learnt, number
from augury.sql.bigquery_ml.transform_types import Takes

_UNIT = f"{2**60}e0"


@dataclass(frozen=True)
class Mean:
    takes: ClassVar[Takes] = "numbers"

    def fit(self, column: str) -> str:
        x = number(column)
        largest = f"(SELECT max(abs({x})) AS m FROM {LEARNING})"
        whole = f"CAST({x} * ({_UNIT} / p) AS BIGINT)"
        scaled = f"SELECT {_power('m')} AS p FROM {largest} WHERE isfinite(m)"
        mean = f"SELECT CAST(sum({whole}) AS DOUBLE) / count({x}) * (max(p) / {_UNIT}) FROM {LEARNING}, ({scaled})"
        return f"coalesce(({mean}), (SELECT m FROM {largest} WHERE NOT isfinite(m)))"

    def window(self, x: str) -> str:
        return f"avg(CAST({x} AS DOUBLE)) OVER ()"

    def constant(self, value: Any) -> Learnt:
        return Aggregate("").constant(value)


@dataclass(frozen=True)
class Spread:
    """The standard deviation of a sample; NULL for fewer than two values."""

    takes: ClassVar[Takes] = "numbers"

    def fit(self, column: str) -> str:
        x = number(column)
        mean = f"(SELECT m FROM (SELECT {Mean().fit(column)} AS m) WHERE isfinite(m))"
        scaled = f"SELECT max(m) AS m, {_power(f'max(abs({x} - m))')} AS p FROM {LEARNING}, {mean}"
        whole = f"CAST((({x} - m) / p) * (({x} - m) / p) * {_UNIT} AS BIGINT)"
        variance = f"CAST(sum({whole}) AS DOUBLE) / {_UNIT} / nullif(count({x}) - 1, 0)"
        return f"(SELECT sqrt({variance}) * max(p) FROM {LEARNING}, ({scaled}))"

    def window(self, x: str) -> str:
        return f"stddev_samp(CAST({x} AS DOUBLE)) OVER ()"

    def constant(self, value: Any) -> Learnt:
        return Aggregate("").constant(value)


def _power(size: str) -> str:
    """The power of two next above a number, within what a double and its inverse can be."""
    return f"pow(2, least(greatest(coalesce(ceil(log2(nullif({size}, 0))), 0), -900), 1023))"
