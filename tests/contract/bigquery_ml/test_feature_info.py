"""ML.FEATURE_INFO of each type of column."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from augury.bigquery_ml.feature_info import feature_info

NUMBER = {"min": 1.0, "max": 4.0, "mean": 2.5, "median": 2.5, "stddev": pytest.approx(4.5**0.5)}
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "info"),
    [
        (pa.array([1, 4, None]), {**NUMBER, "null_count": 1}),
        (pa.array([1.0, 4.0]), {**NUMBER, "null_count": 0}),
        (pa.array([Decimal("1.00"), Decimal("4.00")]), {**NUMBER, "null_count": 0}),
        (pa.array([None, None], pa.float64()), {**dict.fromkeys(NUMBER), "null_count": 2}),
        (pa.array(["a", "b", "a", None]), {"category_count": 2, "null_count": 1}),
        (pa.array(["a", "b", "a"]).dictionary_encode(), {"category_count": 2, "null_count": 0}),
        (pa.array([True, True]), {"category_count": 1, "null_count": 0}),
        (pa.array([date(2024, 1, 1), None]), {"category_count": 1, "null_count": 1}),
        (pa.array([MOMENT.replace(tzinfo=None)]), {"category_count": 1, "null_count": 0}),
        (pa.array([MOMENT], pa.timestamp("us", tz="UTC")), {"null_count": 0}),
        (pa.array([b"x"]), {"category_count": 1, "null_count": 0}),
        (pa.array([{"a": 1}]), {"null_count": 0}),
        (pa.array([["a", "b"], None]), {"null_count": 1}),
        (
            pa.array([[{"index": 0, "value": 1.0}, {"index": 6, "value": 2.0}], [{"index": 2, "value": 1.0}]]),
            {"dimension": 7, "null_count": 0},
        ),
    ],
)
def test_one_column(column: pa.Array, info: dict[str, Any]) -> None:
    assert feature_info(pa.table({"x": column, "y": column}), ["x"]) == ({"input": "x", **info},)


def test_users_and_items_are_categories_even_as_numbers() -> None:
    rows = pa.table({"user": [7, 7, 9]})
    assert feature_info(rows, ["user"], categories=True) == ({"input": "user", "category_count": 2, "null_count": 0},)
