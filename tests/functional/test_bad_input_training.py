"""What becomes of features and labels that a model cannot learn from, or has never seen?"""

from __future__ import annotations

import pytest

from tests.cli_runner import called, refused, rows, worked
from tests.projects import Shop
from tests.tiny import FEATURES, LABEL, NAMESPACE, SPEND, data, orders

DAY = "2024-01-30"
RUN = ("run", "spend", "--date", DAY)
LATE = "{{ run_date }} > date '2024-01-29'"
"""True for the scored date and for no date of the training."""


def feature(shop: Shop, expression: str) -> None:
    """Give prepare one more column, `extra`."""
    shop.write(f"{SPEND}/prepare.sql", FEATURES.replace("\nfrom", f", {expression} as extra\nfrom"))


def label(shop: Shop, expression: str, model: str = "linear_reg", missing: str = "zero") -> None:
    shop.write(f"{SPEND}/label.sql", LABEL.replace("sum(amount)", expression))
    shop.edit(f"{SPEND}/pipeline.yml", "linear_reg", model)
    shop.edit(f"{SPEND}/pipeline.yml", "missing_label: zero", f"missing_label: {missing}")


def untrained(shop: Shop, *words: str) -> None:
    """A run says why there is no model, and that its date waits for one; nothing is registered or published."""
    said = refused(called(*RUN, folder=shop.root), 1, "spend / 2024-01-29 / train: ", *words)
    assert f"spend / {DAY}: blocked: training of tick 2024-01-29 failed" in said
    assert called("models", "spend", "--output", "ndjson", folder=shop.root).out == ""
    assert not (shop.root / NAMESPACE / "spend_v1_predictions").exists()
    assert not list((shop.root / NAMESPACE / "_models").rglob("*.json"))


def scores(shop: Shop) -> list[float | None]:
    found = rows(f"select * from spend_predictions where run_date = '{DAY}' order by customer_id", shop.root)
    return [row["predicted_spent_next"] for row in found]


# -- features ------------------------------------------------------------------------------------------------------


def test_a_nan_counts_as_missing_in_training_and_scoring(spend: Shop) -> None:
    feature(spend, "case when customer_id = 3 then 'nan'::double else customer_id end")
    worked(called(*RUN, folder=spend.root))
    found = scores(spend)
    assert len(found) == 12
    assert all(score is not None and score == score for score in found)


def test_an_infinite_feature_is_named_in_training(spend: Shop) -> None:
    feature(spend, "case when customer_id = 3 then 'infinity'::double else 1 end")
    untrained(spend, "a feature is infinite", "extra: 14 infinite values", "nullif(x, 0)")


def test_e5_an_infinite_feature_is_named_in_scoring_and_the_last_good_date_stays(trained: Shop) -> None:
    """The model is trained without it; the date itself brings it."""
    before = data(trained.root / NAMESPACE)
    trained.edit(f"{SPEND}/prepare.sql", "sum(amount)", f"sum(amount) / case when {LATE} then 0 else 1 end")
    refused(
        called(*RUN, folder=trained.root),
        1,
        f"spend / {DAY} / predict: a feature is infinite",
        "spent: 12 infinite values",
        "Nothing was published.",
    )
    after = data(trained.root / NAMESPACE)
    published = {name: digest for name, digest in before.items() if "predictions/" in name}
    assert {name: after[name] for name in published} == published
    assert rows("select max(run_date) as d from spend_predictions", trained.root) == [{"d": "2024-01-29"}]


def test_a_category_never_seen_in_training_is_scored_as_missing(spend: Shop) -> None:
    feature(spend, f"case when {LATE} and customer_id in (3, 4) then 'new' else 'k' || customer_id % 3 end")
    worked(called(*RUN, folder=spend.root))
    found = scores(spend)
    assert len(found) == 12
    assert None not in found


@pytest.mark.parametrize("nothing", ["null", "null::double", "null::varchar"])
def test_a_column_of_nulls_teaches_nothing_and_breaks_nothing(spend: Shop, nothing: str) -> None:
    worked(called(*RUN, folder=spend.root))
    without = scores(spend)
    feature(spend, nothing)
    worked(called(*RUN, folder=spend.root))
    assert scores(spend) == pytest.approx(without)


def test_a_column_that_becomes_all_null_is_scored(spend: Shop) -> None:
    feature(spend, f"case when {LATE} then null else customer_id * 1.5 end")
    worked(called(*RUN, folder=spend.root))
    assert None not in scores(spend)


def test_features_of_nothing_but_the_entity_are_refused(spend: Shop) -> None:
    spend.write(f"{SPEND}/prepare.sql", "select distinct customer_id from {{ source('orders') }}")
    untrained(spend, "no column is left to learn from")


def test_a_feature_that_a_model_cannot_use_is_named(spend: Shop) -> None:
    feature(spend, "[1, 2]")
    untrained(spend, "extra", "exclude")


