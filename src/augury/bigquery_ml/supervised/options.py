"""Which options may a supervised model be created with, and what are their defaults?

Names, values and defaults are those of BigQuery docs: 'The CREATE MODEL statement for generalized linear models', '...
for boosted trees models using XGBoost' and '... for random forest models'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Task = Literal["regression", "classification"]
Objective = Literal[
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "r2_score",
    "explained_variance",
    "precision",
    "recall",
    "accuracy",
    "f1_score",
    "log_loss",
    "roc_auc",
]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _single(value: Any) -> Any:
    """HPARAM_TUNING_OBJECTIVES takes one objective, written as a string or as an array of one."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _class_weights(value: Any) -> Any:
    """An array of STRUCT('label', weight), whatever the fields are called, as label to weight."""
    if not isinstance(value, list | tuple):
        return value
    pairs = [tuple(entry.values()) if isinstance(entry, dict) else entry for entry in value]
    if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        return {str(label): weight for label, weight in pairs}
    return value


Word = BeforeValidator(_lower)
Count = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Weights = Annotated[dict[str, Annotated[float, Field(ge=0)]] | None, BeforeValidator(_class_weights)]


class Options(BaseModel):
    """What all supervised models have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model_type: str = ""
    input_label_cols: Annotated[list[str], Field(min_length=1, max_length=1)] = ["label"]
    early_stop: bool = True
    min_rel_progress: Annotated[float, Field(ge=0)] = 0.01
    enable_global_explain: bool = False
    data_split_method: Annotated[Literal["auto_split", "random", "custom", "seq", "no_split"], Word] = "auto_split"
    data_split_eval_fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    data_split_test_fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    data_split_col: str | None = None
    num_trials: Annotated[int, Field(ge=1, le=100)] | None = None
    max_parallel_trials: Annotated[int, Field(ge=1, le=5)] = 1
    """Trials run one after the other whatever this says, and find the same model."""
    hparam_tuning_algorithm: Annotated[Literal["vizier_default", "random_search", "grid_search"], Word] = (
        "vizier_default"
    )
    """Vizier runs only on Google Cloud; its place is taken by a random search with a fixed seed."""
    hparam_tuning_objectives: Annotated[Objective | None, Word, BeforeValidator(_single)] = None

    @model_validator(mode="after")
    def _split_fits(self) -> Options:
        by_column = self.data_split_method in ("custom", "seq")
        problems = []
        if by_column and not self.data_split_col:
            problems.append(f"data_split_method {self.data_split_method} needs data_split_col")
        if self.data_split_col and not by_column:
            problems.append("data_split_col needs data_split_method custom or seq")
        given = [name for name in _FRACTIONS if getattr(self, name) is not None]
        if given and self.data_split_method not in ("random", "seq"):
            problems.append(f"{' and '.join(given)} needs data_split_method random or seq")
        if len(given) == 1 and self.tuned:
            problems.append("data_split_eval_fraction and data_split_test_fraction go together with num_trials")
        if sum(getattr(self, name) or 0 for name in _FRACTIONS) >= 1:
            problems.append("the split leaves no rows to train on")
        if not self.tuned and self.data_split_test_fraction is not None:
            problems.append("data_split_test_fraction needs num_trials")
        idle = {"max_parallel_trials", "hparam_tuning_algorithm", "hparam_tuning_objectives"} & self.model_fields_set
        if not self.tuned and idle:
            problems.append(f"{', '.join(sorted(idle))} needs num_trials")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def tuned(self) -> bool:
        return self.num_trials is not None

    @property
    def label(self) -> str:
        return self.input_label_cols[0]

    @property
    def apart(self) -> tuple[str, ...]:
        """Columns besides the label that are no features."""
        return (self.data_split_col,) if self.data_split_col else ()


_FRACTIONS = ("data_split_eval_fraction", "data_split_test_fraction")


class ClassWeights(BaseModel):
    auto_class_weights: bool = False
    class_weights: Weights = None

    @model_validator(mode="after")
    def _one_way(self) -> ClassWeights:
        if self.auto_class_weights and self.class_weights:
            raise ValueError("auto_class_weights and class_weights exclude each other")
        if self.class_weights and not any(self.class_weights.values()):
            raise ValueError("class_weights leaves no class with a weight")
        return self


class LinearOptions(Options):
    max_iterations: Count = 20
    learn_rate_strategy: Annotated[Literal["line_search", "constant"], Word] = "line_search"
    learn_rate: Annotated[float, Field(gt=0)] = 0.1
    ls_init_learn_rate: Annotated[float, Field(gt=0)] = 0.1
    l1_reg: Penalty = 0.0
    l2_reg: Penalty = 0.0
    fit_intercept: bool = True
    calculate_p_values: bool = False
    category_encoding_method: Annotated[Literal["one_hot_encoding", "dummy_encoding"], Word] = "one_hot_encoding"

    @model_validator(mode="after")
    def _rate_fits(self) -> LinearOptions:
        constant = self.learn_rate_strategy == "constant"
        idle = "ls_init_learn_rate" if constant else "learn_rate"
        if idle in self.model_fields_set:
            raise ValueError(
                f"{idle} needs learn_rate_strategy {'line_search' if constant else 'constant'}",
            )
        return self

    @model_validator(mode="after")
    def _p_values_can_be_computed(self) -> LinearOptions:
        # BigQuery docs: 'The ML.ADVANCED_WEIGHTS function', usage requirements.
        if self.calculate_p_values and (self.l1_reg or self.category_encoding_method != "dummy_encoding"):
            raise ValueError("calculate_p_values needs category_encoding_method dummy_encoding and no l1_reg")
        return self


class LinearRegOptions(LinearOptions):
    optimize_strategy: Annotated[Literal["auto_strategy", "batch_gradient_descent", "normal_equation"], Word] = (
        "auto_strategy"
    )

    @model_validator(mode="after")
    def _strategy_fits(self) -> LinearRegOptions:
        if self.l1_reg and self.optimize_strategy == "normal_equation":
            raise ValueError("optimize_strategy normal_equation cannot be used with l1_reg")
        return self


class LogisticRegOptions(LinearOptions, ClassWeights):
    pass


class TreeOptions(Options):
    approx_global_feature_contrib: bool | None = None
    num_parallel_tree: Count = 1
    max_tree_depth: Count = 6
    l1_reg: Penalty = 0.0
    l2_reg: Penalty = 1.0
    tree_method: Annotated[Literal["auto", "exact", "approx", "hist"], Word] = "auto"
    min_tree_child_weight: Annotated[float, Field(ge=0)] = 1.0
    colsample_bytree: Share = 1.0
    colsample_bylevel: Share = 1.0
    colsample_bynode: Share = 1.0
    min_split_loss: Penalty = 0.0
    subsample: Share = 1.0
    instance_weight_col: str | None = None
    xgboost_version: Literal["0.9", "1.1"] | None = None
    """Accepted as BigQuery ML's values; what trains is the XGBoost that is installed, and exports name it."""
    category_encoding_method: Annotated[Literal["label_encoding", "one_hot_encoding", "target_encoding"], Word] = (
        "label_encoding"
    )

    @model_validator(mode="after")
    def _explained(self) -> TreeOptions:
        if self.approx_global_feature_contrib and not self.enable_global_explain:
            raise ValueError("approx_global_feature_contrib needs enable_global_explain")
        return self

    @property
    def apart(self) -> tuple[str, ...]:
        return (*super().apart, *([self.instance_weight_col] if self.instance_weight_col else []))

    @property
    def approximate(self) -> bool:
        """Whether global explanations may be XGBoost's approximate contributions."""
        if self.approx_global_feature_contrib is not None:
            return self.approx_global_feature_contrib
        return self.num_parallel_tree >= self.many_trees

    @property
    def many_trees(self) -> int:
        """Parallel trees from which approximate contributions are the default."""
        return 10


