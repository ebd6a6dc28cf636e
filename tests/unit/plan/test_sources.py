"""What is planned where a source is not there, or where its days change after dates have used them?"""

from __future__ import annotations

from augury.plan.facts import LateDay, SourceFact
from tests.projects import reasons_of
from tests.unit.plan.world import World

# -- sources that are not there ------------------------------------------------------------------------------------


def test_a_date_without_its_source_is_skipped_once_and_planned_when_it_arrives_a3_a7(sql_only: World) -> None:
    sql_only.know(sources={})
    plan = sql_only.plan("2026-01-05")
    assert [(task.key, task.skip, task.steps) for task in plan.tasks] == [
        ("2026-01-05", "source orders is not there", ())
    ]
    sql_only.perform(plan)
    assert sql_only.plan("2026-01-05").is_empty
    sql_only.know(sources={"orders": SourceFact(True, "s1")})
    assert reasons_of(sql_only.plan("2026-01-05"), "prepare") == {"2026-01-05": "missing"}


def test_what_was_published_stays_when_the_source_goes_away(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    sql_only.know(sources={})
    assert sql_only.plan("2026-01-05").is_empty
    assert not sql_only.plan("2026-01-05", reprocess="all").is_empty


# -- late data -----------------------------------------------------------------------------------------------------


def late(world: World, *event_days: str, probe: int = 2) -> World:
    found = tuple(LateDay(world.plan(day, reprocess="missing").request.dates[0], probe, 5) for day in event_days)
    return world.know(late={"orders": found}, probe=probe)


def test_late_data_is_reported_and_not_rebuilt_unless_somebody_says_so(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12")
    assert plan.is_empty
    assert plan.notes == (
        "late data: orders changed for 2026-01-07 after dates had used it; take it in with --refresh late",
    )


def test_refresh_late_rebuilds_exactly_the_dates_that_could_see_the_day(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12", refresh_late=True)
    assert reasons_of(plan, "prepare") == {
        f"2026-01-{day:02}": "late data: orders 2026-01-07" for day in (8, 9, 10, 11)
    }
    sql_only.perform(plan)
    assert sql_only.plan("2026-01-05", "2026-01-12", refresh_late=True).is_empty
    assert sql_only.plan("2026-01-05", "2026-01-12").notes == ()


def test_a_rule_rebuilds_run_dates_up_to_its_distance(sql_only: World) -> None:
    sql_only.shop.edit("augury.yml", "event_time: ordered_at}", "event_time: ordered_at, late: {rebuild: 2d}}")
    sql_only.do("2026-01-05", "2026-01-12")
    late(sql_only, "2026-01-07")
    plan = sql_only.plan("2026-01-05", "2026-01-12")
    assert list(reasons_of(plan, "prepare")) == ["2026-01-08", "2026-01-09"]
    assert "2026-01-07" in plan.notes[0]


def test_a_day_that_arrives_for_the_first_time_is_late_only_for_dates_after_it(sql_only: World) -> None:
    sql_only.do("2026-01-05", "2026-01-08")
    late(sql_only, "2026-01-07")
    assert sql_only.plan("2026-01-05", "2026-01-08", refresh_late=True).is_empty
