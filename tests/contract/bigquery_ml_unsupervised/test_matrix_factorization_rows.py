"""Which rows a matrix factorization takes, holds back and tries: what cannot be used says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Candidates, Range
from augury.bigquery_ml.unsupervised.types import MatrixFactorization
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, keeps_its_promises, rows_of, train
from tests.contract.bigquery_ml_unsupervised.ratings import parts, ratings_of


@pytest.fixture(scope="module")
def ratings() -> pa.Table:
    return ratings_of(12, 9, 0.6, 1)


def split_of(table: pa.Table, **options: Any) -> tuple[int, int]:
    """Rows of training and of evaluation, by how often a constant user is seen: told by the users that have factors."""
    model = train(MatrixFactorization, table, num_factors=2, max_iterations=1, **options)
    seen = len(parts(model)["users"])
    return seen, table.num_rows - seen


def test_rows_are_held_back_as_documented() -> None:
    def lonely(rows: int) -> pa.Table:
        """Every user rates once, so that held back rows are users without factors."""
        return pa.table({"user": np.arange(rows), "item": np.arange(rows) % 5, "rating": np.arange(rows) % 4 + 1.0})

    assert split_of(lonely(600)) == (600, 0)
    assert split_of(lonely(400), data_split_method="AUTO_SPLIT") == (400, 0)
    assert split_of(lonely(600), data_split_method="AUTO_SPLIT") == (480, 120)
    assert split_of(lonely(400), data_split_method="RANDOM", data_split_eval_fraction=0.25) == (300, 100)
    flagged = lonely(8).append_column("held", pa.array([True, None, False, False, False, False, True, False]))
    assert split_of(flagged, data_split_method="CUSTOM", data_split_col="held") == (5, 3)
    dated = lonely(10).append_column("at", pa.array([5, 1, None, 9, 3, 2, 8, 7, 6, 4]))
    last = train(
        MatrixFactorization,
        dated,
        num_factors=2,
        data_split_method="SEQ",
        data_split_col="at",
        data_split_eval_fraction=0.3,
    )
    assert set(parts(last)["users"]) == {"0", "1", "2", "4", "5", "8", "9"}  # the largest three are held back
    assert rows_of(ask(last, "training_info"))[0]["eval_loss"] is not None


def test_a_random_split_follows_the_rows_and_not_their_order() -> None:
    rows = ratings_of(60, 40, 0.3, 4)
    mixed = rows.take(pa.array(np.random.default_rng(0).permutation(rows.num_rows)))
    options: dict[str, Any] = {"num_factors": 2, "data_split_method": "AUTO_SPLIT"}
    first, second = (train(MatrixFactorization, table, **options) for table in (rows, mixed))
    np.testing.assert_allclose(parts(first)["user_factors"], parts(second)["user_factors"], atol=1e-9)


def test_tuning_keeps_every_trial_and_serves_the_best(ratings: pa.Table, tmp_path: Path) -> None:
    model = train(
        MatrixFactorization,
        ratings,
        num_factors=Candidates((2, 3)),
        l2_reg=Range(0.1, 10),
        num_trials=3,
        hparam_tuning_objectives=["MEAN_SQUARED_ERROR"],
    )
    trials = rows_of(ask(model, "trial_info"))
    assert [trial["trial_id"] for trial in trials] == [1, 2, 3]
    assert all(0.1 <= trial["hyperparameters"]["l2_reg"] <= 10 for trial in trials)
    best = min(trials, key=lambda trial: trial["hparam_tuning_evaluation_metrics"]["mean_squared_error"])
    assert [trial["trial_id"] for trial in trials if trial["is_optimal"]] == [best["trial_id"]]
    served = ask(model, "predict", ratings)
    assert served.equals(ask(model, "predict", ratings, trial_id=best["trial_id"]))
    questions: dict[str, Any] = {
        "predict": (ratings, {"trial_id": 2}),
        "recommend": (ratings, {}),
        "evaluate": (ratings, {}),
        "weights": (None, {}),
        "trial_info": (None, {}),
    }
    keeps_its_promises(MatrixFactorization, model, questions, tmp_path)


def bad_rows() -> Iterator[Any]:
    good = {"user": [1, 2], "item": ["a", "b"], "rating": [1.0, 2.0]}
    yield {**good, "user": [1, None]}, {}, "user: 1 NULL"
    yield {**good, "rating": [None, None]}, {}, "rating: 2 NULLs"
    yield {**good, "rating": ["1", "2"]}, {}, "rating: ratings are numbers, not STRING"
    yield {**good, "rating": [1.0, float("nan")]}, {}, "rating: 1 ratings are NaN"
    yield {**good, "rating": [1e200, -np.inf]}, {}, "rating: 2 values infinite or beyond 1e+100"
    yield {**good, "rating": [1.0, -1.0]}, {"feedback_type": "IMPLICIT"}, "rating: 1 ratings are negative"
    yield {**good, "user": [1.5, 2.5]}, {}, "user: FLOAT64 cannot name users or items"
    yield {**good, "more": [1, 2]}, {}, "takes no other columns: more"
    yield {"user": [1], "items": ["a"], "rating": [1.0]}, {}, "there is no column item (ITEM_COL), did you mean items?"
    yield {"user": [], "item": [], "rating": []}, {}, "returned no rows"
    yield good, {"wals_alpha": 3.0}, "WALS_ALPHA is for FEEDBACK_TYPE = 'IMPLICIT'"
    yield good, {"num_factors": 1}, "num_factors: input should be greater than or equal to 2, not 1"
    yield good, {"feedback_type": "LOUD"}, "feedback_type: "
    yield good, {"l2_reg": 0.0}, "there are fewer ratings than factors"
    yield good, {"l2_reg": 0.0, "feedback_type": "IMPLICIT", "num_factors": 5}, "the factors cannot be found"
    yield good, {"data_split_method": "SEQ"}, "DATA_SPLIT_COL goes with"
    yield good, {"num_trials": 2, "hparam_tuning_objectives": ["R2_SCORE"]}, "mean_squared_error"
    yield good, {"hparam_tuning_algorithm": "GRID_SEARCH"}, "tuning needs a number of trials"
    yield (
        good,
        {"num_trials": 2, "hparam_tuning_algorithm": "GRID_SEARCH"},
        "GRID_SEARCH needs a list of values: l2_reg",
    )


@pytest.mark.parametrize(("rows", "options", "says"), list(bad_rows()))
def test_what_cannot_be_trained_says_why(rows: dict[str, Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises((ModelFailed, UsageError)) as refused:
        train(MatrixFactorization, pa.table(rows), **options)
    assert says in str(refused.value)
