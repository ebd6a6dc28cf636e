"""Is a wrong key of YAML shown with its file, line, cause and nearest spelling?"""

from __future__ import annotations

import pytest

from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, YML, Shop


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ("horizont: 90d", "horizont: unknown key   did you mean 'horizon'?"),
        ("lag: 1d", "lag: unknown key here: it belongs to `schedule`"),
        ("name: ltv", "name: the folder of a pipeline is its name"),
        ("version: v2", "version: a version is a folder: pipelines/<name>/v2/"),
        ("owner: 5", "owner: expected text, found the number 5: put it in quotes"),
        ("labels: [a]", "labels: expected keys and values, found a list"),
        (
            "archive: perhaps",
            "archive: 'perhaps' is not true, false or a schedule: write {schedule: \"0 16 * * *\"}",
        ),
        ("end: 1997-02-30", "end: 1997-02-30 is not a date that exists: day is out of range for month"),
        ("end: 19980101", "end: 19980101 is not a date: write YYYY-MM-DD"),
        (
            "end: 1996-01-01",
            "end: 1996-01-01 must be after start (1997-01-01): it is the first day without a run",
        ),
        ("limits: {time: 5}", "limits.time: 5 is not a duration: write 60s, 5m or 2h"),
        ("limits: {memory: lots}", "limits.memory: 'lots' is not a size: write 500MB or 4GB"),
        ("schedule: {lag: 3}", "schedule.lag: write a number of days or weeks, such as 90d or 4w"),
        (
            "schedule: {timezone: Europe/Madird}",
            "schedule.timezone: 'Europe/Madird' is not a time zone: write an IANA name such as Europe/Madrid",
        ),
        (
            "steps: {perpare: {}}",
            "steps.perpare: there is no step called perpare in this folder   did you mean 'prepare'?",
        ),
        (
            "steps: {prepare: {columns: {a: {type: STRING, requird: true}}}}",
            "steps.prepare.columns.a.requird: unknown key   did you mean 'required'?",
        ),
        (
            "vars: {a: [[1]]}",
            "vars.a: a variable is text, a number, true, false, or a flat list or mapping of these",
        ),
        ("horizon: 30d", "horizon: the key stands twice: also on line 2"),
    ],
)
def test_a_wrong_key_is_explained(shop: Shop, added: str, shown: str) -> None:
    shop.write(YML, PIPELINE + added + "\n")
    assert shop.problems() == [f"{YML}:7  {shown}"]


@pytest.mark.parametrize("key", ["target", "namespace", "path", "warehouse", "output"])
def test_t7_a_pipeline_cannot_choose_where_it_writes(shop: Shop, key: str) -> None:
    shop.write(YML, PIPELINE + f"{key}: prod\n")
    assert shop.problems() == [
        f"{YML}:7  {key}: belongs to a target of augury.yml: a pipeline cannot choose where it writes"
    ]


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ("typ: x", "model.typ: unknown key   did you mean 'type'?"),
        (
            "missing_label: zeros",
            "model.missing_label: 'zeros' is not one of zero, drop   did you mean 'zero'?",
        ),
        ("train: {folds: 0}", "model.train.folds: the number 0 must be at least 1"),
        ("options: {l2_reg: x}", "model.options.l2_reg: expected a number, found 'x'"),
        ("options: {l2_rgg: 1}", "model.options.l2_rgg: unknown key   did you mean 'l2_reg'?"),
        (
            "gate: {mean_absolute_error: 4}",
            'model.gate.mean_absolute_error: 4 is not a threshold: write "<= 40" or ">= 0.7"',
        ),
        ("features: [customer_id]", "model.features: customer_id is the entity: it cannot be a feature"),
        ("path: m.txt", "model.path: linear_reg is trained: a model file has the type lightgbm or xgboost"),
    ],
)
def test_a_wrong_key_of_the_model_is_explained(shop: Shop, added: str, shown: str) -> None:
    shop.write(YML, PIPELINE + f"  {added}\n")
    assert shop.problems() == [f"{YML}:7  {shown}"]


