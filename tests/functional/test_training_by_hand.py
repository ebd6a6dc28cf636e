"""What does a model learn from where the project assembles the rows itself, in SQL or in Python? (G2, E3)"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, rows, worked
from tests.projects import Shop
from tests.tiny import SPEND

RUN = ("run", "spend", "--date", "2024-01-29")
IN_SQL = """\
select run_date, customer_id, p.visits, p.spent, coalesce(l.spent_next, 0) as spent_next
from {{ history('prepare', days=14) }} p
left join {{ history('label', days=14) }} l using (run_date, customer_id)
where run_date <= (select max(run_date) from {{ history('label', days=14) }})
"""
IN_PYTHON = """\
import pyarrow as pa
import pyarrow.compute as pc
from augury.hooks import history

def training(context, past=history("prepare", days=14), known=history("label", days=14)):
    keys = ["run_date", "customer_id"]
    joined = past.select([*keys, "visits", "spent"]).join(known.select([*keys, "spent_next"]), keys=keys)
    joined = joined.filter(pc.less_equal(joined["run_date"], pc.max(known["run_date"])))
    filled = pc.fill_null(joined["spent_next"], 0.0)
    return joined.set_column(joined.schema.get_field_index("spent_next"), "spent_next", filled)
"""
LEARNED = "select training_date, * exclude (run_date, training_date) from spend_v1_training order by all"


def hook(shop: Shop, text: str) -> Shop:
    return shop.write(f"{SPEND}/hooks.py", text)


def by_sql(shop: Shop, text: str = IN_SQL) -> Shop:
    return shop.write(f"{SPEND}/training.sql", text)


def model(shop: Shop) -> tuple[object, ...]:
    """What a model is, apart from when and where it was trained."""
    made = shop.models("spend")[-1]
    return made.rows, made.snapshot, made.metrics, made.features, made.passed


def test_a_training_set_in_python_gives_the_model_of_the_same_one_in_sql(spend: Shop, tmp_path: Path) -> None:
    """And its rows are kept under the tick, each with the date whose features it holds."""
    worked(called(*RUN, folder=by_sql(spend).root))
    other = Shop.at(tmp_path / "python", spend.text("augury.yml")).write(
        "data/orders.csv", spend.text("data/orders.csv")
    )
    for name in ("pipeline.yml", "prepare.sql", "label.sql"):
        other.write(f"{SPEND}/{name}", spend.text(f"{SPEND}/{name}"))
    worked(called(*RUN, folder=hook(other, IN_PYTHON).root))
    assert model(other) == model(spend)
    learned = rows(LEARNED, other.root)
    assert learned == rows(LEARNED, spend.root)
    assert (learned[0]["training_date"], len(learned)) == ("2024-01-15", model(other)[0])
    assert rows("select distinct run_date as d from spend_v1_training", other.root) == [{"d": "2024-01-29"}]


def test_beside_the_sql_file_the_hook_gets_its_rows(spend: Shop) -> None:
    by_sql(spend)
    hook(spend, "def training(context, rows):\n    return rows.slice(0, 24)\n")
    worked(called(*RUN, folder=spend.root))
    assert spend.models("spend")[-1].rows == 24


def test_the_plan_knows_what_the_hook_reads(spend: Shop) -> None:
    """The dates that it looks back at are built before it, each once."""
    hook(spend, IN_PYTHON)
    plan = spend.plan("spend", "2024-01-29")
    training = next(task for task in plan.tasks if task.kind == "train")
    assert [str(day) for day in (training.dates[0], training.dates[-1])] == ["2024-01-15", "2024-01-28"]
    assert len([step for step in plan.steps() if step.step == "prepare"]) == 15


def test_a_change_of_the_hook_trains_again_and_one_beside_it_does_not(spend: Shop) -> None:
    hook(spend, IN_PYTHON)
    worked(called(*RUN, folder=spend.root))
    spend.edit(f"{SPEND}/hooks.py", "def training", "# all of them\ndef training")
    assert spend.plan("spend", "2024-01-29").is_empty
    spend.edit(f"{SPEND}/hooks.py", "0.0)", "1.0)")
    plan = spend.plan("spend", "2024-01-29")
    assert [task.key for task in plan.tasks if task.kind == "train"] == ["train 2024-01-29"]
    worked(called(*RUN, folder=spend.root))
    assert [made.number for made in spend.models("spend")] == [1, 2]


def test_rows_without_a_date_belong_to_the_tick(spend: Shop) -> None:
    hook(spend, "def training(context, prepare):\n    return prepare.append_column('spent_next', prepare['spent'])\n")
    spend.edit(f"{SPEND}/hooks.py", "return prepare", "return prepare.drop_columns(['run_date'])")
    worked(called(*RUN, folder=spend.root))
    assert rows("select distinct training_date as d from spend_v1_training", spend.root) == [{"d": "2024-01-29"}]


def test_where_features_read_reference_data_the_hook_gets_those_that_training_keeps_b6(spend: Shop) -> None:
    """They are tables of their own: what is scored keeps to the prices of its model."""
    spend.write("reference/prices.csv", "price\n1.5\n")
    spend.edit(f"{SPEND}/prepare.sql", "sum(amount)", "sum(amount) * (select price from {{ reference('prices') }})")
    worked(called(*RUN, folder=hook(spend, IN_PYTHON).root))
    learned = "select distinct training_date as d, customer_id, spent from spend_v1_training"
    kept = "select distinct run_date as d, customer_id, spent from spend_v1_train_prepare"
    assert rows(f"{learned} except {kept}", spend.root) == []
    assert len(rows(learned, spend.root)) == spend.models("spend")[-1].rows


def test_the_budget_of_rows_counts_for_the_hook_too(spend: Shop) -> None:
    spend.edit(f"{SPEND}/pipeline.yml", "seed: 7", "seed: 7, max_rows: 50")
    hook(spend, IN_PYTHON)
    worked(called(*RUN, folder=spend.root))
    assert (len(rows(LEARNED, spend.root)), spend.models("spend")[-1].rows) == (50, 50)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("None", ["hook training returned NoneType, not Arrow", f"{SPEND}/hooks.py:5"]),
        ("past.drop_columns(['customer_id'])", ["the training rows have no column customer_id"]),
        ("past", ["the training rows have no column spent_next", "visits"]),
        (
            "past.append_column('training_date', past['run_date'])",
            ["training returns a column training_date", "run_date"],
        ),
        ("past.set_column(0, 'run_date', pa.array(['soon'] * len(past)))", ["soon", f"{SPEND}/hooks.py:5"]),
        (
            "past.append_column('spent_next', past['spent']).set_column(0, 'run_date', "
            "pa.array([None] * len(past), pa.date32()))",
            ["168 of 168 training rows have no run_date"],
        ),
        ("1 / 0", ["hook training raised ZeroDivisionError", f"{SPEND}/hooks.py:6"]),
        ("Operation('job')", ["hook training returned Operation, not Arrow"]),
    ],
)
def test_what_the_hook_returns_is_looked_at_before_anything_learns(
    spend: Shop, returned: str, words: list[str]
) -> None:
    hook(
        spend,
        "import pyarrow as pa\nfrom augury.hooks import Operation, history\n\n\n"
        f"def training(context, past=history('prepare', days=14)):\n    return {returned}\n",
    )
    refused(
        called("train", "spend", "--date", "2024-01-29", folder=spend.root), 1, "spend / 2024-01-29 / train", *words
    )
    assert spend.models("spend") == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "select *, spent as spent_next, totl from {{ history('prepare', days=14) }}",
            [f"{SPEND}/training.sql:1", "totl"],
        ),
        ("select *, run_date as training_date from {{ history('prepare', days=14) }}", ["column training_date"]),
        (
            "select * replace ('soon' as run_date), spent as spent_next from {{ history('prepare', days=14) }}",
            ["soon", "training.sql"],
        ),
        (
            "select * replace (null as run_date), spent as spent_next from {{ history('prepare', days=14) }}",
            ["168 of 168"],
        ),
    ],
)
def test_training_sql_is_looked_at_in_the_same_way(spend: Shop, sql: str, words: list[str]) -> None:
    by_sql(spend, sql + "\n")
    refused(
        called("train", "spend", "--date", "2024-01-29", folder=spend.root), 1, "spend / 2024-01-29 / train", *words
    )
    assert spend.models("spend") == []


def test_neither_is_needed_beside_a_label_and_either_stands_for_one(spend: Shop) -> None:
    hook(spend, "def training(context, prepare):\n    return prepare.append_column('spent_next', prepare['spent'])\n")
    (spend.root / f"{SPEND}/label.sql").unlink()
    worked(called(*RUN, folder=spend.root))
    assert spend.models("spend")[-1].rows == 12
