"""What a dead process leaves is found, recorded and gone on with (M5, R2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashing import DIED, Children
from tests.projects import SPENT, Shop, day, outcomes

DATES = ("2026-01-02", "2026-01-05")
"""Three dates; each is one task, so `finish_task#2` is before the ledger hears of the second."""
DIES_ONCE = """\
import os
from pathlib import Path

def post_process(context, prepare):
    marker = Path(context.vars["marker"])
    if str(context.run_date) == "2026-01-03" and not marker.exists():
        marker.touch()
        os._exit(77)
    return prepare
"""
LOOKS = """\
import subprocess, sys
from pathlib import Path

LOOK = '''
import sys
from augury.project import Project
with Project.open(sys.argv[1], environment={}) as project:
    print([str(run.status) for run in project.runs()])
'''

def post_process(context, prepare):
    root = Path(context.vars["root"])
    said = subprocess.run([sys.executable, "-c", LOOK, str(root)], capture_output=True, text=True)
    (root / "said.txt").write_text(said.stdout + said.stderr)
    return prepare
"""


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    rows = (("ann", "2026-01-01", 10), ("bob", "2026-01-02", 20), ("cid", "2026-01-03", 30))
    return Shop.at(tmp_path / "shop").orders(*rows).pipeline(prepare=SPENT)


def crash(children: Children, shop: Shop, where: str) -> None:
    assert children.run(shop.root, *DATES, where) == (DIED, 0)


def test_what_was_published_when_the_process_died_is_recorded_and_not_built_again(
    children: Children, shop: Shop
) -> None:
    """Its pointer was swapped, so readers see it: the ledger is rolled forward."""
    crash(children, shop, "finish_task#2")
    visible, files = shop.published("ltv", "2026-01-03", everything=True), shop.files()
    assert [row["customer_id"] for row in visible] == ["ann", "bob"]
    assert shop.statuses() == {"2026-01-02": "succeeded", "2026-01-03": "succeeded"}
    assert shop.run("ltv", "2026-01-03").run_id is None
    assert shop.files() == files
    assert shop.partitions()["ltv_v1_predictions", day("2026-01-03")].rows == 2


def test_a_date_that_had_begun_and_not_ended_is_crashed_and_runs_again(children: Children, shop: Shop) -> None:
    shop.write("pipelines/ltv/hooks.py", DIES_ONCE)
    shop.edit("pipelines/ltv/pipeline.yml", "entity:", f"vars: {{marker: {shop.root / 'died'}}}\nentity:")
    crash(children, shop, "0")
    assert shop.statuses() == {"2026-01-02": "succeeded", "2026-01-03": "crashed"}
    assert [str(run.status) for run in shop.runs()] == ["crashed"]
    assert shop.published("ltv", "2026-01-03") == []
    result = shop.run("ltv", *DATES)
    assert outcomes(result) == {"2026-01-03": "succeeded", "2026-01-04": "succeeded"}


def test_what_an_earlier_run_published_is_not_taken_for_the_work_of_the_dead_one(
    children: Children, shop: Shop
) -> None:
    """All three dates are there from before; the SQL changes, and the run that rebuilds them dies in the second."""
    marker = shop.root / "died"
    shop.write("pipelines/ltv/hooks.py", DIES_ONCE)
    shop.edit("pipelines/ltv/pipeline.yml", "entity:", f"vars: {{marker: {marker}}}\nentity:")
    marker.touch()
    shop.run("ltv", *DATES)
    before = shop.published("ltv", "2026-01-03", everything=True)
    marker.unlink()
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount)", "max(amount) * 2")
    crash(children, shop, "0")
    assert shop.statuses() == {"2026-01-02": "succeeded", "2026-01-03": "crashed", "2026-01-04": "succeeded"}
    assert shop.published("ltv", "2026-01-03", everything=True) == before
    result = shop.run("ltv", *DATES)
    assert (result.resumed is not None, list(outcomes(result))) == (True, ["2026-01-03", "2026-01-04"])
    assert [row["spent"] for row in shop.published("ltv", "2026-01-03")] == [20, 40]


def test_a_crashed_run_reads_as_crashed_whoever_asks(children: Children, shop: Shop) -> None:
    crash(children, shop, "begin_task#2")
    (run,) = shop.runs()
    assert (str(run.status), run.detail) == ("crashed", "its process died")
    assert shop.statuses() == {"2026-01-02": "succeeded"}


def test_the_same_request_goes_on_with_the_stored_plan_under_the_same_name(children: Children, shop: Shop) -> None:
    crash(children, shop, "begin_task#2")
    (crashed,) = shop.runs()
    result = shop.run("ltv", *DATES)
    assert (result.run_id, result.resumed) == (crashed.run_id, crashed.run_id)
    assert outcomes(result) == {"2026-01-03": "succeeded", "2026-01-04": "succeeded"}
    assert [(run.run_id, str(run.status)) for run in shop.runs()] == [(crashed.run_id, "succeeded")]


def test_another_request_or_another_definition_is_a_run_of_its_own(children: Children, shop: Shop) -> None:
    crash(children, shop, "begin_task#2")
    (crashed,) = shop.runs()
    other = shop.run("ltv", "2026-01-03")
    assert (other.resumed, outcomes(other)) == (None, {"2026-01-03": "succeeded"})
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount)", "max(amount)")
    changed = shop.run("ltv", *DATES)
    assert (changed.resumed, len(changed.outcomes)) == (None, 3)
    assert {run.run_id: str(run.status) for run in shop.runs()}[crashed.run_id] == "crashed"


def test_a_stored_plan_of_another_version_of_augury_is_planned_anew(children: Children, shop: Shop) -> None:
    crash(children, shop, "begin_task#2")
    with shop.open() as project:
        ledger = project._writing.ledger
        (run,) = ledger.runs()
        stored = ledger.stored_plan(run.run_id)
        assert json.loads(stored)["tasks"]
        from augury.ledger import tables

        with ledger._database.write() as connection:
            connection.execute(tables.plans.update().values(plan=stored.replace('"level"', '"storey"')))
    result = shop.run("ltv", *DATES)
    assert (result.resumed, outcomes(result)) == (None, {"2026-01-03": "succeeded", "2026-01-04": "succeeded"})


def test_a_run_that_is_alive_is_left_alone(shop: Shop) -> None:
    """Another process asks for the status while a hook of ours is at work."""
    shop.write("pipelines/ltv/hooks.py", LOOKS)
    shop.edit("pipelines/ltv/pipeline.yml", "entity:", f"vars: {{root: {shop.root}}}\nentity:")
    assert outcomes(shop.run("ltv", "2026-01-03")) == {"2026-01-03": "succeeded"}
    assert (shop.root / "said.txt").read_text() == "['running']\n"
    assert [str(run.status) for run in shop.runs()] == ["succeeded"]
