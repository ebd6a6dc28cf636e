"""What BigQuery would refuse to learn from is refused here too, though DuckDB could read a number out of a string."""

from __future__ import annotations

import pytest

from augury.errors import ModelFailed
from tests.contract.bigquery_ml_transform.room import Room

ROW = """(SELECT 'one' AS s, TRUE AS b, DATE '2026-01-02' AS d, 1 AS i, 1.5 AS n, [1] AS a, ['x'] AS w,
    TIMESTAMP '2026-01-02 03:04:05' AS t)"""
REFUSED = [
    ("STANDARD_SCALER(s)", "numbers", "STRING"),
    ("MIN_MAX_SCALER(b)", "numbers", "BOOL"),
    ("QUANTILE_BUCKETIZE(s, 3)", "numbers", "STRING"),
    ("IMPUTER(d, 'most_frequent')", "numbers or strings", "DATE"),
    ("LABEL_ENCODER(i)", "strings", "INT64"),
    ("ONE_HOT_ENCODER(t)", "strings", "DATETIME"),
    ("MULTI_HOT_ENCODER(a)", "arrays of strings", "ARRAY<INT64>"),
    ("STANDARD_SCALER(d)", "numbers", "DATE"),
    ("MAX_ABS_SCALER(a)", "numbers", "ARRAY<INT64>"),
    ("ROBUST_SCALER(w)", "numbers", "ARRAY<STRING>"),
    ("IMPUTER(t, 'mean')", "numbers", "DATETIME"),
    ("IMPUTER(s, 'median')", "numbers", "STRING"),
    ("TF_IDF(n)", "arrays of strings", "NUMERIC"),
    ("BAG_OF_WORDS(s)", "arrays of strings", "STRING"),
]
TAKEN = [
    "ROBUST_SCALER(n)",
    "MAX_ABS_SCALER(i)",
    "MAX_ABS_SCALER(NULL)",
    "IMPUTER(s, 'most_frequent')",
    "IMPUTER(n, 'most_frequent')",
    "LABEL_ENCODER(s)",
    "TF_IDF(w)",
]


@pytest.mark.parametrize(("call", "takes", "found"), REFUSED)
def test_another_type_is_refused_with_the_line(room: Room, call: str, takes: str, found: str) -> None:
    with pytest.raises(ModelFailed) as refused:
        room.learn(f"i,\nML.{call} OVER () AS x", ROW)
    assert refused.value.what == f"ML.{call.partition('(')[0]} on line 2 cannot learn from these rows"
    assert refused.value.why == f"it takes {takes}, and its argument is {found}: write a CAST, or another column"


@pytest.mark.parametrize("call", TAKEN)
def test_the_documented_types_are_taken(room: Room, call: str) -> None:
    assert len(room.transformed(f"ML.{call} OVER () AS x", ROW)) == 1
