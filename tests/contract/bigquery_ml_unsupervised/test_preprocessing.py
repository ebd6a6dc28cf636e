"""Columns become inputs as BigQuery ML documents it: 'Automatic feature preprocessing'."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from augury.bigquery_ml.unsupervised.types import KMeans
from augury.errors import ModelFailed
from tests.contract.bigquery_ml_unsupervised.calls import ask, in_batches, reloaded, rows_of, train


def inputs(model: Any) -> dict[str, dict[str, Any]]:
    """What the first centroid is made of, which is the mean of all rows where there is one cluster's worth."""
    return {row["feature"]: row for row in rows_of(ask(model, "centroids")) if row["centroid_id"] == 1}


def one_cluster(rows: dict[str, Any], **options: Any) -> Any:
    """Rows twice: near each other, and once far away, so that the first cluster is the near ones."""
    table = pa.table(rows)
    return train(KMeans, table, num_clusters=2, early_stop=False, **options)


def categories(found: dict[str, Any]) -> dict[str, float]:
    return {each["category"]: each["value"] for each in found["categorical_value"]}


def test_every_documented_type_is_an_input() -> None:
    moment = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)  # a Sunday
    rows = {
        "whole": [1, 3],
        "exact": pa.array([Decimal("1.50"), Decimal("2.50")]),
        "flag": [True, None],
        "word": ["a", "b"],
        "bytes": [b"\x00", b"\x01"],
        "day": [date(2026, 1, 2), None],
        "clock": pa.array([time(1, 2, 3), time(1, 2, 3, 500_000)]),
        "local": pa.array([datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, 123_456)]),  # noqa: DTZ001
        "at": pa.array([moment, None], pa.timestamp("us", "UTC")),
        "pair": [{"x": 1.0, "y": "u"}, None],
        "vector": [[1.0, 2.0], [3.0, 4.0]],
        "sparse": [[{"index": 1, "value": 5.0}], [{"index": 2, "value": 1.0}]],
    }
    model = one_cluster(rows)
    every = rows_of(ask(model, "centroids"))
    found = {row["feature"]: [r for r in every if r["feature"] == row["feature"]] for row in every}
    spread = {name: sorted({key for row in listed for key in categories(row)}) for name, listed in found.items()}
    assert spread["flag"] == ["_null_filler", "true"]
    assert spread["bytes"] == ["AA==", "AQ=="]
    assert spread["day"] == ["2026-01-02", "_null_filler"]
    assert spread["clock"] == ["01:02:03", "01:02:03.500"]
    assert spread["local"] == ["2026-01-02 03:04:05", "2026-01-02 03:04:05.123456"]
    parts = {name: spread[name] for name in spread if name.startswith("_TS_")}
    assert parts == {
        "_TS_DOM_at": ["1", "_null_filler"],
        "_TS_DOW_at": ["1", "_null_filler"],
        "_TS_MOY_at": ["3", "_null_filler"],
        "_TS_HOD_at": ["4", "_null_filler"],
        "_TS_MOH_at": ["5", "_null_filler"],
        "_TS_WOY_at": ["9", "_null_filler"],
        "_TS_YEAR_at": ["2026", "_null_filler"],
    }
    assert {row["numerical_value"] for row in found["at"]} == {moment.timestamp()}  # NULL is the mean
    assert {row["numerical_value"] for row in found["pair_x"]} == {1.0}
    assert spread["pair_y"] == ["_null_filler", "u"]
    assert sorted(row["numerical_value"] for row in found["vector[1]"]) == [2.0, 4.0]
    assert sorted(row["numerical_value"] for row in found["sparse[1]"]) == [0.0, 5.0]
    assert sorted(row["numerical_value"] for row in found["exact"]) == [1.5, 2.5]
    kinds = dict(model.features)
    assert kinds["exact"] == "NUMERIC"
    assert kinds["pair"] == "STRUCT<x FLOAT64, y STRING>"
    assert (kinds["local"], kinds["at"], kinds["clock"]) == ("DATETIME", "TIMESTAMP", "TIME")


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-01-01", "0"), ("2026-01-04", "1"), ("2023-01-01", "1"), ("2024-12-31", "52"), ("2028-12-31", "53")],
)
def test_weeks_begin_on_sunday_and_days_before_the_first_are_in_week_0(day: str, week: str) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    model = one_cluster({"at": pa.array([at, datetime(2000, 6, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))})
    weeks = [categories(row) for row in rows_of(ask(model, "centroids")) if row["feature"] == "_TS_WOY_at"]
    assert {week: 1.0} in weeks


def test_a_wide_mix_of_types_answers_alike_after_loading_and_in_any_batches(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    count = 60
    rows = pa.table(
        {
            "n": [None if draw < 0.1 else draw for draw in random.random(count)],
            "word": random.choice(["a", "b", "c"], count).tolist(),
            "at": pa.array([None, *random.integers(0, 2 * 10**15, count - 1).tolist()], pa.timestamp("us", "UTC")),
            "pair": [None if at % 9 == 0 else {"x": float(at), "y": at % 2 == 0} for at in range(count)],
            "vector": [[float(draw), None] if draw > 0.5 else [0.0, 1.0] for draw in random.random(count)],
            "sparse": [[{"index": int(draw), "value": 1.0}] for draw in random.integers(0, 4, count)],
        }
    )
    model = train(KMeans, rows, num_clusters=3)
    answer = ask(model, "predict", rows)
    again = reloaded(KMeans, model, tmp_path)
    for size in (1, 7, count):
        assert ask(again, "predict", in_batches(rows, size)).equals(answer)


def test_what_training_did_not_see_is_none_of_its_values() -> None:
    model = one_cluster(
        {"word": ["a", "a", "b"], "sparse": [[{"index": 1, "value": 1.0}]] * 2 + [[{"index": 0, "value": 9.0}]]}
    )
    new = pa.table({"word": ["new", None], "sparse": [[{"index": at, "value": 3.0}] for at in (2, 7)]})
    assert ask(model, "predict", new).num_rows == 2


def test_other_numbers_and_null_may_stand_for_a_number() -> None:
    model = one_cluster({"n": [1.0, 2.0, 9.0]})
    kinds: list[Any] = [pa.array([1]), pa.array([Decimal(1)]), pa.array([None]), pa.array([1], pa.int32())]
    for values in kinds:
        assert ask(model, "predict", pa.table({"n": values})).num_rows == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[1.0, 2.0, 3.0]], "v: the model was trained with arrays of 2"),
        (["a"], "v: expected ARRAY<FLOAT64>, got STRING"),
        ([[1.0, np.inf]], "v[1]: 1 value infinite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(values: list[Any], says: str) -> None:
    model = one_cluster({"v": [[1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(ModelFailed) as refused:
        ask(model, "predict", pa.table({"v": values}))
    assert says in str(refused.value)
