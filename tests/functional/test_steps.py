"""Steps from source to population: what each sees and leaves, and how a date ends that has nothing (A, D, E, F)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.project import Project
from tests.projects import REVENUE, SPENT, Shop, day, days, orders_of, outcomes, reasons_of

WINDOW = "select * from {{ window('orders') }}"
"""Raw rows of the day."""
BOUGHT = "select customer_id, sum(amount) as spent from {{ ref('extract') }} group by customer_id"
BOUGHT_EVER = "select customer_id, sum(amount)::double as spent from {{ source('orders') }} group by 1"
NEW = """\
select customer_id from {{ ref('prepare') }}
where customer_id not in (select customer_id from {{ history('prepare', days=__) }})
"""
FOUR_DAYS = (
    ("ann", "2026-01-01", 10),
    ("bob", "2026-01-02", 20),
    ("ann", "2026-01-03", 30),
    ("cid", "2026-01-04", 40),
)
MODEL = """\
horizon: 3d
model: {type: linear_reg, label: revenue, missing_label: zero, train: {every: 1d, window: 7d, folds: 1}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.at(tmp_path / "shop").orders(*FOUR_DAYS)


def who(rows: list[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]


# -- the window of a run date --------------------------------------------------------------------------------


def test_a_run_date_has_the_rows_of_its_own_window_and_running_it_again_replaces_them_a1(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    for _ in range(2):
        shop.run("ltv", "2026-01-02", "2026-01-05", reprocess="all")
    extracted = shop.query("select run_date, customer_id, amount from ltv_v1_extract order by all")
    assert [(str(row["run_date"]), row["customer_id"]) for row in extracted] == [
        ("2026-01-02", "ann"),
        ("2026-01-03", "bob"),
        ("2026-01-04", "ann"),
    ]


def test_windows_of_a_weekly_pipeline_join_without_gap_or_overlap_d5(shop: Shop) -> None:
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-02-01")))
    shop.pipeline(settings="schedule: {cron: '0 6 * * 1'}", extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-12", "2026-01-27")
    seen = shop.query("select run_date, min(ordered_at) a, max(ordered_at) b from ltv_v1_extract group by 1 order by 1")
    assert [(str(row["run_date"]), str(row["a"]), str(row["b"])) for row in seen] == [
        ("2026-01-12", "2026-01-05", "2026-01-11"),
        ("2026-01-19", "2026-01-12", "2026-01-18"),
        ("2026-01-26", "2026-01-19", "2026-01-25"),
    ]


def test_the_lag_is_declared_and_the_data_date_recorded_a2(shop: Shop) -> None:
    shop.pipeline(settings="schedule: {lag: 2d}", extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-05")
    assert [(str(row["ordered_at"]), row["customer_id"]) for row in shop.table("ltv_v1_extract", "2026-01-05")] == [
        ("2026-01-02", "bob")
    ]
    assert [str(record.data_date) for record in shop.dates().values()] == ["2026-01-02"]


@pytest.mark.parametrize("sharded", [True, False])
def test_dated_and_plain_files_differ_in_configuration_alone_a4(shop: Shop, sharded: bool) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    if sharded:
        for when in ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"):
            rows = [order for order in FOUR_DAYS if order[1] == when]
            shop.orders(*rows, path=f"data/orders_{when.replace('-', '')}.csv")
        shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    result = shop.run("ltv", "2026-01-02", "2026-01-05")
    assert set(outcomes(result).values()) == {"succeeded"}
    assert [who(shop.published("ltv", at)) for at in ("2026-01-02", "2026-01-03", "2026-01-04")] == [
        ["ann"], ["bob"], ["ann"]
    ]  # fmt: skip


PASTED = r'''/* From the old system; "do not touch" -- it said: it's fine
*/
SELECT
  customer_id,   -- who's the customer? {# a note to ourselves #}
  'it''s a \ backslash; -- no comment, @run_date no parameter' AS said,
  "amount" * 1.0 AS spent,
  @run_date AS as_of, DATE '2026-01-02' <= @run_date AS "Odd ""Name"""
FROM {{ source('orders') }}
WHERE ordered_at >= @run_date - 1   -- @run_date's day before yesterday;
;
'''


def test_pasted_sql_works_unchanged_a6(shop: Shop) -> None:
    shop.pipeline(prepare=PASTED)
    result = shop.run("ltv", "2026-01-03")
    assert outcomes(result) == {"2026-01-03": "succeeded"}
    (row,) = shop.published("ltv", "2026-01-03")
    assert row == {
        "customer_id": "bob",
        "said": "it's a \\ backslash; -- no comment, @run_date no parameter",
        "spent": 20.0,
        "as_of": day("2026-01-03"),
        'Odd "Name"': True,
    }


def test_a_source_is_named_in_one_place_a19(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT)
    shop.run("ltv", "2026-01-05")
    before = shop.published("ltv", "2026-01-05")
    (shop.root / "data/orders.csv").rename(shop.root / "data/purchases.csv")
    shop.edit("augury.yml", "data/orders.csv", "data/purchases.csv")
    shop.run("ltv", "2026-01-05", reprocess="all")
    assert shop.published("ltv", "2026-01-05") == before


# -- dates that have nothing ---------------------------------------------------------------------------------


def test_an_empty_source_ends_the_date_as_empty_and_not_as_failed_a7(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter="select customer_id from {{ ref('prepare') }}")
    result = shop.run("ltv", "2026-01-07")
    assert outcomes(result) == {"2026-01-07": "skipped: empty"}
    assert int(result.exit_code) == 0
    assert [step.step for step in shop.steps() if str(step.status) == "succeeded"] == []
    assert shop.published("ltv", "2026-01-07") == []
    assert shop.plan("ltv", "2026-01-07").is_empty


def test_an_absent_source_ends_the_date_as_missing_and_a_later_poll_takes_it_up_a3_a7(shop: Shop) -> None:
    (shop.root / "data/orders.csv").unlink()
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: missing"}
    assert shop.dates()[day("2026-01-02")].detail == "source orders is not there"
    assert shop.run("ltv", "2026-01-02").run_id is None
    shop.orders(*FOUR_DAYS)
    assert reasons_of(shop.plan("ltv", "2026-01-02"), "extract") == {"2026-01-02": "missing"}
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "succeeded"}
    assert shop.run("ltv", "2026-01-02").run_id is None
    assert who(shop.published("ltv", "2026-01-02")) == ["ann"]


def test_an_absent_shard_is_missing_and_an_empty_one_is_empty_a3_a4_a7(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    shop.orders(FOUR_DAYS[0], path="data/orders_20260101.csv").orders(path="data/orders_20260102.csv")
    result = shop.run("ltv", "2026-01-02", "2026-01-05")
    assert outcomes(result) == {
        "2026-01-02": "succeeded",
        "2026-01-03": "skipped: empty",
        "2026-01-04": "skipped: missing",
    }
    assert shop.dates()[day("2026-01-04")].detail == "source orders has no shard for 2026-01-03"
    assert shop.run("ltv", "2026-01-02", "2026-01-05").run_id is None
    shop.orders(FOUR_DAYS[2], path="data/orders_20260103.csv")
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-05")) == {"2026-01-04": "succeeded"}


def test_nobody_passes_the_filter_and_later_steps_do_not_happen_f4(shop: Shop) -> None:
    shop.pipeline(prepare=SPENT, filter="select customer_id from {{ ref('prepare') }} where spent > 1000")
    result = shop.run("ltv", "2026-01-05")
    assert outcomes(result) == {"2026-01-05": "skipped: no population"}
    done = {step.step: str(step.status) for step in shop.steps()}
    assert done == {
        "prepare": "succeeded",
        "filter": "skipped: no population",
        **dict.fromkeys(("post_process", "validate", "publish", "archive"), "skipped: no population"),
    }
    assert shop.run("ltv", "2026-01-05").run_id is None


@pytest.mark.parametrize("reason", ["no population", "empty", "missing"])
def test_a_skipped_date_removes_what_an_earlier_run_published_f4(shop: Shop, reason: str) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter="select customer_id from {{ ref('prepare') }} where spent > 0")
    shop.run("ltv", "2026-01-02", "2026-01-04")
    if reason == "no population":
        shop.edit("pipelines/ltv/filter.sql", "> 0", "> 1000")
    elif reason == "empty":
        shop.orders(FOUR_DAYS[3])
    else:
        (shop.root / "data/orders.csv").unlink()
    result = shop.run("ltv", "2026-01-02", reprocess="all")
    assert outcomes(result) == {"2026-01-02": f"skipped: {reason}"}
    for table in ("ltv_v1_predictions", "ltv_v1_predictions_staging", "ltv_archive", "ltv_predictions"):
        assert who(shop.table(table)) == ["bob"], table
    assert shop.table("ltv_v1_filter", "2026-01-02") == []
    assert not list(shop.root.glob(".augury/dev/_latest/*/run_date=2026-01-02"))
    assert shop.run("ltv", "2026-01-02").run_id is None


def test_history_counts_a_skipped_date_as_complete_and_keeps_its_schema_a7(shop: Shop) -> None:
    """The first run date is empty; the filter of the second looks back over it and finds its columns."""
    shop.orders(("ann", "2026-01-02", 10), ("bob", "2026-01-03", 20))
    new = (
        "select customer_id from {{ ref('prepare') }} anti join {{ history('prepare', days=2) }} h using (customer_id)"
    )
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=new)
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-05")) == {
        "2026-01-02": "skipped: empty",
        "2026-01-03": "succeeded",
        "2026-01-04": "succeeded",
    }
    (empty,) = [each for each in shop.tables() if each.name == "ltv_v1_prepare"]
    assert [column.name for column in empty.columns] == ["run_date", "customer_id", "spent"]
    assert (str(empty.first_day), empty.partitions, empty.rows) == ("2026-01-01", 4, 2)


def test_a_date_whose_history_is_missing_is_run_again_when_the_history_arrives(shop: Shop) -> None:
    """2 January's shard comes late: 3 January, which looked back over nothing, says why it is built again."""
    shop.edit("augury.yml", "data/orders.csv", "'data/orders_{date}.csv'")
    shop.orders(("ann", "2026-01-02", 30), path="data/orders_20260102.csv")
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "2"))
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-04")) == {
        "2026-01-02": "skipped: missing",
        "2026-01-03": "succeeded",
    }
    shop.orders(("ann", "2026-01-01", 10), path="data/orders_20260101.csv")
    assert reasons_of(shop.plan("ltv", "2026-01-03"), "filter") == {"2026-01-03": "upstream changed"}
    assert outcomes(shop.run("ltv", "2026-01-02", "2026-01-04")) == {
        "2026-01-02": "succeeded",
        "2026-01-03": "skipped: no population",
    }
    assert shop.published("ltv", "2026-01-03") == []


