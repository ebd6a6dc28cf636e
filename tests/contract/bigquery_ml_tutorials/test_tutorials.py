"""Statements of Google's tutorials, as an analyst types them, over small tables."""

from __future__ import annotations

import pytest

from augury.errors import SpecError, UsageError
from tests.contract.bigquery_ml_tutorials.tutorial_room import Room

PENGUINS = "`bigquery-public-data.ml_datasets.penguins`"


def test_weights_of_penguins(room: Room) -> None:
    """The tutorial 'Use linear regression to predict penguin weight'."""
    create = "CREATE OR REPLACE MODEL `bqml_tutorial.penguins_model` OPTIONS (model_type='linear_reg', {}) AS\n"
    create += f"SELECT * FROM {PENGUINS} WHERE body_mass_g IS NOT NULL;"
    room.run(create.format("input_label_cols=['body_mass_g']"))
    model = "MODEL `bqml_tutorial.penguins_model`"
    (found,) = room.rows(
        f"SELECT * FROM ML.EVALUATE({model}, (SELECT * FROM {PENGUINS} WHERE body_mass_g IS NOT NULL))"
    )
    assert found["r2_score"] > 0.9
    biscoe = f"(SELECT * FROM {PENGUINS} WHERE island = 'Biscoe')"
    rows = room.rows(f"SELECT * FROM ML.PREDICT({model}, {biscoe})")
    assert list(rows[0])[:3] == ["predicted_body_mass_g", "id", "species"]
    assert len(rows) == 40
    explained = room.rows(f"SELECT * FROM ML.EXPLAIN_PREDICT({model}, {biscoe}, STRUCT(3 as top_k_features))")
    assert {len(row["top_feature_attributions"]) for row in explained} == {3}
    with pytest.raises(UsageError, match="ENABLE_GLOBAL_EXPLAIN=TRUE"):
        room.rows(f"SELECT * FROM ML.GLOBAL_EXPLAIN({model})")
    room.run(create.format("input_label_cols=['body_mass_g'], enable_global_explain=TRUE"))
    ranked = room.rows(f"SELECT * FROM ML.GLOBAL_EXPLAIN({model})")
    assert {row["feature"] for row in ranked} >= {"species", "culmen_length_mm"}
    weights = room.rows(
        "SELECT category, weight FROM UNNEST((SELECT category_weights FROM "
        f"ML.WEIGHTS({model}) WHERE processed_input = 'species'))"
    )
    assert [row["category"] for row in weights][:3] == ["Adelie", "Chinstrap", "Gentoo"]


def test_labels_that_are_no_names_of_columns(room: Room) -> None:
    """BigQuery docs: 'The ML.CONFUSION_MATRIX function': labels 0 and 1 are the columns _0 and _1."""
    room.run(
        "CREATE MODEL bqml_tutorial.sample_model OPTIONS(model_type='logistic_reg') AS "
        "SELECT IF(MOD(id, 3) = 0, 1, 0) AS label, IFNULL(island, '') AS os, flipper_length_mm AS views FROM penguins"
    )
    assert room.columns("SELECT * FROM ML.CONFUSION_MATRIX(MODEL bqml_tutorial.sample_model)") == [
        "expected_label INT64",
        "_0 INT64",
        "_1 INT64",
    ]
    rows = room.rows(
        "SELECT recall, SAFE_DIVIDE(true_positives, true_positives + false_positives) AS precision FROM "
        "ML.ROC_CURVE(MODEL bqml_tutorial.sample_model, (SELECT IF(MOD(id, 3) = 0, 1, 0) AS label, '' AS os, "
        "flipper_length_mm AS views FROM penguins), GENERATE_ARRAY(0.4, 0.6, 0.1))"
    )
    assert len(rows) == 3


