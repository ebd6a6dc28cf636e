"""One model of each type, and more where an option opens a function; trained when first asked for."""

from __future__ import annotations

from pathlib import Path

from onnx import TensorProto, helper

from augury.sql.bigquery_ml.catalogue.answered import ANSWERED
from tests.contract.bigquery_ml_tutorials.tutorial_room import Room

WEIGHT = "SELECT culmen_length_mm, island, body_mass_g FROM penguins"
SEX = "SELECT culmen_length_mm, culmen_depth_mm, island, sex FROM penguins"
SHAPE = "SELECT culmen_length_mm, culmen_depth_mm, flipper_length_mm, island FROM penguins"
RATINGS = "SELECT * FROM ratings"
SERIES = "SELECT date, station, num_trips FROM trips"
WEATHER = "SELECT date, num_trips, temperature FROM trips WHERE station = 's1'"

_TREES = "max_tree_depth=2, input_label_cols='"
_RATED = "user_col='user_id', item_col='item_id', rating_col='rating', num_factors=2, max_iterations=3"
_DATED = "time_series_timestamp_col='date', time_series_data_col='num_trips', auto_arima_max_order=1"

PLAIN = {
    "linear_reg": ("input_label_cols='body_mass_g'", WEIGHT),
    "boosted_tree_regressor": (f"{_TREES}body_mass_g', max_iterations=3", WEIGHT),
    "random_forest_regressor": (f"{_TREES}body_mass_g', num_parallel_tree=3", WEIGHT),
    "logistic_reg": ("input_label_cols='sex'", SEX),
    "boosted_tree_classifier": (f"{_TREES}sex', max_iterations=3", SEX),
    "random_forest_classifier": (f"{_TREES}sex', num_parallel_tree=3", SEX),
    "kmeans": ("max_iterations=5", SHAPE),
    "pca": ("num_principal_components=2", SHAPE),
    "matrix_factorization": (_RATED, RATINGS),
    "arima_plus": (f"{_DATED}, time_series_id_col='station'", SERIES),
    "arima": (f"{_DATED}, time_series_id_col='station'", SERIES),
    "arima_plus_xreg": (_DATED, WEATHER),
}
"""Type to options and query."""
_EXTRA = {
    "advanced_weights": "calculate_p_values=TRUE, category_encoding_method='DUMMY_ENCODING'",
    "global_explain": "enable_global_explain=TRUE",
    "trial_info": "num_trials=1",
}

SETTINGS = {
    ("detect_anomalies", "kmeans"): "STRUCT(0.1 AS contamination)",
    ("detect_anomalies", "pca"): "STRUCT(0.1 AS contamination)",
    ("detect_anomalies", "arima_plus_xreg"): "",
    ("forecast", "arima_plus_xreg"): "STRUCT(1 AS horizon)",
    ("explain_forecast", "arima_plus_xreg"): "STRUCT(1 AS horizon)",
}
FUTURE = "SELECT DATE '2024-03-31' AS date, 1.0 AS num_trips, 20.0 AS temperature"


class Zoo:
    def __init__(self, folder: Path) -> None:
        self.room = Room(folder)
        self._made: set[str] = set()

    def model(self, model_type: str, function: str = "") -> str:
        """The name of a model that answers a function, where the type ever does."""
        able = model_type in ANSWERED.get(function, ())
        extra = _EXTRA.get(function, "") if able else ""
        clause = able and function == "transform"
        name = f"d.{model_type}_{function if extra or clause else 'plain'}"
        if name not in self._made:
            self._make(name, model_type, extra, clause)
            self._made.add(name)
        return name

    def _make(self, name: str, model_type: str, extra: str, transform: bool) -> None:
        if model_type in ("onnx", "xgboost"):
            return self._bring_in(name, model_type)
        if model_type == "transform_only":
            self.room.run(f"CREATE MODEL {name} TRANSFORM(culmen_length_mm / 10 AS cm) AS {SHAPE}")
            return None
        options, query = PLAIN[model_type]
        clause = "TRANSFORM(*)" if transform else ""
        given = ", ".join(part for part in (f"model_type='{model_type}'", options, extra) if part)
        self.room.run(f"CREATE MODEL {name} {clause} OPTIONS({given}) AS {query}")
        return None

    def _bring_in(self, name: str, model_type: str) -> None:
        path = f"{model_type}_model"
        if model_type == "onnx":
            column = "culmen_length_mm"
            kinds = [helper.make_tensor_value_info(each, TensorProto.FLOAT, ["n"]) for each in (column, "o")]
            nodes = [helper.make_node("Add", [column, column], ["o"])]
            graph = helper.make_graph(nodes, "g", kinds[:1], kinds[1:])
            made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
            (self.room.folder / f"{path}.onnx").write_bytes(made.SerializeToString())
            path = f"{path}.onnx"
        else:
            if not (self.room.folder / path).exists():
                self.room.run(f"EXPORT MODEL {self.model('boosted_tree_regressor')} OPTIONS(uri='{path}')")
            path = f"{path}/model.ubj"
        self.room.run(f"CREATE MODEL {name} OPTIONS(model_type='{model_type}', model_path='{path}')")

    def question(self, function: str, model_type: str, *, rows: bool, name: str | None = None) -> str:
        """The function asked with what it takes."""
        query = PLAIN.get(model_type, ("", SHAPE))[1]
        if model_type == "arima_plus_xreg" and function in ("forecast", "explain_forecast"):
            query = FUTURE
        if model_type == "xgboost":
            query = "SELECT culmen_length_mm, 1 AS island FROM penguins"
        parts = [f"MODEL {name or self.model(model_type, function)}"]
        settings = SETTINGS.get((function, model_type), "")
        if function == "detect_anomalies" and rows and not settings:
            settings = "STRUCT(0.9 AS anomaly_prob_threshold)"
        parts += [settings] if settings else []
        parts += [f"({query})"] if rows else []
        return f"SELECT * FROM ML.{function.upper()}({', '.join(parts)})"
