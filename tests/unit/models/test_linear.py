"""Linear models, with BigQuery ML's automatic preprocessing (G2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pydantic import ValidationError

from augury.errors import ModelFailed
from augury.models.contract import FittedModel, TrainingSet
from augury.models.linear import LinearReg, LinearRegOptions, LogisticReg, LogisticRegOptions
from augury.testing.model_contract import example


def training_on(features: dict[str, Any], label: Any) -> TrainingSet:
    table = pa.table(features)
    days = pa.array([date(2024, 1, 1)] * table.num_rows)
    return TrainingSet(table, pa.chunked_array([pa.array(label)]), pa.chunked_array([days]), "y")


def regression(features: dict[str, Any], label: Any, **options: Any) -> FittedModel:
    return LinearReg.fit(training_on(features, label), LinearRegOptions(**options), 0, 1)


def predict(model: FittedModel, features: dict[str, Any]) -> list[float]:
    found: list[float] = model.predict(pa.record_batch(features)).column(0).to_pylist()
    return found


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def normal_equations(matrix: npt.NDArray[Any], label: npt.NDArray[Any]) -> npt.NDArray[Any]:
    design = np.column_stack([np.ones(len(matrix)), matrix])
    solved = np.linalg.solve(design.T @ design, design.T @ label)
    return np.asarray(design @ solved)


def test_without_penalties_it_is_the_normal_equations(random: np.random.Generator) -> None:
    # Columns of very different size, as money and counts are.
    matrix = random.normal(size=(300, 5)) * [1, 10, 100, 1_000, 0.01] + 7
    label = matrix @ [1.0, -2.0, 0.5, 0.01, 30.0] + random.normal(size=300)
    columns = {f"x{at}": matrix[:, at] for at in range(5)}
    np.testing.assert_allclose(
        predict(regression(columns, label), columns), normal_equations(matrix, label), rtol=0, atol=1e-6
    )


def test_without_intercept_the_line_of_standardised_inputs_goes_through_zero() -> None:
    model = regression({"x": [1.0, 2.0, 3.0]}, [10.0, 20.0, 30.0], fit_intercept=False)
    assert predict(model, {"x": [2.0]}) == [0.0]


def test_a_ridge_penalty_shrinks_standardised_weights(random: np.random.Generator) -> None:
    x = random.normal(5, 3, 50)
    y = 2 * x
    # One standardised input z: weight = sum(z*y) / (n + l2).
    z = (x - x.mean()) / x.std()
    weight = float(z @ (y - y.mean())) / (50 + 25)
    expected = y.mean() + weight * z
    np.testing.assert_allclose(predict(regression({"x": x}, y, l2_reg=25), {"x": x}), expected)


def test_a_lasso_penalty_drops_what_tells_nothing(random: np.random.Generator) -> None:
    x, noise = random.normal(size=200), random.normal(size=200)
    model = regression({"x": x, "noise": noise}, 3 * x, l1_reg=100.0)
    weights = dict(model.importances())
    assert weights["noise"] == 0
    # Soft thresholding of one input: (|sum(z*y)| - l1) / n.
    assert weights["x"] == pytest.approx(3 * x.std() - 100 / 200, abs=0.01)


def test_a_missing_number_counts_as_the_training_mean() -> None:
    model = regression({"x": [0.0, 2.0, 4.0, None]}, [0.0, 2.0, 4.0, 2.0])
    assert predict(model, {"x": [None, 2.0, float("nan")]}) == pytest.approx([2.0, 2.0, 2.0])


def test_missing_text_is_a_category_of_its_own_and_unseen_text_has_no_weight() -> None:
    seen = ["a", "a", "b", "b", None, None]
    model = regression({"x": seen}, [1.0, 1.0, 2.0, 2.0, 9.0, 9.0])
    assert predict(model, {"x": ["a", "b", None]}) == pytest.approx([1.0, 2.0, 9.0])
    # Of the many solutions the one with the smallest weights: -3, -2 and 5 around an intercept of 4.
    assert predict(model, {"x": ["c"]}) == pytest.approx([4.0])


def test_dummy_encoding_leaves_out_the_most_frequent_level() -> None:
    seen = ["a", "b", "b", "b", "c", "c"]
    model = regression({"x": seen}, [1.0, 2, 2, 2, 4, 4], category_encoding_method="DUMMY_ENCODING")
    # An unseen level then stands where the one that was left out does.
    assert predict(model, {"x": ["a", "b", "c", "d"]}) == pytest.approx([1.0, 2.0, 4.0, 2.0])


def test_booleans_and_dates_have_one_input_per_value() -> None:
    days = [date(2024, 1, 1), date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 2)]
    flags = [True, False, True, None]
    model = regression({"day": days, "flag": flags}, [1.0, 2.0, 11.0, 14.0])
    assert predict(model, {"day": days, "flag": flags}) == pytest.approx([1.0, 2.0, 11.0, 14.0])
    # A date in between is not between them: it was not seen.
    unseen = predict(model, {"day": [date(1999, 1, 1)], "flag": [True]})[0]
    assert 1.0 < unseen < 11.0


def test_timestamps_give_their_clock_time_and_their_trend() -> None:
    hours = [datetime(2024, 1, 1 + n // 24, n % 24) for n in range(240)]  # noqa: DTZ001
    label = [10.0 if at.hour == 9 else 0.0 for at in hours]
    model = regression({"at": pa.array(hours, pa.timestamp("us"))}, label)
    later = pa.array([datetime(2024, 1, 8, 9), datetime(2024, 1, 8, 10), None], pa.timestamp("us"))  # noqa: DTZ001
    nine, ten, missing = predict(model, {"at": later})
    assert (nine, ten) == pytest.approx((10.0, 0.0), abs=1e-6)
    assert np.isfinite(missing)


def test_constant_and_empty_columns_do_no_harm() -> None:
    features = {"x": [1.0, 2.0, 3.0], "same": [0.1, 0.1, 0.1], "none": pa.nulls(3, pa.float64())}
    assert predict(regression(features, [2.0, 4.0, 6.0]), features) == pytest.approx([2.0, 4.0, 6.0])


def test_categories_that_do_not_fit_in_memory_are_refused_by_name() -> None:
    count = 30_000
    ids = pa.array([f"c{n}" for n in range(count)])
    with pytest.raises(ModelFailed, match=r"customer alone has 30,000 values"):
        regression({"customer": ids, "x": np.arange(count, dtype=float)}, np.arange(count, dtype=float))


@pytest.mark.parametrize("label", [["no", "yes"], [False, True], [3, 7]], ids=["text", "boolean", "integer"])
def test_a_class_label_keeps_its_type(label: list[Any]) -> None:
    training = training_on({"x": [0.0, 1.0] * 20}, label * 20)
    row = (
        LogisticReg.fit(training, LogisticRegOptions(l2_reg=1), 0, 1)
        .predict(pa.record_batch({"x": [1.0]}))
        .to_pylist()[0]
    )
    assert row["predicted_y"] == label[1]
    assert type(row["predicted_y"]) is type(label[1])
    assert [entry["label"] for entry in row["predicted_y_probs"]] == label


def test_logistic_regression_without_penalty_finds_the_log_odds() -> None:
    # 3 of 4 in group a and 1 of 4 in group b.
    training = training_on({"group": ["a"] * 4 + ["b"] * 4}, ["yes"] * 3 + ["no"] + ["yes"] + ["no"] * 3)
    model = LogisticReg.fit(training, LogisticRegOptions(), 0, 1)
    probs = model.predict(pa.record_batch({"group": ["a", "b"]})).to_pylist()
    assert [row["predicted_y_probs"][1]["prob"] for row in probs] == pytest.approx([0.75, 0.25], abs=1e-4)


def test_class_weights_count_like_repeated_rows(random: np.random.Generator) -> None:
    x = random.normal(size=40)
    label = ["rare" if n % 8 == 0 else "usual" for n in range(40)]
    weighted = LogisticReg.fit(
        training_on({"x": x}, label), LogisticRegOptions(class_weights={"rare": 7, "usual": 1}), 0, 1
    )
    balanced = LogisticReg.fit(training_on({"x": x}, label), LogisticRegOptions(auto_class_weights=True), 0, 1)
    batch = pa.record_batch({"x": x})
    chances = [
        [row["predicted_y_probs"][0]["prob"] for row in model.predict(batch).to_pylist()]
        for model in (weighted, balanced)
    ]
    np.testing.assert_allclose(chances[0], chances[1], atol=1e-4)
    # With an intercept the weighted mean of the chances is the weighted share of the class.
    weights = [7 if name == "rare" else 1 for name in label]
    assert np.average(chances[0], weights=weights) == pytest.approx(0.5, abs=1e-4)


def test_class_weights_must_name_the_classes() -> None:
    training = training_on({"x": [0.0, 1.0]}, [True, False])
    with pytest.raises(ModelFailed, match="expected false, true; got true, maybe"):
        LogisticReg.fit(training, LogisticRegOptions(class_weights={True: 2, "maybe": 1}), 0, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"learn_rate": 0.1},  # of gradient descent
        {"learn_rate_strategy": "line_search"},
        {"ls_init_learn_rate": 0.1},
        {"early_stop": False},
        {"min_rel_progress": 0.1},
        {"calculate_p_values": True},
        {"warm_start": True},
        {"optimize_strategy": "batch_gradient_descent"},
        {"optimize_strategy": "normal_equation", "l1_reg": 1},
        {"max_iterations": 5},  # the solution is direct without l1_reg
        {"l2_reg": -1},
        {"l1_reg": float("nan")},
    ],
    ids=str,
)
def test_options_that_would_be_ignored_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        LinearRegOptions.model_validate(options)


def test_one_class_is_refused() -> None:
    with pytest.raises(ModelFailed, match="has one class only: yes"):
        LogisticReg.fit(training_on({"x": [0.0, 1.0]}, ["yes", "yes"]), LogisticRegOptions(), 0, 1)


def test_each_class_of_three_gets_a_probability() -> None:
    training = example("classification")
    model = LogisticReg.fit(training, LogisticRegOptions(l2_reg=1), 0, 1)
    assert model.classes == ("bronze", "gold", "silver")
