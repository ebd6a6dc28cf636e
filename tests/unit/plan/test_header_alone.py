"""What is planned where a source has a header and no rows, so that nobody knows the types of its columns?"""

from __future__ import annotations

from augury.plan.facts import SourceFact
from augury.plan.steps import Plan
from tests.projects import reasons_of
from tests.unit.plan.world import World

WHY = "source orders has a header and no rows; its columns are not declared"
HEADER = {"orders": SourceFact(True, "s0", typed=False)}


def test_a_date_is_skipped_as_empty_and_planned_when_rows_arrive_a7(sql_only: World) -> None:
    sql_only.know(sources=HEADER)
    plan = sql_only.plan("2026-01-05")
    assert [(task.key, task.skip, task.empty, task.steps) for task in plan.tasks] == [("2026-01-05", WHY, True, ())]
    assert Plan.from_json(plan.to_json()) == plan
    sql_only.know(sources={"orders": SourceFact(True, "s1")})
    assert reasons_of(sql_only.plan("2026-01-05"), "prepare") == {"2026-01-05": "missing"}


def test_what_was_published_stays_when_all_rows_go_away_a7(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    sql_only.know(sources=HEADER)
    assert sql_only.plan("2026-01-05").is_empty
    assert [task.skip for task in sql_only.plan("2026-01-05", reprocess="all").tasks] == [WHY]
