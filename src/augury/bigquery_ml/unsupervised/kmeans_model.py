"""What does a k-means model answer?

BigQuery docs: 'The ML.PREDICT function', 'The ML.CENTROIDS function', 'The ML.DETECT_ANOMALIES function', 'The
ML.EVALUATE function', 'The ML.TRAINING_INFO function', 'The ML.TRIAL_INFO function'. A tuned model keeps every trial:
functions that take rows answer for one of them, the others list all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.unsupervised import answers
from augury.bigquery_ml.unsupervised.clusters import Space, Tally
from augury.bigquery_ml.unsupervised.files import broken, read_arrays, write_arrays
from augury.bigquery_ml.unsupervised.inputs import Category, Encoded, Number, encode, starts
from augury.bigquery_ml.unsupervised.values import Vector
from augury.errors import UsageError
from augury.models.signature import read_json

CARD, ARRAYS = "kmeans.json", "kmeans.npz"
NEAREST = 5
"""ML.PREDICT shows so many distances at most."""

CENTROID = pa.field("centroid_id", pa.int64())
DISTANCES = pa.list_(pa.struct([CENTROID, pa.field("distance", pa.float64())]))
VALUES = pa.list_(pa.struct([("category", pa.string()), ("value", pa.float64())]))
CLUSTER_INFO = pa.list_(
    pa.struct([CENTROID, pa.field("cluster_radius", pa.float64()), pa.field("cluster_size", pa.int64())])
)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Iteration(_Data):
    loss: float
    """Mean squared distance."""
    duration_ms: int
    radii: tuple[float, ...]
    sizes: tuple[int, ...]


class Trial(_Data):
    trial_id: int
    num_clusters: int
    iterations: tuple[Iteration, ...] = ()
    davies_bouldin_index: float | None = None
    mean_squared_distance: float | None = None
    error: str | None = None


class Card(_Data):
    features: tuple[tuple[str, str], ...]
    inputs: tuple[Number | Category, ...]
    cosine: bool
    tuned: bool
    best: int
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Clusters:
    """What one trial found."""

    centroids: Vector
    """Clusters x inputs spread out."""
    radii: Vector
    scores: Vector
    """Normalized distances of the training rows, ascending, or quantiles of them."""

    def normalized(self, space: Space, encoded: Encoded) -> tuple[Any, Vector]:
        """Of each row: the cluster to which it is nearest in radii, and how near. A cluster without radius is at no
        distance from its own point, and infinitely far from any other."""
        distances = np.sqrt(space.squared(encoded, self.centroids))
        radii = np.broadcast_to(self.radii[:, None], distances.shape)
        far = np.where(distances > 0, np.inf, 0.0)
        measured = np.divide(distances, radii, out=far, where=radii > 0)
        best = np.argmin(measured, axis=0)
        return best, measured[best, np.arange(measured.shape[1])]


class KMeansModel:
    model_type = "kmeans"
    labels: tuple[str, ...] = ()
    _functions: ClassVar[dict[str, str]] = {
        "predict": "_predict",
        "evaluate": "_evaluate",
        "centroids": "_centroids",
        "detect_anomalies": "_detect_anomalies",
        "training_info": "_training_info",
        "trial_info": "_trial_info",
    }

    def __init__(self, card: Card, clusters: Mapping[int, Clusters]) -> None:
        self.card = card
        self.clusters = dict(clusters)
        self.space = Space(card.inputs, card.cosine)
        self.features = card.features
        # A tuned model keeps trials instead of iterations (BigQuery docs: 'Hyperparameter tuning overview').
        self.functions = frozenset(self._functions) - {"training_info" if card.tuned else "trial_info"}

    def call(self, call: Call) -> pa.RecordBatchReader:
        if call.function not in self.functions:
            raise answers.refusal(call, self.model_type, self.functions, tuned=self.card.tuned)
        answer: pa.RecordBatchReader = getattr(self, self._functions[call.function])(call)
        return answer

    def _asked(self, call: Call, known: Mapping[str, answers.Kinds]) -> tuple[dict[str, Any], int]:
        """The settings, and the trial that is asked for."""
        asked = answers.settings(call, {**known, **answers.TRIAL} if self.card.tuned else known)
        trial = asked.get("trial_id", self.card.best)
        if trial not in self.clusters:
            raise UsageError(f"there is no trial {trial}", fix=f"Trials: {', '.join(map(str, self.clusters))}.")
        return asked, trial

    def _rows(self, call: Call, made: list[str]) -> tuple[Any, list[int], dict[str, int]]:
        rows = answers.given(call)
        at = answers.located(call, rows.schema, self.features)
        return rows, answers.kept(call, rows.schema, made), at

    def _predict(self, call: Call) -> pa.RecordBatchReader:
        _, trial = self._asked(call, {})
        made = pa.schema([CENTROID, ("nearest_centroids_distance", DISTANCES)])
        rows, keep, at = self._rows(call, made.names)
        centroids = self.clusters[trial].centroids
        shown = min(len(centroids), NEAREST)

        def compute(batch: Any) -> list[Any]:
            distances = np.sqrt(self.space.squared(encode(batch, self.card.inputs, at), centroids))
            order = np.argsort(distances, axis=0, kind="stable")[:shown]
            near = np.take_along_axis(distances, order, axis=0)
            structs = pa.StructArray.from_arrays(
                [pa.array((order.T + 1).ravel()), pa.array(np.ascontiguousarray(near.T).ravel())],
                names=["centroid_id", "distance"],
            )
            offsets = pa.array(np.arange(0, batch.num_rows * shown + 1, shown, dtype=np.int32))
            return [pa.array(order[0] + 1), pa.ListArray.from_arrays(offsets, structs)]

        return answers.per_batch(rows, made, keep, compute)

    def _detect_anomalies(self, call: Call) -> pa.RecordBatchReader:
        asked, trial = self._asked(call, {"contamination": answers.NUMBER})
        share = answers.contamination(call, asked)
        made = pa.schema([("is_anomaly", pa.bool_()), ("normalized_distance", pa.float64()), CENTROID])
        rows, keep, at = self._rows(call, made.names)
        clusters = self.clusters[trial]
        cutoff = float(np.quantile(clusters.scores, 1 - share))

        def compute(batch: Any) -> list[Any]:
            best, near = clusters.normalized(self.space, encode(batch, self.card.inputs, at))
            return [pa.array(near > cutoff), pa.array(near), pa.array(best + 1)]

        return answers.per_batch(rows, made, keep, compute)

    def _evaluate(self, call: Call) -> pa.RecordBatchReader:
        asked, trial = self._asked(call, {})
        names = ["davies_bouldin_index", "mean_squared_distance"]
        fields = [pa.field(name, pa.float64()) for name in names]
        schema = pa.schema([pa.field("trial_id", pa.int64()), *fields] if self.card.tuned else fields)
        if call.rows is None:
            listed = [one for one in self.card.trials if one.trial_id in self.clusters]
            if "trial_id" in asked:
                listed = [one for one in listed if one.trial_id == trial]
            return answers.table(schema, [one.model_dump(include=set(schema.names)) for one in listed])
        at = answers.located(call, call.rows.schema, self.features)
        tally = Tally(self.space, self.clusters[trial].centroids)
        for batch in call.rows:
            if batch.num_rows:
                tally.add(*self.space.nearest(encode(batch, self.card.inputs, at), tally.centroids))
        return answers.table(schema, [{"trial_id": trial, **dict(zip(names, tally.metrics(), strict=True))}])

    def _centroids(self, call: Call) -> pa.RecordBatchReader:
        standardized = answers.settings(call, {"standardize": answers.FLAG}).get("standardize", False)
        answers.refuse_rows(call)
        fields = [CENTROID, ("feature", pa.string()), ("numerical_value", pa.float64()), ("categorical_value", VALUES)]
        schema = pa.schema([("trial_id", pa.int64()), *fields] if self.card.tuned else fields)
        return answers.table(schema, list(self._places(standardized)))

    def _places(self, standardized: bool) -> Iterator[dict[str, Any]]:
        for trial, clusters in self.clusters.items():
            for number, centroid in enumerate(clusters.centroids.tolist(), 1):
                for item, start in zip(self.card.inputs, starts(self.card.inputs), strict=True):
                    row = {"trial_id": trial, "centroid_id": number, "feature": item.name}
                    if isinstance(item, Number):
                        value = item.shown(centroid[start], standardized=standardized)
                        yield {**row, "numerical_value": value, "categorical_value": []}
                        continue
                    shares = zip(item.values, centroid[start : start + item.width], strict=True)
                    # As in BigQuery's answers, categories that no row of the cluster has are left out.
                    there = [{"category": category, "value": share} for category, share in shares if share]
                    yield {**row, "numerical_value": None, "categorical_value": there}

    def _training_info(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        schema = pa.schema(
            [
                ("training_run", pa.int64()),
                ("iteration", pa.int64()),
                ("loss", pa.float64()),
                ("learning_rate", pa.float64()),
                ("duration_ms", pa.int64()),
                ("cluster_info", CLUSTER_INFO),
            ]
        )
        rows = [
            {
                "training_run": 0,
                "iteration": number,
                "loss": step.loss,
                "learning_rate": None,
                "duration_ms": step.duration_ms,
                "cluster_info": [
                    {"centroid_id": at, "cluster_radius": radius, "cluster_size": size}
                    for at, (radius, size) in enumerate(zip(step.radii, step.sizes, strict=True), 1)
                ],
            }
            for number, step in enumerate(self.card.trials[0].iterations)
        ]
        return answers.table(schema, rows)

    def _trial_info(self, call: Call) -> pa.RecordBatchReader:
        answers.settings(call, {})
        answers.refuse_rows(call)
        return answers.trial_table(
            pa.struct([("num_clusters", pa.int64())]),
            pa.struct([("davies_bouldin_index", pa.float64())]),
            [
                {
                    "trial_id": trial.trial_id,
                    "hyperparameters": {"num_clusters": trial.num_clusters},
                    "hparam_tuning_evaluation_metrics": {"davies_bouldin_index": trial.davies_bouldin_index},
                    "training_loss": trial.iterations[-1].loss if trial.iterations else None,
                    "eval_loss": None,
                    "error_message": trial.error,
                    "is_optimal": trial.trial_id == self.card.best,
                }
                for trial in self.card.trials
            ],
        )

    def save(self, folder: Path) -> None:
        (folder / CARD).write_text(self.card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        arrays = {f"{name}_{trial}": getattr(found, name) for trial, found in self.clusters.items() for name in PARTS}
        write_arrays(folder / ARRAYS, arrays)

    def export(self, folder: Path) -> tuple[str, ...]:
        """The card holds the inputs; the centroids are beside it."""
        self.save(folder)
        return (CARD, ARRAYS)

    @classmethod
    def load(cls, folder: Path) -> KMeansModel:
        """Raises ModelFailed."""
        card = read_json(Card, folder / CARD)
        kept = [trial for trial in card.trials if trial.error is None]
        width = sum(item.width for item in card.inputs)
        arrays = read_arrays(folder / ARRAYS, [f"{name}_{trial.trial_id}" for trial in kept for name in PARTS])
        clusters = {}
        for trial in kept:
            found = Clusters(*(arrays[f"{name}_{trial.trial_id}"] for name in PARTS))
            shapes = (found.centroids.shape, found.radii.shape, found.scores.ndim)
            if shapes != ((trial.num_clusters, width), (trial.num_clusters,), 1) or not len(found.scores):
                raise broken(folder / ARRAYS, "it does not fit the model's inputs")
            clusters[trial.trial_id] = found
        if card.best not in clusters:
            raise broken(folder / CARD, "its best trial is not there")
        return cls(card, clusters)


PARTS = ("centroids", "radii", "scores")
