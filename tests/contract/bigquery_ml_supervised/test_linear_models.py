"""Are the weights of linear models those of the documented formulas?"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.errors import ModelFailed, UsageError
from tests.contract.bigquery_ml_supervised.asking import ask, labelled, matrix, numbers, train


def weights(model: Any, **settings: Any) -> dict[str, float]:
    table = ask(model, "weights", **settings).to_pylist()
    return {row["processed_input"]: row["weight"] for row in table if row["weight"] is not None}


def test_weights_solve_the_normal_equations() -> None:
    rows = numbers()
    inputs = np.column_stack([np.ones(300), matrix(rows, "size", "wiki")])
    solution = np.linalg.solve(inputs.T @ inputs, inputs.T @ rows["label"].to_numpy())

    found = weights(train("linear_reg", rows))

    assert [found["__INTERCEPT__"], found["size"], found["wiki"]] == pytest.approx(solution, rel=1e-6)


def test_l2_penalises_standardised_weights_but_not_the_intercept() -> None:
    rows = numbers()
    raw = matrix(rows, "size", "wiki")
    inputs = np.column_stack([np.ones(300), (raw - raw.mean(axis=0)) / raw.std(axis=0)])
    penalty = np.diag([0.0, 50.0, 50.0])
    solution = np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ rows["label"].to_numpy())

    found = weights(train("linear_reg", rows, l2_reg=50.0), standardize=True)

    assert [found["__INTERCEPT__"], found["size"], found["wiki"]] == pytest.approx(solution, rel=1e-6)


def test_predictions_are_those_of_the_weights_in_units_of_the_features() -> None:
    rows = numbers()
    model = train("linear_reg", rows)
    found = weights(model)
    expected = matrix(rows, "size", "wiki") @ [found["size"], found["wiki"]] + found["__INTERCEPT__"]

    assert ask(model, "predict", rows)["predicted_label"].to_numpy() == pytest.approx(expected, rel=1e-9)


def test_categories_of_one_column_share_the_intercept_without_trouble() -> None:
    """All categories and the intercept depend on each other: predictions are still those of least squares."""
    rows = pa.table({"kind": ["a", "b", "c"] * 40, "label": [1.0, 2.0, 6.0] * 40})

    model = train("linear_reg", rows, optimize_strategy="NORMAL_EQUATION")

    assert ask(model, "predict", rows.slice(0, 3))["predicted_label"].to_pylist() == pytest.approx([1.0, 2.0, 6.0])


def test_gradient_descent_arrives_at_the_normal_equations() -> None:
    rows = numbers()
    options: dict[str, Any] = {"l2_reg": 3.0, "early_stop": False, "max_iterations": 400}
    exact = weights(train("linear_reg", rows, optimize_strategy="normal_equation", l2_reg=3.0))

    descended = weights(train("linear_reg", rows, optimize_strategy="batch_gradient_descent", **options))

    assert descended == pytest.approx(exact, rel=1e-6)


def test_l1_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import ElasticNet

    rows = numbers()
    raw = matrix(rows, "size", "wiki")
    inputs = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    l1, l2, count = 900.0, 30.0, 300
    other = ElasticNet(alpha=(l1 + l2) / count, l1_ratio=l1 / (l1 + l2), tol=1e-12).fit(
        inputs, rows["label"].to_numpy()
    )

    model = train("linear_reg", rows, l1_reg=l1, l2_reg=l2, early_stop=False, max_iterations=2_000)
    found = weights(model, standardize=True)

    assert [found["size"], found["wiki"]] == pytest.approx(other.coef_, rel=1e-6)


def test_line_search_compares_four_rates_as_documented() -> None:
    rows = numbers()
    model = train("linear_reg", rows, optimize_strategy="batch_gradient_descent", ls_init_learn_rate=0.1)
    rates = ask(model, "training_info")["learning_rate"].to_pylist()

    before = 0.1
    for rate in rates:
        assert rate / before in (2.0, 1.0, 0.5, 0.25)
        before = rate


def test_training_info_tells_each_iteration() -> None:
    model = train("linear_reg", numbers(600), optimize_strategy="batch_gradient_descent", max_iterations=3)
    info = ask(model, "training_info")

    assert info.schema.names == ["training_run", "iteration", "loss", "eval_loss", "learning_rate", "duration_ms"]
    assert [str(kind) for kind in info.schema.types] == ["int64", "int64", "double", "double", "double", "int64"]
    assert info["iteration"].to_pylist() == [0, 1, 2]
    assert info["loss"].to_pylist() == sorted(info["loss"].to_pylist(), reverse=True)
    assert info["eval_loss"].null_count == 0


def test_early_stop_ends_at_the_first_iteration_with_too_little_progress() -> None:
    model = train("linear_reg", numbers(600), optimize_strategy="batch_gradient_descent", max_iterations=200)
    losses = ask(model, "training_info")["eval_loss"].to_pylist()
    progress = [1 - after / before for before, after in pairwise(losses)]

    assert len(losses) < 200
    assert progress[-1] < 0.01
    assert all(share >= 0.01 for share in progress[:-1])


def test_few_rows_for_many_inputs_are_descended_as_documented() -> None:
    few = ask(train("linear_reg", numbers(15)), "training_info")
    many = ask(train("linear_reg", numbers(20)), "training_info")

    assert few["learning_rate"].null_count == 0
    assert many["learning_rate"].to_pylist() == [None]


def test_a_constant_rate_that_is_too_large_is_advised_against() -> None:
    with pytest.raises(ModelFailed, match="finite") as caught:
        train(
            "linear_reg",
            numbers(),
            optimize_strategy="batch_gradient_descent",
            learn_rate_strategy="constant",
            learn_rate=100.0,
            max_iterations=300,
            early_stop=False,
        )
    assert "learn_rate" in str(caught.value)


def test_fit_intercept_false_goes_through_the_mean() -> None:
    found = weights(train("linear_reg", numbers(), fit_intercept=False), standardize=True)

    assert found["__INTERCEPT__"] == 0.0


def test_constant_columns_have_no_influence() -> None:
    rows = numbers().append_column("same", pa.array([5.0] * 300))
    model = train("linear_reg", rows)
    moved = rows.set_column(rows.schema.get_field_index("same"), "same", pa.array([5.0] * 300))

    assert ask(model, "evaluate")["r2_score"][0].as_py() > 0.9
    assert ask(model, "predict", moved).equals(ask(model, "predict", rows))


def test_logistic_weights_are_those_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rows = labelled((False, True)).drop_columns(["colour"])
    raw = matrix(rows, "size", "wiki")
    inputs = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    other = LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1_000).fit(inputs, rows["label"].to_numpy(False))

    found = weights(train("logistic_reg", rows, l2_reg=2.0, early_stop=False, max_iterations=1_000), standardize=True)

    expected = [float(other.intercept_[0]), *other.coef_[0]]
    assert [found["__INTERCEPT__"], found["size"], found["wiki"]] == pytest.approx(expected, rel=1e-5)


def test_class_weights_count_rows_more_than_once() -> None:
    rows = labelled((0, 1))
    twice = pa.concat_tables([rows, rows.filter(pa.array([label == 1 for label in rows["label"].to_pylist()]))])
    options: dict[str, Any] = {"early_stop": False, "max_iterations": 30, "data_split_method": "no_split"}

    weighed = train("logistic_reg", rows, class_weights=[{"a": "0", "b": 1.0}, {"a": "1", "b": 2.0}], **options)
    repeated = train("logistic_reg", twice, **options)

    # The numbers are standardised over other rows, so the solutions are compared by what they predict.
    ours, theirs = (ask(model, "predict", rows)["predicted_label"].to_pylist() for model in (weighed, repeated))
    assert np.mean(np.array(ours) == np.array(theirs)) > 0.98
    assert sum(ours) > sum(ask(train("logistic_reg", rows, **options), "predict", rows)["predicted_label"].to_pylist())


def test_multi_class_weights_have_one_row_per_class_and_input() -> None:
    table = ask(train("logistic_reg", labelled(("lo", "mid", "hi"))), "weights")

    assert table.schema.names == ["processed_input", "weight", "category_weights", "class_label"]
    pairs = [(row["class_label"], row["processed_input"]) for row in table.to_pylist()]
    assert pairs == [
        (label, name) for label in ("hi", "lo", "mid") for name in ("size", "wiki", "colour", "__INTERCEPT__")
    ]


def test_advanced_weights_are_those_of_the_textbook() -> None:
    rows = numbers(400)
    model = train("linear_reg", rows, calculate_p_values=True, category_encoding_method="DUMMY_ENCODING")
    raw = matrix(rows, "size", "wiki")
    inputs = np.column_stack([np.ones(400), (raw - raw.mean(axis=0)) / raw.std(axis=0)])
    label = rows["label"].to_numpy()
    inverse = np.linalg.inv(inputs.T @ inputs)
    solution = inverse @ inputs.T @ label
    variance = np.square(label - inputs @ solution).sum() / (400 - 3)
    errors = np.sqrt(variance * np.diag(inverse))

    table = ask(model, "advanced_weights", standardize=True)
    plain = ask(model, "advanced_weights").to_pylist()

    assert table.schema.names == ["processed_input", "category", "weight", "standard_error", "p_value"]
    assert table["weight"].to_pylist() == pytest.approx([*solution[1:], solution[0]], rel=1e-6)
    assert table["standard_error"].to_pylist() == pytest.approx([*errors[1:], errors[0]], rel=1e-6)
    first = table.to_pylist()[1]
    score = abs(first["weight"]) / first["standard_error"]
    assert first["p_value"] == pytest.approx(math.erfc(score / math.sqrt(2)), abs=1e-12)
    # In units of the features: errors are divided like the weights, and the intercept has none.
    assert plain[0]["standard_error"] == pytest.approx(errors[1] / raw[:, 0].std(), rel=1e-6)
    assert (plain[2]["standard_error"], plain[2]["p_value"]) == (None, None)


def test_the_most_frequent_category_is_dropped_by_dummy_encoding() -> None:
    colours = ["red"] * 60 + ["blue"] * 40 + ["green"] * 50
    rows = pa.table({"colour": colours, "label": [float(len(c)) + at % 3 for at, c in enumerate(colours)]})
    model = train("linear_reg", rows, category_encoding_method="dummy_encoding", calculate_p_values=True)

    (colour, _) = ask(model, "weights").to_pylist()
    by_name = {row["category"]: row["weight"] for row in colour["category_weights"]}
    tested = {row["category"]: row for row in ask(model, "advanced_weights").to_pylist()}

    assert by_name["red"] == 0.0
    assert by_name["blue"] == pytest.approx(1.0, abs=0.1)
    assert math.isnan(tested["red"]["standard_error"])
    assert math.isnan(tested["red"]["p_value"])
    assert tested["green"]["p_value"] < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimize_strategy": "normal_equation", "l1_reg": 1.0}, "l1_reg"),
        ({"learn_rate": 0.1}, "learn_rate_strategy constant"),
        ({"learn_rate_strategy": "constant", "ls_init_learn_rate": 0.1}, "learn_rate_strategy line_search"),
        ({"calculate_p_values": True}, "dummy_encoding"),
        ({"max_iterations": 0}, "max_iterations"),
        ({"l2_reg": -1.0}, "l2_reg"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("linear_reg", numbers(), **options)
