"""Layers: what wins, where it came from, and what makes a version."""

from __future__ import annotations

from augury.spec.resolved import ConfigValue, pipeline_values, project_values
from augury.spec.settings import Var
from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, Shop

YML = "pipelines/ltv/pipeline.yml"


def test_s1_variables_come_from_project_target_pipeline_version_and_command_line(shop: Shop) -> None:
    levels: list[tuple[str, Var]] = [(name, name) for name in "abcde"]
    shop.write("augury.yml", PROJECT + "vars: {a: 1, b: 1, c: 1, d: 1, e: 1}\n"
               "targets: {dev: {vars: {b: 2, c: 2, d: 2, e: 2}}, prod: {vars: {b: x}}}\n")  # fmt: skip
    shop.write(YML, PIPELINE + "vars: {c: 3, d: 3, e: 3}\n")
    shop.write("pipelines/ltv/v2/pipeline.yml", "vars: {d: 4, e: 4}\n")

    pipeline = shop.read(variables={"e": 5}).pipelines["ltv"]["v2"]

    assert pipeline.vars == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    assert {name: pipeline.origins[f"vars.{name}"] for name, _ in levels} == {
        "a": "augury.yml:5",
        "b": "augury.yml:6",
        "c": f"{YML}:7",
        "d": "pipelines/ltv/v2/pipeline.yml:1",
        "e": "--vars",
    }
    assert shop.read(target="prod").pipelines["ltv"]["v1"].vars["b"] == "x"


def test_defaults_are_below_every_pipeline(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "defaults:\n  owner: me\n  schedule: {cron: 0 6 * * *, lag: 2d}\n")
    shop.write(YML, PIPELINE + "schedule: {lag: 1d}\n")

    pipeline = shop.pipeline()

    assert (pipeline.settings.owner, pipeline.settings.schedule.cron, pipeline.settings.schedule.lag) == (
        "me",
        "0 6 * * *",
        1,
    )
    assert pipeline.origins["schedule.cron"] == "augury.yml:7"
    assert pipeline.origins["schedule.lag"] == f"{YML}:7"


def test_s1_every_resolved_value_has_its_origin(shop: Shop) -> None:
    shop.write(YML, PIPELINE + "limits: {time: 5m, memory: 4GB}\nowner: ${OWNER}\nvars: {margin: 0.3}\n")
    project = shop.read(target="dev", environment={"OWNER": "me"})

    shown = {value.key: value for value in pipeline_values(project, project.pipelines["ltv"]["v1"])}

    assert shown["horizon"] == ConfigValue("horizon", "90d", f"{YML}:2")
    assert shown["limits.time"] == ConfigValue("limits.time", "300s", f"{YML}:7")
    assert shown["limits.memory"] == ConfigValue("limits.memory", "4000000000B", f"{YML}:7")
    assert shown["owner"] == ConfigValue("owner", "me", f"environment variable OWNER ({YML}:8)")
    assert shown["vars.margin"] == ConfigValue("vars.margin", 0.3, f"{YML}:9")
    assert shown["schedule.timezone"] == ConfigValue("schedule.timezone", "Europe/Madrid", "augury.yml:2")
    assert shown["model.train.folds"] == ConfigValue("model.train.folds", 4, "default")

    of_project = {value.key: value for value in project_values(project)}
    assert of_project["target"] == ConfigValue("target", "dev", "--target")
    assert of_project["namespace"] == ConfigValue("namespace", "dev", "name of the target")
    assert of_project["sources.orders.path"] == ConfigValue("sources.orders.path", "data/orders.csv", "augury.yml:4")


def test_a19_a_target_gives_another_location_for_a_source(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "targets:\n  dev:\n  prod:\n    sources:\n"
               "      orders: {database: /data/shop.duckdb, table: sales.orders}\n")  # fmt: skip
    dev, prod = shop.read().sources["orders"], shop.read(target="prod").sources["orders"]
    assert (dev.path, dev.database, dev.table) == ("data/orders.csv", None, None)
    assert (prod.path, prod.database, prod.table) == (None, "/data/shop.duckdb", "sales.orders")
    assert dev.event_time == prod.event_time == "ordered_at"


def test_t7_the_target_in_use_is_dev_unless_something_says_otherwise(shop: Shop) -> None:
    targets = "targets: {prod: {}, dev: {namespace: mine}}\n"
    shop.write("augury.yml", PROJECT + targets)
    assert (shop.read().target_name, shop.read().namespace) == ("dev", "mine")
    assert (shop.read(target="prod").target_name, shop.read(target="prod").namespace) == ("prod", "prod")
    shop.write("augury.yml", PROJECT + targets + "default_target: prod\n")
    assert shop.read().target_name == "prod"


def test_t13_a_namespace_per_developer(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "targets: {dev: {namespace: 'dev_${USER}'}}\n")
    assert shop.read(environment={"USER": "ana"}).namespace == "dev_ana"
    assert shop.read(environment={"USER": "ben"}).namespace == "dev_ben"


def test_h1_a_version_is_a_folder_that_replaces_and_adds(shop: Shop) -> None:
    shop.write("pipelines/ltv/v2/prepare.sql", "select 2\n").write("pipelines/ltv/v2/filter.sql", SQL)
    shop.write("pipelines/ltv/v10/pipeline.yml", "model: {options: {l2_reg: 1.0}}\n")

    versions = shop.read().pipelines["ltv"]

    assert list(versions) == ["v1", "v2", "v10"]
    assert list(versions["v1"].steps) == ["label", "prepare"]
    assert list(versions["v2"].steps) == ["filter", "label", "prepare"]
    paths = [step.sql.path for step in versions["v2"].steps.values() if step.sql]
    assert paths == [
        "pipelines/ltv/v2/filter.sql",
        "pipelines/ltv/label.sql",
        "pipelines/ltv/v2/prepare.sql",
    ]
    model = versions["v10"].settings.model
    assert model is not None
    assert (model.type, model.options) == ("linear_reg", {"l2_reg": 1.0})
    assert versions["v2"].tables.step("prepare") == "ltv_v2_prepare"
    assert versions["v2"].tables.current_predictions == versions["v1"].tables.current_predictions


def test_h4_a_version_is_retired_by_deleting_it(shop: Shop) -> None:
    shop.write("pipelines/ltv/v2/pipeline.yml", PIPELINE)
    assert list(shop.read().pipelines["ltv"]) == ["v1", "v2"]

    (shop.root / YML).unlink()  # v1 goes, its SQL stays shared
    assert list(shop.read().pipelines["ltv"]) == ["v2"]
    assert list(shop.pipeline(version="v2").steps) == ["label", "prepare"]

    shop.write("pipelines/ltv/v3/pipeline.yml", "owner: me\n")
    shown = shop.problems()  # nothing above gives v3 what it needs
    assert "pipelines/ltv/v3/pipeline.yml:1  entity: is required" in shown


def test_a_null_takes_away_what_a_lower_layer_said(shop: Shop) -> None:
    shop.write(YML, PIPELINE + "end: 1998-07-01\n")
    shop.write("pipelines/ltv/v2/pipeline.yml", "end:\n")
    assert shop.pipeline(version="v2").settings.end is None


def test_h10_what_people_say_about_a_pipeline_is_kept(shop: Shop) -> None:
    shop.write(YML, PIPELINE + "description: Spend\nowner: me\nurl: https://x\nnote: N\nlabels: {team: growth}\n")
    settings = shop.pipeline().settings
    assert (settings.description, settings.owner, settings.url, settings.note, settings.labels) == (
        "Spend",
        "me",
        "https://x",
        "N",
        {"team": "growth"},
    )
