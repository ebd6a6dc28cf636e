"""Hyperparameter tuning of k-means: trials, the best of them, and the functions that tell them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Candidates, Range
from augury.bigquery_ml.unsupervised.types import KMeans
from augury.errors import UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, column, keeps_its_promises, rows_of, train


@pytest.fixture(scope="module")
def numeric() -> pa.Table:
    """From three clouds."""
    random = np.random.default_rng(7)
    at = np.array([(0.0, 0.0), (6.0, 50.0), (12.0, -50.0)])[random.integers(0, 3, 400)]
    points = at + random.normal(size=(400, 2)) * (1.0, 8.0)
    return pa.table({"x": points[:, 0], "y": points[:, 1]})


def test_tuning_keeps_every_trial_and_serves_the_best(numeric: pa.Table, tmp_path: Path) -> None:
    model = train(KMeans, numeric, num_clusters=Candidates((2, 3, 6)), num_trials=5)
    trials = rows_of(ask(model, "trial_info"))
    assert [trial["hyperparameters"]["num_clusters"] for trial in trials] == [2, 3, 6]
    best = min(trials, key=lambda trial: trial["hparam_tuning_evaluation_metrics"]["davies_bouldin_index"])
    assert [trial["trial_id"] for trial in trials if trial["is_optimal"]] == [best["trial_id"]]
    assert best["hyperparameters"]["num_clusters"] == 3  # the rows come from three
    assert [row["trial_id"] for row in rows_of(ask(model, "evaluate"))] == [1, 2, 3]
    assert max(column(ask(model, "predict", numeric), "centroid_id")) == 3
    assert max(column(ask(model, "predict", numeric, trial_id=3), "centroid_id")) == 6
    assert "trial_id" in ask(model, "centroids").schema.names
    assert "training_info" not in model.functions
    questions: dict[str, Any] = {
        "predict": (numeric, {"trial_id": 3}),
        "evaluate": (numeric, {"trial_id": 2}),
        "detect_anomalies": (numeric, {"contamination": 0.1}),
        "centroids": (None, {}),
        "trial_info": (None, {}),
    }
    keeps_its_promises(KMeans, model, questions, tmp_path)
    with pytest.raises(UsageError, match="there is no trial 9"):
        ask(model, "predict", numeric, trial_id=9)


def test_a_trial_that_cannot_be_run_fails_alone(numeric: pa.Table) -> None:
    few = numeric.slice(0, 4)
    trials = rows_of(ask(train(KMeans, few, num_clusters=Candidates((2, 9)), num_trials=2), "trial_info"))
    assert [trial["status"] for trial in trials] == ["SUCCEEDED", "FAILED"]
    assert "4 rows cannot make 9 clusters" in trials[1]["error_message"]


def test_a_range_is_searched_from_the_seed(numeric: pa.Table) -> None:
    tried = [
        [trial["hyperparameters"]["num_clusters"] for trial in rows_of(ask(model, "trial_info"))]
        for model in (train(KMeans, numeric, num_clusters=Range(2, 12), num_trials=9) for _ in range(2))
    ]
    assert tried[0] == tried[1]
    assert len(set(tried[0])) == 9
    assert all(2 <= count <= 12 for count in tried[0])
