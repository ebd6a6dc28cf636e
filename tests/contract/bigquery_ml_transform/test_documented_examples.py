"""Do the functions give what Google's reference shows, inside of TRANSFORM and in a plain SELECT alike?

The inputs and outputs are those of the examples of BigQuery's pages 'The ML.<NAME> function'.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.contract.bigquery_ml_transform.room import Room, sparse, values


class Example(NamedTuple):
    expression: str
    rows: str
    expected: list[Any]


FIVE = values("f", ["1", "2", "3", "4", "5"])
SEVEN = values("f", ["NULL", "-3", "1", "2", "3", "4", "5"])
NINE = values("f", ["NULL", "-3", "-3", "-3", "1", "2", "3", "4", "5"])
LETTERS = values("f", ["NULL", "'a'", "'b'", "'b'", "'c'", "'c'", "'c'", "'d'", "'d'"])
GAPS = values("f", ["NULL", "NULL", "NULL", "NULL", "'a'", "'a'", "'b'", "'b'", "'c'", "'c'", "'c'"])
ARRAYS = values("f", ["['a', 'b', 'b', 'c', NULL]", "['c', 'c', 'd', 'd', NULL]"])
PIES = values("f", ["['I', 'like', 'pie', 'pie', 'pie', NULL]", "['yum', 'yum', 'pie', NULL]"])

ANALYTIC = {
    "standard_scaler": Example(
        "ML.STANDARD_SCALER(f) OVER()",
        FIVE,
        [-1.2649110640673518, -0.6324555320336759, 0.0, 0.6324555320336759, 1.2649110640673518],
    ),
    "min_max_scaler": Example("ML.MIN_MAX_SCALER(f) OVER()", FIVE, [0.0, 0.25, 0.5, 0.75, 1.0]),
    "max_abs_scaler": Example("ML.MAX_ABS_SCALER(f) OVER ()", SEVEN, [None, -0.6, 0.2, 0.4, 0.6, 0.8, 1.0]),
    "robust_scaler": Example(
        "ML.ROBUST_SCALER(f) OVER ()",
        SEVEN,
        [None, -1.6666666666666667, -0.3333333333333333, 0.0, 0.3333333333333333, 0.6666666666666666, 1.0],
    ),
    "quantile_bucketize": Example(
        "ML.QUANTILE_BUCKETIZE(f, 3) OVER()", FIVE, ["bin_1", "bin_2", "bin_2", "bin_3", "bin_3"]
    ),
    "quantile_bucketize ranges": Example(
        "ML.QUANTILE_BUCKETIZE(f, 3, 'bucket_ranges') OVER()",
        FIVE,
        ["(-inf, 2)", "[2, 4)", "[2, 4)", "[4, +inf)", "[4, +inf)"],
    ),
    "quantile_bucketize ranges as JSON": Example(
        "ML.QUANTILE_BUCKETIZE(f, 2, 'bucket_ranges_json') OVER()",
        FIVE,
        [*['{"start": "-Infinity", "end": "3"}'] * 2, *['{"start": "3", "end": "Infinity"}'] * 3],
    ),
    "imputer by mean": Example(
        "ML.IMPUTER(f, 'mean') OVER ()", NINE, [0.75, -3.0, -3.0, -3.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    ),
    "imputer of strings": Example(
        "ML.IMPUTER(f, 'most_frequent') OVER ()", GAPS, ["c", "c", "c", "c", "a", "a", "b", "b", "c", "c", "c"]
    ),
    "label_encoder": Example("ML.LABEL_ENCODER(f, 2, 2) OVER ()", LETTERS, [0, 0, 1, 1, 2, 2, 2, 0, 0]),
    "one_hot_encoder": Example(
        "ML.ONE_HOT_ENCODER(f, 'most_frequent', 10, 0) OVER ()",
        LETTERS,
        [
            sparse({0: 1.0}),
            sparse({1: 1.0}),
            *[sparse({2: 1.0})] * 2,
            *[sparse({3: 0.0})] * 3,
            *[sparse({4: 1.0})] * 2,
        ],
    ),
    "multi_hot_encoder": Example(
        "ML.MULTI_HOT_ENCODER(f, 3, 1) OVER ()",
        ARRAYS,
        [sparse({1: 1.0, 2: 1.0, 3: 1.0, 0: 1.0}), sparse({3: 1.0, 0: 1.0})],
    ),
    "bag_of_words": Example(
        "ML.BAG_OF_WORDS(f, 32, 1) OVER ()",
        PIES,
        [sparse({0: 1.0, 1: 1.0, 2: 1.0, 3: 3.0}), sparse({0: 1.0, 3: 1.0, 4: 2.0})],
    ),
}


@pytest.mark.parametrize("example", ANALYTIC.values(), ids=ANALYTIC.keys())
def test_an_analytic_function_gives_the_documented_rows(room: Room, example: Example) -> None:
    assert room.column(example.expression, example.rows) == example.expected
    assert room.selected(example.expression, example.rows) == example.expected


ROW_WISE = {
    "ML.BUCKETIZE(2.5, [1, 2, 3])": "bin_3",
    "ML.BUCKETIZE(2.5, [1, 2, 3], TRUE)": "bin_2",
    "ML.POLYNOMIAL_EXPAND(STRUCT(2 AS f1, 3 AS f2))": {
        "f1": 2.0,
        "f1_f1": 4.0,
        "f1_f2": 6.0,
        "f2": 3.0,
        "f2_f2": 9.0,
    },
    "ML.FEATURE_CROSS(STRUCT('a' AS f1, 'b' AS f2, 'c' AS f3))": {"f1_f2": "a_b", "f1_f3": "a_c", "f2_f3": "b_c"},
    "ML.NGRAMS(['a', 'b', 'c'], [2,3], '#')": ["a#b", "a#b#c", "b#c"],
    "ML.NORMALIZER([4.0, 1.0, 2.0, 2.0, 0.0])": [0.8, 0.2, 0.4, 0.4, 0.0],
}


@pytest.mark.parametrize("expression", ROW_WISE)
def test_a_function_of_one_row_gives_the_documented_value(room: Room, expression: str) -> None:
    assert room.one(expression) == ROW_WISE[expression]
    assert room.column(expression, values("f", ["1"])) == [ROW_WISE[expression]]


def test_strings_are_hashed_into_the_documented_buckets(room: Room) -> None:
    from augury.sql.bigquery.functions import install

    install(room.connection)
    letters = values("f", ["'a'", "'b'", "'c'", "'d'", "NULL"])
    assert room.selected("ML.HASH_BUCKETIZE(f, 3)", letters) == [0, 1, 1, 2, None]
    assert room.column("ML.HASH_BUCKETIZE(f, 3)", letters) == [0, 1, 1, 2, None]


def test_without_buckets_the_hash_is_the_fingerprint(room: Room) -> None:
    """The value is that of the example of FARM_FINGERPRINT (BigQuery docs: 'Hash functions')."""
    from augury.sql.bigquery.functions import install

    install(room.connection)
    assert room.one("ML.HASH_BUCKETIZE('1footrue', 0)") == -1541654101129638711