def test_e5_a_feature_that_is_gone_is_named_before_scoring(trained: Shop) -> None:
    """The promoted model was trained from other columns than today's."""
    worked(called("promote", "spend", "1", "--from", DAY, folder=trained.root))
    trained.edit(f"{SPEND}/prepare.sql", "count(*) as visits", "count(*) as orders")
    before = data(trained.root / NAMESPACE)
    refused(called(*RUN, folder=trained.root), 1, f"spend / {DAY} / predict", "visits")
    after = data(trained.root / NAMESPACE)
    assert {name for name in after if "predictions" in name} == {name for name in before if "predictions" in name}


# -- training sets -------------------------------------------------------------------------------------------------


def test_one_training_row_is_too_little(spend: Shop) -> None:
    spend.orders(*[order for order in orders() if order[0] == "1"])
    spend.edit(f"{SPEND}/pipeline.yml", "every: 1d, window: 14d", "every: 14d, window: 14d")
    untrained(spend, "there is only one training row", "Widen model.train.window")


def test_an_empty_training_set_is_an_error(spend: Shop) -> None:
    spend.write(f"{SPEND}/filter.sql", f"select customer_id from {{{{ ref('prepare') }}}} where {LATE}")
    untrained(spend, "there are no training rows", "Widen model.train.window")


def test_a_date_before_the_first_closed_label_is_held(spend: Shop) -> None:
    refused(
        called("run", "spend", "--date", "2024-01-05", folder=spend.root),
        3,
        "held: spend / 2024-01-05 / predict: no champion",
        "Nothing was published.",
    )
    refused(called("train", "spend", "--date", "2024-01-06", folder=spend.root), 2, "no training date", "3 days ahead")


@pytest.mark.parametrize("model", ["logistic_reg", "boosted_tree_classifier"])
def test_a_label_of_one_class_is_named(spend: Shop, model: str) -> None:
    label(spend, "true", model, "drop")
    untrained(spend, "the label spent_next has one class only: true", "in all ")


def test_a_constant_label_is_learned(spend: Shop) -> None:
    label(spend, "5.0", missing="drop")
    worked(called(*RUN, folder=spend.root))
    assert scores(spend) == pytest.approx([5.0] * 12)


def test_missing_labels_without_a_word_about_them_are_an_error_with_counts(spend: Shop) -> None:
    label(spend, "sum(amount)")
    spend.edit(f"{SPEND}/label.sql", "group by", "where customer_id < 10 group by")
    spend.edit(f"{SPEND}/pipeline.yml", "  missing_label: zero\n", "")
    untrained(spend, "42 of 168 training rows have no label", "model.missing_label: zero", "drop")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'nan'::double", ["168 NaN", "label.sql"]),
        ("'inf'::double", ["168 infinite", "label.sql"]),
        ("case when customer_id = 2 then null else sum(amount) end", ["14 NULL", "label.sql"]),
        ("'text'", ["the label spent_next is STRING", f"{SPEND}/label.sql", "missing_label: drop"]),
        ("max(ordered_at)", ["the label spent_next is DATE", f"{SPEND}/label.sql"]),
    ],
)
def test_a_label_that_nothing_can_be_learned_from_is_named(spend: Shop, expression: str, words: list[str]) -> None:
    label(spend, expression)
    untrained(spend, *words)


def test_a_label_of_another_name_is_named(spend: Shop) -> None:
    spend.edit(f"{SPEND}/label.sql", "spent_next", "spent_nxt")
    untrained(spend, "no column 'spent_next'", f"{SPEND}/label.sql", "Did you mean 'spent_nxt'?")


def test_training_dates_that_lie_further_apart_than_the_window_are_refused(spend: Shop) -> None:
    spend.edit(f"{SPEND}/pipeline.yml", "every: 1d, window: 14d", "every: 30d, window: 14d")
    refused(called(*RUN, folder=spend.root), 2, f"{SPEND}/pipeline.yml:9", "model.train.every", "window of 14d")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("linear_reg", "linear_rge", ["model.type", "did you mean 'linear_reg'?"]),
        ("folds: 2", "folds: 0", ["model.train.folds"]),
        ("train:", "options: {l2_rge: 1}\n  train:", ["model.options.l2_rge", "did you mean 'l2_reg'?"]),
        ("train:", 'gate: {mean_abs_error: "<= 1"}\n  train:', ["model.gate.mean_abs_error", "mean_absolute_error"]),
        ("train:", 'gate: {mean_absolute_error: "about 1"}\n  train:', ["model.gate.mean_absolute_error"]),
        ("horizon: 3d", "horizon: 3 days", ["horizon", "90d or 4w"]),
    ],
)
def test_a_wrong_setting_of_a_model_is_named(spend: Shop, before: str, after: str, words: list[str]) -> None:
    spend.edit(f"{SPEND}/pipeline.yml", before, after)
    refused(called("validate", folder=spend.root), 2, f"{SPEND}/pipeline.yml:", *words)
