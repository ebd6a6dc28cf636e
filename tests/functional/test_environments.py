"""Where do tables lie, and where do values come from (A5, B1, B2, S-1, T16, T17)?"""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli_runner import called, rows, worked
from tests.projects import Shop
from tests.tiny import RUN, SPEND, VISITS

# -- A5, B1, B2: four places, the same tables ----------------------------------------------------------------------


def test_a5_sources_steps_published_tables_and_models_lie_in_four_places(spend: Shop, tmp_path: Path) -> None:
    (spend.root / "data/orders.csv").rename(tmp_path / "orders.csv")
    spend.edit("augury.yml", "path: data/orders.csv", f"path: {tmp_path}/orders.csv")
    spend.edit(
        "augury.yml",
        "dev: {path: .augury}",
        f"dev: {{path: {tmp_path}/steps, output: {tmp_path}/published, models: {tmp_path}/models}}",
    )
    worked(called("run", "spend", "--date", "2024-01-29", folder=spend.root))

    def tables(folder: str) -> set[str]:
        return {path.name for path in (tmp_path / folder).glob("dev/*") if path.is_dir() and path.name[0] != "_"}

    assert tables("published") == {"spend_v1_predictions", "spend_archive"}
    assert tables("steps") >= {"spend_v1_prepare", "spend_v1_label", "spend_v1_predict", "spend_v1_predictions_staging"}
    assert not tables("steps") & tables("published")
    assert list((tmp_path / "models/spend_v1").rglob("card.json"))
    assert not (spend.root / ".augury").exists()
    assert rows("select count(*) as n from spend_predictions", spend.root) == [{"n": 12}]
    worked(called("run", "spend", "--date", "2024-01-30", folder=spend.root))


def test_a5_a_target_reads_its_own_copy_of_a_source(visits: Shop) -> None:
    visits.write("data/small.csv", "customer_id,ordered_at,amount\n1,2024-01-02,5\n")
    visits.edit(
        "augury.yml", "prod: {path: .augury,", "prod: {path: .augury, sources: {orders: {path: data/small.csv}},"
    )
    for target, expected in (("dev", 12), ("prod", 1)):
        worked(called(*RUN, "--target", target, folder=visits.root))
        found = rows("select count(*) as n from visits_predictions", visits.root, "--target", target)
        assert found == [{"n": expected}]


def test_b1_b2_every_step_keeps_a_partition_per_date_under_documented_names(trained: Shop) -> None:
    worked(called("backfill", "spend", "--start", "2024-01-30", "--end", "2024-02-01", folder=trained.root))
    for table in ("prepare", "predict", "predictions_staging", "predictions"):
        found = rows(
            f"select run_date as d, count(*) as n from spend_v1_{table} where run_date >= '2024-01-29' group by 1 "
            "order by 1",
            trained.root,
        )
        assert [(row["d"], row["n"]) for row in found] == [(f"2024-01-{day}", 12) for day in (29, 30, 31)], table
    training = rows("select count(*) as n, min(training_date) as d from spend_v1_training", trained.root)
    assert training == [{"n": 168, "d": "2024-01-13"}]
    assert rows("select model_version, type from augury_models", trained.root) == [
        {"model_version": 1, "type": "linear_reg"}
    ]
    side_by_side = rows(
        "select count(*) as n from spend_v1_prepare join spend_v1_predict using (run_date, customer_id) "
        "join spend_predictions using (run_date, customer_id)",
        trained.root,
    )
    assert side_by_side == [{"n": 36}]


# -- S-1, T16, T17: where values come from -------------------------------------------------------------------------


def config(shop: Shop, *words: str, env: dict[str, str] | None = None) -> dict[str, tuple[object, str]]:
    answer = worked(called("config", "show", *words, "--output", "ndjson", folder=shop.root, env=env))
    return {row["key"]: (row["value"], row["origin"]) for row in map(json.loads, answer.out.splitlines())}


