"""Are data, views, models and leftovers that are lost or damaged found, explained, and mended (M5, Y5)?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from augury.operations.doctor import Finding
from augury.operations.doctor_folders import LEAST_FREE, nearly_full, unwritable
from augury.run.locks import PartitionLocks
from tests.functional.doctor.findings import doctor, home, live_file, the
from tests.projects import SPENT, Shop, day

# -- data --------------------------------------------------------------------------------------------------------


def remove(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 8)


def scribble(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(-20, os.SEEK_END)
        opened.write(b"\xff" * 20)


@pytest.mark.parametrize("harm", [remove, cut, scribble])
def test_m5_published_data_that_is_gone_or_damaged_is_found_and_the_next_run_builds_it(
    shop: Shop, harm: Callable[[Path], None]
) -> None:
    harm(live_file(shop, "ltv_v1_predictions", "2026-01-04"))
    found = the(doctor(shop), "ltv_v1_predictions: the data of 2026-01-04 is gone or damaged")
    assert (found.mended, found.why.startswith("2026-01-04: ")) == (False, True)

    findings = doctor(shop, fix=True)
    mended = the(findings, "ltv_v1_predictions: the data")
    assert mended.mended
    assert mended.mend.endswith("augury run ltv --date 2026-01-04")
    assert "2026-01-04" not in shop.statuses()

    shop.run("ltv", "2026-01-03", "2026-01-06", reprocess="missing")
    assert len(shop.published("ltv", "2026-01-04")) == 2
    assert doctor(shop) == ()


def test_a_pointer_that_cannot_be_read_counts_as_lost_data(shop: Shop) -> None:
    (home(shop) / "ltv_v1_prepare" / "run_date=2026-01-05" / "live.json").write_text("{", "utf-8")
    assert the(doctor(shop, fix=True), "ltv_v1_prepare: the data of 2026-01-05").mended
    assert ("ltv_v1_prepare", day("2026-01-05")) not in shop.partitions()
    assert shop.statuses()["2026-01-05"] == "succeeded"


def test_data_that_the_ledger_does_not_know_is_told_and_left_alone(shop: Shop) -> None:
    with shop.open() as project:
        project.reset(pipeline="ltv")
    findings = doctor(shop, fix=True)
    unknown = the(findings, "ltv_v1_predictions: the ledger does not know")
    assert unknown.mended is False
    assert unknown.mend.endswith("augury backfill ltv --start 2026-01-03 --end 2026-01-06")
    assert len(shop.table("ltv_v1_predictions")) == 6
    shop.run("ltv", "2026-01-03", "2026-01-06")
    assert doctor(shop) == ()


def test_a_date_that_a_run_is_at_is_not_called_lost(shop: Shop) -> None:
    live_file(shop, "ltv_v1_predictions", "2026-01-04").unlink()
    with PartitionLocks(home(shop) / "_locks").acquire("ltv-v1-2026-01-04", "R9"):
        findings = doctor(shop, fix=True)
    assert not [finding for finding in findings if "gone or damaged" in finding.problem]
    assert shop.statuses()["2026-01-04"] == "succeeded"


@pytest.mark.parametrize("harm", ["gone", "elsewhere", "broken"])
def test_a_view_that_does_not_show_the_current_version_is_pointed_again(shop: Shop, harm: str) -> None:
    view = home(shop) / "_views" / "ltv_predictions.json"
    if harm == "gone":
        view.unlink()
    else:
        view.write_text('{"table": "ltv_v9_predictions"}' if harm == "elsewhere" else "{", "utf-8")
    assert the(doctor(shop), "ltv_predictions does not show ltv_v1_predictions").mended is False
    assert the(doctor(shop, fix=True), "ltv_predictions does not show").mended
    assert shop.query("select count(*) as n from ltv_predictions") == [{"n": 6}]
    assert doctor(shop) == ()


def test_a_view_of_a_table_that_is_gone_is_not_pointed_anywhere(shop: Shop) -> None:
    with shop.open() as project:
        project.clean(step="publish")
    assert the(doctor(shop, fix=True), "ltv_predictions: the table that it shows is gone").mended is False


def test_a_current_version_that_left_the_project_is_told(shop: Shop) -> None:
    shop.pipeline("ltv", version="v2", prepare=SPENT)
    shop.run("ltv", "2026-01-05", version="v2")
    with shop.open() as project:
        project.set_version("ltv", "v2")
    shutil.rmtree(shop.root / "pipelines" / "ltv" / "v2")
    found = the(doctor(shop), "the current version of ltv is v2, and the project has no v2")
    assert "augury set-version ltv v1" in found.mend


def test_y5_without_a_champion_the_way_to_one_is_told(scoring: Shop, tmp_path: Path) -> None:
    shutil.copytree(scoring.root, tmp_path / "shop")
    shop = replace(scoring, root=tmp_path / "shop")
    shop.run("ltv", "2026-01-12")
    findings = doctor(shop)
    held = the(findings, "held: 2026-01-12")
    assert held.why.startswith("no champion: no model has been trained")
    assert "augury train ltv --date 2026-01-12" in held.mend
    assert the(findings, "no champion for 2026-01-12").why.startswith("no model")


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_model_that_was_changed_or_lost_is_found_before_it_scores(scoring: Shop, tmp_path: Path, harm: str) -> None:
    shutil.copytree(scoring.root, tmp_path / "shop")
    shop = replace(scoring, root=tmp_path / "shop")
    shop.train("ltv", "2026-01-12")
    shop.run("ltv", "2026-01-12")
    assert doctor(shop) == ()
    folder = home(shop) / "_models" / shop.models("ltv")[0].folder
    if harm == "gone":
        shutil.rmtree(folder)
    else:
        file = next(path for path in folder.iterdir() if path.name != "card.json")
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    found = the(doctor(shop), "model 1")
    assert "is not the one that was registered" in found.problem
    assert "augury train ltv --date 2026-01-12" in found.mend


# -- folders -----------------------------------------------------------------------------------------------------


def test_leftovers_of_dead_writers_are_swept_once_they_are_old(shop: Shop) -> None:
    home_of = home(shop)
    drafts = [
        home_of / "ltv_v1_prepare" / "run_date=2026-01-04" / ".tmp-R1-abc",
        home_of / "_ledger.db.77-abcd.tmp",
        home_of / "_models" / "ltv_v1" / ".2026-01-01-R1.0123456789ab" / "model.json",
    ]
    for draft in drafts:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(b"half")
    written = datetime.fromtimestamp(drafts[0].stat().st_mtime, UTC)

    def leftovers(moment: datetime, *, fix: bool = False) -> list[Finding]:
        found = doctor(replace(shop, now=moment), fix=fix)
        return [finding for finding in found if "leftovers" in finding.problem]

    assert leftovers(written + timedelta(minutes=10), fix=True) == []
    assert all(draft.exists() for draft in drafts)
    (found,) = leftovers(written + timedelta(days=2))
    assert (found.problem[:1], found.mended) == ("3", False)
    (found,) = leftovers(written + timedelta(days=2), fix=True)
    assert found.mended
    assert not any(draft.exists() for draft in drafts)
    assert len(shop.table("ltv_v1_prepare")) == 6


def test_a_disk_that_is_nearly_full_is_told_before_it_is(tmp_path: Path) -> None:
    assert nearly_full(tmp_path, LEAST_FREE) is None
    found = nearly_full(tmp_path, 250_000_000)
    assert found is not None
    assert (found.why, found.mended) == ("250 MB are free", False)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    # Asked of a value, as root may write everywhere.
    assert unwritable(tmp_path, True) is None
    found = unwritable(tmp_path, False)
    assert found is not None
    assert (found.problem, found.mend) == (f"{tmp_path} cannot be written", f"chmod u+wx {tmp_path}")
