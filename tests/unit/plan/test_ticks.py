"""When a model is trained and from which dates (H5, S rows of the design)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from augury.plan.ticks import Ticks
from tests.drafts import Draft
from tests.projects import REVENUE, SPENT, day
from tests.unit.plan.world import World


def ticks(
    shop: Draft, train: str, *, horizon: str = "90d", start: str = "1997-01-01", schedule: str = "", **more: Any
) -> Ticks:
    settings = f"""\
horizon: {horizon}
{schedule}
model: {{type: linear_reg, label: revenue, missing_label: zero, train: {{{train}}}}}
"""
    world = World(shop.pipeline(settings=settings, start=start, prepare=SPENT, label=REVENUE))
    return Ticks(world.pipeline, **more)


MONTHLY = "schedule: '0 3 1 * *', every: 7d, window: 180d"


def test_training_dates_of_the_design(shop: Draft) -> None:
    """26 weeks, counted from the start, ending at the last date whose 90 days are over at the tick."""
    dates = ticks(shop, MONTHLY).training_dates(day("1998-01-01"))
    assert len(dates) == 26
    assert {(each - day("1997-01-01")).days % 7 for each in dates} == {0}
    assert {(later - earlier).days for earlier, later in pairwise(dates)} == {7}
    assert dates[-1] + timedelta(days=90) <= day("1998-01-01") < dates[-1] + timedelta(days=97)
    assert dates[0] > day("1998-01-01") - timedelta(days=90 + 180)


def test_the_last_training_date_is_the_one_whose_label_closes_at_the_very_tick(shop: Draft) -> None:
    exact = ticks(shop, "every: 1d, window: 3d", horizon="30d", start="2026-01-01")
    assert exact.training_dates(day("2026-03-01")) == (day("2026-01-28"), day("2026-01-29"), day("2026-01-30"))
    assert exact.training_dates(day("2026-01-31")) == (day("2026-01-01"),)
    assert exact.training_dates(day("2026-01-30")) == ()


def test_late_outcomes_may_take_their_time(shop: Draft) -> None:
    patient = ticks(shop, "every: 1d, window: 3d, label_delay: 14d", horizon="30d", start="2026-01-01")
    assert patient.training_dates(day("2026-03-01"))[-1] == day("2026-01-16")
    assert patient.closes(day("2026-01-16")) == patient.pipeline.cutoffs.of(day("2026-03-01"))


def test_the_lag_moves_label_and_tick_together(shop: Draft) -> None:
    lagged = ticks(shop, "every: 1d, window: 1d", horizon="30d", start="2026-01-01", schedule="schedule: {lag: 2d}")
    assert lagged.training_dates(day("2026-03-01")) == (day("2026-01-30"),)


def test_training_dates_lie_on_the_grid_and_on_the_stride_from_the_start(shop: Draft) -> None:
    """On a grid of Mondays, every 14 days: every other Monday where the start is one, none where it is a Tuesday."""
    weekly = "schedule: {cron: '0 6 * * 1'}"
    found = ticks(shop, "every: 14d, window: 8w", horizon="7d", start="2026-01-05", schedule=weekly)
    assert [str(each) for each in found.training_dates(day("2026-03-02"))] == [
        "2026-01-05",
        "2026-01-19",
        "2026-02-02",
        "2026-02-16",
    ]


def test_a_schedule_s_ticks_begin_where_there_is_something_to_learn_from(shop: Draft) -> None:
    """With a horizon of 90 days, nothing is known of 1 January 1997 before 1 April."""
    found = ticks(shop, MONTHLY).until(day("1997-07-15"))
    assert [str(each) for each in found] == ["1997-04-01", "1997-05-01", "1997-06-01", "1997-07-01"]


def test_the_first_scheduled_tick_can_be_moved(shop: Draft) -> None:
    moved = ticks(shop, MONTHLY + ", start: 1997-06-15")
    assert [str(each) for each in moved.until(day("1997-08-15"))] == ["1997-07-01", "1997-08-01"]


def test_there_are_no_ticks_from_the_end_on(shop: Draft) -> None:
    ended = ticks(shop, MONTHLY, schedule="end: 1997-06-01")
    assert [str(each) for each in ended.until(day("1998-01-01"))] == ["1997-04-01", "1997-05-01"]


def test_without_a_schedule_only_people_make_ticks_g1(shop: Draft) -> None:
    manual = ticks(shop, "every: 7d")
    assert manual.until(day("1998-01-01")) == ()
    assert manual.of(day("1998-01-01")) is None
    asked = ticks(shop, "every: 7d", extra=frozenset({day("1997-10-10")}))
    assert asked.of(day("1997-10-09")) is None
    assert asked.of(day("1997-10-10")) == day("1997-10-10")


@pytest.mark.parametrize(
    ("run_date", "tick"),
    [
        ("1997-03-31", None),
        ("1997-04-01", "1997-04-01"),  # a sole new model is used at once
        ("1997-04-02", "1997-04-01"),
        ("1997-05-01", "1997-04-01"),
        ("1997-05-02", "1997-04-01"),  # the newest is one day old: the one before
        ("1997-05-03", "1997-05-01"),  # two days old: the newest
        ("1997-06-02", "1997-05-01"),
        ("1997-06-03", "1997-06-01"),
    ],
)
def test_a_new_model_waits_out_its_grace_h5(shop: Draft, run_date: str, tick: str | None) -> None:
    found = ticks(shop, MONTHLY + ", grace: 2d").of(day(run_date))
    assert found == (date.fromisoformat(tick) if tick else None)
