"""Does a search try what was asked, and does every function know its trials?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.contract import Candidates, Range
from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import TYPES, ask, labelled, numbers, train

DEPTHS: dict[str, Any] = {"num_trials": 4, "max_tree_depth": Candidates((1, 2, 6)), "learn_rate": Range(0.05, 0.5)}


def test_trial_info_has_the_documented_columns() -> None:
    table = ask(train("boosted_tree_classifier", labelled((0, 1), 800), **DEPTHS), "trial_info")

    assert table.schema == pa.schema(
        [
            ("trial_id", pa.int64()),
            ("hyperparameters", pa.struct([("max_tree_depth", pa.int64()), ("learn_rate", pa.float64())])),
            ("hparam_tuning_evaluation_metrics", pa.struct([("roc_auc", pa.float64())])),
            ("training_loss", pa.float64()),
            ("eval_loss", pa.float64()),
            ("status", pa.string()),
            ("error_message", pa.string()),
            ("is_optimal", pa.bool_()),
        ]
    )
    assert table["trial_id"].to_pylist() == [1, 2, 3, 4]


def test_the_first_trial_takes_the_defaults() -> None:
    first = ask(train("boosted_tree_classifier", labelled((0, 1), 800), **DEPTHS), "trial_info").to_pylist()[0]

    assert first["hyperparameters"] == {"max_tree_depth": 6, "learn_rate": 0.3}


def test_the_best_trial_answers_and_of_equal_ones_the_first() -> None:
    rows = labelled((0, 1), 800)
    model = train("boosted_tree_classifier", rows, **DEPTHS)
    trials = ask(model, "trial_info").to_pylist()
    scores = [trial["hparam_tuning_evaluation_metrics"]["roc_auc"] for trial in trials]
    best = scores.index(max(scores)) + 1

    assert [trial["trial_id"] for trial in trials if trial["is_optimal"]] == [best]
    predicted = ask(model, "predict", rows)
    assert predicted.equals(ask(model, "predict", rows, trial_id=best))
    other = ask(model, "predict", rows, trial_id=1 if best != 1 else 2)
    assert not predicted["predicted_label_probs"].equals(other["predicted_label_probs"])


def test_a_trial_is_the_model_that_its_hyperparameters_train() -> None:
    rows = labelled((0, 1), 800)
    dice = [["TRAIN"], ["EVAL"], ["TEST"]]
    split = pa.array([dice[0 if at % 4 else 1 + at % 3 % 2][0] for at in range(800)])
    options: dict[str, Any] = {"data_split_method": "custom", "data_split_col": "part"}
    tuned = train("boosted_tree_classifier", rows.append_column("part", split), **DEPTHS, **options)
    held = pa.array([name == "EVAL" for name in split.to_pylist()])
    kept = rows.append_column("part", held).filter(pa.array([name != "TEST" for name in split.to_pylist()]))

    for trial in ask(tuned, "trial_info").to_pylist():
        alone = train("boosted_tree_classifier", kept, **trial["hyperparameters"], **options)
        found = ask(tuned, "predict", rows, trial_id=trial["trial_id"])
        assert found.schema.names[:2] == ["trial_id", "predicted_label"]
        assert set(found["trial_id"].to_pylist()) == {trial["trial_id"]}
        assert found.drop_columns(["trial_id"]).equals(ask(alone, "predict", rows))
        figures = ask(alone, "evaluate").to_pylist()[0]
        assert trial["hparam_tuning_evaluation_metrics"]["roc_auc"] == figures["roc_auc"]


def test_all_trials_are_judged_by_the_test_rows() -> None:
    rows = labelled((0, 1), 600)
    part = pa.array([("TRAIN", "EVAL", "TEST")[at % 3] for at in range(600)])
    options: dict[str, Any] = {"data_split_method": "custom", "data_split_col": "part"}
    model = train("boosted_tree_classifier", rows.append_column("part", part), **DEPTHS, **options)
    table = ask(model, "evaluate")
    test = rows.filter(pa.array([name == "TEST" for name in part.to_pylist()]))

    assert table.schema.names == ["trial_id", "precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc"]
    assert table["trial_id"].to_pylist() == [1, 2, 3, 4]
    for trial in (1, 2, 3, 4):
        assert ask(model, "evaluate", test, trial_id=trial).to_pylist() == [table.to_pylist()[trial - 1]]
        assert ask(model, "evaluate", trial_id=trial).to_pylist() == [table.to_pylist()[trial - 1]]


def test_weights_of_all_trials_are_told_apart() -> None:
    model = train("linear_reg", numbers(600), num_trials=3)
    table = ask(model, "weights")

    assert table.schema.names == ["trial_id", "processed_input", "weight", "category_weights"]
    assert table["trial_id"].to_pylist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    several = ask(train("logistic_reg", labelled((1, 2, 3), 600), num_trials=2), "weights")
    assert several.schema.names == ["trial_id", "processed_input", "weight", "category_weights", "class_label"]
    assert len(several) == 2 * 3 * 4


def test_default_spaces_are_searched_where_none_is_given() -> None:
    linear = ask(train("linear_reg", numbers(600), num_trials=2, l1_reg=0.0), "trial_info").to_pylist()
    forest = ask(train("random_forest_regressor", numbers(600), num_trials=2, l2_reg=1.0), "trial_info").to_pylist()

    # What is given a value is not searched.
    assert list(linear[0]["hyperparameters"]) == ["l2_reg"]
    assert set(forest[0]["hyperparameters"]) == {"l1_reg", "max_tree_depth", "num_parallel_tree", "subsample"}
    assert forest[0]["hyperparameters"]["num_parallel_tree"] == 100


def test_a_grid_tries_every_combination_once() -> None:
    options: dict[str, Any] = {"max_tree_depth": Candidates((2, 3)), "learn_rate": Candidates((0.1, 0.2, 0.3))}
    model = train(
        "boosted_tree_regressor", numbers(600), num_trials=50, hparam_tuning_algorithm="GRID_SEARCH", **options
    )
    found = [tuple(trial["hyperparameters"].values()) for trial in ask(model, "trial_info").to_pylist()]

    assert found == [(depth, rate) for depth in (2, 3) for rate in (0.1, 0.2, 0.3)]


def test_a_small_space_is_exhausted() -> None:
    model = train("boosted_tree_regressor", numbers(600), num_trials=50, max_tree_depth=Candidates((2, 3)))

    assert sorted(t["hyperparameters"]["max_tree_depth"] for t in ask(model, "trial_info").to_pylist()) == [2, 3]


def test_the_seed_decides_the_search() -> None:
    options: dict[str, Any] = {"num_trials": 5, "learn_rate": Range(0.1, 0.9)}
    first, again, other = (
        ask(train("boosted_tree_regressor", numbers(600), seed=seed, **options), "trial_info")["hyperparameters"]
        for seed in (1, 1, 2)
    )

    assert first.equals(again)
    assert not first.equals(other)


def test_an_objective_may_be_smaller_and_better() -> None:
    options: dict[str, Any] = {"num_trials": 6, "max_tree_depth": Candidates((1, 2, 3, 4, 5, 6))}
    model = train("boosted_tree_regressor", numbers(600), hparam_tuning_objectives=["MEAN_ABSOLUTE_ERROR"], **options)
    trials = ask(model, "trial_info").to_pylist()
    errors = [trial["hparam_tuning_evaluation_metrics"]["mean_absolute_error"] for trial in trials]

    assert [trial["is_optimal"] for trial in trials] == [error == min(errors) for error in errors]


def test_trials_that_cannot_be_are_infeasible_and_the_others_stay() -> None:
    options: dict[str, Any] = {"booster_type": Candidates(("GBTREE", "DART")), "dropout": Candidates((0.5,))}
    model = train("boosted_tree_regressor", numbers(600), num_trials=2, **options)
    trials = {trial["hyperparameters"]["booster_type"]: trial for trial in ask(model, "trial_info").to_pylist()}

    assert trials["gbtree"]["status"] == "INFEASIBLE"
    assert "dropout needs booster_type dart" in trials["gbtree"]["error_message"]
    assert trials["dart"]["is_optimal"]
    with pytest.raises(UsageError, match="no successful trial"):
        ask(model, "predict", numbers(), trial_id=trials["gbtree"]["trial_id"])


def test_a_search_without_a_single_success_fails() -> None:
    with pytest.raises(ModelFailed, match="all 1 trials failed"):
        train("linear_reg", numbers(600), num_trials=1, l1_reg=Candidates((1.0,)), optimize_strategy="NORMAL_EQUATION")


def test_a_tuned_model_is_kept_with_its_trials(tmp_path: Path) -> None:
    rows = labelled((0, 1), 600)
    model = train("boosted_tree_classifier", rows, enable_global_explain=True, **DEPTHS)
    model.save(tmp_path)
    loaded = TYPES["boosted_tree_classifier"].load(tmp_path, "boosted_tree_classifier", 1)

    assert "training_info" not in loaded.functions
    with pytest.raises(UsageError, match="TRIAL_INFO"):
        ask(loaded, "training_info")
    for trial in (1, 2, 3, 4):
        assert ask(loaded, "predict", rows, trial_id=trial).equals(ask(model, "predict", rows, trial_id=trial))
    for function in loaded.functions - {"predict", "explain_predict"}:
        assert ask(loaded, function).equals(ask(model, function))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learn_rate": Range(0.1, 0.2)}, "need num_trials"),
        ({"num_trials": 2, "max_iterations": Range(1, 5)}, "max_iterations cannot be tuned"),
        ({"num_trials": 0}, "num_trials"),
        ({"num_trials": 101}, "num_trials"),
        ({"max_parallel_trials": 2}, "needs num_trials"),
        ({"num_trials": 2, "max_parallel_trials": 6}, "max_parallel_trials"),
        ({"num_trials": 2, "learn_rate": Range(0.5, 0.2)}, "is empty"),
        ({"num_trials": 2, "max_tree_depth": Range(1, 40)}, "Stay within 1 to 20"),
        ({"num_trials": 2, "max_tree_depth": Range(1.2, 1.8)}, "holds no whole number"),
        ({"num_trials": 2, "learn_rate": Candidates(())}, "is empty"),
        ({"num_trials": 2, "tree_method": Range(0, 1)}, "HPARAM_CANDIDATES"),
        ({"num_trials": 2, "dropout": Range(0.1, 0.5)}, "booster_type may be dart"),
        ({"num_trials": 2, "hparam_tuning_objectives": ["ROC_AUC"]}, "no tuning objective"),
        (
            {"num_trials": 2, "hparam_tuning_algorithm": "GRID_SEARCH", "learn_rate": Range(0.1, 0.2)},
            "grid_search needs",
        ),
        ({"num_trials": 2, "data_split_method": "random", "data_split_eval_fraction": 0.2}, "go together"),
    ],
)
def test_searches_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("boosted_tree_regressor", numbers(), **options)
