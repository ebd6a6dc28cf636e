"""How are principal components found?

From the covariance matrix of the inputs, so that memory follows the square of their number and not the rows. Fits run
on one thread: the rounding of sums depends on how many there are.

BigQuery docs: 'The CREATE MODEL statement for PCA models'.
"""

from __future__ import annotations

import time

import numpy as np

from augury.bigquery_ml.contract import Training
from augury.bigquery_ml.libraries import one_thread
from augury.bigquery_ml.unsupervised import given
from augury.bigquery_ml.unsupervised.components import Projection, Spectrum, moments, spectrum
from augury.bigquery_ml.unsupervised.inputs import encode, learn
from augury.bigquery_ml.unsupervised.kmeans import SCORES
from augury.bigquery_ml.unsupervised.pca_model import Card, PCAModel
from augury.bigquery_ml.unsupervised.values import bigquery_type
from augury.errors import ModelFailed, UsageError

FULL_LIMIT = 1_500
"""Inputs that the full solver takes; BigQuery documents 1,000 to 1,500."""
AUTO_LIMIT = 1_000
"""From so many inputs on, AUTO is randomized."""
LIMIT = 10_000
"""Inputs that the randomized solver takes."""


def train(training: Training) -> PCAModel:
    """Raises ModelFailed and UsageError."""
    began = time.perf_counter()
    options = given.read(given.PCAOptions, training.options)
    wanted, ratio = options.num_principal_components, options.pca_explained_variance_ratio
    if (wanted is None) == (ratio is None):
        raise UsageError(
            "PCA needs either NUM_PRINCIPAL_COMPONENTS or PCA_EXPLAINED_VARIANCE_RATIO",
            why="neither is given" if wanted is None else "both are given",
        )
    rows = training.rows
    if rows.num_rows < 2:
        raise ModelFailed(
            f"PCA needs at least two rows, the query of CREATE MODEL returned {rows.num_rows}",
            fix="Run the query on its own first.",
        )
    names = rows.schema.names
    inputs = learn(rows, names, standardize=options.scale_features)
    width = sum(item.width for item in inputs)
    most = min(width, rows.num_rows)
    if wanted is not None and wanted > most:
        raise ModelFailed(
            f"NUM_PRINCIPAL_COMPONENTS is {wanted:,}, there are {most:,} at most",
            why=f"{rows.num_rows:,} rows and {width:,} inputs, each value of a category being one",
        )
    randomized = _randomized(options.pca_solver, width)
    encoded = encode(rows, inputs, {name: at for at, name in enumerate(names)})
    with one_thread():
        means, covariance = moments(encoded, inputs)
        if not np.trace(covariance) > 0:
            raise ModelFailed("every column is constant", fix="Select columns that vary.")
        computed = wanted if randomized and wanted is not None else most
        found = spectrum(covariance, computed, randomized=randomized, seed=training.seed)
    count = wanted if wanted is not None else _enough(found, float(ratio or 0))
    projection = Projection(inputs, means, found.components[:count])
    scores = np.sort(projection.squared_error(encoded))
    if len(scores) > SCORES:
        scores = np.quantile(scores, np.linspace(0, 1, SCORES))
    card = Card(
        features=tuple((name, bigquery_type(rows.schema.field(name).type)) for name in names),
        inputs=inputs,
        variances=tuple(found.variances[:count].tolist()),
        total=found.total,
        duration_ms=round((time.perf_counter() - began) * 1000),
    )
    return PCAModel(card, projection, scores)


def _randomized(solver: str, width: int) -> bool:
    if solver == "full" and width > FULL_LIMIT:
        raise ModelFailed(
            f"{width:,} inputs, each value of a category being one; the FULL solver takes {FULL_LIMIT:,}",
            fix="Use PCA_SOLVER = 'RANDOMIZED', or leave out categories of many values.",
        )
    if width > LIMIT:
        raise ModelFailed(
            f"{width:,} inputs, each value of a category being one; PCA takes {LIMIT:,}",
            fix="Leave out categories of many values, or keep only the frequent ones.",
        )
    return solver == "randomized" or (solver == "auto" and width > AUTO_LIMIT)


def _enough(found: Spectrum, ratio: float) -> int:
    """The least number of components that explain more than `ratio`."""
    explained = np.cumsum(found.variances) / found.total
    return min(int(np.searchsorted(explained, ratio, side="right")) + 1, len(explained))
