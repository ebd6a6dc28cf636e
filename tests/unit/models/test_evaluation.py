"""Models are judged on dates after those they learned from (G5)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from augury.errors import ModelFailed
from augury.models.contract import TrainingSet
from augury.models.evaluation import Fold, FoldPlan, evaluate, folds, on_dates, score
from augury.models.linear import LogisticReg, LogisticRegOptions
from augury.testing.fakes import ConstantModel, NoOptions

START = date(2024, 1, 1)


def weekly(count: int) -> list[date]:
    return [START + timedelta(days=7 * n) for n in range(count)]


def test_half_a_year_of_weekly_dates_gives_four_purged_folds() -> None:
    plan = folds(weekly(26), 90, 4)
    assert plan.note == ""
    assert [(len(fold.train_dates), len(fold.test_dates)) for fold in plan.folds] == [
        (6, 2),
        (8, 2),
        (10, 2),
        (12, 2),
    ]
    assert plan.folds[-1].test_dates == tuple(weekly(26)[-2:])


def test_where_dates_are_few_there_are_fewer_folds() -> None:
    days = weekly(15)
    plan = folds(days, 90, 4)
    assert plan == FoldPlan(
        (Fold(tuple(days[:2]), (days[14],)),), "1 of 4 folds: 15 training dates with label windows of 90d"
    )


def test_where_no_window_is_closed_one_split_in_time_says_that_it_is_optimistic() -> None:
    days = weekly(5)
    plan = folds(days, 90, 4)
    assert plan.folds == (Fold(tuple(days[:4]), (days[4],)),)
    assert plan.note == "optimistic: label windows of 90d overlap between training and test dates"


@pytest.mark.parametrize(("count", "words"), [(0, "0 training dates"), (1, "1 training date")])
def test_one_date_cannot_be_evaluated(count: int, words: str) -> None:
    assert folds(weekly(count), 90, 4) == FoldPlan((), f"not evaluated: {words}")


def steps(levels: list[float]) -> TrainingSet:
    """Two rows per date; the label is the level of the date."""
    days = [day for day in weekly(len(levels)) for _ in range(2)]
    labels = [level for level in levels for _ in range(2)]
    return TrainingSet(
        pa.table({"x": pa.array(range(len(days)), pa.float64())}),
        pa.chunked_array([labels]),
        pa.chunked_array([pa.array(days)]),
        "y",
    )


def test_metrics_have_mean_and_spread_over_folds_that_only_know_their_past() -> None:
    training = steps([0.0, 0.0, 3.0, 6.0])
    result = evaluate(ConstantModel, training, NoOptions(), 0, 1, folds(weekly(4), 7, 3))
    # Means of the past: 0, 0 and 1; labels: 3 and 6 in the folds that are tested.
    found = result.metrics["mean_absolute_error"]
    assert found.values == (3.0, 5.0)
    assert found.mean == 4.0
    assert found.std == pytest.approx(2**0.5)
    assert result.note == "2 of 3 folds: 4 training dates with label windows of 7d"


def test_the_hold_out_is_the_last_fold_with_the_candidates_predictions() -> None:
    training = steps([0.0, 0.0, 3.0, 6.0])
    result = evaluate(ConstantModel, training, NoOptions(), 0, 1, folds(weekly(4), 7, 3))
    assert result.holdout is not None
    assert result.predictions is not None
    assert result.holdout.label.to_pylist() == [6.0, 6.0]
    assert result.predictions.to_pylist() == [{"predicted_y": 1.0}] * 2
    assert result.on_holdout["mean_absolute_error"] == 5.0


def test_another_model_is_scored_on_the_same_rows() -> None:
    training = steps([0.0, 0.0, 3.0, 6.0])
    result = evaluate(ConstantModel, training, NoOptions(), 0, 1, folds(weekly(4), 7, 3))
    champion = ConstantModel.fit(training, NoOptions(), 0, 1)
    assert result.holdout is not None
    assert score(champion, result.holdout)["mean_absolute_error"] == 6.0 - 2.25


def test_a_champion_whose_features_are_gone_cannot_be_scored() -> None:
    training = steps([0.0, 0.0, 3.0, 6.0])
    champion = ConstantModel.fit(training, NoOptions(), 0, 1)
    renamed = TrainingSet(training.features.rename_columns(["z"]), training.label, training.dates, "y")
    with pytest.raises(ModelFailed, match="x: there is no such column"):
        score(champion, renamed)


def test_a_fold_with_one_class_is_left_out_and_noted() -> None:
    days = weekly(4)
    training = TrainingSet(
        pa.table({"x": [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]}),
        pa.chunked_array([["no", "no", "no", "yes", "no", "yes", "no", "yes"]]),
        pa.chunked_array([pa.array([day for day in days for _ in range(2)])]),
        "y",
    )
    plan = FoldPlan((Fold((days[0],), (days[1],)), Fold(tuple(days[:3]), (days[3],))))
    result = evaluate(LogisticReg, training, LogisticRegOptions(), 0, 1, plan)
    assert result.note == "fold 1 of 2 left out: the label y has one class only: no"
    assert result.metrics["accuracy"].values == (1.0,)
    assert evaluate(LogisticReg, training, LogisticRegOptions(), 0, 1, FoldPlan(plan.folds[:1])).holdout is None


def test_a_classifier_is_scored_by_class_even_where_the_model_knows_fewer() -> None:
    training = TrainingSet(
        pa.table({"x": [0.0, 1.0, 0.0, 1.0]}),
        pa.chunked_array([["a", "b", "a", "c"]]),
        pa.chunked_array([pa.array([START, START, START, START + timedelta(days=1)])]),
        "y",
    )
    fitted = LogisticReg.fit(on_dates(training, [START]), LogisticRegOptions(l2_reg=1), 0, 1)
    assert fitted.classes == ("a", "b")
    assert score(fitted, training)["accuracy"] == 0.75
    assert np.isfinite(score(fitted, training)["log_loss"])
