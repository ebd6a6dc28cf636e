"""Is the project told of what was published when the process died before it could say so (J6)?"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from augury.run.locks import PartitionLocks
from tests.cli_runner import called, refused, typed, worked
from tests.crashing import DIED, Children
from tests.projects import REVENUE, SPENT, Shop, days, orders_of, outcomes

DATES = ("2026-01-02", "2026-01-05")
"""Three dates; the second is the one at which processes die."""
WRITES = """\
import os
from pathlib import Path
from augury.project import Project

def _write(name, context):
    with Project.open(os.path.dirname(__file__), environment={}) as project:
        seen = any(each.name == "ltv_predictions" for each in project._reading.warehouse.tables())
    marker = Path(context.vars["calls"]).with_name("dies")
    if marker.exists():
        marker.unlink()
        os._exit(77)
    with open(context.vars["calls"], "a") as file:
        file.write(f"{name} {context.run_date} {context.event.run_id == context.run_id} {seen}\\n")

def on_completed(context):
    _write("completed", context)

def on_held(context):
    _write("held", context)

def on_failed(context):
    _write("failed", context)

def on_trained(context):
    _write(f"trained {context.event.model_version}", context)
"""


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as made:
        yield made


@pytest.fixture
def telling(shop: Shop) -> Shop:
    """Its hooks write down of what they are told, and end their process where a file called `dies` lies beside."""
    return shop.pipeline(settings=f"vars: {{calls: {shop.root / 'calls.txt'}}}", prepare=SPENT, hooks=WRITES)


def told(shop: Shop) -> list[str]:
    """The calls that came to their end: what happened, to which date, and what they saw."""
    file = shop.root / "calls.txt"
    return file.read_text().splitlines() if file.exists() else []


def completed(*dates: str) -> list[str]:
    return [f"completed {day} True True" for day in dates]


def crash(children: Children, shop: Shop, where: str, dates: tuple[str, str] = DATES) -> None:
    assert children.run(shop.root, *dates, where) == (DIED, 0)


@pytest.mark.parametrize("where", ["finish_task#2", "date_was_told#2"])
def test_a_date_that_was_published_when_the_process_died_is_told_by_the_next_run_j6(
    children: Children, telling: Shop, where: str
) -> None:
    """Before the ledger heard of it, or after the call and before that was recorded: then it is made once more."""
    crash(children, telling, where)
    made = completed("2026-01-02") if where == "finish_task#2" else completed("2026-01-02", "2026-01-03")
    assert told(telling) == made
    telling.run("ltv", "2026-01-04")
    assert told(telling) == [*made, *completed("2026-01-03", "2026-01-04")]
    for _ in range(2):
        assert telling.run("ltv", *DATES).run_id is None
    assert len(told(telling)) == len(made) + 2


def test_a_run_that_has_nothing_else_to_do_tells_too_j6(children: Children, telling: Shop) -> None:
    """Also of the very first date, under the name that consumers read: the process died before it had one."""
    crash(children, telling, "finish_task#1", ("2026-01-03", "2026-01-04"))
    (telling.root / ".augury/dev/_views/ltv_predictions.json").unlink()
    assert told(telling) == []
    result = telling.run("ltv", "2026-01-03")
    assert (result.run_id, told(telling)) == (None, completed("2026-01-03"))


def test_the_run_that_goes_on_under_the_same_name_tells_first_j6(children: Children, telling: Shop) -> None:
    crash(children, telling, "finish_task#2")
    result = telling.run("ltv", *DATES)
    assert result.resumed is not None
    assert told(telling) == completed("2026-01-02", "2026-01-03", "2026-01-04")


def test_a_date_that_the_next_run_does_again_is_told_of_that_j6(children: Children, telling: Shop) -> None:
    crash(children, telling, "finish_task#2")
    telling.edit("pipelines/ltv/prepare.sql", "sum(amount)", "max(amount)")
    telling.run("ltv", "2026-01-03")
    assert told(telling) == completed("2026-01-02", "2026-01-03")


def test_a_process_that_dies_inside_the_hook_leaves_the_call_to_the_next_run_j6(telling: Shop) -> None:
    """Looking does not make it, the doctor names it, and a retry without a date to run makes it."""
    (telling.root / "dies").touch()
    assert typed("run", "ltv", "--date", "2026-01-03", folder=telling.root).code == 77
    assert "succeeded" in worked(called("show", "ltv", "--date", "2026-01-03", folder=telling.root)).out
    worked(called("status", folder=telling.root))
    worked(called("runs", folder=telling.root))
    found = called("doctor", folder=telling.root)
    assert found.code == 1
    assert "ltv v1: on_completed was not called for 2026-01-03" in found.out
    assert "augury retry ltv" in found.out
    assert told(telling) == []
    assert "note: ltv / 2026-01-03 / on_completed: called for run" in worked(called("retry", folder=telling.root)).err
    assert told(telling) == completed("2026-01-03")
    assert "Nothing to retry" in worked(called("retry", folder=telling.root)).out
    assert "was not called" not in called("doctor", folder=telling.root).out


def test_what_an_owed_hook_prints_is_not_data_and_is_in_the_log_of_the_run_that_died_j6(telling: Shop) -> None:
    telling.edit("pipelines/ltv/hooks.py", "    marker =", "    print('telling')\n    marker =")
    (telling.root / "dies").touch()
    typed("run", "ltv", "--date", "2026-01-03", folder=telling.root)
    answer = worked(called("run", "ltv", "--date", "2026-01-03", "--output", "json", folder=telling.root))
    assert answer.document["run"]["up_to_date"] == ["2026-01-03"]
    (run,) = worked(called("runs", "--output", "ndjson", folder=telling.root)).out.splitlines()
    said = worked(called("logs", "--run", json.loads(run)["run_id"], folder=telling.root)).out
    assert said.count("telling") == 2
    assert "called for run" in said


def test_an_owed_hook_that_fails_was_called_and_is_named_j6(telling: Shop) -> None:
    (telling.root / "dies").touch()
    typed("run", "ltv", "--date", "2026-01-03", folder=telling.root)
    telling.edit("pipelines/ltv/hooks.py", "def on_completed(context):\n", "def on_completed(context):\n    1 / 0\n")
    refused(
        called("run", "ltv", "--date", "2026-01-03", folder=telling.root),
        1,
        "ltv / 2026-01-03 / on_completed: hook on_completed raised ZeroDivisionError",
    )
    worked(called("run", "ltv", "--date", "2026-01-03", folder=telling.root))


@pytest.mark.parametrize(
    ("name", "step", "sql"),
    [
        ("held", "validation", "select false as never from {{ staging() }} limit 1"),
        ("failed", "post_process", "select totl from {{ ref('prepare') }}"),
    ],
)
def test_what_did_not_end_well_is_told_as_well_j6(telling: Shop, name: str, step: str, sql: str) -> None:
    telling.write(f"pipelines/ltv/{step}.sql", sql)
    (telling.root / "dies").touch()
    assert typed("run", "ltv", "--date", "2026-01-03", folder=telling.root).code == 77
    telling.run("ltv", "2026-01-03", step="prepare")
    assert told(telling) == [f"{name} 2026-01-03 True False"]


LEARNS = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {schedule: "0 3 * * 1", every: 1d, window: 3d, folds: 1}
"""