def test_the_best_of_several_trials(room: Room) -> None:
    """The tutorial 'Improve model performance with hyperparameter tuning'."""
    room.run(
        "CREATE OR REPLACE MODEL `bqml_tutorial.hp_taxi_tip_model` OPTIONS (MODEL_TYPE = 'LINEAR_REG', "
        "NUM_TRIALS = 4, MAX_PARALLEL_TRIALS = 2, L1_REG = HPARAM_RANGE(0, 5)) AS "
        "SELECT culmen_length_mm, species, body_mass_g AS label FROM penguins;"
    )
    trials = room.rows("SELECT * FROM ML.TRIAL_INFO(MODEL `bqml_tutorial.hp_taxi_tip_model`) ORDER BY is_optimal DESC")
    assert [row["is_optimal"] for row in trials] == [True, False, False, False]
    best = trials[0]["trial_id"]
    found = room.rows("SELECT * FROM ML.EVALUATE(MODEL `bqml_tutorial.hp_taxi_tip_model`) ORDER BY r2_score DESC")
    assert found[0]["trial_id"] == best
    rows = room.rows(
        "SELECT * FROM ML.PREDICT(MODEL `bqml_tutorial.hp_taxi_tip_model`, (SELECT * FROM penguins LIMIT 5))"
    )
    assert {row["trial_id"] for row in rows} == {best}


def test_preprocessing_that_needs_functions_of_bigquery(room: Room) -> None:
    """The session brings what DuckDB lacks: its user has prepared nothing."""
    room.run(
        "CREATE MODEL d.m TRANSFORM(ML.HASH_BUCKETIZE(species, 10) AS bucket, ML.FEATURE_CROSS(STRUCT(species, sex)) "
        "AS crossed, ML.QUANTILE_BUCKETIZE(culmen_length_mm, 4) OVER() AS culmen, body_mass_g) "
        "OPTIONS(model_type='boosted_tree_regressor', input_label_cols=['body_mass_g'], max_iterations=3) AS "
        "SELECT * FROM penguins"
    )
    assert room.columns("SELECT * FROM ML.TRANSFORM(MODEL d.m, TABLE penguins)") == [
        "bucket INT64",
        "crossed STRUCT<species_sex STRING>",
        "culmen STRING",
        "body_mass_g FLOAT64",
    ]


def test_times_are_utc_whatever_the_zone_of_the_machine(room: Room) -> None:
    room.connection.execute("SET GLOBAL TimeZone = 'Asia/Tokyo'")
    at = "TIMESTAMP '2026-01-01 20:00:00+00'"
    (row,) = room.rows(f"SELECT EXTRACT(HOUR FROM {at}) AS h, DATE({at}) AS d")
    assert (row["h"], str(row["d"])) == (20, "2026-01-01")


@pytest.mark.parametrize(
    ("model_type", "options", "query"),
    [
        ("matrix_factorization", "user_col='user_id', item_col='item_id', rating_col='rating'", "ratings"),
        ("arima_plus", "time_series_timestamp_col='date', time_series_data_col='num_trips'", "trips"),
        ("arima_plus_xreg", "time_series_timestamp_col='date', time_series_data_col='num_trips'", "trips"),
    ],
)
def test_types_without_a_transform_clause(room: Room, model_type: str, options: str, query: str) -> None:
    with pytest.raises(SpecError, match=f"a model of type {model_type} has no TRANSFORM"):
        room.run(
            f"CREATE MODEL d.m TRANSFORM(*) OPTIONS(model_type='{model_type}', {options}) AS SELECT * FROM {query}"
        )


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        ("FEATURES_AT_TIME", "QUALIFY ROW_NUMBER"),
        ("ENTITY_FEATURES_AT_TIME", "QUALIFY ROW_NUMBER"),
        ("METRICS", "reads a table instead of a model"),
        ("SEASONALITY", "reads a table instead of a model"),
        ("GENERATE_TEXT", "calls a model that Google runs"),
    ],
)
def test_functions_that_only_bigquery_has(room: Room, function: str, advice: str) -> None:
    with pytest.raises(SpecError, match=f"ML.{function} is not available.*{advice}.*Keep this query on BigQuery"):
        room.rows(f"SELECT * FROM ML.{function}(TABLE penguins, num_rows => 1)")


@pytest.mark.parametrize(
    ("model_type", "options", "problem"),
    [
        ("logistic_reg", "class_weights=[('MALE', 0), ('FEMALE', 0)]", "leaves no class with a weight"),
        ("random_forest_classifier", "tree_method='EXACT'", "tree_method exact needs colsample_bynode 1"),
    ],
)
def test_options_that_train_nothing_are_refused_before_training(
    room: Room, model_type: str, options: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        room.run(
            f"CREATE MODEL d.m OPTIONS(model_type='{model_type}', input_label_cols=['sex'], {options}) AS "
            "SELECT culmen_length_mm, sex FROM penguins"
        )
