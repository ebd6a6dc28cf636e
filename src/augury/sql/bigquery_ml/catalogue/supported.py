"""Which options may CREATE MODEL have here, for which types of models, and with which values?

One entry per option and meaning; ranges that depend on other options are checked by the types themselves.
BigQuery docs: the pages called 'The CREATE MODEL statement for ...'.
"""

from __future__ import annotations

from augury.sql.bigquery_ml.catalogue.model_types import (
    BOOSTED,
    CLASSIFIERS,
    IMPORTED,
    ITERATED,
    LINEAR,
    LOCAL,
    SUPERVISED,
    TIME_SERIES,
    TREES,
    TUNED,
)
from augury.sql.bigquery_ml.catalogue.option import Option, option

_SPLIT = SUPERVISED | {"matrix_factorization"}
_ARIMA = ("arima", "arima_plus")

SESSION = (
    option("model_type", "word", LOCAL),
    option("description", "text", LOCAL),
    option("friendly_name", "text", LOCAL),
    option("labels", "tags", LOCAL),
    option("expiration_timestamp", "moment", LOCAL),
)
"""What the session takes care of; types never see these."""
ALTERED = ("description", "friendly_name", "labels", "expiration_timestamp")
"""What ALTER MODEL may set."""

_SHARED = (
    option("input_label_cols", "columns", SUPERVISED, "inputLabelColumns"),
    option("max_iterations", "integer", ITERATED, "maxIterations", low=1),
    option("early_stop", "boolean", SUPERVISED | {"kmeans", "matrix_factorization"}, "earlyStop"),
    option("min_rel_progress", "number", SUPERVISED | {"kmeans", "matrix_factorization"}, "minRelativeProgress", low=0),
    option("enable_global_explain", "boolean", SUPERVISED, "enableGlobalExplain"),
    option(
        "data_split_method",
        "word",
        _SPLIT,
        "dataSplitMethod",
        words="auto_split random custom seq no_split",
    ),
    option("data_split_eval_fraction", "number", _SPLIT, "dataSplitEvalFraction", low=0, high=1),
    option("data_split_test_fraction", "number", _SPLIT, low=0, high=1),
    option("data_split_col", "column", _SPLIT, "dataSplitColumn"),
    option("auto_class_weights", "boolean", CLASSIFIERS, "autoClassWeights"),
    option("class_weights", "weights", CLASSIFIERS, "labelClassWeights"),
    option("l1_reg", "number", SUPERVISED, "l1Regularization", low=0, tunable=True),
    option("l2_reg", "number", SUPERVISED | {"matrix_factorization"}, "l2Regularization", low=0, tunable=True),
    option("l2_reg", "number", {"arima_plus_xreg"}, "l2Regularization", low=0),
)
_TUNING = (
    option("num_trials", "integer", TUNED, "numTrials", low=1, high=100),
    option("max_parallel_trials", "integer", TUNED, "maxParallelTrials", low=1, high=5),
    option(
        "hparam_tuning_algorithm",
        "word",
        TUNED,
        words="vizier_default random_search grid_search",
    ),
    option("hparam_tuning_objectives", "words", TUNED, "hparamTuningObjectives"),
)
_LINEAR = (
    option(
        "optimize_strategy",
        "word",
        {"linear_reg"},
        "optimizationStrategy",
        words="auto_strategy batch_gradient_descent normal_equation",
    ),
    option("learn_rate_strategy", "word", LINEAR, "learnRateStrategy", words="line_search constant"),
    option("learn_rate", "number", LINEAR, "learnRate", low=0),
    option("ls_init_learn_rate", "number", LINEAR, "initialLearnRate", low=0),
    option("calculate_p_values", "boolean", LINEAR, "calculatePValues"),
    option("fit_intercept", "boolean", LINEAR, "fitIntercept"),
    option(
        "category_encoding_method",
        "word",
        LINEAR,
        "categoryEncodingMethod",
        words="one_hot_encoding dummy_encoding",
    ),
)
_TREES = (
    option("learn_rate", "number", BOOSTED, "learnRate", low=0, tunable=True),
    option("booster_type", "word", BOOSTED, "boosterType", words="gbtree dart", tunable=True),
    option("dart_normalize_type", "word", BOOSTED, "dartNormalizeType", words="tree forest", tunable=True),
    option("dropout", "number", BOOSTED, "dropout", low=0, high=1, tunable=True),
    option("num_parallel_tree", "integer", TREES, "numParallelTree", low=1, tunable=True),
    option("max_tree_depth", "integer", TREES, "maxTreeDepth", low=1, tunable=True),
    option("tree_method", "word", TREES, "treeMethod", words="auto exact approx hist", tunable=True),
    option("min_tree_child_weight", "number", TREES, "minTreeChildWeight", low=0, tunable=True),
    option("colsample_bytree", "number", TREES, "colsampleBytree", low=0, high=1, tunable=True),
    option("colsample_bylevel", "number", TREES, "colsampleBylevel", low=0, high=1, tunable=True),
    option("colsample_bynode", "number", TREES, "colsampleBynode", low=0, high=1, tunable=True),
    option("min_split_loss", "number", TREES, "minSplitLoss", low=0, tunable=True),
    option("subsample", "number", TREES, "subsample", low=0, high=1, tunable=True),
    option("approx_global_feature_contrib", "boolean", TREES, "approxGlobalFeatureContrib"),
    option("instance_weight_col", "column", TREES, "instanceWeightColumn"),
    option("xgboost_version", "word", TREES, "xgboostVersion", words="0.9 1.1"),
    option(
        "category_encoding_method",
        "word",
        TREES,
        "categoryEncodingMethod",
        words="one_hot_encoding label_encoding target_encoding",
    ),
)
_UNSUPERVISED = (
    option("num_clusters", "integer", {"kmeans"}, "numClusters", low=2, high=100, tunable=True),
    option("kmeans_init_method", "word", {"kmeans"}, "kmeansInitializationMethod", words="random kmeans++ custom"),
    option("kmeans_init_col", "column", {"kmeans"}, "kmeansInitializationColumn"),
    option("distance_type", "word", {"kmeans"}, "distanceType", words="euclidean cosine"),
    option("standardize_features", "boolean", {"kmeans"}, "standardizeFeatures"),
    option("num_principal_components", "integer", {"pca"}, "numPrincipalComponents", low=1),
    option("pca_explained_variance_ratio", "number", {"pca"}, "pcaExplainedVarianceRatio", low=0, high=1),
    option("scale_features", "boolean", {"pca"}, "scaleFeatures"),
    option("pca_solver", "word", {"pca"}, "pcaSolver", words="full randomized auto"),
    option("feedback_type", "word", {"matrix_factorization"}, "feedbackType", words="explicit implicit"),
    option("num_factors", "integer", {"matrix_factorization"}, "numFactors", low=2, high=200, tunable=True),
    option("user_col", "column", {"matrix_factorization"}, "userColumn"),
    option("item_col", "column", {"matrix_factorization"}, "itemColumn"),
    option("rating_col", "column", {"matrix_factorization"}),
    option("wals_alpha", "number", {"matrix_factorization"}, "walsAlpha", low=0, tunable=True),
    option("model_path", "text", IMPORTED, "modelUri"),
)
_TIME = (
    option("time_series_timestamp_col", "column", TIME_SERIES, "timeSeriesTimestampColumn"),
    option("time_series_data_col", "column", TIME_SERIES, "timeSeriesDataColumn"),
    option("time_series_id_col", "columns", TIME_SERIES, "timeSeriesIdColumn"),
    option("horizon", "integer", TIME_SERIES, "horizon", low=1, high=10_000),
    option("auto_arima", "boolean", TIME_SERIES, "autoArima"),
    option("auto_arima_max_order", "integer", TIME_SERIES, "autoArimaMaxOrder", low=1, high=5),
    option("auto_arima_min_order", "integer", TIME_SERIES, "autoArimaMinOrder", low=0, high=4),
    option("non_seasonal_order", "order", TIME_SERIES, "nonSeasonalOrder"),
    option("include_drift", "boolean", TIME_SERIES, "includeDrift"),
    option(
        "data_frequency",
        "word",
        TIME_SERIES,
        "dataFrequency",
        words="auto_frequency per_minute hourly daily weekly monthly quarterly yearly",
    ),
    option("clean_spikes_and_dips", "boolean", TIME_SERIES, "cleanSpikesAndDips"),
    option("adjust_step_changes", "boolean", TIME_SERIES, "adjustStepChanges"),
    option("decompose_time_series", "boolean", _ARIMA, "decomposeTimeSeries"),
    option("trend_smoothing_window_size", "integer", TIME_SERIES, "trendSmoothingWindowSize", low=1),
    option("time_series_length_fraction", "number", TIME_SERIES, "timeSeriesLengthFraction", low=0, high=1),
    option("min_time_series_length", "integer", TIME_SERIES, "minTimeSeriesLength", low=4),
    option("max_time_series_length", "integer", TIME_SERIES, "maxTimeSeriesLength", low=4),
    option("forecast_limit_lower_bound", "number", _ARIMA, "forecastLimitLowerBound"),
    option("forecast_limit_upper_bound", "number", _ARIMA, "forecastLimitUpperBound"),
    option(
        "seasonalities",
        "words",
        _ARIMA,
        words="auto no_seasonality daily weekly monthly quarterly yearly",
    ),
)

SUPPORTED: tuple[Option, ...] = (*SESSION, *_SHARED, *_TUNING, *_LINEAR, *_TREES, *_UNSUPERVISED, *_TIME)