# -- keys ----------------------------------------------------------------------------------------------------


def test_one_row_per_entity_is_checked_and_duplicates_are_named_d3(shop: Shop) -> None:
    shop.pipeline(prepare="select customer_id, amount from {{ source('orders') }}")
    result = shop.run("ltv", "2026-01-05")
    (outcome,) = result.outcomes
    assert (str(outcome.status), int(result.exit_code)) == ("failed", 1)
    assert outcome.error is not None
    assert "ann" in str(outcome.error)
    assert shop.published("ltv", "2026-01-05") == []


def test_dropped_duplicates_are_counted_d4(shop: Shop) -> None:
    shop.pipeline(
        settings="steps: {prepare: {duplicates: drop}}",
        prepare="select customer_id, amount from {{ source('orders') }}",
    )
    assert outcomes(shop.run("ltv", "2026-01-05")) == {"2026-01-05": "succeeded"}
    assert who(shop.published("ltv", "2026-01-05")) == ["ann", "bob", "cid"]
    assert [step.detail for step in shop.steps() if step.step == "prepare"] == ["1 duplicates dropped"]


def test_another_key_than_the_entity_can_be_declared_d3(shop: Shop) -> None:
    shop.pipeline(
        settings="steps: {extract: {unique: [customer_id]}}",
        extract="select * from {{ source('orders') }}",
        prepare="select customer_id, sum(amount) as spent from {{ ref('extract') }} group by 1",
    )
    assert outcomes(shop.run("ltv", "2026-01-05")) == {"2026-01-05": "failed"}