def test_a_model_that_was_trained_when_the_process_died_is_told_j6(children: Children, telling: Shop) -> None:
    telling.orders(*orders_of(["ann", "bob"], days("2026-01-01", "2026-01-20")))
    calls = f"vars: {{calls: {telling.root / 'calls.txt'}}}\n"
    telling.pipeline(settings=calls + LEARNS, prepare=SPENT, label=REVENUE)
    crash(children, telling, "model_was_told#1", ("2026-01-12", "2026-01-13"))
    assert told(telling) == ["trained 1 2026-01-12 True False"]
    telling.run("ltv", "2026-01-12")
    assert told(telling)[1:] == ["trained 1 2026-01-12 True False", "completed 2026-01-12 True True"]


def test_a_date_that_somebody_else_is_at_is_left_to_them_j6(children: Children, telling: Shop) -> None:
    """Whoever has the date makes its calls; of two processes one does."""
    crash(children, telling, "date_was_told#2")
    with PartitionLocks(telling.root / ".augury/dev/_locks").acquire("ltv-v1-2026-01-03", "R9"):
        telling.run("ltv", "2026-01-04")
    assert told(telling) == completed("2026-01-02", "2026-01-03", "2026-01-04")
    telling.run("ltv", "2026-01-04")
    assert told(telling)[3:] == completed("2026-01-03")


def test_a_run_of_the_service_tells_too_j6(children: Children, telling: Shop) -> None:
    """It closes the run that died, as every run does."""
    telling.edit("pipelines/ltv/pipeline.yml", "entity:", "schedule: {paused: true}\nentity:")
    crash(children, telling, "date_was_told#2")
    telling.submit("ltv", "2026-01-05")
    telling.serve()
    assert sorted(told(telling)) == sorted(completed("2026-01-02", "2026-01-03", "2026-01-03", "2026-01-05"))


def test_a_process_that_dies_while_it_only_archives_changes_nothing_of_the_date(children: Children, shop: Shop) -> None:
    """It is as it was published, and the next run archives it."""
    shop.edit("pipelines/ltv/pipeline.yml", "entity:", "archive: false\nentity:")
    shop.run("ltv", "2026-01-03")
    shop.edit("pipelines/ltv/pipeline.yml", "archive: false", "archive: true")
    crash(children, shop, "finish_task#1", ("2026-01-03", "2026-01-04"))
    assert shop.statuses() == {"2026-01-03": "succeeded"}
    shop.run("ltv", "2026-01-03")
    assert len(shop.table("ltv_archive")) == 2


def test_without_a_hook_nobody_is_owed_anything_even_if_it_comes_later(shop: Shop) -> None:
    """A new hook hears of what is published from then on."""
    shop.run("ltv", *DATES)
    shop.pipeline(settings=f"vars: {{calls: {shop.root / 'calls.txt'}}}", prepare=SPENT, hooks=WRITES)
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-06")) == {"2026-01-05": "succeeded"}
    assert told(shop) == completed("2026-01-05")
