"""Which directions carry the variance of some rows, and what is a row in their terms?

Rows are projected input by input in a fixed order, without a matrix product, whose rounding depends on the number of
rows: any batching gives the same bits.

A direction has two signs that explain the rows equally well. Here its largest weight, the first of equal ones, is
positive, so that the same rows always give the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from augury.bigquery_ml.libraries import library
from augury.bigquery_ml.unsupervised.inputs import Encoded, Input, Number, chunks, dense, starts
from augury.bigquery_ml.unsupervised.values import Vector

CELLS = 2_000_000
"""Of rows x inputs that are spread out at a time: 16 MB."""


@dataclass(frozen=True)
class Spectrum:
    """All directions that were computed, the most variance first."""

    components: Vector
    variances: Vector
    total: float
    """Variance of all inputs."""


def spectrum(covariance: Vector, count: int, *, randomized: bool, seed: int) -> Spectrum:
    """The `count` first directions of a covariance matrix."""
    if randomized:
        # Of a covariance matrix, singular values and vectors are eigenvalues and eigenvectors.
        _, variances, components = library("sklearn.utils.extmath", "bigquery-ml").randomized_svd(
            covariance, count, n_iter=7, random_state=seed
        )
    else:
        variances, columns = np.linalg.eigh(covariance)
        variances, components = variances[::-1][:count], columns.T[::-1][:count]
    largest = np.argmax(np.abs(components).round(12), axis=1)
    signs = np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)
    return Spectrum(
        np.ascontiguousarray(components * signs[:, None]),
        np.clip(variances, 0.0, None),
        float(np.trace(covariance)),
    )


def moments(encoded: Encoded, inputs: Sequence[Input]) -> tuple[Vector, Vector]:
    """Means and covariances of the inputs, over rows - 1 as scikit-learn has it."""
    rows = len(encoded[0])
    width = sum(item.width for item in inputs)
    means = np.zeros(width)
    for values, item, start in zip(encoded, inputs, starts(inputs), strict=True):
        if isinstance(item, Number):
            means[start] = values.mean()
        else:
            counts = np.bincount(values.astype(np.int64), minlength=item.width + 1)[: item.width]
            means[start : start + item.width] = counts / rows
    covariance = np.zeros((width, width))
    for piece in chunks(encoded, max(1, CELLS // width)):
        spread = dense(piece, inputs) - means
        covariance += spread.T @ spread
    return means, covariance / (rows - 1)


@dataclass(frozen=True)
class Projection:
    inputs: tuple[Input, ...]
    means: Vector
    components: Vector

    def scores(self, encoded: Encoded) -> Vector:
        """Components x rows."""
        out = np.zeros((len(self.components), len(encoded[0])))
        for values, item, start in zip(encoded, self.inputs, starts(self.inputs), strict=True):
            block = self.components[:, start : start + item.width]
            if isinstance(item, Number):
                centered = values - self.means[start]
                for at, weight in enumerate(block[:, 0]):
                    out[at] += centered * weight
                continue
            centre = (block * self.means[start : start + item.width]).sum(axis=1)
            table = np.column_stack([block - centre[:, None], -centre])
            out += table[:, values.astype(np.int64)]
        return out

    def rebuilt(self, encoded: Encoded) -> Iterator[tuple[Vector, Vector]]:
        """Rows x inputs as they were, and as the components have them, some rows at a time."""
        width = len(self.means)
        for piece in chunks(encoded, max(1, CELLS // max(width, 1))):
            scores = self.scores(piece)
            found = np.tile(self.means, (scores.shape[1], 1))
            for score, component in zip(scores, self.components, strict=True):
                found += score[:, None] * component[None, :]
            yield dense(piece, self.inputs), found

    def squared_error(self, encoded: Encoded) -> Vector:
        """Of each row, over its inputs."""
        parts = [np.square(given - found).mean(axis=1) for given, found in self.rebuilt(encoded)]
        return np.concatenate(parts) if parts else np.empty(0)
