"""Factors solve the documented least squares, and recommendations are what ML.RECOMMEND documents."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import minimize
from sklearn.metrics import ndcg_score

from augury.bigquery_ml.contract import Call
from augury.bigquery_ml.unsupervised.types import MatrixFactorization
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_unsupervised.calls import ask, column, keeps_its_promises, rows_of, train
from tests.contract.bigquery_ml_unsupervised.ratings import parts, positions, ratings_of

TO_THE_END: dict[str, Any] = {"early_stop": False, "max_iterations": 300}


@pytest.fixture(scope="module")
def ratings() -> pa.Table:
    return ratings_of(12, 9, 0.6, 1)


def test_explicit_factors_are_at_the_minimum_of_the_regularized_loss(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, num_factors=2, l2_reg=0.5, **TO_THE_END)
    found = parts(model)
    user, item, rating = positions(ratings, found)
    sizes = [found[name].size for name in ("user_factors", "item_factors", "user_intercepts", "item_intercepts")]
    cuts = np.cumsum(sizes)[:-1]

    def loss(flat: Any) -> Any:
        mine, theirs, of_user, of_item = np.split(flat, cuts)
        mine, theirs = mine.reshape(-1, 2), theirs.reshape(-1, 2)
        errors = rating - rating.mean() - of_user[user] - of_item[item] - (mine[user] * theirs[item]).sum(axis=1)
        gradient = [2 * 0.5 * part for part in (mine, theirs, of_user, of_item)]
        np.add.at(gradient[0], user, -2 * errors[:, None] * theirs[item])
        np.add.at(gradient[1], item, -2 * errors[:, None] * mine[user])
        np.add.at(gradient[2], user, -2 * errors)
        np.add.at(gradient[3], item, -2 * errors)
        return np.square(errors).sum() + 0.5 * np.square(flat).sum(), np.concatenate(
            [part.ravel() for part in gradient]
        )

    here = np.concatenate(
        [found[name].ravel() for name in ("user_factors", "item_factors", "user_intercepts", "item_intercepts")]
    )
    value, gradient = loss(here)
    assert np.abs(gradient).max() < 1e-3 * value
    assert value <= minimize(loss, here, jac=True, method="BFGS").fun + 1e-4 * value
    assert found["global"] == pytest.approx(rating.mean())


def test_each_item_solves_its_own_least_squares_exactly(ratings: pa.Table) -> None:
    found = parts(train(MatrixFactorization, ratings, num_factors=3, l2_reg=0.7, max_iterations=3))
    user, item, rating = positions(ratings, found)
    known = np.column_stack([np.ones(len(found["users"])), found["user_factors"]])
    for at in range(len(found["items"])):
        mine = item == at
        left = known[user[mine]]
        right = rating[mine] - found["global"] - found["user_intercepts"][user[mine]]
        padded = np.vstack([left, np.sqrt(0.7) * np.eye(4)])
        wanted, *_ = np.linalg.lstsq(padded, np.append(right, np.zeros(4)), rcond=None)
        np.testing.assert_allclose([found["item_intercepts"][at], *found["item_factors"][at]], wanted, atol=1e-9)


def test_implicit_items_solve_the_weighted_least_squares_of_the_paper(ratings: pa.Table) -> None:
    model = train(
        MatrixFactorization,
        ratings,
        feedback_type="IMPLICIT",
        num_factors=2,
        wals_alpha=3.0,
        l2_reg=0.7,
        max_iterations=5,
    )
    found = parts(model)
    user, item, rating = positions(ratings, found)
    known = found["user_factors"]
    for at in range(len(found["items"])):
        confidence, liked = np.ones(len(known)), np.zeros(len(known))
        confidence[user[item == at]] += 3.0 * rating[item == at]
        liked[user[item == at]] = 1.0
        left = known.T @ (confidence[:, None] * known) + 0.7 * np.eye(2)
        wanted = np.linalg.solve(left, known.T @ (confidence * liked))
        np.testing.assert_allclose(found["item_factors"][at], wanted, atol=1e-6)
    assert found["global"] == 0
    assert not found["user_intercepts"].any()
    # The loss that BigQuery documents for ML.TRAINING_INFO.
    scores = known @ found["item_factors"].T
    confidence, liked = np.ones_like(scores), np.zeros_like(scores)
    confidence[user, item] += 3.0 * rating
    liked[user, item] = 1.0
    size = np.square(known).sum() + np.square(found["item_factors"]).sum()
    loss = (confidence * np.square(liked - scores)).sum() + 0.7 * size
    assert rows_of(ask(model, "training_info"))[-1]["loss"] == pytest.approx(loss)


def test_explicit_training_tells_the_mean_squared_error_per_iteration(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, num_factors=2)
    steps = rows_of(ask(model, "training_info"))
    predicted = column(ask(model, "predict", ratings), "predicted_rating")
    error = np.square(predicted - column(ratings, "rating")).mean()
    assert steps[-1]["loss"] == pytest.approx(error)
    assert rows_of(ask(model, "evaluate"))[0]["mean_squared_error"] == pytest.approx(error)
    assert all(step["eval_loss"] is None for step in steps)
    progress = [1 - after["loss"] / before["loss"] for before, after in pairwise(steps)]
    assert progress[-1] < 0.01 <= min(progress[:-1])
    assert [*rows_of(ask(model, "evaluate"))[0]] == [
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    ]


def test_recommendations_of_all_pairs_of_users_and_of_pairs_agree(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, num_factors=2)
    every = ask(model, "recommend")
    assert every.schema.names == ["user", "item", "predicted_rating"]
    assert every.schema.field("user").type == pa.int64()
    assert every.num_rows == 12 * 9
    by_pair = {(row["user"], row["item"]): row["predicted_rating"] for row in rows_of(every)}
    of_user = rows_of(ask(model, "recommend", pa.table({"user": [30]})))
    assert [row["item"] for row in of_user] == [f"i{at:02}" for at in range(9)]
    assert all(by_pair[30, row["item"]] == row["predicted_rating"] for row in of_user)
    of_item = ask(model, "recommend", pa.table({"item": ["i03"]}))
    assert of_item.schema.names == ["user", "item", "predicted_rating"]
    assert all(by_pair[row["user"], "i03"] == row["predicted_rating"] for row in rows_of(of_item))
    pairs = ask(model, "recommend", ratings)
    assert pairs.schema.names == ["user", "item", "predicted_rating", "rating"]
    assert all(by_pair[row["user"], row["item"]] == row["predicted_rating"] for row in rows_of(pairs))


def test_what_training_did_not_see_has_the_intercepts_that_there_are(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, num_factors=2)
    found = parts(model)
    pairs = pa.table({"user": [30, 7, 7, None], "item": ["new", "i03", "new", None]})
    scores = column(ask(model, "predict", pairs), "predicted_rating")
    user, item = found["user_intercepts"][found["users"].index("30")], found["item_intercepts"][3]
    wanted = [found["global"] + user, found["global"] + item, found["global"], found["global"]]
    np.testing.assert_allclose(scores, wanted, rtol=1e-12)


def test_all_pairs_stream() -> None:
    model = train(MatrixFactorization, ratings_of(400, 300, 0.05, 2), num_factors=2, max_iterations=1)
    sizes = [batch.num_rows for batch in model.call(Call("recommend"))]
    assert sum(sizes) == 400 * 300
    assert max(sizes) == 65_536
    of_some = model.call(Call("recommend", pa.table({"user": np.arange(350) * 10}).to_reader()))
    assert max(batch.num_rows for batch in of_some) <= 65_536


def test_several_ratings_of_a_pair_are_their_sum_where_feedback_is_implicit(ratings: pa.Table) -> None:
    twice = pa.concat_tables([ratings, ratings])
    doubled = ratings.set_column(2, "rating", pa.array(column(ratings, "rating") * 2))
    models = [train(MatrixFactorization, rows, feedback_type="IMPLICIT", num_factors=2) for rows in (twice, doubled)]
    for function in ("weights", "evaluate"):
        assert ask(models[0], function).equals(ask(models[1], function))
    losses = [[row["loss"] for row in rows_of(ask(model, "training_info"))] for model in models]
    assert losses[0] == losses[1]


def test_weights_name_users_items_and_the_global_intercept(ratings: pa.Table) -> None:
    found = ask(train(MatrixFactorization, ratings, num_factors=2), "weights")
    assert found.schema.names == ["processed_input", "feature", "factor_weights", "intercept"]
    rows = rows_of(found)
    assert [each["factor"] for each in rows[0]["factor_weights"]] == [1, 2]
    assert rows[-1]["feature"] == "global__INTERCEPT__"
    assert rows[-1]["processed_input"] is None
    assert rows[-1]["factor_weights"] is None


def test_implicit_metrics_are_the_textbook_ones(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, feedback_type="IMPLICIT", num_factors=2, wals_alpha=1.0)
    figures = rows_of(ask(model, "evaluate"))[0]
    every = rows_of(ask(model, "recommend"))
    score = np.array([row["predicted_rating_confidence"] for row in every]).reshape(12, 9)
    given = np.zeros((12, 9))
    user, item, rating = positions(ratings, parts(model))
    given[user, item] = rating
    assert figures["normalized_discounted_cumulative_gain"] == pytest.approx(ndcg_score(given, score))
    assert figures["mean_squared_error"] == pytest.approx(np.square((given > 0) - score).mean())
    place = np.argsort(np.argsort(-score, axis=1), axis=1)
    assert figures["average_rank"] == pytest.approx((given * place / 8).sum() / given.sum())
    precisions = []
    for at in range(12):
        hits = sorted(place[at][given[at] > 0])
        precisions.append(np.mean([(number + 1) / (where + 1) for number, where in enumerate(hits)]))
    assert figures["mean_average_precision"] == pytest.approx(np.mean(precisions))
    twice = pa.concat_tables([ratings, ratings])
    assert rows_of(ask(model, "evaluate", twice))[0]["mean_average_precision"] == pytest.approx(np.mean(precisions))


@pytest.mark.parametrize("feedback", ["EXPLICIT", "IMPLICIT"])
def test_answers_are_the_same_after_loading_and_in_any_batches(
    ratings: pa.Table, tmp_path: Path, feedback: str
) -> None:
    model = train(MatrixFactorization, ratings, feedback_type=feedback, num_factors=3)
    questions: dict[str, Any] = {
        "predict": (ratings, {}),
        "recommend": (ratings, {}),
        "evaluate": (ratings, {}),
        "weights": (None, {}),
        "training_info": (None, {}),
    }
    keeps_its_promises(MatrixFactorization, model, questions, tmp_path)


def test_the_same_seed_gives_the_same_factors(ratings: pa.Table) -> None:
    first = ask(train(MatrixFactorization, ratings, num_factors=3), "weights")
    assert ask(train(MatrixFactorization, ratings, num_factors=3), "weights").equals(first)


def test_the_default_number_of_factors_is_the_logarithm_of_the_rows() -> None:
    assert parts(train(MatrixFactorization, ratings_of(40, 30, 0.5, 3)))["user_factors"].shape == (40, 9)


def test_rows_and_settings_are_checked(ratings: pa.Table) -> None:
    model = train(MatrixFactorization, ratings, num_factors=2)
    with pytest.raises(ModelFailed, match="needs user, item, or both"):
        ask(model, "recommend", pa.table({"who": [1]}))
    with pytest.raises(UsageError, match="takes user alone"):
        ask(model, "recommend", pa.table({"user": [1], "why": ["x"]}))
    with pytest.raises(ModelFailed, match="item: there is no such column"):
        ask(model, "predict", pa.table({"user": [1]}))
    with pytest.raises(ModelFailed, match="item: expected STRING, got INT64"):
        ask(model, "recommend", pa.table({"user": [1], "item": [1]}))
    with pytest.raises(UsageError, match="there is no setting treshold"):
        ask(model, "recommend", treshold=1)
    with pytest.raises(ModelFailed, match="rating: there is no such column"):
        ask(model, "evaluate", ratings.drop_columns(["rating"]))
    with pytest.raises(ModelFailed, match="rating: 1 ratings are NULL or not finite"):
        ask(model, "evaluate", pa.table({"user": [10], "item": ["i01"], "rating": pa.array([None], pa.int64())}))


def test_a_damaged_file_is_told_from_a_model(ratings: pa.Table, tmp_path: Path) -> None:
    train(MatrixFactorization, ratings, num_factors=2).save(tmp_path)
    whole = (tmp_path / "users.arrow").read_bytes()
    (tmp_path / "users.arrow").write_bytes(whole[:50])
    with pytest.raises(ModelFailed, match=r"users\.arrow cannot be read"):
        MatrixFactorization.load(tmp_path, "matrix_factorization", 1)
    (tmp_path / "users.arrow").write_bytes((tmp_path / "items.arrow").read_bytes())
    with pytest.raises(ModelFailed, match="does not fit the model's users and items"):
        MatrixFactorization.load(tmp_path, "matrix_factorization", 1)
