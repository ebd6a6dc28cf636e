"""Which preprocessing functions are there, what do they take, learn and give?

One page of BigQuery's reference per function, called 'The ML.<NAME> function'; 'Manual feature preprocessing' lists
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from augury.sql.bigquery_ml import transform_numbers as numbers
from augury.sql.bigquery_ml import transform_rows as rows
from augury.sql.bigquery_ml import transform_words as words
from augury.sql.bigquery_ml.transform_learning import Aggregate, Commonest, Frequencies, Learnt, Lesson, Vocabulary
from augury.sql.bigquery_ml.transform_moments import Mean, Spread
from augury.sql.bigquery_ml.transform_parameters import (
    EXPRESSION,
    FEATURES,
    Parameter,
    choice,
    flag,
    integer,
    norm,
    percentiles,
    sizes,
    split_points,
    text,
)


@dataclass(frozen=True)
class Given:
    """One call's arguments."""

    sql: tuple[str, ...]
    """DuckDB SQL of each expression: those that depend on the row."""
    values: Mapping[str, Any]
    """The others, by the name of the parameter."""
    fields: tuple[str, ...] = ()
    """Names of the expressions where they are the fields of a STRUCT."""


@dataclass(frozen=True)
class Function:
    parameters: tuple[Parameter, ...]
    render: Callable[[Given, Mapping[str, Learnt]], str]
    """DuckDB SQL of one call."""
    result: str
    """The type that BigQuery documents for it."""
    learn: Callable[[Mapping[str, Any]], Mapping[str, Lesson]] | None = None
    """For analytic functions: what they need to know of all rows."""

    @property
    def analytic(self) -> bool:
        """Whether OVER () belongs to it."""
        return self.learn is not None


_FORMATS = choice("output_format", "bucket_names", "bucket_ranges", "bucket_ranges_json")
_TOP = integer("top_k", 1, 999_999, default=32_000)
_THRESHOLD = integer("frequency_threshold", 0, default=5)
_SPARSE = "ARRAY<STRUCT<index INT64, value FLOAT64>>"
_MEDIAN = Aggregate("quantile_disc({x}, 0.5)")


def _vocabulary(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    return {"words": Vocabulary(values["top_k"], values["frequency_threshold"])}


def _dummy(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    return {**_vocabulary(values), **({"dropped": Commonest()} if values["drop"] == "most_frequent" else {})}


def _terms(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    return {"words": Vocabulary(values["top_k"], values["frequency_threshold"], documents=True)}


def _frequencies(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    return {"words": Frequencies(Vocabulary(values["top_k"], values["frequency_threshold"], documents=True))}


def _filling(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    by: Mapping[str, Lesson] = {"mean": Mean(), "median": _MEDIAN, "most_frequent": Commonest()}
    return {"filling": by[values["strategy"]]}


def _quantiles(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    buckets = values["num_buckets"]
    cuts = ", ".join(f"{each}e0 / {buckets}" for each in range(1, buckets))
    return {"cuts": Aggregate(f"quantile_disc({{x}}, [{cuts}])")} if cuts else {}


def _quartiles(values: Mapping[str, Any]) -> Mapping[str, Lesson]:
    low, high = values["quantile_range"]
    return {"quantiles": Aggregate(f"quantile_disc({{x}}, [{low / 100}, 0.5, {high / 100}])")}


FUNCTIONS: Mapping[str, Function] = {
    "standard_scaler": Function(
        (EXPRESSION,),
        numbers.standard,
        "FLOAT64",
        lambda _: {"mean": Mean(), "spread": Spread()},
    ),
    "min_max_scaler": Function(
        (EXPRESSION,),
        numbers.min_max,
        "FLOAT64",
        lambda _: {"low": Aggregate("min({x})"), "high": Aggregate("max({x})")},
    ),
    "max_abs_scaler": Function(
        (EXPRESSION,), numbers.max_abs, "FLOAT64", lambda _: {"most": Aggregate("max(abs({x}))")}
    ),
    "robust_scaler": Function(
        (
            EXPRESSION,
            percentiles("quantile_range", (25, 75)),
            flag("with_median", True),
            flag("with_quantile_range", True),
        ),
        numbers.robust,
        "FLOAT64",
        _quartiles,
    ),
    "quantile_bucketize": Function(
        (EXPRESSION, integer("num_buckets", 1, 100_000), _FORMATS), numbers.quantile_bucket, "STRING", _quantiles
    ),
    "imputer": Function(
        (EXPRESSION, choice("strategy", "mean", "median", "most_frequent", required=True)),
        numbers.impute,
        "FLOAT64",
        _filling,
    ),
    "label_encoder": Function((EXPRESSION, _TOP, _THRESHOLD), words.label, "INT64", _vocabulary),
    "one_hot_encoder": Function(
        (EXPRESSION, choice("drop", "none", "most_frequent"), _TOP, _THRESHOLD), words.one_hot, _SPARSE, _dummy
    ),
    "multi_hot_encoder": Function((EXPRESSION, _TOP, _THRESHOLD), words.multi_hot, _SPARSE, _terms),
    "bag_of_words": Function((EXPRESSION, _TOP, _THRESHOLD), words.bag, _SPARSE, _terms),
    "tf_idf": Function((EXPRESSION, _TOP, _THRESHOLD), words.tf_idf, _SPARSE, _frequencies),
    "bucketize": Function(
        (EXPRESSION, split_points("array_split_points"), flag("exclude_boundaries", False), _FORMATS),
        numbers.bucket,
        "STRING",
    ),
    "polynomial_expand": Function((FEATURES, integer("degree", 1, 4, default=2)), rows.polynomial, "STRUCT<FLOAT64>"),
    "feature_cross": Function((FEATURES, integer("degree", 2, 4, default=2)), rows.cross, "STRUCT<STRING>"),
    "ngrams": Function((EXPRESSION, sizes("range"), text("separator", " ")), rows.ngrams, "ARRAY<STRING>"),
    "hash_bucketize": Function((EXPRESSION, integer("hash_bucket_size", 0)), rows.hashed, "INT64"),
    "normalizer": Function((EXPRESSION, norm("p", 2.0)), rows.normalized, "ARRAY<FLOAT64>"),
    "lp_norm": Function((EXPRESSION, norm("degree")), rows.norm, "FLOAT64"),
    "distance": Function(
        (EXPRESSION, EXPRESSION, choice("type", "EUCLIDEAN", "MANHATTAN", "COSINE")), rows.distance, "FLOAT64"
    ),
}

REFUSED: Mapping[str, str] = dict.fromkeys(
    ("convert_color_space", "convert_image_type", "decode_image", "resize_image"),
    "it works on images, which only BigQuery reads: keep this pipeline's target on BigQuery",
)
