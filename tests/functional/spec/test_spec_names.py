"""No two targets, pipelines or versions can write to the same place."""

from __future__ import annotations

import pytest

from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, Shop


@pytest.mark.parametrize(
    ("dev", "prod", "where"),
    [
        ("namespace: a", "namespace: a", ".augury/a"),
        ("path: x", "path: ./y/../x, namespace: dev", "x/dev"),
        ("output: out, namespace: a", "path: out, namespace: a", "out/a"),
        ("models: m", "models: m", "m"),
        ("path: x", "path: x/dev, namespace: inside", "x/dev/inside"),
    ],
)
def test_t7_two_targets_cannot_share_a_folder(shop: Shop, dev: str, prod: str, where: str) -> None:
    shop.write("augury.yml", PROJECT + f"targets:\n  dev: {{{dev}}}\n  prod: {{{prod}}}\n")
    assert shop.problems() == [
        f"augury.yml:7  targets.prod: targets dev and prod would both write to {where}: "
        "give each a namespace or path of its own"
    ]


def test_t7_a_link_does_not_hide_a_shared_folder(shop: Shop) -> None:
    (shop.root / "real").mkdir()
    (shop.root / "link").symlink_to("real")
    shop.write("augury.yml", PROJECT + "targets: {a: {path: real, namespace: x}, b: {path: link, namespace: x}}\n")
    assert len(shop.problems()) == 1


def test_targets_beside_each_other_are_fine(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "targets: {dev: {}, dev2: {}, prod: {path: /data/augury, output: /out}}\n")
    assert shop.problems() == []


def other(shop: Shop, name: str) -> None:
    shop.write(f"pipelines/{name}/pipeline.yml", PIPELINE).write(f"pipelines/{name}/prepare.sql", SQL)
    shop.write(f"pipelines/{name}/label.sql", SQL)


def test_t3_a_pipeline_cannot_be_called_like_the_tables_of_another(shop: Shop) -> None:
    other(shop, "ltv_v1")
    shown = shop.problems()
    assert shown[0] == (
        "pipelines/ltv_v1/pipeline.yml  the table ltv_v1_predictions of pipeline ltv_v1 also belongs to "
        "pipeline ltv v1: rename one of the two"
    )
    assert shop.problems(only="ltv") != []  # also where the other one is known by its folder only
    assert shop.problems(only="ltv_v1") != []


@pytest.mark.parametrize("step", ["predictions", "predictions_staging", "train_prepare"])
def test_t3_a_step_cannot_be_called_like_a_table_of_augury(shop: Shop, step: str) -> None:
    shop.write(f"pipelines/ltv/{step}.sql", SQL)
    (shown,) = shop.problems()
    assert f"the table ltv_v1_{step} of pipeline ltv v1 also belongs to pipeline ltv v1" in shown


def test_t3_every_name_carries_the_deployment(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "deployment: blue\n")
    tables = shop.pipeline().tables
    assert (tables.step("prepare"), tables.current_predictions) == (
        "blue_ltv_v1_prepare",
        "blue_ltv_predictions",
    )


def test_a_pipeline_needs_a_name_that_sql_can_say(shop: Shop) -> None:
    other(shop, "Big-Spenders")
    assert shop.problems() == [
        "pipelines/Big-Spenders  is not a pipeline's name: lower-case letters, digits and _, beginning with a"
        " letter   did you mean 'big_spenders'?"
    ]


def test_hundreds_of_pipelines_do_not_collide(shop: Shop) -> None:
    for number in range(200):
        other(shop, f"p{number}")
    assert len(shop.read().pipelines) == 201
