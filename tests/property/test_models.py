"""Models never look ahead, and never depend on how rows are cut into batches."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from augury.models.contract import FittedModel
from augury.models.evaluation import folds
from augury.models.linear import LinearReg, LinearRegOptions
from augury.models.training import snapshot
from augury.testing.model_contract import example

days = st.lists(st.dates(date(2020, 1, 1), date(2021, 12, 31)), max_size=40)


@given(days, st.integers(0, 400), st.integers(1, 8))
def test_folds_never_test_on_what_they_learned_from(dates: list[date], horizon: int, k: int) -> None:
    plan = folds(dates, horizon, k)
    assert len(plan.folds) <= k
    assert bool(plan.folds) == (len(set(dates)) > 1)
    tested: list[date] = []
    for fold in plan.folds:
        assert fold.train_dates
        assert fold.test_dates
        assert set(fold.train_dates) | set(fold.test_dates) <= set(dates)
        assert fold.train_dates[-1] < fold.test_dates[0]
        if "overlap" not in plan.note:
            assert fold.train_dates[-1] + timedelta(days=horizon) <= fold.test_dates[0]
        tested += fold.test_dates
    assert tested == sorted(set(tested))
    if plan.folds:
        assert tested[-1] == max(dates)
    if len(plan.folds) < k:
        assert plan.note or k == 1


@given(st.permutations(range(60)), st.sets(st.integers(1, 59), max_size=5))
def test_a_snapshot_ignores_order_and_batches(order: list[int], cuts: set[int]) -> None:
    training = example("regression", 60)
    table = training.features.append_column("day", training.dates).append_column("id", pa.array(range(60)))
    shuffled = table.take(order)
    bounds = [0, *sorted(cuts), 60]
    parts = [shuffled.slice(a, b - a) for a, b in pairwise(bounds)]
    assert snapshot(pa.concat_tables(parts), ["day", "id"]) == snapshot(table, ["day", "id"])


@lru_cache(maxsize=1)
def fitted() -> tuple[FittedModel, Any, Any]:
    training = example("regression", 500)
    model = LinearReg.fit(training, LinearRegOptions(l2_reg=1), 0, 1)
    batch = training.features.combine_chunks().to_batches()[0]
    return model, batch, model.predict(batch)


@given(st.integers(0, 499), st.integers(0, 500))
def test_any_slice_is_predicted_as_within_the_whole(start: int, length: int) -> None:
    model, batch, whole = fitted()
    assert model.predict(batch.slice(start, length)).equals(whole.slice(start, length))
