"""Columns become features, and batches a matrix (C5, E5)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.errors import ModelFailed
from augury.models.contract import Feature
from augury.models.features import encode, infer, numbers, with_levels

NONE = float("nan")


def test_every_usable_type_becomes_a_feature_and_the_keys_do_not() -> None:
    schema = pa.schema(
        [
            ("run_date", pa.date32()),
            ("customer_id", pa.int64()),
            ("visits", pa.int8()),
            ("price", pa.decimal128(12, 2)),
            ("active", pa.bool_()),
            ("country", pa.dictionary(pa.int32(), pa.string())),
            ("city", pa.string_view()),
            ("born", pa.date64()),
            ("seen", pa.timestamp("ns", "Europe/Madrid")),
            ("unknown", pa.null()),
            ("ignored", pa.float64()),
            ("revenue", pa.float64()),
        ]
    )
    found = infer(schema, entity=["customer_id"], label="revenue", exclude=["ignored"])
    assert found == (
        Feature("visits", "number"),
        Feature("price", "number"),
        Feature("active", "boolean"),
        Feature("country", "category"),
        Feature("city", "category"),
        Feature("born", "date"),
        Feature("seen", "timestamp"),
        Feature("unknown", "number"),
    )


def test_a_list_of_features_decides_which_and_in_which_order() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("c", pa.int64())])
    found = infer(schema, entity=["a"], label="y", features=["c", "b"])
    assert [feature.name for feature in found] == ["c", "b"]


def test_all_problems_are_told_at_once() -> None:
    schema = pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string())), ("visits", pa.int64()), ("y", pa.int64())])
    with pytest.raises(ModelFailed) as caught:
        infer(
            schema,
            entity=["id"],
            label="y",
            features=["visit", "tags", "y", "visits", "visits"],
            exclude=["tgas"],
        )
    assert caught.value.what == "5 problems with the features"
    assert caught.value.why == (
        "tgas: there is no such column, did you mean tags?; "
        "visit: there is no such column, did you mean visits?; "
        "tags: list<item: string> cannot be a feature, use numbers, booleans, text, dates or timestamps; "
        "y: the label cannot be a feature; "
        "visits: listed twice"
    )


def test_a_table_of_keys_alone_has_nothing_to_learn_from() -> None:
    with pytest.raises(ModelFailed, match="no column is left to learn from"):
        infer(pa.schema([("id", pa.int64()), ("y", pa.int64())]), entity=["id"], label="y")


@pytest.mark.parametrize(
    ("column", "type_", "expected"),
    [
        # Above 2^24 a 32-bit float would merge neighbours.
        (pa.array([16_777_217, None]), "number", [16_777_217.0, NONE]),
        (pa.array([1.5, NONE, None]), "number", [1.5, NONE, NONE]),
        (pa.array([Decimal("12.34"), None], pa.decimal128(9, 2)), "number", [12.34, NONE]),
        (pa.array([True, False, None]), "boolean", [1, 0, NONE]),
        (pa.array([None, None], pa.null()), "number", [NONE, NONE]),
        (pa.array([None, None], pa.null()), "category", [NONE, NONE]),
        (pa.array(["fr", "es", None, "at"]), "category", [1, 0, NONE, NONE]),
        (pa.array(["fr", None, "at"]).dictionary_encode(), "category", [1, NONE, NONE]),
        (pa.array(["fr", None], pa.string_view()), "category", [1, NONE]),
        (pa.array(["fr", None], pa.large_string()), "category", [1, NONE]),
        (pa.array([3, None]).dictionary_encode(), "number", [3, NONE]),
        (pa.array([date(1970, 1, 2), None]), "date", [86_400, NONE]),
        (pa.array([date(1970, 1, 2)], pa.date64()), "date", [86_400]),
        (pa.array([datetime(1970, 1, 1, 0, 0, 1, 500_000)], pa.timestamp("us")), "timestamp", [1.5]),  # noqa: DTZ001
        (
            pa.array([datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))], pa.timestamp("ms", "UTC")),
            "timestamp",
            [0],
        ),
    ],
)
def test_values_become_numbers(column: Any, type_: Any, expected: list[float]) -> None:
    levels = ("es", "fr") if type_ == "category" else ()
    matrix = encode(pa.record_batch({"x": column}), [Feature("x", type_, levels)])
    np.testing.assert_array_equal(matrix[:, 0], expected)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint32(), pa.int64(), pa.float32(), pa.float64()], ids=str)
def test_a_part_of_a_column_keeps_its_own_values_and_gaps(kind: pa.DataType) -> None:
    column = pa.array([1, None, 0, 1, None, 1, 0, 1, 1, None, 1], kind)
    for start, length in ((0, 11), (3, 5), (9, 2), (4, 0)):
        part = column.slice(start, length)
        expected = [NONE if value is None else float(value) for value in part.to_pylist()]
        np.testing.assert_array_equal(numbers(part), expected)


def test_the_matrix_follows_the_features_not_the_batch() -> None:
    batch = pa.record_batch({"a": [1.0], "other": ["x"], "b": [2.0]})
    matrix = encode(batch, [Feature("b", "number"), Feature("a", "number")])
    assert matrix.tolist() == [[2.0, 1.0]]
    assert matrix.flags.f_contiguous


def test_levels_are_sorted_and_complete() -> None:
    column = pa.chunked_array([pa.array(["b", None]), pa.array(["a", "b"])])
    (feature,) = with_levels([Feature("x", "category")], pa.table({"x": column}))
    assert feature.levels == ("a", "b")


def test_a_column_that_was_a_number_may_not_come_as_text() -> None:
    batch = pa.record_batch({"a": ["1"], "b": [True], "c": [date(2024, 1, 1)]})
    wanted = [Feature("a", "number"), Feature("b", "number"), Feature("c", "timestamp")]
    with pytest.raises(ModelFailed) as caught:
        encode(batch, wanted)
    assert caught.value.why == (
        "a: expected number, got string; b: expected number, got bool; c: expected timestamp, got date32[day]"
    )


def test_a_column_that_comes_twice_is_refused() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(ModelFailed, match="a: there are 2 columns of that name"):
        encode(batch, [Feature("a", "number")])


def test_infinities_of_all_columns_are_counted() -> None:
    inf = float("inf")
    batch = pa.record_batch({"a": [inf, 1.0, -inf], "b": [1.0, 2.0, 3.0], "c": pa.array([inf, 0, 0], pa.float32())})
    with pytest.raises(ModelFailed, match="a: 2 infinite values; c: 1 infinite value"):
        encode(batch, [Feature(name, "number") for name in "abc"])


def test_a_timestamp_with_a_zone_counts_from_the_same_instant() -> None:
    instant = datetime(2024, 3, 1, 12, tzinfo=UTC)
    column = pa.array([instant], pa.timestamp("us", "Asia/Kolkata"))
    assert encode(pa.record_batch({"x": column}), [Feature("x", "timestamp")])[0, 0] == instant.timestamp()
