"""Which edits build something again, and which change nothing?"""

from __future__ import annotations

import pytest

from tests.projects import reasons_of
from tests.unit.plan.conftest import PREPARE
from tests.unit.plan.world import World, model

# -- edits that change nothing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (PREPARE, "select customer_id", "-- features\nSELECT   customer_id /* who */"),
        (PREPARE, "group by customer_id\n", "group by\n    customer_id;\n"),
        ("pipelines/ltv/pipeline.yml", "entity:", "description: Who spent what\nowner: ann\nnote: x\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "# a comment\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "steps: {prepare: {description: Features}}\nentity:"),
        ("pipelines/ltv/pipeline.yml", "entity:", "limits: {time: 60s}\nlabels: {team: growth}\nentity:"),
        ("augury.yml", "name: shop", "description: A shop\nname: shop"),
        ("augury.yml", "name: shop", "vars: {unused: 1}\nname: shop"),
    ],
)
def test_comments_white_space_and_descriptions_build_nothing(sql_only: World, path: str, old: str, new: str) -> None:
    sql_only.do("2026-01-05", "2026-01-08")
    sql_only.shop.edit(path, old, new)
    assert sql_only.plan("2026-01-05", "2026-01-08").is_empty


def test_a_variable_that_is_used_does_change_something(sql_only: World) -> None:
    sql_only.shop.edit(PREPARE, "sum(amount)", "sum(amount) * {{ var('factor') }}")
    sql_only.shop.edit("augury.yml", "name: shop", "name: shop\nvars: {factor: 1}")
    sql_only.do("2026-01-05")
    sql_only.shop.edit("augury.yml", "factor: 1", "factor: 2")
    why = reasons_of(sql_only.plan("2026-01-05"), "prepare")
    assert why == {"2026-01-05": "definition changed: prepare.sql: variables, macros or declared columns"}


def test_the_lag_and_the_zone_bound_what_is_known_so_they_rebuild(sql_only: World) -> None:
    sql_only.do("2026-01-05")
    for settings in ("schedule: {lag: 1d}", "schedule: {timezone: Asia/Tokyo}"):
        changed = World(sql_only.shop, sql_only.facts)
        sql_only.shop.edit("pipelines/ltv/pipeline.yml", "entity:", f"{settings}\nentity:")
        assert reasons_of(changed.plan("2026-01-05"), "prepare") == {"2026-01-05": "upstream changed"}
        sql_only.shop.edit("pipelines/ltv/pipeline.yml", f"{settings}\nentity:", "entity:")
    assert sql_only.plan("2026-01-05").is_empty


# -- model changes -------------------------------------------------------------------------------------------------


def test_another_champion_rescores_and_leaves_the_features_alone(modelled: World) -> None:
    modelled.do("2026-04-05")
    first = modelled.facts.models[-1]
    retrained = model(9, first.tick, fingerprint=first.fingerprint, sha="another")
    modelled.know(models=(*modelled.facts.models, retrained))
    plan = modelled.plan("2026-04-05")
    assert reasons_of(plan, "predict") == {"2026-04-05": f"model changed: {first.number} -> 9: tick {first.tick}"}
    assert not reasons_of(plan, "prepare")


def test_changed_features_train_again_and_rescore(modelled: World) -> None:
    modelled.do("2026-04-05")
    modelled.shop.edit(PREPARE, "sum(amount)", "max(amount)")
    plan = modelled.plan("2026-04-05")
    trainings = [(str(task.day), task.reason) for task in plan.tasks if task.kind == "train"]
    assert trainings == [("2026-04-01", "upstream changed")]
    assert reasons_of(plan, "predict") == {"2026-04-05": "upstream changed: tick 2026-04-01 is trained first"}


@pytest.mark.parametrize(
    ("old", "new", "trains"),
    [
        ("missing_label: zero", "missing_label: drop", True),
        ("type: linear_reg", "type: linear_reg\n  options: {l2_reg: 1.0}", True),
        ("window: 28d", "window: 35d", True),
        ("grace: 2d", "grace: 3d", False),
        ("label: revenue", "label: revenue\n  gate: {mean_absolute_error: '<= 3'}", False),
    ],
)
def test_what_decides_a_model_trains_it_again_and_nothing_else_does(
    modelled: World, old: str, new: str, *, trains: bool
) -> None:
    """A verdict is never decided again: a new gate judges new models only."""
    modelled.do("2026-04-05")
    modelled.shop.edit("pipelines/ltv/pipeline.yml", old, new)
    plan = modelled.plan("2026-04-05")
    assert bool([task for task in plan.tasks if task.kind == "train"]) is trains
    assert plan.is_empty is not trains
