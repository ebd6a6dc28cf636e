"""Columns of answers, in the order and with the types of Google's pages of the functions."""

from __future__ import annotations

import pytest

from tests.contract.bigquery_ml_tutorials.zoo import Zoo

ERRORS = [
    f"{name} FLOAT64"
    for name in (
        "mean_absolute_error",
        "mean_squared_error",
        "mean_squared_log_error",
        "median_absolute_error",
        "r2_score",
        "explained_variance",
    )
]
SCORES = [f"{name} FLOAT64" for name in ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc")]
RATES = ["threshold FLOAT64", "recall FLOAT64", "false_positive_rate FLOAT64", "true_positives INT64"]
RATES += ["false_positives INT64", "true_negatives INT64", "false_negatives INT64"]
EXPLAINED = ["top_feature_attributions ARRAY<STRUCT<feature STRING, attribution FLOAT64>>"]
EXPLAINED += ["baseline_prediction_value FLOAT64", "prediction_value FLOAT64", "approximation_error FLOAT64"]
RUN = ["training_run INT64", "iteration INT64"]
HISTORY = [*RUN, "loss FLOAT64", "eval_loss FLOAT64", "learning_rate FLOAT64", "duration_ms INT64"]
INFO = ["input STRING", *(f"{name} FLOAT64" for name in ("min", "max", "mean", "median", "stddev"))]
INFO += ["category_count INT64", "null_count INT64", "dimension INT64"]
VALUES = [
    "feature STRING",
    "numerical_value FLOAT64",
    "categorical_value ARRAY<STRUCT<category STRING, value FLOAT64>>",
]
WEIGHT = ["culmen_length_mm FLOAT64", "island STRING", "body_mass_g FLOAT64"]
SEX = ["culmen_length_mm FLOAT64", "culmen_depth_mm FLOAT64", "island STRING", "sex STRING"]
SHAPE = ["culmen_length_mm FLOAT64", "culmen_depth_mm FLOAT64", "flipper_length_mm INT64", "island STRING"]
WEIGHTED = [
    "processed_input STRING",
    "weight FLOAT64",
    "category_weights ARRAY<STRUCT<category STRING, weight FLOAT64>>",
]
ARIMA = [
    "non_seasonal_p INT64",
    "non_seasonal_d INT64",
    "non_seasonal_q INT64",
    "has_drift BOOL",
    "log_likelihood FLOAT64",
]
SEASONS = ["variance FLOAT64", "seasonal_periods ARRAY<STRING>", "has_holiday_effect BOOL", "has_spikes_and_dips BOOL"]
SEASONS += ["has_step_changes BOOL"]
COEFFICIENTS = ["ar_coefficients ARRAY<FLOAT64>", "ma_coefficients ARRAY<FLOAT64>", "intercept_or_drift FLOAT64"]
BOUNDS = ["standard_error FLOAT64", "confidence_level FLOAT64"]
BOUNDS += ["prediction_interval_lower_bound FLOAT64", "prediction_interval_upper_bound FLOAT64"]
POINTS = ["forecast_timestamp TIMESTAMP", "forecast_value FLOAT64", *BOUNDS]
POINTS += ["confidence_interval_lower_bound FLOAT64", "confidence_interval_upper_bound FLOAT64"]
PARTS = ["time_series_timestamp TIMESTAMP", "time_series_type STRING", "time_series_data FLOAT64"]
PARTS += ["time_series_adjusted_data FLOAT64", *BOUNDS, "trend FLOAT64"]
PARTS += [f"seasonal_period_{name} FLOAT64" for name in ("yearly", "quarterly", "monthly", "weekly", "daily")]
PARTS += [f"{name} FLOAT64" for name in ("holiday_effect", "spikes_and_dips", "step_changes", "residual")]
ANOMALIES = ["is_anomaly BOOL", "lower_bound FLOAT64", "upper_bound FLOAT64", "anomaly_probability FLOAT64"]
MISSED = ["mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "mean_absolute_percentage_error"]
MISSED += ["symmetric_mean_absolute_percentage_error", "mean_absolute_scaled_error"]
TRIED = [
    "trial_id INT64",
    "hyperparameters STRUCT<",
    "hparam_tuning_evaluation_metrics STRUCT<",
    "training_loss FLOAT64",
]
TRIED += ["eval_loss FLOAT64", "status STRING", "error_message STRING", "is_optimal BOOL"]
PROBABILITIES = "predicted_sex_probs ARRAY<STRUCT<label STRING, prob FLOAT64>>"

WITH_ROWS = {
    ("predict", "linear_reg"): ["predicted_body_mass_g FLOAT64", *WEIGHT],
    ("predict", "random_forest_regressor"): ["predicted_body_mass_g FLOAT64", *WEIGHT],
    ("predict", "logistic_reg"): ["predicted_sex STRING", PROBABILITIES, *SEX],
    ("predict", "boosted_tree_classifier"): ["predicted_sex STRING", PROBABILITIES, *SEX],
    ("predict", "kmeans"): [
        "centroid_id INT64",
        "nearest_centroids_distance ARRAY<STRUCT<centroid_id INT64, distance FLOAT64>>",
        *SHAPE,
    ],
    ("predict", "pca"): ["principal_component_1 FLOAT64", "principal_component_2 FLOAT64"],
    ("explain_predict", "boosted_tree_regressor"): ["predicted_body_mass_g FLOAT64", *EXPLAINED, *WEIGHT],
    ("explain_predict", "logistic_reg"): ["predicted_sex STRING", "probability FLOAT64", *EXPLAINED, *SEX],
    ("evaluate", "linear_reg"): ERRORS,
    ("evaluate", "random_forest_classifier"): SCORES,
    ("evaluate", "matrix_factorization"): ERRORS,
    ("evaluate", "arima_plus"): ["station STRING", *(f"{name} FLOAT64" for name in MISSED)],
    ("confusion_matrix", "logistic_reg"): ["expected_label STRING", "FEMALE INT64", "MALE INT64"],
    ("roc_curve", "boosted_tree_classifier"): RATES,
    ("detect_anomalies", "kmeans"): ["is_anomaly BOOL", "normalized_distance FLOAT64", "centroid_id INT64", *SHAPE],
    ("detect_anomalies", "pca"): ["is_anomaly BOOL", "mean_squared_error FLOAT64", *SHAPE],
    ("detect_anomalies", "arima_plus_xreg"): ["date TIMESTAMP", "num_trips FLOAT64", *ANOMALIES, "temperature FLOAT64"],
    ("recommend", "matrix_factorization"): [
        "user_id INT64",
        "item_id STRING",
        "predicted_rating FLOAT64",
        "rating FLOAT64",
    ],
    ("forecast", "arima_plus_xreg"): POINTS,
    ("explain_forecast", "arima_plus_xreg"): [*PARTS, "attribution_temperature FLOAT64"],
}
ALONE = {
    ("evaluate", "boosted_tree_regressor"): ERRORS,
    ("evaluate", "kmeans"): ["davies_bouldin_index FLOAT64", "mean_squared_distance FLOAT64"],
    ("evaluate", "pca"): ["total_explained_variance_ratio FLOAT64"],
    ("evaluate", "arima_plus"): ["station STRING", *ARIMA, "aic FLOAT64", *SEASONS],
    ("arima_evaluate", "arima_plus"): ["station STRING", *ARIMA, "AIC FLOAT64", *SEASONS, "error_message STRING"],
    ("arima_evaluate", "arima_plus_xreg"): [*ARIMA, "AIC FLOAT64", *SEASONS, "error_message STRING"],
    ("arima_coefficients", "arima_plus"): ["station STRING", *COEFFICIENTS],
    ("arima_coefficients", "arima_plus_xreg"): [*COEFFICIENTS, *WEIGHTED],
    ("forecast", "arima_plus"): ["station STRING", *POINTS],
    ("explain_forecast", "arima_plus"): ["station STRING", *PARTS],
    ("detect_anomalies", "arima_plus"): ["station STRING", "date TIMESTAMP", "num_trips FLOAT64", *ANOMALIES],
    ("recommend", "matrix_factorization"): ["user_id INT64", "item_id STRING", "predicted_rating FLOAT64"],
    ("weights", "linear_reg"): WEIGHTED,
    ("weights", "matrix_factorization"): [
        "processed_input STRING",
        "feature STRING",
        "factor_weights ARRAY<STRUCT<factor INT64, weight FLOAT64>>",
        "intercept FLOAT64",
    ],
    ("advanced_weights", "logistic_reg"): [
        "processed_input STRING",
        "category STRING",
        *(f"{name} FLOAT64" for name in ("weight", "standard_error", "p_value")),
    ],
    ("feature_importance", "boosted_tree_regressor"): [
        "feature STRING",
        *(f"importance_{name} FLOAT64" for name in ("weight", "gain", "cover")),
    ],
    ("global_explain", "linear_reg"): ["feature STRING", "attribution FLOAT64"],
    ("feature_info", "kmeans"): INFO,
    ("training_info", "logistic_reg"): HISTORY,
    ("training_info", "matrix_factorization"): HISTORY,
    ("training_info", "kmeans"): [
        *(name for name in HISTORY if not name.startswith("eval_loss")),
        "cluster_info ARRAY<STRUCT<centroid_id INT64, cluster_radius FLOAT64, cluster_size INT64>>",
    ],
    ("training_info", "arima_plus"): [*RUN, "duration_ms INT64"],
    ("centroids", "kmeans"): ["centroid_id INT64", *VALUES],
    ("principal_components", "pca"): ["principal_component_id INT64", *VALUES],
    ("principal_component_info", "pca"): [
        "principal_component_id INT64",
        *(
            f"{name} FLOAT64"
            for name in ("eigenvalue", "explained_variance_ratio", "cumulative_explained_variance_ratio")
        ),
    ],
}


@pytest.mark.parametrize(("asked", "columns"), WITH_ROWS.items(), ids=lambda value: str(value)[:60])
def test_columns_of_answers_about_rows(zoo: Zoo, asked: tuple[str, str], columns: list[str]) -> None:
    assert zoo.room.columns(zoo.question(*asked, rows=True)) == columns


@pytest.mark.parametrize(("asked", "columns"), ALONE.items(), ids=lambda value: str(value)[:60])
def test_columns_of_answers_about_the_model(zoo: Zoo, asked: tuple[str, str], columns: list[str]) -> None:
    assert zoo.room.columns(zoo.question(*asked, rows=False)) == columns


@pytest.mark.parametrize("model_type", ["linear_reg", "boosted_tree_classifier", "kmeans", "matrix_factorization"])
def test_columns_of_trials(zoo: Zoo, model_type: str) -> None:
    found = zoo.room.columns(zoo.question("trial_info", model_type, rows=False))
    assert [each[: each.index("<") + 1] if "STRUCT<" in each else each for each in found] == TRIED
    name = zoo.model(model_type, "trial_info")
    assert zoo.room.columns(f"SELECT * FROM ML.EVALUATE(MODEL {name})")[0] == "trial_id INT64"
