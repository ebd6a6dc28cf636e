"""Functions that look at one row: degrees, norms, distances, n-grams and NULL."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import duckdb
import pytest

from tests.contract.bigquery_ml_transform.room import Room, values

ANSWERS: dict[str, Any] = {
    "ML.POLYNOMIAL_EXPAND(STRUCT(2 AS a, 3 AS b), 1)": {"a": 2.0, "b": 3.0},
    "ML.POLYNOMIAL_EXPAND(STRUCT(2 AS a, 3 AS b), 3)": {
        "a": 2.0,
        "a_a": 4.0,
        "a_a_a": 8.0,
        "a_a_b": 12.0,
        "a_b": 6.0,
        "a_b_b": 18.0,
        "b": 3.0,
        "b_b": 9.0,
        "b_b_b": 27.0,
    },
    "ML.POLYNOMIAL_EXPAND(STRUCT(NULL AS a, 3 AS b))": {"a": None, "a_a": None, "a_b": None, "b": 3.0, "b_b": 9.0},
    "ML.FEATURE_CROSS(STRUCT('x' AS a, 'y' AS b, 'z' AS c), 3)": {
        "a_b": "x_y",
        "a_b_c": "x_y_z",
        "a_c": "x_z",
        "b_c": "y_z",
    },
    "ML.FEATURE_CROSS(STRUCT('x' AS a, CAST(NULL AS STRING) AS b))": {"a_b": None},
    "ML.NGRAMS(['a', 'b', 'c'], 2)": ["a b", "b c"],
    "ML.NGRAMS(['a', 'b', 'c'], 1)": ["a", "b", "c"],
    "ML.NGRAMS(['a', 'b', 'c'], [1, 3], '')": ["a", "ab", "abc", "b", "bc", "c"],
    "ML.NGRAMS(['a'], [2, 3])": [],
    "ML.NORMALIZER([3, -4])": [0.6, -0.8],
    "ML.NORMALIZER([3, -4], 1)": [3 / 7, -4 / 7],
    "ML.NORMALIZER([3, 0, -4], 0.0)": [1.5, 0.0, -2.0],
    "ML.NORMALIZER([3, -4], CAST('+INF' AS FLOAT64))": [0.75, -1.0],
    "ML.NORMALIZER([0.0, 0.0])": [0.0, 0.0],
    "ML.LP_NORM([4.1, 0.5, 1.0], 2.0)": sqrt(4.1**2 + 0.5**2 + 1),
    "ML.LP_NORM([3.0, 0.0, -2.5], 1.0)": 5.5,
    "ML.LP_NORM([3.0, 0.0, -2.5], 0.0)": 2.0,
    "ML.LP_NORM([3.0, 0.0, -4.5], CAST('INF' AS FLOAT64))": 4.5,
    "ML.LP_NORM([1, 2], 3)": 9 ** (1 / 3),
    "ML.DISTANCE([1, 2], [4, 6])": 5.0,
    "ML.DISTANCE([1, 2], [4, 6], 'MANHATTAN')": 7.0,
    "ML.DISTANCE([1, 0], [0, 1], 'COSINE')": 1.0,
    "ML.DISTANCE([1, 0], [2, 0], 'cosine')": 0.0,
}


@pytest.mark.parametrize("expression", ANSWERS)
def test_the_value_is_the_documented_one(room: Room, expression: str) -> None:
    answer, expected = room.one(expression), ANSWERS[expression]
    assert answer == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected)


def test_null_vectors_give_null(room: Room) -> None:
    rows = "(SELECT CAST(NULL AS DOUBLE[]) AS v, [1.0] AS w, CAST(NULL AS VARCHAR[]) AS t)"
    for expression in ("ML.LP_NORM(v, 2.0)", "ML.NORMALIZER(v)", "ML.NGRAMS(t, 2)"):
        assert room.selected(expression, rows) == [None]
    for kind in ("EUCLIDEAN", "MANHATTAN", "COSINE"):
        assert room.selected(f"ML.DISTANCE(v, w, '{kind}')", rows) == [None]
        assert room.selected(f"ML.DISTANCE(w, v, '{kind}')", rows) == [None]


@pytest.mark.parametrize("kind", ["EUCLIDEAN", "MANHATTAN", "COSINE"])
def test_vectors_of_different_length_are_an_error(room: Room, kind: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=r"equal|same length"):
        room.one(f"ML.DISTANCE([1.0, 2.0], [1.0], '{kind}')")


def test_empty_vectors_have_the_norm_zero(room: Room) -> None:
    rows = "(SELECT CAST([] AS DOUBLE[]) AS v)"
    assert room.selected("ML.LP_NORM(v, 2.0)", rows) == [0.0]
    assert room.selected("ML.NORMALIZER(v)", rows) == [[]]


def test_features_may_be_columns_and_expressions(room: Room) -> None:
    rows = "(SELECT 2 AS a, 3 AS \"strange name\", {'f': 5} AS s)"
    expanded = room.selected("ML.POLYNOMIAL_EXPAND(STRUCT(a, `strange name`, s.f, a + 1 AS g), 1)", rows)
    assert expanded == [{"a": 2.0, "strange name": 3.0, "f": 5.0, "g": 3.0}]
    assert room.column("ML.POLYNOMIAL_EXPAND(STRUCT(a, s.f), 2).a_f", rows) == [10.0]


def test_features_may_have_been_scaled_before(room: Room) -> None:
    rows = values("x", ["1", "2", "3"])
    expression = "ML.POLYNOMIAL_EXPAND(STRUCT(ML.MAX_ABS_SCALER(x) OVER () AS a, x), 1)"
    expected = [{"a": x / 3, "x": float(x)} for x in (1, 2, 3)]
    assert room.column(expression, rows) == room.selected(expression, rows) == expected


def test_infinite_values_fall_into_the_last_bucket(room: Room) -> None:
    assert room.one("ML.BUCKETIZE(CAST('inf' AS FLOAT64), [1])") == "bin_2"
    assert room.one("ML.BUCKETIZE(CAST('-inf' AS FLOAT64), [1])") == "bin_1"
    assert room.one("ML.LP_NORM([CAST('inf' AS FLOAT64)], 1.0)") == inf
