"""Are rows divided as the documentation's DATA_SPLIT options say?"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.supervised.options import LinearRegOptions
from augury.bigquery_ml.supervised.row_hash import hashes
from augury.bigquery_ml.supervised.split import Split, split
from augury.errors import ModelFailed


def table(count: int, **columns: Any) -> Any:
    return pa.table({"x": np.arange(count, dtype=np.float64), **columns})


def sizes(count: int, **options: Any) -> tuple[int, int, int]:
    found = split(table(count), LinearRegOptions(**options))
    everything = np.concatenate([found.train, found.evaluate, found.test])
    assert sorted(everything.tolist()) == list(range(count))
    return len(found.train), len(found.evaluate), len(found.test)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (499, (499, 0, 0)),
        (500, (400, 100, 0)),
        (50_000, (40_000, 10_000, 0)),
        (50_001, (40_001, 10_000, 0)),
        (60_000, (50_000, 10_000, 0)),
    ],
)
def test_auto_split_goes_by_the_number_of_rows(count: int, expected: tuple[int, int, int]) -> None:
    assert sizes(count) == expected
    assert sizes(count, data_split_method="RANDOM") == expected


def test_a_search_takes_a_tenth_each_to_evaluate_and_to_test() -> None:
    assert sizes(499, num_trials=2) == (499, 0, 0)
    assert sizes(1_000, num_trials=2) == (800, 100, 100)


def test_fractions_hold_to_two_decimal_places() -> None:
    assert sizes(1_000, data_split_method="random", data_split_eval_fraction=0.3049) == (700, 300, 0)
    both = {"data_split_eval_fraction": 0.2, "data_split_test_fraction": 0.05}
    assert sizes(1_000, data_split_method="random", num_trials=2, **both) == (750, 200, 50)
    assert sizes(100, data_split_method="random", data_split_eval_fraction=0.2) == (80, 20, 0)


def test_no_split_trains_with_everything() -> None:
    assert sizes(60_000, data_split_method="NO_SPLIT") == (60_000, 0, 0)


def test_a_random_split_is_the_same_each_time_and_in_any_order() -> None:
    rows = table(1_000, word=[f"w{at}" for at in range(1_000)])
    order = np.random.default_rng(0).permutation(1_000)

    def held(given: Any) -> set[float]:
        return set(given.take(pa.array(split(given, LinearRegOptions()).evaluate))["x"].to_pylist())

    assert held(rows) == held(rows) == held(rows.take(pa.array(order)))
    # It is not simply the first or the last rows, and a name matters as documented.
    assert 100 < np.mean(list(held(rows))) < 900
    assert held(rows) != held(rows.rename_columns(["x", "other"]))


def test_custom_takes_true_and_null_to_evaluate() -> None:
    rows = table(4, part=[True, False, None, False])
    found = split(rows, LinearRegOptions(data_split_method="custom", data_split_col="PART"))

    assert (found.train.tolist(), found.evaluate.tolist()) == ([1, 3], [0, 2])


def test_custom_takes_words_in_a_search() -> None:
    rows = table(4, part=["TRAIN", "test", "EVAL", "TRAIN"])
    found = split(rows, LinearRegOptions(data_split_method="custom", data_split_col="part", num_trials=2))

    assert (found.train.tolist(), found.evaluate.tolist(), found.test.tolist()) == ([0, 3], [2], [1])


def seq(values: Any, **options: Any) -> Split:
    given = LinearRegOptions(data_split_method="seq", data_split_col="day", **options)
    return split(table(len(values), day=values), given)


def test_seq_takes_the_largest_values_to_evaluate() -> None:
    found = seq([5, 1, 4, 2, 3, 9, 8, 7, 6, 0])

    assert (sorted(found.train.tolist()), found.evaluate.tolist()) == ([0, 1, 2, 3, 4, 7, 8, 9], [5, 6])


def test_seq_keeps_equal_values_together_and_null_apart() -> None:
    equal = seq([1, 1, 1, 2, 2, 2, 2, 2, 2, 2], data_split_eval_fraction=0.2)
    nulls = seq(pa.array([3, 1, 2, None, 5, 4, 6, 7, 8, 9]), data_split_eval_fraction=0.2)

    assert equal.train.tolist() == [0, 1, 2]
    assert nulls.evaluate.tolist() == [3, 9]


def test_seq_sorts_dates_and_text() -> None:
    days = [date(2024, 1, 10 - at) for at in range(5)]

    assert seq(days).evaluate.tolist() == [0]
    assert seq(["b", "e", "a", "d", "c"]).evaluate.tolist() == [1]


def test_seq_in_a_search_takes_the_next_values_to_test() -> None:
    found = seq(list(range(20)), num_trials=2)

    assert (found.evaluate.tolist(), found.test.tolist()) == ([18, 19], [16, 17])


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1, 0], {"data_split_method": "custom"}, "is INT64: it must be BOOL"),
        ([True, False], {"data_split_method": "custom", "num_trials": 2}, "is BOOL: it must be STRING"),
        (["TRAIN", "x"], {"data_split_method": "custom", "num_trials": 2}, "1 rows with other values"),
        ([True, True], {"data_split_method": "custom"}, "leaves no rows to train on"),
        ([[1], [2]], {"data_split_method": "seq"}, "cannot be sorted"),
        ([5, 5], {"data_split_method": "seq", "data_split_eval_fraction": 0.5}, "leaves no rows to train on"),
    ],
)
def test_columns_that_do_not_split_are_refused(values: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFailed, match=message):
        split(table(2, part=values), LinearRegOptions(data_split_col="part", **options))


def test_a_missing_split_column_is_named() -> None:
    with pytest.raises(ModelFailed, match="parts: there is no such column, did you mean part"):
        split(table(2, part=[1, 2]), LinearRegOptions(data_split_method="seq", data_split_col="parts"))


def test_hashes_tell_rows_of_every_type_apart() -> None:
    values: dict[str, list[Any]] = {
        "whole": [0, 1, None],
        "real": [0.5, 1.0, None],
        "flag": [True, False, None],
        "word": ["", "a", None],
        "bytes": [b"", b"a", None],
        "day": [date(2024, 1, 1), date(2024, 1, 2), None],
        "words": [["a", "b"], ["b", "a"], []],
        "parts": [{"a": 1}, {"a": 2}, None],
    }
    for name, column in values.items():
        assert len(set(hashes(pa.table({name: column})).tolist())) == 3
    assert hashes(pa.table({"x": [0.0]})) == hashes(pa.table({"x": [-0.0]}))
    assert len(hashes(pa.table({"x": pa.nulls(3)}))) == 3


def test_hashes_do_not_depend_on_chunks_or_slices() -> None:
    rows = table(100, word=[f"{at % 7}" for at in range(100)], words=[["a"] * (at % 3) for at in range(100)])
    pieces = pa.concat_tables([rows.slice(0, 33), rows.slice(33)])

    assert hashes(pieces).tolist() == hashes(rows).tolist()
    assert hashes(rows.slice(40, 10)).tolist() == hashes(rows).tolist()[40:50]
