"""How good are recommendations learned from implicit feedback?

Every item is ranked for each user by its confidence. BigQuery's API describes the metrics under RankingMetrics; average
rank is that of Hu, Koren and Volinsky: 0 where the rated items come first, 0.5 by chance.
"""

from __future__ import annotations

import numpy as np

from augury.bigquery_ml.libraries import one_thread
from augury.bigquery_ml.unsupervised.factors import Codes, Factors, Observed
from augury.bigquery_ml.unsupervised.values import Vector

METRICS = ("mean_average_precision", "mean_squared_error", "normalized_discounted_cumulative_gain", "average_rank")

MOST = 20_000_000
"""User-item pairs that are ranked; of more, evenly spread users are taken."""
CELLS = 2_000_000
"""Pairs at a time."""


def metrics(factors: Factors, rows: Observed) -> dict[str, float | None]:
    """None where no user with factors has a rated item with factors."""
    known = (rows.ratings > 0) & (rows.users >= 0) & (rows.items >= 0)
    users, items, ratings = rows.users[known], rows.items[known], rows.ratings[known]
    asked = np.unique(users)
    if not len(asked):
        return dict.fromkeys(METRICS)
    total = len(factors.items)
    most = max(1, MOST // total)
    if len(asked) > most:
        asked = asked[np.linspace(0, len(asked) - 1, most).astype(np.int64)]
    precision, gain, errors, ranks, weights = 0.0, 0.0, 0.0, 0.0, 0.0
    step = max(1, CELLS // total)
    with one_thread("matrix-factorization"):
        for start in range(0, len(asked), step):
            piece = asked[start : start + step]
            mine = np.isin(users, piece)
            row = np.searchsorted(piece, users[mine]).astype(np.int64)
            scores = factors.users[piece] @ factors.items.T
            place = _places(scores)[row, items[mine]]
            wanted = np.zeros_like(scores)
            wanted[row, items[mine]] = 1.0
            errors += float(np.sum(np.square(wanted - scores)))
            precision += float(_precision(row, place, len(piece)).sum())
            gain += float(_gain(row, place, ratings[mine], len(piece)).sum())
            ranks += float(np.sum(ratings[mine] * place)) / max(total - 1, 1)
            weights += float(ratings[mine].sum())
    count = len(asked)
    return dict(zip(METRICS, (precision / count, errors / (count * total), gain / count, ranks / weights), strict=True))


def _places(scores: Vector) -> Vector:
    """The rank of each item, from 0; of equal scores the first item ranks first."""
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(scores.shape[1]), order.shape), axis=1)
    return places.astype(np.float64)


def _nth(row: Codes, key: Vector) -> tuple[Codes, Vector]:
    """The order by user and key, and of each so ordered pair how many of its user come before it."""
    order = np.lexsort((key, row)).astype(np.int64)
    first = np.searchsorted(row[order], row[order], side="left")
    return order, (np.arange(len(order)) - first).astype(np.float64)


def _precision(row: Codes, place: Vector, count: int) -> Vector:
    """Of each user: the mean, over rated items, of the share of rated ones among those ranked as high."""
    order, before = _nth(row, place)
    shares = (before + 1) / (place[order] + 1)
    return np.bincount(row[order], weights=shares, minlength=count) / np.bincount(row, minlength=count)


def _gain(row: Codes, place: Vector, ratings: Vector, count: int) -> Vector:
    """Of each user: discounted ratings in the order of the model over those in the order of the ratings."""
    found = np.bincount(row, weights=ratings / np.log2(place + 2), minlength=count)
    order, before = _nth(row, -ratings)
    ideal = np.bincount(row[order], weights=ratings[order] / np.log2(before + 2), minlength=count)
    return found / ideal
