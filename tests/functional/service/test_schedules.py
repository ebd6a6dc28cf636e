"""What the service does by itself when the time comes (S-1 to S-7, A3, A8, L1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.projects import REVENUE, SPENT, Shop, days, orders_of

AT_SIX = "schedule: {cron: '0 6 * * *', timezone: Europe/Madrid%s}\n"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.at(tmp_path / "shop").orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-01-20")))
    made.now = instant("2026-01-10T06:00")
    return made.pipeline(settings=AT_SIX % "", prepare=SPENT)


def later(shop: Shop, **by: float) -> None:
    shop.now += timedelta(**by)


def test_a_date_is_run_once_when_its_time_has_come_s_1_s_6(shop: Shop) -> None:
    shop.serve()
    assert shop.statuses() == {"2026-01-10": "succeeded"}
    later(shop, hours=1)
    shop.serve()
    assert len(shop.runs()) == 1
    later(shop, hours=23)
    shop.serve()
    assert list(shop.statuses()) == ["2026-01-10", "2026-01-11"]
    (newest, _) = shop.runs()
    assert (newest.origin, newest.command) == ("schedule", "schedule: predict 2026-01-11")


def test_nothing_is_due_before_the_time_of_day(shop: Shop) -> None:
    shop.now = instant("2026-01-10T04:59")
    shop.serve()
    assert list(shop.statuses()) == ["2026-01-09"]


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        ("latest", ["2026-01-10", "2026-01-14"]),
        ("all", ["2026-01-10", "2026-01-11", "2026-01-12", "2026-01-13", "2026-01-14"]),
        ("none", ["2026-01-10"]),
    ],
)
def test_missed_dates_are_made_up_for_as_the_schedule_says(shop: Shop, catchup: str, expected: list[str]) -> None:
    shop.pipeline(settings=AT_SIX % f", catchup: {catchup}", start="2026-01-10", prepare=SPENT)
    shop.now = instant("2026-01-10T05:30")
    if catchup == "none":
        shop.run("ltv", "2026-01-10")
    shop.serve()
    later(shop, days=4)
    shop.serve()
    assert list(shop.statuses()) == expected


def test_the_end_of_a_pipeline_is_the_end_of_its_schedule(shop: Shop) -> None:
    shop.pipeline(settings="end: 2026-01-09\n" + AT_SIX % ", catchup: all", start="2026-01-07", prepare=SPENT)
    shop.serve()
    assert list(shop.statuses()) == ["2026-01-07", "2026-01-08"]


def test_a_paused_pipeline_rests_and_catches_up_s_3(shop: Shop) -> None:
    shop.serve()
    with shop.open() as project:
        assert project.pause("ltv")
        assert not project.pause("ltv")
    later(shop, days=2)
    shop.serve()
    assert list(shop.statuses()) == ["2026-01-10"]
    with shop.open() as project:
        assert project.resume("ltv")
    shop.serve()
    assert list(shop.statuses()) == ["2026-01-10", "2026-01-12"]


def test_a_model_is_trained_at_its_own_time(shop: Shop) -> None:
    model = """\
    horizon: 1d
    model:
      type: linear_reg
      label: revenue
      missing_label: zero
      train: {schedule: "0 3 */5 * *", every: 1d, window: 30d, folds: 2}
    """
    shop.pipeline(
        settings=AT_SIX % "" + model.replace("    ", "", 1).replace("\n    ", "\n"), prepare=SPENT, label=REVENUE
    )
    shop.now = instant("2026-01-16T03:00")
    shop.serve()
    trained = [str(model.tick) for model in shop.models()]
    assert max(trained) == "2026-01-16"
    later(shop, hours=1)
    shop.serve()
    assert [str(model.tick) for model in shop.models()] == trained


def test_sources_are_waited_for_and_looked_for_again_a3(shop: Shop) -> None:
    shop.pipeline(settings=AT_SIX % ", poll: '0 * * * *'", start="2026-01-10", prepare=SPENT)
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-09")))
    shop.now = instant("2026-01-10T05:30")
    shop.serve()
    assert shop.statuses() == {}, "the rows of the 9th are not there"
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-10")))
    shop.serve()
    assert shop.statuses() == {}, "it is looked at each full hour"
    later(shop, minutes=30)
    shop.serve()
    assert shop.statuses() == {"2026-01-10": "succeeded"}
    later(shop, hours=1)
    shop.serve()
    assert len(shop.runs()) == 1


def test_the_archive_has_a_time_of_its_own_l1(shop: Shop) -> None:
    shop.pipeline(settings=AT_SIX % "" + "archive: {schedule: '0 16 * * *'}\n", start="2026-01-10", prepare=SPENT)
    shop.serve()
    assert shop.statuses() == {"2026-01-10": "succeeded"}
    assert shop.table("ltv_archive") == []
    later(shop, hours=10)
    shop.serve()
    kept = shop.table("ltv_archive")
    assert len(kept) == 2
    later(shop, minutes=5)
    shop.serve()
    assert shop.table("ltv_archive") == kept


def test_archiving_says_nothing_new_about_a_date_l1_j6(shop: Shop) -> None:
    """Its hook was called when it was published. A date that failed since is archived as it was, and stays failed."""
    calls = shop.root / "calls.txt"
    hooks = (
        "def on_completed(context):\n"
        "    with open(context.vars['calls'], 'a') as file:\n        file.write(f'{context.run_date}\\n')\n"
    )
    settings = AT_SIX % "" + f"archive: {{schedule: '0 16 * * *'}}\nvars: {{calls: {calls}}}\n"
    shop.pipeline(settings=settings, start="2026-01-10", prepare=SPENT, hooks=hooks)
    shop.serve()
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount)", "sum(totl)")
    shop.run("ltv", "2026-01-10")
    later(shop, hours=10)
    shop.serve()
    assert shop.table("ltv_archive") == shop.table("ltv_v1_predictions") != []
    assert shop.statuses() == {"2026-01-10": "failed"}
    assert calls.read_text() == "2026-01-10\n"


def test_a_clock_that_is_set_back_runs_nothing_again(shop: Shop) -> None:
    shop.serve()
    later(shop, days=-2)
    shop.serve()
    later(shop, days=2)
    shop.serve()
    assert len(shop.runs()) == 1