def test_s1_each_value_is_shown_with_its_origin(visits: Shop) -> None:
    with (visits.root / "augury.yml").open("a") as file:
        file.write("defaults:\n  schedule: {cron: '0 7 * * *', lag: 1d}\n")
    with (visits.root / VISITS / "pipeline.yml").open("a") as file:
        file.write("schedule: {cron: '0 8 * * *'}\n")
    found = config(visits, "visits")
    assert found["schedule.cron"] == ("0 8 * * *", f"{VISITS}/pipeline.yml:4")
    assert found["schedule.lag"] == ("1d", "augury.yml:13")
    assert found["schedule.timezone"] == ("UTC", "augury.yml:2")
    assert found["archive"][1] == "default"
    assert found["vars.factor"] == (2, "augury.yml:11")
    prod = config(visits, "visits", "--target", "prod")
    assert prod["vars.factor"] == (3, "augury.yml:10")
    assert config(visits, "visits", "--vars", "factor=4")["vars.factor"] == (4, "--vars")


def test_t16_values_come_from_the_environment_where_the_file_says_so(visits: Shop) -> None:
    visits.edit("augury.yml", "vars: {factor: 2}", "vars: {factor: '${FACTOR:-2}'}")
    visits.edit(f"{VISITS}/post_process.sql", "{{ var('factor') }}", "{{ var('factor') | int }}")
    answer = worked(called("compile", "visits", "--date", "2024-01-13", folder=visits.root, env={"FACTOR": "6"}))
    assert "spent * 6" in answer.out
    answer = worked(called("compile", "visits", "--date", "2024-01-13", folder=visits.root))
    assert "spent * 2" in answer.out


def test_t16_options_come_from_the_environment_too(live: Shop) -> None:
    answer = worked(
        called("config", "show", folder=live.root, env={"AUGURY_TARGET": "prod", "AUGURY_OUTPUT": "ndjson"})
    )
    found = {row["key"]: row["value"] for row in map(json.loads, answer.out.splitlines())}
    assert found["target"] == "prod"


def test_t17_variables_reach_every_template_and_hook(spend: Shop) -> None:
    spend.edit("augury.yml", "vars: {factor: 2}", "vars: {factor: 2, plus: 100}")
    spend.write("macros/times.sql", "{% macro times() %}* {{ var('factor') }}{% endmacro %}\n")
    spend.edit(f"{SPEND}/prepare.sql", "sum(amount) as spent", "sum(amount) {{ times() }} as spent")
    spend.edit(f"{SPEND}/label.sql", "sum(amount)", "sum(amount) * 0 + {{ var('plus') }}")
    spend.write(f"{SPEND}/filter.sql", "select customer_id from {{ ref('prepare') }} where spent > {{ var('factor') }}")
    spend.write(
        f"{SPEND}/validation.sql", "select min(worth) = {{ var('plus') }} + 1000 as reached from {{ staging() }}"
    )
    spend.write(
        f"{SPEND}/hooks.py",
        "import pyarrow as pa\nfrom augury.hooks import ref, var\n"
        "def post_process(context, rows=ref('predict'), plus=var('plus')):\n"
        "    assert context.vars['factor'] == 3 and context.target == 'prod'\n"
        "    worth = [round(value) + 10 * plus for value in rows['predicted_spent_next'].to_pylist()]\n"
        "    return pa.table({'customer_id': rows['customer_id'], 'worth': worth})\n"
        "def on_completed(context):\n"
        f"    with open({str(spend.root / 'seen')!r}, 'w') as file:\n"
        "        file.write(str(context.vars['plus']))\n",
    )
    worked(called("run", "spend", "--date", "2024-01-29", "--target", "prod", folder=spend.root))
    assert (spend.root / "seen").read_text() == "100"
    found = rows("select distinct worth from spend_predictions", spend.root, "--target", "prod")
    assert found == [{"worth": 1100}]