# -- who gets a prediction -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_seen", "is_new"),
    [("2025-12-31", True), ("2026-01-01", False), ("2026-01-05", False), ("2026-01-09", False)],
)
def test_a_customer_seen_within_the_last_n_dates_is_not_new_f2(shop: Shop, last_seen: str, is_new: bool) -> None:
    """D is 10 January and N is 9 dates: 1 January is D-9, and being prepared there excludes; 31 December is D-10."""
    bought = str(day(last_seen) - timedelta(days=1))
    shop.orders(("ann", "2026-01-09", 10), ("bob", "2026-01-09", 10), ("ann", bought, 10))
    shop.pipeline(start="2025-12-25", extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "9"))
    shop.run("ltv", "2026-01-10")
    assert who(shop.published("ltv", "2026-01-10")) == (["ann", "bob"] if is_new else ["bob"])


@pytest.mark.parametrize(
    ("cohort", "passes"),
    [
        ("select * from {{ ref('prepare') }}", ["ann", "cid"]),  # everybody
        (NEW.replace("__", "365"), ["cid"]),  # the new ones
        (NEW.replace("__", "365").replace("not in", "in"), ["ann"]),  # those who came back
    ],
)
def test_three_cohorts_f3(shop: Shop, cohort: str, passes: list[str]) -> None:
    shop.orders(("ann", "2026-01-01", 10), ("ann", "2026-01-03", 10), ("cid", "2026-01-03", 10))
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=cohort)
    shop.run("ltv", "2026-01-04")
    assert who(shop.published("ltv", "2026-01-04")) == passes


