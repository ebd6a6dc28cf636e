"""What does a linear model multiply its weights with, when it is trained?

Numbers are a dense matrix and categories a sparse one, so that memory follows the rows and not the number of
categories. Inputs that training never saw, and those that dummy encoding leaves out, have no column: their weight
stays 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.supervised.linear_inputs import AnyInput, Cells, Number, Values

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Which weights are learned, of all that the inputs have."""

    starts: tuple[int, ...]
    """First weight of each input."""
    total: int
    dense: npt.NDArray[np.int64]
    """Weights of numbers."""
    sparse: npt.NDArray[np.int64]
    """Weights of categories that were seen."""
    complete: tuple[slice, ...]
    """Of the learned weights, those of inputs that add up to 1 in every row: all categories of one column."""

    @property
    def learned(self) -> npt.NDArray[np.int64]:
        return np.concatenate([self.dense, self.sparse])


class Design:
    """Rows x learned weights."""

    def __init__(self, dense: Matrix, sparse: Any) -> None:
        self._dense = dense
        self._sparse = sparse

    @property
    def rows(self) -> int:
        return len(self._dense)

    def take(self, rows: npt.NDArray[np.int64]) -> Design:
        return Design(self._dense[rows], self._sparse[rows])

    def times(self, weights: Matrix) -> Matrix:
        """Rows x outputs."""
        cut = self._dense.shape[1]
        out: Matrix = self._dense @ weights[:cut] + self._sparse @ weights[cut:]
        return out

    def pull(self, residuals: Matrix) -> Matrix:
        """Weights x outputs: the sum over the rows of input times residual."""
        return np.concatenate([self._dense.T @ residuals, self._sparse.T @ residuals])

    def gram(self, weights: Vector | None) -> Matrix:
        """Sums of products of inputs over the rows, with a leading 1 for the intercept."""
        sparse = self._sparse if weights is None else self._sparse.multiply(weights[:, None]).tocsr()
        dense = self._dense if weights is None else self._dense * weights[:, None]
        counts = np.ones((self.rows, 1)) if weights is None else weights[:, None]
        sides = np.concatenate([dense.T @ np.ones(self.rows), np.asarray(sparse.sum(axis=0)).ravel()])
        mixed = np.asarray(sparse.T @ self._dense).T
        inner = np.block([[dense.T @ self._dense, mixed], [mixed.T, (sparse.T @ self._sparse).toarray()]])
        return np.block([[counts.sum(keepdims=True), sides[None, :]], [sides[:, None], inner]])


def lay_out(inputs: Sequence[AnyInput], cells: Sequence[Cells], rows: npt.NDArray[np.int64]) -> Layout:
    """`rows` are those that train."""
    starts: list[int] = []
    dense: list[int] = []
    sparse: list[int] = []
    groups: list[tuple[int, int]] = []
    at = 0
    for item, found in zip(inputs, cells, strict=True):
        starts.append(at)
        if isinstance(item, Number):
            dense.append(at)
        else:
            seen = _seen(found, item.width, rows)
            if isinstance(item, Values) and item.without is not None:
                seen[item.without] = False
            if isinstance(item, Values) and item.without is None:
                groups.append((len(sparse), len(sparse) + int(seen.sum())))
            sparse += (at + np.flatnonzero(seen)).tolist()
        at += item.width
    complete = tuple(slice(len(dense) + first, len(dense) + last) for first, last in groups)
    return Layout(tuple(starts), at, np.array(dense, dtype=np.int64), np.array(sparse, dtype=np.int64), complete)


def _seen(found: Cells, width: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    seen = np.zeros(width, dtype=bool)
    if found.positions is not None:
        places = found.positions[rows]
    else:
        assert found.entries is not None
        places = found.entries.places[np.isin(found.entries.rows, rows)]
    seen[places[places < width]] = True
    return seen


def design(inputs: Sequence[AnyInput], cells: Sequence[Cells], layout: Layout, count: int) -> Design:
    """The matrix of all `count` rows."""
    from scipy import sparse

    dense = np.zeros((count, len(layout.dense)))
    at_dense = 0
    rows, places, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for item, start, found in zip(inputs, layout.starts, cells, strict=True):
        if found.numbers is not None:
            dense[:, at_dense] = found.numbers
            at_dense += 1
        elif found.positions is not None:
            known = np.flatnonzero(found.positions < item.width)
            rows.append(known)
            places.append(start + found.positions[known])
            values.append(np.ones(len(known)))
        elif found.entries is not None:
            rows.append(found.entries.rows)
            places.append(start + found.entries.places)
            values.append(found.entries.values)
    shape = (count, layout.total)
    whole = sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(places))), shape=shape)
    return Design(dense, whole[:, layout.sparse])
