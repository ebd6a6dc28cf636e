"""How are the factors of users and items found?

Explicit feedback: alternating least squares, written here, because `implicit` factorizes implicit feedback only. The
rating is the mean of all ratings, plus an intercept of the user and of the item, plus the product of their factors;
intercepts and factors are regularized alike, and each half step solves its least squares exactly.

Implicit feedback: `implicit`, which solves the weighted least squares of Hu, Koren and Volinsky exactly too. Confidence
is 1 + alpha x rating; there are no intercepts.

BigQuery docs: 'The CREATE MODEL statement for matrix factorization models', Feedback types; 'The ML.TRAINING_INFO
function' for the losses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augury.bigquery_ml.libraries import library, one_thread
from augury.bigquery_ml.unsupervised.values import Vector
from augury.errors import ModelFailed

Codes = npt.NDArray[np.int64]

TOGETHER = 4_096
"""Systems of equations that are solved at a time."""
REMEDY = "Scale the ratings down, raise L2_REG, or lower WALS_ALPHA."
FIRST_SCALE = 0.1
"""Standard deviation of the factors that explicit feedback begins with."""


@dataclass(frozen=True)
class Observed:
    """Ratings; -1 is a user or an item without factors."""

    users: Codes
    items: Codes
    ratings: Vector

    def summed(self) -> Observed:
        """Each pair once, with the sum of its ratings: what several ratings say of implicit feedback."""
        if not len(self.ratings):
            return self
        pairs, at = np.unique(np.column_stack([self.users, self.items]), axis=0, return_inverse=True)
        sums = np.bincount(at.ravel(), weights=self.ratings, minlength=len(pairs))
        return Observed(pairs[:, 0], pairs[:, 1], sums.astype(np.float64))


@dataclass(frozen=True)
class Factors:
    users: Vector
    """Users x factors."""
    items: Vector
    user_intercepts: Vector
    item_intercepts: Vector
    mean: float
    """The global intercept."""

    def scores(self, users: Codes, items: Codes) -> Vector:
        """Of pairs; without factors of one of them, the intercepts that there are. BigQuery docs: 'The ML.RECOMMEND
        function'. Added factor by factor, so that any batching gives the same bits."""
        total = self.mean + _padded(self.user_intercepts)[users] + _padded(self.item_intercepts)[items]
        for of_user, of_item in zip(self.users.T, self.items.T, strict=True):
            total += _padded(of_user)[users] * _padded(of_item)[items]
        return total


def _padded(values: Vector) -> Vector:
    """With a zero where position -1 finds it."""
    return np.append(values, 0.0)


@dataclass(frozen=True)
class Step:
    loss: float
    eval_loss: float | None
    duration_ms: int


@dataclass(frozen=True)
class Settings:
    count: int
    """Of factors."""
    penalty: float
    alpha: float | None
    """None for explicit feedback."""
    most: int
    """Iterations."""
    progress: float | None
    """The least relative improvement that goes on; None goes on to the end."""
    seed: int
    threads: int


def fit(observed: Observed, held_back: Observed, settings: Settings) -> tuple[Factors, list[Step]]:
    """Raises ModelFailed."""
    iterate, loss = _implicit(observed, settings) if settings.alpha is not None else _explicit(observed, settings)
    steps: list[Step] = []
    with one_thread("matrix-factorization"), np.errstate(over="ignore", invalid="ignore"):
        while True:
            began = time.perf_counter()
            factors = next(iterate)
            found = loss(factors, observed)
            if not np.isfinite(found):
                raise ModelFailed("the factors grew without limit", fix=REMEDY)
            held = loss(factors, held_back) if len(held_back.ratings) else None
            steps.append(Step(found, held, round((time.perf_counter() - began) * 1000)))
            if len(steps) == settings.most:
                return factors, steps
            before = steps[-2].loss if len(steps) > 1 else float("inf")
            if settings.progress is not None and before - found < settings.progress * before:
                return factors, steps


Loss = Callable[[Factors, Observed], float]


