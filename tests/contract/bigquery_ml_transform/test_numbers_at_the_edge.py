"""Constants, one row, no rows, NULL only, decimals and what is not finite."""

from __future__ import annotations

import pytest

from augury.errors import ModelFailed
from tests.contract.bigquery_ml_transform.room import Room, values

SCALERS = ["STANDARD_SCALER", "MIN_MAX_SCALER", "MAX_ABS_SCALER", "ROBUST_SCALER"]


@pytest.mark.parametrize("rows", [["7"], ["7", "7", "7"], ["7", "NULL"]], ids=["one row", "a constant", "one and NULL"])
@pytest.mark.parametrize("scaler", SCALERS)
def test_a_constant_column_is_scaled_to_a_number(room: Room, scaler: str, rows: list[str]) -> None:
    expected = 1.0 if scaler == "MAX_ABS_SCALER" else 0.0
    answers = [None if row == "NULL" else expected for row in rows]
    expression = f"ML.{scaler}(x) OVER ()"
    assert room.column(expression, values("x", rows)) == answers
    assert room.selected(expression, values("x", rows)) == answers


@pytest.mark.parametrize("scaler", SCALERS)
def test_zeros_stay_zeros(room: Room, scaler: str) -> None:
    assert room.column(f"ML.{scaler}(x) OVER ()", values("x", ["0", "0"])) == [0.0, 0.0]


@pytest.mark.parametrize("rows", ["(SELECT 1 AS x WHERE FALSE)", "(SELECT CAST(NULL AS BIGINT) AS x)"])
@pytest.mark.parametrize("scaler", SCALERS)
def test_of_no_values_nothing_is_learnt_and_null_comes_out(room: Room, scaler: str, rows: str) -> None:
    assert room.column(f"ML.{scaler}(x) OVER ()", rows, values("x", ["5", "NULL"])) == [None, None]


def test_of_no_values_there_is_one_bucket_and_nothing_to_fill_in(room: Room) -> None:
    nothing = "(SELECT 1 AS x WHERE FALSE)"
    asked = values("x", ["5", "NULL"])
    assert room.column("ML.QUANTILE_BUCKETIZE(x, 4) OVER ()", nothing, asked) == ["bin_1", None]
    for strategy in ("mean", "median", "most_frequent"):
        assert room.column(f"ML.IMPUTER(x, '{strategy}') OVER ()", nothing, asked) == [5, None]


def test_equal_quantiles_are_one_boundary(room: Room) -> None:
    rows = values("x", ["1", "1", "1", "1", "9"])
    for function in (room.column, room.selected):
        assert function("ML.QUANTILE_BUCKETIZE(x, 4) OVER ()", rows) == ["bin_2"] * 5
        assert function("ML.QUANTILE_BUCKETIZE(x, 1, 'bucket_ranges') OVER ()", rows) == ["(-inf, +inf)"] * 5


def test_many_buckets_are_as_right_as_few(room: Room) -> None:
    rows = "(SELECT CAST(range AS DOUBLE) / 3 AS x FROM range(1000))"
    few = "CAST(SUBSTR(ML.QUANTILE_BUCKETIZE(x * 3, 200) OVER (), 5) AS INT64)"
    assert room.column(few, rows) == room.selected(few, rows) == [1 + min(199, (at + 1) // 5) for at in range(1000)]


def test_a_value_on_a_boundary_belongs_to_the_bucket_that_begins_there(room: Room) -> None:
    rows = values("x", ["0.9", "1", "1.9", "2.5", "1e9", "NULL"])
    points = "[1, 2.5, 1e3]"
    assert room.column(f"ML.BUCKETIZE(x, {points})", rows) == ["bin_1", "bin_2", "bin_2", "bin_3", "bin_4", None]
    assert room.column(f"ML.BUCKETIZE(x, {points}, FALSE, 'bucket_ranges')", rows) == [
        "(-inf, 1)",
        "[1, 2.5)",
        "[1, 2.5)",
        "[2.5, 1000)",
        "[1000, +inf)",
        None,
    ]
    assert room.column(f"ML.BUCKETIZE(x, {points}, TRUE, 'bucket_ranges_json')", rows)[2:4] == [
        '{"start": "-Infinity", "end": "2.5"}',
        '{"start": "2.5", "end": "Infinity"}',
    ]


def test_without_boundaries_two_points_leave_one_bucket(room: Room) -> None:
    assert room.one("ML.BUCKETIZE(5, [1, 9], TRUE)") == "bin_1"
    assert room.one("ML.BUCKETIZE(5, [1], TRUE, 'bucket_ranges')") == "(-inf, +inf)"


def test_points_below_zero_are_points(room: Room) -> None:
    assert room.one("ML.BUCKETIZE(-1.5, [-2, -1, 0.5], FALSE, 'bucket_ranges')") == "[-2, -1)"


def test_quantile_ranges_and_parts_of_robust_scaling(room: Room) -> None:
    rows = values("x", [str(each) for each in range(1, 12)])
    asked = values("x", ["6", "16"])
    assert room.column("ML.ROBUST_SCALER(x, [10, 90]) OVER ()", rows, asked) == [0.0, 1.25]
    assert room.column("ML.ROBUST_SCALER(x, [10, 90], FALSE) OVER ()", rows, asked) == [0.75, 2.0]
    assert room.column("ML.ROBUST_SCALER(x, [25, 75], TRUE, FALSE) OVER ()", rows, asked) == [0.0, 10.0]
    assert room.column("ML.ROBUST_SCALER(x, [25, 75], FALSE, FALSE) OVER ()", rows, asked) == [6.0, 16.0]


def test_decimals_and_integers_give_floating_point(room: Room) -> None:
    rows = "(SELECT CAST(unnest([1.10, 2.20, 3.30]) AS DECIMAL(10, 2)) AS x, unnest([1, 2, 3]) AS i)"
    clause = ", ".join(
        f"ML.{scaler}({column}) OVER () AS {scaler.lower()}_{column}" for scaler in SCALERS for column in ("x", "i")
    )
    more = "ML.IMPUTER(x, 'most_frequent') OVER () AS a, ML.IMPUTER(i, 'median') OVER () AS b"
    sql = room.learn(f"{clause}, {more}", rows).select_sql(rows)
    assert set(room.types(sql).values()) == {"DOUBLE"}


@pytest.mark.parametrize("poison", ["'infinity'", "'-infinity'", "'nan'"])
@pytest.mark.parametrize("call", ["MIN_MAX_SCALER(x)", "STANDARD_SCALER(x)", "ROBUST_SCALER(x)", "IMPUTER(x, 'mean')"])
def test_what_is_not_finite_is_refused_with_the_line(room: Room, poison: str, call: str) -> None:
    rows = f"(SELECT CAST(unnest([{poison}, '1', {poison}]) AS DOUBLE) AS x)"
    with pytest.raises(ModelFailed) as refused:
        room.learn(f"x,\nML.{call} OVER () AS y", rows)
    assert refused.value.what == f"ML.{call.partition('(')[0]} on line 2 cannot learn from these rows"
    assert refused.value.why == "the column holds an infinity or NaN: leave those rows out, or put NULL in their place"


def test_the_median_of_an_even_number_of_rows_is_one_of_them(room: Room) -> None:
    """As with ML.ROBUST_SCALER, whose documented example has six."""
    rows = values("x", ["1", "2", "3", "4", "NULL"])
    for function in (room.column, room.selected):
        assert function("ML.IMPUTER(x, 'median') OVER ()", rows) == [1.0, 2.0, 3.0, 4.0, 2.0]