class BoostedOptions(TreeOptions):
    max_iterations: Count = 20
    learn_rate: Annotated[float, Field(gt=0)] = 0.3
    booster_type: Annotated[Literal["gbtree", "dart"], Word] = "gbtree"
    dart_normalize_type: Annotated[Literal["tree", "forest"], Word] = "tree"
    dropout: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _dart(self) -> BoostedOptions:
        if self.booster_type == "gbtree" and self.dropout:
            raise ValueError("dropout needs booster_type dart")
        return self


class BoostedClassifierOptions(BoostedOptions, ClassWeights):
    @model_validator(mode="after")
    def _weighed_once(self) -> BoostedClassifierOptions:
        _weighed_once(self)
        return self


class ForestOptions(TreeOptions):
    num_parallel_tree: Annotated[int, Field(ge=2)] = 100
    max_tree_depth: Count = 15
    subsample: Annotated[float, Field(gt=0, lt=1)] = 0.8
    colsample_bynode: Share = 0.8

    @model_validator(mode="after")
    def _exact(self) -> ForestOptions:
        """XGBoost's exact method takes every column at a node."""
        if self.tree_method == "exact" and self.colsample_bynode < 1:
            raise ValueError("tree_method exact needs colsample_bynode 1")
        return self

    @property
    def many_trees(self) -> int:
        return 50


class ForestClassifierOptions(ForestOptions, ClassWeights):
    @model_validator(mode="after")
    def _weighed_once(self) -> ForestClassifierOptions:
        _weighed_once(self)
        return self


def _weighed_once(options: Any) -> None:
    if options.instance_weight_col and (options.auto_class_weights or options.class_weights):
        raise ValueError("instance_weight_col excludes auto_class_weights and class_weights")


FAMILIES: Mapping[str, type[Options]] = {
    "linear_reg": LinearRegOptions,
    "logistic_reg": LogisticRegOptions,
    "boosted_tree_regressor": BoostedOptions,
    "boosted_tree_classifier": BoostedClassifierOptions,
    "random_forest_regressor": ForestOptions,
    "random_forest_classifier": ForestClassifierOptions,
}

SUPPORTED: Mapping[str, frozenset[str]] = {
    model_type: frozenset(family.model_fields) for model_type, family in FAMILIES.items()
}
"""By model type, the options that change what is trained, or that can be accepted without changing it."""

REFUSED: Mapping[str, str] = {
    "warm_start": "a statement trains from its own rows alone; training on from an earlier model runs only on BigQuery",
    "model_registry": "the Vertex AI Model Registry is reached only from BigQuery",
    "vertex_ai_model_id": "the Vertex AI Model Registry is reached only from BigQuery",
    "vertex_ai_model_version_aliases": "the Vertex AI Model Registry is reached only from BigQuery",
    "kms_key_name": "keys of Cloud KMS encrypt models that BigQuery stores",
}


def task_of(model_type: str) -> Task:
    return "classification" if model_type.endswith("classifier") or model_type == "logistic_reg" else "regression"
