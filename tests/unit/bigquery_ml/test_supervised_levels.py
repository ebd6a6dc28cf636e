"""Are categories, and the parts of timestamps, those of BigQuery?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.supervised.levels import PARTS, keys, learn, positions, text, value_set


def test_parts_of_a_timestamp_are_those_of_its_utc_time() -> None:
    moments = [datetime(1996, 12, 25, tzinfo=UTC) + timedelta(hours=at * 37, minutes=at) for at in range(8_000)]
    array = pa.array(moments, pa.timestamp("us", "America/New_York"))
    expected: dict[str, list[int]] = {
        "DOM": [at.day for at in moments],
        "DOW": [at.isoweekday() % 7 + 1 for at in moments],
        "MOY": [at.month for at in moments],
        "HOD": [at.hour for at in moments],
        "MOH": [at.minute for at in moments],
        "WOY": [int(at.strftime("%U")) for at in moments],
        "YEAR": [at.year for at in moments],
    }

    assert {part: keys(array, "timestamp", part).to_pylist() for part in PARTS} == expected


def test_positions_tell_null_from_unseen() -> None:
    known = value_set(("a", "b"), "string")

    assert positions(keys(pa.array(["b", None, "z", "a"]), "string"), known).tolist() == [1, 2, 3, 0]
    assert positions(keys(pa.nulls(2), "string"), known).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (pa.array([True, False]), "bool", ["false", "true"]),
        (pa.array([b"\xff", b"a"], pa.binary()), "bytes", ["YQ==", "/w=="]),
        (pa.array([1, 0], pa.time64("us")), "time", ["00:00:00", "00:00:00.000001"]),
        (pa.array([-1, 0], pa.date32()), "date", ["1969-12-31", "1970-01-01"]),
        (pa.array([-1, 0], pa.timestamp("s")), "datetime", ["1969-12-31 23:59:59", "1970-01-01 00:00:00"]),
    ],
)
def test_categories_are_written_as_bigquery_casts_them(array: Any, kind: Any, expected: list[str]) -> None:
    levels = learn(array, kind)

    assert [text(level, kind) for level in levels] == expected
    assert sorted(positions(keys(array, kind), value_set(levels, kind)).tolist()) == [0, 1]
    assert np.unique(positions(keys(array.slice(1), kind), value_set(levels, kind))).size == 1
