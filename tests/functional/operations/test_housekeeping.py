"""B18: copies go to plain folders only, cleaning takes one step's partitions, forgetting leaves the data alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from augury.errors import ExitCode, Locked, NamespaceError, UsageError
from augury.ledger.records import Decision
from augury.operations.housekeeping import Change
from augury.run.locks import PartitionLocks
from tests.projects import AUGURY, SPENT, Shop, day, days, reasons_of, within

TARGETS = AUGURY + "targets:\n  dev: {path: .augury}\n  prod: {path: .augury, output: served}\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three published dates of one pipeline."""
    made = Shop.at(tmp_path_factory.mktemp("built"), TARGETS)
    made.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    made.orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 30))
    made.pipeline("ltv", prepare=SPENT, filter="select customer_id from {{ ref('prepare') }} where spent > 5")
    made.run("ltv", "2026-01-03", "2026-01-06")
    return made


@pytest.fixture
def shop(built: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(built.root, tmp_path / "shop")
    return replace(built, root=tmp_path / "shop")


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder, apart from what opening SQLite leaves."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def decisions(shop: Shop) -> list[Decision]:
    with shop.open() as project:
        return project._reading.ledger.decisions()


def copy(shop: Shop, pattern: str, to: str, **options: Any) -> tuple[Change, ...]:
    with shop.open() as project:
        return project.copy(pattern, to, **options)


def clean(shop: Shop, step: str, **options: Any) -> tuple[Change, ...]:
    with shop.open() as project:
        return project.clean(step=step, **options)


def reset(shop: Shop, **options: Any) -> tuple[Change, ...]:
    with shop.open() as project:
        return project.reset(**options)


# -- copy --------------------------------------------------------------------------------------------------------


def test_b18_tables_and_views_are_copied_by_name_as_plain_parquet(shop: Shop, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    changes = copy(shop, "ltv_*predictions", str(tmp_path / "handed over"))

    folder = tmp_path / "handed over"
    assert {change.subject: change.detail for change in changes} == {
        "ltv_predictions": f"3 partitions, 6 rows to {folder}/ltv_predictions",
        "ltv_v1_predictions": f"3 partitions, 6 rows to {folder}/ltv_v1_predictions",
    }
    assert sorted(path.name for path in (folder / "ltv_predictions").iterdir()) == [
        "2026-01-03.parquet",
        "2026-01-04.parquet",
        "2026-01-05.parquet",
    ]
    rows = pq.read_table(folder / "ltv_predictions" / "2026-01-04.parquet").to_pylist()
    assert sorted(row["customer_id"] for row in rows) == ["ann", "ben"]
    assert [(each.action, each.subject, each.pipeline) for each in decisions(shop)] == [
        ("copy", "ltv_predictions", "ltv"),
        ("copy", "ltv_v1_predictions", "ltv"),
    ]


def test_a_copy_can_be_made_again_and_writing_into_it_does_not_reach_what_is_published(shop: Shop) -> None:
    copy(shop, "ltv_predictions", "exports")
    file = shop.root / "exports" / "ltv_predictions" / "2026-01-04.parquet"
    with file.open("r+b") as opened:
        opened.write(b"scribble")
    assert len(shop.published("ltv", "2026-01-04")) == 2
    copy(shop, "ltv_predictions", "exports")
    assert file.read_bytes().startswith(b"PAR1")


def test_whole_tables_are_copied_too(shop: Shop) -> None:
    (change,) = copy(shop, "augury_runs", "exports")
    assert change.detail == f"1 partition, 1 row to {shop.root}/exports/augury_runs"
    assert (shop.root / "exports" / "augury_runs" / "all.parquet").is_file()


@pytest.mark.parametrize(
    "to",
    ["prod", "dev", ".augury/prod", ".augury/dev", ".augury/dev/ltv_copy", "served/prod", "served/prod/x", "linked"],
)
def test_t7_nothing_is_ever_copied_into_the_namespace_of_a_target(shop: Shop, to: str) -> None:
    (shop.root / "linked").symlink_to(shop.root / ".augury" / "prod")
    before = everything(shop.root)
    for dry_run in (True, False):
        with pytest.raises(NamespaceError) as caught:
            copy(shop, "ltv_*", to, dry_run=dry_run)
        assert caught.value.exit_code is ExitCode.CANNOT_START
    assert everything(shop.root) == before


def test_nothing_is_copied_into_the_namespace_of_another_project(shop: Shop, tmp_path: Path) -> None:
    other = Shop.at(tmp_path / "other").orders(("eve", "2026-01-01", 1)).pipeline("ltv", prepare=SPENT)
    other.run("ltv", "2026-01-03")
    before = everything(tmp_path / "other")
    for to in (".augury/dev", ".augury/dev/ltv_v1_predictions"):
        with pytest.raises(NamespaceError, match="project shop"):
            copy(shop, "ltv_*", str(tmp_path / "other" / to))
    assert everything(tmp_path / "other") == before


def test_a_folder_over_the_namespaces_is_taken_unless_a_table_would_be_one_of_them(shop: Shop) -> None:
    copy(shop, "ltv_predictions", ".augury")
    assert (shop.root / ".augury" / "ltv_predictions" / "2026-01-04.parquet").is_file()
    shop.edit("augury.yml", "output: served", "namespace: ltv_archive")
    with pytest.raises(NamespaceError):
        copy(shop, "ltv_*", ".augury")


def test_a_pattern_that_fits_nothing_says_what_there_is(shop: Shop) -> None:
    with pytest.raises(UsageError, match="no table fits 'ltv_v1_predictons'") as caught:
        copy(shop, "ltv_v1_predictons", "exports")
    assert caught.value.fix == "Did you mean 'ltv_v1_predictions'?"


# -- clean -------------------------------------------------------------------------------------------------------


def test_b18_a_step_is_cleaned_for_a_range_and_the_next_run_builds_it_again(shop: Shop) -> None:
    changes = clean(shop, "filter", pipeline="ltv", within=within("2026-01-03", "2026-01-05"))
    assert changes == (Change("remove", "ltv_v1_filter", "2 partitions, 2026-01-03 to 2026-01-04, 4 rows"),)
    assert [row["run_date"] for row in shop.table("ltv_v1_filter")] == [day("2026-01-05")] * 2
    assert len(shop.published("ltv", "2026-01-04")) == 2
    assert {when for table, when in shop.partitions() if table == "ltv_v1_filter"} == {day("2026-01-05")}
    (made,) = decisions(shop)
    assert (made.action, made.subject, made.at) == ("clean", "ltv_v1_filter", shop.now)

    # What is published does not need it; what is asked for by name does.
    assert shop.plan("ltv", "2026-01-03", "2026-01-06").is_empty
    assert reasons_of(shop.plan("ltv", "2026-01-03", "2026-01-06", step="filter"), "filter") == {
        "2026-01-03": "missing",
        "2026-01-04": "missing",
        "2026-01-05": "requested",
    }


def test_what_is_published_goes_only_where_publish_is_named(shop: Shop) -> None:
    for step in ("prepare", "filter", "post_process"):
        clean(shop, step)
    assert len(shop.table("ltv_v1_predictions")) == 6
    assert len(shop.table("ltv_archive")) == 6

    clean(shop, "publish", within=within("2026-01-04"))

    assert [row["run_date"] for row in shop.query("select distinct run_date from ltv_predictions order by 1")] == [
        day("2026-01-03"),
        day("2026-01-05"),
    ]
    assert len(shop.table("ltv_archive")) == 6
    assert shop.statuses() == {"2026-01-03": "succeeded", "2026-01-05": "succeeded"}
    shop.run("ltv", "2026-01-03", "2026-01-06", reprocess="missing")
    assert len(shop.published("ltv", "2026-01-04")) == 2


def test_a_dry_run_says_what_would_be_done_and_does_nothing(shop: Shop, tmp_path: Path) -> None:
    before = everything(shop.root)
    changes: tuple[Callable[[bool], tuple[Change, ...]], ...] = (
        lambda dry: copy(shop, "ltv_*", "exports", dry_run=dry),
        lambda dry: clean(shop, "publish", dry_run=dry),
        lambda dry: reset(shop, dry_run=dry),
    )
    for change in changes:
        would = change(True)
        assert everything(shop.root) == before
        assert would
        assert change(False) == would
        before = everything(shop.root)


def test_a_project_that_was_never_run_has_nothing_to_clean(tmp_path: Path) -> None:
    empty = Shop.at(tmp_path).pipeline("ltv", prepare=SPENT)
    assert clean(empty, "prepare", dry_run=True) == ()
    assert clean(empty, "prepare") == ()
    assert reset(empty) == ()
    assert decisions(empty) == []


@pytest.mark.parametrize("step", ["prepair", "validate", "train", "predict"])
def test_a_step_that_nobody_has_or_that_keeps_no_table_is_refused(shop: Shop, step: str) -> None:
    before = everything(shop.root)
    with pytest.raises(UsageError):
        clean(shop, step)
    assert everything(shop.root) == before


def test_the_archive_keeps_what_another_version_wrote(shop: Shop) -> None:
    shop.pipeline("ltv", version="v2", prepare=SPENT)
    shop.run("ltv", "2026-01-05", version="v2")
    with shop.open() as project:
        project.set_version("ltv", "v2")
    shop.run("ltv", "2026-01-06", version="v2")
    clean(shop, "archive", pipeline="ltv", version="v2")
    kept = shop.query("select distinct run_date, version from ltv_archive order by 1")
    assert [(str(row["run_date"]), row["version"]) for row in kept] == [
        (str(when), "v1") for when in days("2026-01-03", "2026-01-06")
    ]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_date_that_a_run_is_at_is_left_to_it_and_nothing_is_touched(shop: Shop, dry_run: bool) -> None:
    locks = PartitionLocks(shop.root / ".augury" / "dev" / "_locks")
    with locks.acquire("ltv-v1-2026-01-05", "R9"):
        for change in (partial(clean, shop, "prepare"), partial(reset, shop)):
            with pytest.raises(Locked) as caught:
                change(dry_run=dry_run)
            assert caught.value.owner is not None
            assert (caught.value.owner.pid, caught.value.owner.run_id) == (os.getpid(), "R9")
    assert len(shop.table("ltv_v1_prepare")) == 6
    assert len(shop.partitions()) == len(days("2026-01-03", "2026-01-06")) * 5


# -- state reset -------------------------------------------------------------------------------------------------


def test_b18_what_is_forgotten_is_built_anew_and_readers_notice_nothing(shop: Shop) -> None:
    rows = shop.table("ltv_v1_predictions")
    changes = reset(shop, pipeline="ltv", within=within("2026-01-03", "2026-01-05"))
    assert changes == (Change("forget", "ltv v1", "2 dates and 10 partitions, 2026-01-03 to 2026-01-04"),)
    assert shop.statuses() == {"2026-01-05": "succeeded"}
    assert shop.table("ltv_v1_predictions") == rows
    assert [(each.action, each.subject) for each in decisions(shop)] == [("reset", "ltv")]
    plan = shop.plan("ltv", "2026-01-03", "2026-01-06")
    assert reasons_of(plan, "publish") == {"2026-01-03": "missing", "2026-01-04": "missing"}
    later = replace(shop, now=datetime(2026, 1, 11, tzinfo=UTC))
    later.run("ltv", "2026-01-03", "2026-01-06")
    assert shop.table("ltv_v1_predictions") == rows


def test_an_unknown_pipeline_or_version_is_refused(shop: Shop) -> None:
    for asked in ({"pipeline": "lvt"}, {"pipeline": "ltv", "version": "v7"}, {"version": "v7"}):
        with pytest.raises(UsageError):
            reset(shop, **asked)