def test_a_cohort_looks_back_over_all_prepared_dates_of_its_window_f1(shop: Shop) -> None:
    shop.orders(*orders_of(["ann"], days("2026-01-01", "2026-01-10"), amount=1))
    often = (
        "select customer_id from {{ history('prepare', days=5) }} group by 1 "
        "having count(*) = 5 and max(run_date) = {{ run_date }} - 1"
    )
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=often)
    result = shop.run("ltv", "2026-01-02", "2026-01-09", max_parallel=2)
    assert outcomes(result) == {
        **{f"2026-01-0{at}": "skipped: no population" for at in (2, 3, 4, 5, 6)},
        "2026-01-07": "succeeded",
        "2026-01-08": "succeeded",
    }


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


# -- features and the model ----------------------------------------------------------------------------------


def modelled(shop: Shop) -> Shop:
    shop.orders(*orders_of(["ann", "bob", "cid"], days("2026-01-01", "2026-02-01")))
    shop.pipeline(settings=MODEL, prepare=SPENT, label=REVENUE)
    shop.train("ltv", "2026-01-15")
    return shop


def test_training_and_scoring_read_one_table_of_features_e3(shop: Shop) -> None:
    """The features of a training date are the very partition that the same date is scored from."""
    modelled(shop)
    trained = shop.partitions()["ltv_v1_prepare", day("2026-01-10")]
    shop.now = shop.now.replace(year=2026, month=1, day=20)
    shop.run("ltv", "2026-01-15")
    scored = shop.query("select * exclude predicted_revenue from ltv_v1_predict order by all")
    features = shop.query("select * from ltv_v1_prepare where run_date = '2026-01-15' order by all")
    assert scored == features
    assert shop.partitions()["ltv_v1_prepare", day("2026-01-10")] == trained


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("count(*) as orders", "count(*) as purchases", "orders"),
        ("count(*) as orders", "count(*)::varchar as orders", "orders"),
    ],
    ids=["missing", "another type"],
)
def test_features_are_compared_with_what_the_model_learned_before_anything_is_scored_e5(
    shop: Shop, old: str, new: str, named: str
) -> None:
    """Promoted by hand, so that the model of the old features is the one that must score the new ones."""
    modelled(shop)
    with shop.open() as project:
        project.promote("ltv", 1, from_date=day("2026-01-20"))
    shop.edit("pipelines/ltv/prepare.sql", old, new)
    (outcome,) = shop.run("ltv", "2026-01-20").outcomes
    assert str(outcome.status) == "failed"
    assert outcome.error is not None
    assert (outcome.error.where.step, named in str(outcome.error)) == ("predict", True)
    assert shop.published("ltv", "2026-01-20") == []


def test_steps_run_one_by_one_and_go_on_where_they_were_left_e12(shop: Shop) -> None:
    shop.pipeline(extract=WINDOW, prepare=BOUGHT)
    shop.run("ltv", "2026-01-02", step="extract")
    assert {step.step for step in shop.steps()} == {"extract"}
    assert shop.published("ltv", "2026-01-02") == []
    result = shop.run("ltv", "2026-01-02")
    assert [step.step for step in shop.steps(result.run_id)] == [
        "prepare", "post_process", "validate", "publish", "archive"
    ]  # fmt: skip


def test_a_date_that_was_only_history_so_far_gets_an_outcome_of_its_own_a7(shop: Shop) -> None:
    """2 January was built, and found empty, as the past of the 3rd: asked for itself it ends as empty, once."""
    shop.orders(("bob", "2026-01-02", 20))
    shop.pipeline(extract=WINDOW, prepare=BOUGHT, filter=NEW.replace("__", "1"))
    shop.run("ltv", "2026-01-03")
    assert shop.statuses() == {"2026-01-03": "succeeded"}
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: empty"}
    assert shop.run("ltv", "2026-01-02").run_id is None
