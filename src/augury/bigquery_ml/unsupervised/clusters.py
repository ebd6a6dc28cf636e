"""How far is a row from each centroid, and where do the centroids of some rows lie?

Distances are added input by input, in a fixed order and without a matrix product, whose rounding depends on the number
of rows: any batching gives the same bits. A category adds what a table says for its value.

BigQuery docs: 'The CREATE MODEL statement for K-means models', DISTANCE_TYPE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.unsupervised.inputs import Encoded, Input, Number, Positions, chunks, starts
from augury.bigquery_ml.unsupervised.values import Vector

ROWS = 16_384
"""At a time, so that centroids x rows stays small while training."""


@dataclass(frozen=True)
class Space:
    """What a row is made of, and how distance is measured."""

    inputs: tuple[Input, ...]
    cosine: bool

    def squared(self, encoded: Encoded, centroids: Vector) -> Vector:
        """Squared distances, centroids x rows."""
        if not self.cosine:
            return _euclidean(encoded, self.inputs, centroids)
        lengths = np.sqrt(self.norms(encoded)) * np.sqrt(np.square(centroids).sum(axis=1))[:, None]
        likeness = np.divide(
            _products(encoded, self.inputs, centroids), lengths, out=np.zeros_like(lengths), where=lengths > 0
        )
        apart: Vector = np.clip(1.0 - likeness, 0.0, None)
        return apart

    def norms(self, encoded: Encoded) -> Vector:
        """The squared length of each row."""
        total = np.zeros(len(encoded[0]))
        for values, item in zip(encoded, self.inputs, strict=True):
            total += np.square(values) if isinstance(item, Number) else (values < item.width).astype(np.float64)
        return total

    def nearest(self, encoded: Encoded, centroids: Vector) -> tuple[Positions, Vector]:
        """Of each row: its centroid, and the squared distance to it. Of equal ones the first."""
        labels, distances = [], []
        for piece in chunks(encoded, ROWS):
            squared = self.squared(piece, centroids)
            best = np.argmin(squared, axis=0)
            labels.append(best)
            distances.append(squared[best, np.arange(len(best))])
        return np.concatenate(labels), np.concatenate(distances)

    def means(self, encoded: Encoded, labels: Positions, before: Vector) -> Vector:
        """The centroid of each cluster's rows; one without rows stays where it was.

        With cosine distance it points to where the sum of 1 - cos is smallest, and has the mean length of its rows.
        """
        count = len(before)
        sizes = np.bincount(labels, minlength=count).astype(np.float64)
        if not self.cosine:
            return np.where(
                sizes[:, None] > 0, self._sums(encoded, labels, count) / np.maximum(sizes, 1)[:, None], before
            )
        lengths = np.sqrt(self.norms(encoded))
        shares = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        sums = self._sums(encoded, labels, count, shares)
        long = np.sqrt(np.square(sums).sum(axis=1))
        wanted = np.bincount(labels, weights=lengths, minlength=count) / np.maximum(sizes, 1)
        scale = np.divide(wanted, long, out=np.zeros_like(long), where=long > 0)
        return np.where((scale > 0)[:, None], sums * scale[:, None], before)

    def _sums(self, encoded: Encoded, labels: Positions, count: int, weights: Vector | None = None) -> Vector:
        out = np.zeros((count, sum(item.width for item in self.inputs)))
        for values, item, start in zip(encoded, self.inputs, starts(self.inputs), strict=True):
            if isinstance(item, Number):
                counted = values if weights is None else values * weights
                out[:, start] = np.bincount(labels, weights=counted, minlength=count)
            else:
                places = labels * (item.width + 1) + values.astype(np.int64)
                tally = np.bincount(places, weights=weights, minlength=count * (item.width + 1))
                out[:, start : start + item.width] = tally.reshape(count, -1)[:, : item.width]
        return out


def _euclidean(encoded: Encoded, inputs: Sequence[Input], centroids: Vector) -> Vector:
    out = np.zeros((len(centroids), len(encoded[0])))
    for values, item, start in zip(encoded, inputs, starts(inputs), strict=True):
        block = centroids[:, start : start + item.width]
        if isinstance(item, Number):
            for at, place in enumerate(block[:, 0]):
                out[at] += np.square(values - place)
            continue
        squares = np.square(block)
        base = squares.sum(axis=1)
        table = np.column_stack([np.clip(base[:, None] - squares, 0.0, None) + np.square(1.0 - block), base])
        out += table[:, values.astype(np.int64)]
    return out


def _products(encoded: Encoded, inputs: Sequence[Input], centroids: Vector) -> Vector:
    out = np.zeros((len(centroids), len(encoded[0])))
    for values, item, start in zip(encoded, inputs, starts(inputs), strict=True):
        block = centroids[:, start : start + item.width]
        if isinstance(item, Number):
            for at, place in enumerate(block[:, 0]):
                out[at] += values * place
        else:
            out += np.column_stack([block, np.zeros(len(block))])[:, values.astype(np.int64)]
    return out


def radii(labels: Positions, squared: Vector, count: int) -> tuple[Vector, npt.NDArray[np.int64]]:
    """Of each cluster: the root mean square of its rows' distances, and their number.

    BigQuery docs: 'The ML.DETECT_ANOMALIES function', K-means model output.
    """
    sizes = np.bincount(labels, minlength=count)
    return np.sqrt(np.bincount(labels, weights=squared, minlength=count) / np.maximum(sizes, 1)), sizes


@dataclass
class Tally:
    """Evaluation metrics of rows that arrive in batches.

    Sums are taken over blocks of one size, whatever the batches are: so any batching gives the same bits.
    """

    space: Space
    centroids: Vector

    def __post_init__(self) -> None:
        count = len(self.centroids)
        self.rows = 0
        self._sizes = np.zeros(count)
        self._distances = np.zeros(count)
        self._squares = np.zeros(count)
        self._waiting: list[tuple[Positions, Vector]] = []

    def add(self, labels: Positions, squared: Vector) -> None:
        self.rows += len(labels)
        self._waiting.append((labels, squared))
        if sum(len(part) for part, _ in self._waiting) >= ROWS:
            self._count(ROWS)

    def metrics(self) -> tuple[float | None, float | None]:
        """Davies-Bouldin index and mean squared distance; None where they are not defined."""
        self._count(1)
        if not self.rows:
            return None, None
        with_rows = np.flatnonzero(self._sizes)
        mean = float(self._squares.sum() / self.rows)
        spread = self._distances[with_rows] / self._sizes[with_rows]
        between = np.sqrt(_between(self.space, self.centroids[with_rows]))
        if len(with_rows) < 2 or not (between + np.eye(len(with_rows)) > 0).all():
            return None, mean
        ratios = (spread[:, None] + spread[None, :]) / (between + np.diag(np.full(len(with_rows), np.inf)))
        return float(ratios.max(axis=1).mean()), mean

    def _count(self, least: int) -> None:
        """Count waiting rows in blocks while at least `least` of them wait."""
        labels = np.concatenate([part for part, _ in self._waiting] or [np.empty(0, np.int64)])
        squared = np.concatenate([part for _, part in self._waiting] or [np.empty(0)])
        count = len(self.centroids)
        while len(labels) >= least:
            block, distances = labels[:ROWS], squared[:ROWS]
            self._sizes += np.bincount(block, minlength=count)
            self._distances += np.bincount(block, weights=np.sqrt(distances), minlength=count)
            self._squares += np.bincount(block, weights=distances, minlength=count)
            labels, squared = labels[ROWS:], squared[ROWS:]
        self._waiting = [(labels, squared)]


def _between(space: Space, centroids: Vector) -> Vector:
    """Squared distances between centroids."""
    if not space.cosine:
        return np.array([np.square(centroids - one).sum(axis=1) for one in centroids]).reshape(len(centroids), -1)
    lengths = np.sqrt(np.square(centroids).sum(axis=1))
    together = np.outer(lengths, lengths)
    likeness = np.divide(centroids @ centroids.T, together, out=np.zeros_like(together), where=together > 0)
    return np.clip(1.0 - likeness, 0.0, None)
