"""What do SQL and hooks see and leave, and what is never moved (E1, E2, E7, T17)?"""

from __future__ import annotations

from typing import Any

from augury.project import Project
from tests.functional.steps.queries import BOUGHT, BOUGHT_EVER, NEW, WINDOW
from tests.projects import SPENT, Shop, outcomes, reasons_of

# -- SQL and Python ------------------------------------------------------------------------------------------


class Counted:
    """A warehouse that counts the reads that take rows out of it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, sql: str, *rest: Any) -> Any:
        self.reads.append(sql)
        return self._inner.read(sql, *rest)

    def rows(self, sql: str, *rest: Any) -> Any:
        self.reads.append(sql)
        return self._inner.rows(sql, *rest)


def counting(shop: Shop) -> list[Counted]:
    """Every warehouse that this shop opens from now on."""
    opened: list[Counted] = []

    def wrap(project: Project) -> None:
        writing = project._writing
        counted = Counted(writing.warehouse)
        opened.append(counted)
        object.__setattr__(writing, "warehouse", counted)

    shop.wrap = wrap
    return opened


def test_sql_alone_moves_no_row_out_of_the_warehouse_e2(shop: Shop) -> None:
    shop.pipeline(
        extract=WINDOW,
        prepare=BOUGHT,
        filter=NEW.replace("__", "2"),
        post_process="select customer_id from {{ ref('filter') }}",
    )
    opened = counting(shop)
    shop.run("ltv", "2026-01-02", "2026-01-05")
    assert [each.reads for each in opened] == [[]]


def test_a_validation_takes_out_its_verdict_and_nothing_else_e2(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT, validation="select count(*) > 0 as some from {{ staging() }}")
    opened = counting(shop)
    assert outcomes(shop.run("ltv", "2026-01-05")) == {"2026-01-05": "succeeded"}
    (read,) = opened[0].reads
    assert "count(*) > 0" in read


REPLACES = """\
import pyarrow as pa
from augury.hooks import Context, source

def prepare(context: Context, orders: pa.Table = source("orders")) -> pa.Table:
    spent = orders.group_by("customer_id").aggregate([("amount", "sum")])
    calls = context.vars["calls"]
    with open(calls, "a") as file:
        file.write(f"{context.run_date} {context.cutoff} {context.pipeline} {context.version} {context.target}\\n")
    return spent.rename_columns(["customer_id", "spent"])
"""
FOLLOWS = """\
import pyarrow.compute as pc

def prepare(rows):
    return rows.append_column("doubled", pc.multiply(rows["spent"], 2))
"""


def test_a_hook_replaces_a_step_and_is_called_once_per_date_with_its_facts_e1(shop: Shop) -> None:
    calls = shop.root / "calls.txt"
    shop.pipeline(settings=f"vars: {{calls: {calls}}}", hooks=REPLACES)
    shop.run("ltv", "2026-01-03", "2026-01-05")
    assert calls.read_text().splitlines() == [
        "2026-01-03 2026-01-03 00:00:00+00:00 ltv v1 dev",
        "2026-01-04 2026-01-04 00:00:00+00:00 ltv v1 dev",
    ]
    assert shop.published("ltv", "2026-01-03") == [
        {"customer_id": "ann", "spent": 10},
        {"customer_id": "bob", "spent": 20},
    ]


def test_a_hook_follows_the_sql_of_its_step_e1(shop: Shop) -> None:
    shop.pipeline(prepare=BOUGHT_EVER, hooks=FOLLOWS)
    shop.run("ltv", "2026-01-03")
    assert shop.published("ltv", "2026-01-03") == [
        {"customer_id": "ann", "spent": 10, "doubled": 20},
        {"customer_id": "bob", "spent": 20, "doubled": 40},
    ]


def test_a_hook_that_raises_fails_its_step_by_name_and_line_e1(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT, hooks="def prepare(rows):\n    raise KeyError('spnt')\n")
    (outcome,) = shop.run("ltv", "2026-01-03").outcomes
    assert outcome.error is not None
    assert (outcome.error.where.file, outcome.error.where.line) == ("pipelines/ltv/hooks.py", 2)
    assert str(outcome.error.where) == "ltv / 2026-01-03 / prepare"
    assert "prepare raised KeyError" in outcome.error.what


def test_only_a_change_of_what_python_sees_runs_a_hook_again_e1(shop: Shop) -> None:
    shop.pipeline(prepare=BOUGHT_EVER, hooks=FOLLOWS)
    shop.run("ltv", "2026-01-03")
    shop.edit("pipelines/ltv/hooks.py", "def prepare(rows):", "# twice as much\ndef prepare(rows):")
    assert shop.plan("ltv", "2026-01-03").is_empty
    shop.edit("pipelines/ltv/hooks.py", '"spent"], 2', '"spent"], 3')
    assert list(reasons_of(shop.plan("ltv", "2026-01-03"), "prepare")) == ["2026-01-03"]


def test_every_variable_is_there_and_an_undefined_one_is_an_error_e7(shop: Shop) -> None:
    said = ", ".join(
        f"'{{{{ {name} }}}}' as {name}" for name in ("target_dataset", "environment", "model_code", "version_code")
    )
    shop.write("augury.yml", (shop.root / "augury.yml").read_text() + 'vars: {factor: 3, name: "o\'neil"}\n')
    said += ", {{ var('factor') }} as factor, {{ var('name') }} as name"
    shop.pipeline(prepare="select customer_id, " + said + " from {{ source('orders') }} group by 1")
    shop.run("ltv", "2026-01-02")
    assert shop.published("ltv", "2026-01-02") == [
        {
            "customer_id": "ann",
            "target_dataset": "dev",
            "environment": "dev",
            "model_code": "ltv",
            "version_code": "v1",
            "factor": 3,
            "name": "o'neil",
        }
    ]


def test_variables_reach_hooks_t17(shop: Shop) -> None:
    shop.pipeline(
        settings="vars: {factor: 5}",
        prepare=SPENT,
        hooks="import pyarrow as pa\n"
        "from augury.hooks import var\n"
        "def prepare(context, rows, factor=var('factor')):\n"
        "    both = pa.array([factor * context.vars['factor']] * len(rows))\n"
        "    return rows.append_column('both', both)\n",
    )
    shop.run("ltv", "2026-01-02")
    assert [row["both"] for row in shop.published("ltv", "2026-01-02")] == [25]