def test_a_model_type_and_a_metric_are_known_by_name(shop: Shop) -> None:
    shop.write(YML, PIPELINE.replace("linear_reg", "linear_regg"))
    (shown,) = shop.problems()
    assert shown.startswith(f"{YML}:5  model.type: there is no model type called 'linear_regg'")
    assert shown.endswith("did you mean 'linear_reg'?")

    shop.write(YML, PIPELINE + '  gate: {mean_absolut_error: "<= 40", accuracy: ">= 0.7"}\n')
    one, other = shop.problems()
    assert one.endswith("did you mean 'mean_absolute_error'?")
    assert "model.gate.accuracy: there is no metric of a regression called accuracy" in other


def test_what_a_model_needs(shop: Shop) -> None:
    (shop.root / "pipelines/ltv/label.sql").unlink()
    assert shop.problems() == [
        f"{YML}:5  model.type: linear_reg is trained, so there must be a label.sql (or a training.sql)"
    ]
    shop.write("pipelines/ltv/training.sql", SQL)
    assert shop.problems() == []


def test_what_a_model_file_needs(shop: Shop) -> None:
    shop.write(YML, PIPELINE.replace("linear_reg", "lightgbm"))
    assert shop.problems() == [
        f"{YML}:4  model: `features` is required for a lightgbm file: its columns, in the order of training",
        f"{YML}:4  model: `path` is required: the lightgbm file to score with",
    ]
    shop.write(YML, PIPELINE.replace("linear_reg", "lightgbm") + "  features: [orders]\n  path: ltv.txt\n")
    assert shop.problems() == [f"{YML}:8  model.path: there is no file ltv.txt in the pipeline's folder"]

    shop.write("pipelines/ltv/ltv.txt", "tree")
    assert shop.pipeline().model_path == shop.root / "pipelines/ltv/ltv.txt"


def test_a_label_needs_a_horizon_and_a_model(shop: Shop) -> None:
    shop.write(YML, "entity: customer_id\nstart: 1997-01-01\n")
    assert shop.problems() == [
        f"{YML}:1  `model` is required: there is a step label, but nothing to train",
        f"{YML}:1  `horizon` is required: it is how far label looks ahead, such as 90d",
    ]


@pytest.mark.parametrize("entity", ["''", "[]", "['']"])
def test_an_entity_has_a_column(shop: Shop, entity: str) -> None:
    shop.write(YML, PIPELINE.replace("entity: customer_id", f"entity: {entity}"))
    assert shop.problems() == [f"{YML}:1  entity: a column name is empty"]


def test_a_mistake_in_defaults_is_shown_once_where_it_stands(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "defaults: {ownr: me}\n")
    for name in ("a", "b"):
        shop.write(f"pipelines/{name}/pipeline.yml", PIPELINE).write(f"pipelines/{name}/prepare.sql", SQL)
        shop.write(f"pipelines/{name}/label.sql", SQL)
    assert shop.problems() == ["augury.yml:5  defaults.ownr: unknown key   did you mean 'owner'?"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "augury.yml:1  the file is empty"),
        ("timezone: UTC\n", "augury.yml:1  name: is required"),
        ("name: shop\ntargets: {}\n", "augury.yml:2  targets: must not be empty"),
        (
            "name: shop\ndefault_target: live\n",
            "augury.yml:2  default_target: there is no target called live",
        ),
        (
            "name: shop\ntargets: {dev: {warehouse: ducdb}}\n",
            "augury.yml:2  targets.dev.warehouse: there is no warehouse called 'ducdb' (installed: bigquery, duckdb)"
            "   did you mean 'duckdb'?",
        ),
        (
            "name: shop\nsources: {orders: {path: x}}\n",
            "augury.yml:2  sources.orders: `event_time` is required: it is what makes the source point-in-time",
        ),
        (
            "name: shop\nsources: {orders: {path: x, database: y, table: z, event_time: t}}\n",
            "augury.yml:2  sources.orders: a source has either `path` (CSV, Parquet) or a `table`",
        ),
        (
            "name: shop\nsources: {a: {path: x, event_time: t}}\ntargets: {dev: {sources: {b: {path: y}}}}\n",
            "augury.yml:3  targets.dev.sources.b: there is no source called b in this project",
        ),
        (
            "name: shop\ndefaults: {vars: {a: 1}}\n",
            "augury.yml:2  defaults.vars: variables of the whole project stand in `vars` of augury.yml"
            "   did you mean 'vars'?",
        ),
    ],
)
def test_a_wrong_augury_yml_is_explained(shop: Shop, text: str, shown: str) -> None:
    shop.write("augury.yml", text)
    assert shop.problems() == [shown]
