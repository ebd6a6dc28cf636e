"""What do the other columns of arima_plus_xreg say about the series?

A linear regression per series; its residuals are then modelled as any series is (BigQuery docs: 'The CREATE MODEL
statement for ARIMA_PLUS_XREG models'). Numbers count as they are, NULL as the mean of the whole
column; STRING and BOOL are dummy-encoded without their most frequent value, and NULL is a value of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from augury.bigquery_ml.time_series.columns import NUMBERS, bigquery_type, finite, numbers
from augury.errors import ModelFailed

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

NULL = "_null_filler"
"""The name of NULL among the values of a column."""

WORDS = ("STRING", "BOOL")


@dataclass(frozen=True)
class Regressor:
    name: str
    type: str
    mean: float = 0.0
    """What a NULL counts as, of a number."""
    levels: tuple[str, ...] | None = None
    """Values with a weight of their own, of a word; the others count nothing."""

    @property
    def width(self) -> int:
        """How many columns of the design it takes."""
        return 1 if self.levels is None else len(self.levels)

    def encoded(self, column: Any) -> Matrix:
        """One row per row. Raises ModelFailed."""
        kind = bigquery_type(column.type)
        if self.levels is None:
            if kind not in NUMBERS:
                raise ModelFailed(f"column {self.name} is {kind}", why=f"it was {self.type} in training")
            if not finite(column).all():
                raise ModelFailed(f"column {self.name} has infinite or NaN values", fix="Filter or replace them.")
            values = numbers(column)
            return np.where(np.isnan(values), self.mean, values).reshape(-1, 1)
        if kind != self.type and not pa.types.is_null(column.type):
            raise ModelFailed(f"column {self.name} is {kind}", why=f"it was {self.type} in training")
        codes = {level: at for at, level in enumerate(self.levels)}
        out = np.zeros((len(column), len(self.levels)))
        for row, word in enumerate(_words(column)):
            if word in codes:
                out[row, codes[word]] = 1.0
        return out


def learned(name: str, column: Any) -> Regressor:
    """How a column counts. Raises ModelFailed."""
    kind = bigquery_type(column.type)
    if kind in NUMBERS:
        known = numbers(column)
        known = known[np.isfinite(known)]
        return Regressor(name, kind, mean=float(known.mean()) if len(known) else 0.0)
    if kind in WORDS:
        counts = Counter(_words(column))
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        return Regressor(name, kind, levels=tuple(sorted(ordered[1:])))
    raise ModelFailed(
        f"column {name} is {kind}: it cannot be a regressor",
        why=f"regressors are {', '.join((*NUMBERS, *WORDS))}",
        fix="Leave it out in the query, or cast it.",
    )


def design(regressors: Sequence[Regressor], columns: Sequence[Any], rows: int) -> Matrix:
    parts = [regressor.encoded(column) for regressor, column in zip(regressors, columns, strict=True)]
    return np.hstack(parts) if parts else np.empty((rows, 0))


def weights(matrix: Matrix, values: Vector, l2: float) -> Vector:
    """Least squares with an intercept that is not returned: it stays in the residuals. `l2` penalises the squares of
    the weights of standardised columns; a column that does not vary has weight 0, equal columns share theirs."""
    centred = matrix - matrix.mean(axis=0)
    scale = centred.std(axis=0)
    scale[scale == 0] = np.inf
    unit = centred / scale
    stacked = np.vstack([unit, np.sqrt(l2) * np.eye(unit.shape[1])])
    target = np.concatenate([values - values.mean(), np.zeros(unit.shape[1])])
    solution, *_ = np.linalg.lstsq(stacked, target, rcond=None)
    return np.asarray(solution / scale, dtype=np.float64)


def attributions(regressors: Sequence[Regressor], matrix: Matrix, found: Vector) -> list[Vector]:
    """Weight times value, one vector per regressor (BigQuery docs: 'The ML.EXPLAIN_FORECAST function')."""
    out, at = [], 0
    for regressor in regressors:
        part = np.zeros(len(matrix))
        for column in range(at, at + regressor.width):
            # Term by term: the same sum in any batch.
            part = part + matrix[:, column] * found[column]
        out.append(part)
        at += regressor.width
    return out


def _words(column: Any) -> list[str]:
    """Values as text; BOOL as true and false."""
    return [
        NULL if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for value in column.to_pylist()
    ]
