"""Who is told of a date that ended, when, and what if they fail (J6)?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import SPENT, Shop, outcomes

LOOKS = """\
import json, os
from datetime import UTC, datetime
from augury.dates import DateRange
from augury.project import Project

def on_completed(context):
    with Project.open(os.path.dirname(__file__), environment={}) as project:
        where = f"where run_date = '{context.run_date}'"
        with project.query(f"select count(*) as n from ltv_predictions {where}") as reader:
            rows = reader.read_all().to_pylist()[0]["n"]
    with open(context.vars["calls"], "a") as file:
        file.write(f"{context.run_date} {rows} {context.event.status} {context.event.rows}\\n")
"""


def looking(shop: Shop, hooks: str = LOOKS, **steps: str) -> Path:
    """The project with hooks; the file into which they write."""
    calls = shop.root / "calls.txt"
    shop.pipeline(settings=f"vars: {{calls: {calls}}}", prepare=SPENT, hooks=hooks, **steps)
    return calls


def test_on_completed_is_called_once_per_date_after_the_table_is_visible_j6(shop: Shop) -> None:
    """Also on the very first run, and also through the name that consumers read."""
    calls = looking(shop)
    result = shop.run("ltv", "2026-01-03", "2026-01-05")
    assert not result.failures
    assert calls.read_text().splitlines() == ["2026-01-03 2 succeeded 2", "2026-01-04 3 succeeded 3"]
    shop.run("ltv", "2026-01-03", "2026-01-05")
    assert len(calls.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("hook", "step", "sql", "status"),
    [
        ("on_held", "validation", "select false as never from {{ staging() }} limit 1", "held"),
        ("on_failed", "post_process", "select totl from {{ ref('prepare') }}", "failed"),
    ],
)
def test_each_outcome_has_its_hook_j6(shop: Shop, hook: str, step: str, sql: str, status: str) -> None:
    said = "from pathlib import Path\n" + "".join(
        f"def {name}(context):\n    Path(context.vars['calls']).write_text(f'{name} {{context.event.status}}')\n"
        for name in ("on_completed", "on_held", "on_failed")
    )
    calls = looking(shop, said, **{step: sql})
    shop.run("ltv", "2026-01-04")
    assert calls.read_text() == f"{hook} {status}"


def test_a_date_that_is_archived_later_is_not_told_again_j6(shop: Shop) -> None:
    calls = looking(shop)
    shop.edit("pipelines/ltv/pipeline.yml", "entity:", "archive: false\nentity:")
    shop.run("ltv", "2026-01-04")
    shop.edit("pipelines/ltv/pipeline.yml", "archive: false", "archive: true")
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}
    assert len(shop.table("ltv_archive")) == 3
    assert calls.read_text().splitlines() == ["2026-01-04 3 succeeded 3"]


def test_a_hook_that_fails_takes_nothing_back_and_is_named_j6(shop: Shop) -> None:
    looking(shop, "def on_completed(context):\n    raise OSError('no route to host')\n")
    result = shop.run("ltv", "2026-01-04")
    assert outcomes(result) == {"2026-01-04": "succeeded"}
    assert [error.what for error in result.failures] == ["hook on_completed raised OSError"]
    assert len(shop.published("ltv", "2026-01-04")) == 3


def test_a_listener_that_fails_breaks_nothing(shop: Shop) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("a terminal went away")

    shop.listeners.append(broken)
    assert outcomes(shop.run("ltv", "2026-01-04")) == {"2026-01-04": "succeeded"}
