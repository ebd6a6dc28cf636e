"""How are clusters found?

Lloyd's iterations: every row goes to its nearest centroid, every centroid to the mean of its rows. They are counted and
stopped as BigQuery ML documents it (MAX_ITERATIONS, EARLY_STOP, MIN_REL_PROGRESS), which scikit-learn's own loop
cannot be told; k-means++ is scikit-learn's. The rows are not split: there is nothing to hold back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from augury.bigquery_ml.contract import Range, Training
from augury.bigquery_ml.libraries import library, one_thread
from augury.bigquery_ml.unsupervised import given, trials
from augury.bigquery_ml.unsupervised.clusters import ROWS, Space, Tally, radii
from augury.bigquery_ml.unsupervised.inputs import Encoded, chunks, dense, encode, learn
from augury.bigquery_ml.unsupervised.kmeans_model import Card, Clusters, Iteration, KMeansModel, Trial
from augury.bigquery_ml.unsupervised.values import Vector, bigquery_type, one_array
from augury.errors import AuguryError, ModelFailed, UsageError, nearest

AXES = {"num_clusters": trials.Axis("whole", Range(2, 10))}
"""BigQuery docs: 'Hyperparameter tuning overview'."""

SCORES = 10_001
"""Of more rows than this, so many quantiles of the training distances are kept for ML.DETECT_ANOMALIES."""

CELLS = 10_000_000
"""Of rows x inputs among which the first centroids are looked for: 80 MB."""


def train(training: Training) -> KMeansModel:
    """Raises ModelFailed and UsageError."""
    plain, plan = trials.tuned(training.options, AXES, training.seed)
    options = given.read(given.KMeansOptions, plain)
    objectives = options.hparam_tuning_objectives or ["davies_bouldin_index"]
    if objectives != ["davies_bouldin_index"]:
        raise UsageError(
            f"k-means cannot be tuned for {', '.join(objectives)}", fix="Its one objective is DAVIES_BOULDIN_INDEX."
        )
    rows = training.rows
    if not rows.num_rows:
        raise ModelFailed("the query of CREATE MODEL returned no rows", fix="Run the query on its own first.")
    chosen, features = _chosen(rows, options)
    inputs = learn(rows, features, standardize=options.standardize_features)
    encoded = encode(rows, inputs, {name: rows.schema.names.index(name) for name in features})
    space = Space(inputs, options.distance_type == "cosine")

    points: tuple[Mapping[str, Any], ...] = plan.points if plan else ({"num_clusters": options.num_clusters},)
    found: list[tuple[Trial, Clusters | None]] = []
    for number, point in enumerate(points, 1):
        try:
            tried = given.read(given.KMeansOptions, {**plain, **point})
            clusters, trial = _fit(space, encoded, tried, chosen, training.seed)
            found.append((trial.model_copy(update={"trial_id": number}), clusters))
        except AuguryError as error:
            if plan is None:
                raise
            failed = Trial(trial_id=number, num_clusters=int(point["num_clusters"]), error="; ".join(error.lines()))
            found.append((failed, None))
    good = [trial for trial, clusters in found if clusters is not None]
    if not good:
        raise ModelFailed("every trial failed", why=found[0][0].error)
    best = min(good, key=lambda trial: math.inf if trial.davies_bouldin_index is None else trial.davies_bouldin_index)
    card = Card(
        features=tuple((name, bigquery_type(rows.schema.field(name).type)) for name in features),
        inputs=inputs,
        cosine=space.cosine,
        tuned=plan is not None,
        best=best.trial_id,
        trials=tuple(trial for trial, _ in found),
    )
    return KMeansModel(card, {trial.trial_id: clusters for trial, clusters in found if clusters is not None})


def _chosen(rows: pa.Table, options: given.KMeansOptions) -> tuple[Any, list[str]]:
    """Positions of the rows that begin as centroids, where the statement names them, and the columns to learn from."""
    names = rows.schema.names
    custom = options.kmeans_init_method == "custom"
    if custom != (options.kmeans_init_col is not None):
        raise UsageError(
            "KMEANS_INIT_METHOD = 'CUSTOM' and KMEANS_INIT_COL go together",
            why="the column says which rows begin as centroids",
            fix="Give both, or neither.",
        )
    if options.kmeans_init_col is None:
        return None, list(names)
    column = next((name for name in names if name.lower() == str(options.kmeans_init_col).lower()), None)
    if column is None:
        close = nearest(options.kmeans_init_col, names)
        raise ModelFailed(
            f"there is no column {options.kmeans_init_col}, which KMEANS_INIT_COL names",
            fix=f"Did you mean {close}?" if close else "Select it in the query of CREATE MODEL.",
        )
    if not pa.types.is_boolean(rows.schema.field(column).type):
        kind = bigquery_type(rows.schema.field(column).type)
        raise ModelFailed(f"{column}: KMEANS_INIT_COL must be BOOL, not {kind}", fix="Compare it to something.")
    flags = one_array(rows.column(column)).fill_null(False).to_numpy(zero_copy_only=False)
    marked = np.flatnonzero(flags)
    if options.num_clusters is None or len(marked) != options.num_clusters:
        raise ModelFailed(
            f"{column} is TRUE in {len(marked):,} rows, NUM_CLUSTERS is {options.num_clusters or 'not given'}",
            fix="Give NUM_CLUSTERS the number of rows that are TRUE.",
        )
    return marked, [name for name in names if name != column]


def _fit(
    space: Space, encoded: Encoded, options: given.KMeansOptions, chosen: Any, seed: int
) -> tuple[Clusters, Trial]:
    rows = len(encoded[0])
    # BigQuery documents log10 of the number of rows as default, and 2 as the least.
    count = options.num_clusters or max(2, int(math.log10(rows)))
    centroids = _start(space, encoded, options, count, chosen, seed)
    labels, squared = space.nearest(encoded, centroids)
    loss = float(squared.mean())
    iterations: list[Iteration] = []
    for _ in range(options.max_iterations):
        began = time.perf_counter()
        centroids = space.means(encoded, _refilled(labels, squared, count), centroids)
        labels, squared = space.nearest(encoded, centroids)
        before, loss = loss, float(squared.mean())
        radius, sizes = radii(labels, squared, count)
        iterations.append(
            Iteration(
                loss=loss,
                duration_ms=round((time.perf_counter() - began) * 1000),
                radii=tuple(radius.tolist()),
                sizes=tuple(sizes.tolist()),
            )
        )
        if options.early_stop and before - loss <= options.min_rel_progress * before:
            break
    tally = Tally(space, centroids)
    tally.add(labels, squared)
    index, mean = tally.metrics()
    radius, _ = radii(labels, squared, count)
    clusters = Clusters(centroids, radius, np.empty(0))
    scores = np.sort(np.concatenate([clusters.normalized(space, piece)[1] for piece in chunks(encoded, ROWS)]))
    if len(scores) > SCORES:
        scores = np.quantile(scores, np.linspace(0, 1, SCORES))
    trial = Trial(
        trial_id=1,
        num_clusters=count,
        iterations=tuple(iterations),
        davies_bouldin_index=index,
        mean_squared_distance=mean,
    )
    return Clusters(centroids, radius, scores), trial


def _start(space: Space, encoded: Encoded, options: given.KMeansOptions, count: int, chosen: Any, seed: int) -> Vector:
    """The first centroids: rows that differ from each other."""
    rows = len(encoded[0])
    if count > rows:
        raise ModelFailed(
            f"{rows:,} row{'s' * (rows != 1)} cannot make {count} clusters", fix="Lower NUM_CLUSTERS, or select more."
        )

    def at(places: Any) -> Vector:
        return dense([values[places] for values in encoded], space.inputs)

    if chosen is not None:
        return _distinct(at(chosen), count)
    generator = np.random.default_rng(seed)
    # Categories are spread into zeros and ones here, so only some rows are looked at where there are many.
    most = max(10 * count, CELLS // sum(item.width for item in space.inputs))
    if options.kmeans_init_method == "kmeans++":
        sample = np.arange(rows) if rows <= most else np.sort(generator.choice(rows, most, replace=False))
        with one_thread():
            centers, _ = library("sklearn.cluster", "bigquery-ml").kmeans_plusplus(at(sample), count, random_state=seed)
        return _distinct(np.asarray(centers, dtype=np.float64), count)
    order = generator.permutation(rows)[:most]
    for size in (count, 10 * count, most):
        unique, first = np.unique(at(order[:size]), axis=0, return_index=True)
        if len(unique) >= count:
            return at(order[np.sort(first)[:count]])
    return _distinct(unique, count)


def _distinct(found: Vector, count: int) -> Vector:
    different = len(np.unique(found, axis=0))
    if different < count:
        raise ModelFailed(
            f"only {different} different row{'s' * (different != 1)} to begin {count} clusters with",
            why="rows that are equal in every column cannot be told apart",
            fix="Lower NUM_CLUSTERS, or select columns that vary.",
        )
    return found


def _refilled(labels: Any, squared: Vector, count: int) -> Any:
    """Labels where each cluster without rows takes the farthest row of another, as scikit-learn does."""
    sizes = np.bincount(labels, minlength=count)
    empty = np.flatnonzero(sizes == 0)
    if not len(empty):
        return labels
    out = labels.copy()
    left = list(empty)
    for row in np.argsort(-squared, kind="stable"):
        if not left or squared[row] <= 0:
            break
        if sizes[out[row]] > 1:
            sizes[out[row]] -= 1
            out[row] = left.pop(0)
    return out
