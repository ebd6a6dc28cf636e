"""What does the archive keep, and what stays of a version that is gone (L2, L3, H4)?"""

from __future__ import annotations

import pytest

from augury.errors import UsageError
from tests.functional.publishing.checks import validated
from tests.projects import SPENT, Shop, outcomes

# -- archive -------------------------------------------------------------------------------------------------


def archived(shop: Shop) -> list[tuple[str, str, str]]:
    rows = shop.query("select run_date, customer_id, version from ltv_archive order by all")
    return [(str(row["run_date"]), row["customer_id"], row["version"]) for row in rows]


def test_a_published_date_is_archived_once_however_often_it_is_run_l2(shop: Shop) -> None:
    for _ in range(2):
        shop.run("ltv", "2026-01-02", "2026-01-04", reprocess="all")
    assert archived(shop) == [
        ("2026-01-02", "ann", "v1"),
        ("2026-01-03", "ann", "v1"),
        ("2026-01-03", "bob", "v1"),
    ]


def test_a_date_that_was_held_is_not_archived_l2(shop: Shop) -> None:
    validated(shop, "select {{ run_date }} <> date '2026-01-03' as fine")
    shop.run("ltv", "2026-01-02", "2026-01-05")
    assert {at for at, _, _ in archived(shop)} == {"2026-01-02", "2026-01-04"}


def test_a_new_column_does_not_break_the_archive_l3(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02")
    shop.edit("pipelines/ltv/prepare.sql", "sum(amount) as spent", "sum(amount) as spent, max(amount) as largest")
    shop.run("ltv", "2026-01-03")
    rows = shop.query("select run_date, customer_id, largest from ltv_archive order by all")
    assert [(str(row["run_date"]), row["customer_id"], row["largest"]) for row in rows] == [
        ("2026-01-02", "ann", None),
        ("2026-01-03", "ann", 10),
        ("2026-01-03", "bob", 20),
    ]


def test_only_the_current_version_is_archived_and_the_archive_outlives_it_l2_h1(shop: Shop) -> None:
    shop.pipeline(version="v2", prepare=SPENT.replace("sum(amount)", "sum(amount) + 1000"))
    shop.run("ltv", "2026-01-02")
    shop.run("ltv", "2026-01-02", version="v2")
    assert archived(shop) == [("2026-01-02", "ann", "v1")]
    with shop.open() as project:
        project.set_version("ltv", "v2")
    shop.run("ltv", "2026-01-03", version="v1")
    shop.run("ltv", "2026-01-03")
    assert archived(shop) == [
        ("2026-01-02", "ann", "v1"),
        ("2026-01-03", "ann", "v2"),
        ("2026-01-03", "bob", "v2"),
    ]
    assert {row["version"] for row in shop.table("ltv_predictions", everything=True)} == {"v2"}
    assert len(shop.published("ltv", "2026-01-02", version="v1")) == 1


def test_a_version_that_skips_a_date_leaves_what_another_archived_l2(shop: Shop) -> None:
    """v2 finds nobody on the 2nd: v1's rows of that date are history and stay."""
    shop.pipeline(version="v2", prepare=SPENT, filter="select customer_id from {{ ref('prepare') }} where spent > 15")
    shop.run("ltv", "2026-01-02")
    shop.run("ltv", "2026-01-03", version="v2")
    with shop.open() as project:
        project.set_version("ltv", "v2")
    assert outcomes(shop.run("ltv", "2026-01-02")) == {"2026-01-02": "skipped: no population"}
    assert archived(shop) == [("2026-01-02", "ann", "v1")]


def test_a_retired_version_keeps_its_data_h4(shop: Shop) -> None:
    shop.pipeline(version="v2", prepare=SPENT)
    shop.run("ltv", "2026-01-02", version="v2")
    for file in sorted((shop.root / "pipelines/ltv/v2").iterdir()):
        file.unlink()
    (shop.root / "pipelines/ltv/v2").rmdir()
    with pytest.raises(UsageError, match="no version 'v2'"):
        shop.run("ltv", "2026-01-03", version="v2")
    assert len(shop.published("ltv", "2026-01-02", version="v2")) == 1


def test_archiving_can_be_turned_off_l2(shop: Shop) -> None:
    shop.pipeline(settings="archive: false", prepare=SPENT)
    shop.run("ltv", "2026-01-02")
    assert "ltv_archive" not in {table.name for table in shop.tables()}