def _explicit(observed: Observed, settings: Settings) -> tuple[Iterator[Factors], Loss]:
    mean = float(observed.ratings.mean())
    users, items = int(observed.users.max()) + 1, int(observed.items.max()) + 1
    by_user, by_item = np.argsort(observed.users, kind="stable"), np.argsort(observed.items, kind="stable")

    def iterate() -> Iterator[Factors]:
        random = np.random.default_rng(settings.seed)
        # Each row is an intercept, then factors.
        of_items = np.column_stack([np.zeros(items), random.normal(0, FIRST_SCALE, (items, settings.count))])
        while True:
            of_users = _solved(
                observed.users, observed.items, observed.ratings - mean, by_user, of_items, users, settings
            )
            of_items = _solved(
                observed.items, observed.users, observed.ratings - mean, by_item, of_users, items, settings
            )
            yield Factors(of_users[:, 1:], of_items[:, 1:], of_users[:, 0], of_items[:, 0], mean)

    def loss(factors: Factors, rows: Observed) -> float:
        return float(np.mean(np.square(rows.ratings - factors.scores(rows.users, rows.items))))

    return iterate(), loss


def _solved(
    mine: Codes, theirs: Codes, ratings: Vector, order: Codes, others: Vector, count: int, settings: Settings
) -> Vector:
    """Intercept and factors of each user given those of the items, or the other way round."""
    sizes = np.bincount(mine, minlength=count)
    ends = np.cumsum(sizes)
    known = others[theirs[order]]
    targets = ratings[order] - known[:, 0]
    known[:, 0] = 1.0
    width = settings.count + 1
    out = np.empty((count, width))
    for first in range(0, count, TOGETHER):
        last = min(first + TOGETHER, count)
        left, right = np.empty((last - first, width, width)), np.empty((last - first, width))
        for at in range(first, last):
            rows = slice(ends[at] - sizes[at], ends[at])
            left[at - first] = known[rows].T @ known[rows]
            right[at - first] = known[rows].T @ targets[rows]
        left += settings.penalty * np.eye(width)
        try:
            out[first:last] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError as error:
            raise ModelFailed(
                "there are fewer ratings than factors for a user or an item, so that they cannot be told apart",
                why=str(error),
                fix="Raise L2_REG above 0, or lower NUM_FACTORS.",
            ) from error
    return out


def _implicit(observed: Observed, settings: Settings) -> tuple[Iterator[Factors], Loss]:
    alpha = settings.alpha or 0.0
    positive = observed.ratings > 0  # a rating of 0 says what no rating says
    users, items = int(observed.users.max()) + 1, int(observed.items.max()) + 1
    # Loaded here, so that their threads are limited with all others when the iterations begin.
    sparse = library("scipy.sparse", "matrix-factorization")
    package = library("implicit.cpu.als", "matrix-factorization")
    failed = library("implicit.recommender_base", "matrix-factorization").ModelFitError

    def iterate() -> Iterator[Factors]:
        als = package.AlternatingLeastSquares(
            factors=settings.count,
            regularization=settings.penalty,
            dtype=np.float64,
            use_cg=False,
            iterations=1,
            num_threads=settings.threads,
            random_state=settings.seed,
        )
        ratings = sparse.csr_matrix(
            (observed.ratings[positive], (observed.users[positive], observed.items[positive])), shape=(users, items)
        )
        ratings.data = 1.0 + alpha * ratings.data
        while True:
            try:
                als.fit(ratings, show_progress=False)  # goes on from the factors that it has
            except (failed, ValueError) as error:
                raise ModelFailed("the factors cannot be found", why=str(error), fix=REMEDY) from error
            yield Factors(als.user_factors.copy(), als.item_factors.copy(), np.zeros(users), np.zeros(items), 0.0)

    def loss(factors: Factors, rows: Observed) -> float:
        known = (rows.ratings > 0) & (rows.users >= 0) & (rows.items >= 0)
        scores = factors.scores(rows.users[known], rows.items[known])
        confidence = 1.0 + alpha * rows.ratings[known]
        # Every pair counts: first all as if unrated, then what the rated ones change.
        unrated = float(np.sum((factors.users.T @ factors.users) * (factors.items.T @ factors.items)))
        change = float(np.sum(confidence * np.square(1.0 - scores) - np.square(scores)))
        size = float(np.sum(np.square(factors.users)) + np.sum(np.square(factors.items)))
        return unrated + change + settings.penalty * size

    return iterate(), loss
