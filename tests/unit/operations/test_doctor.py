"""M5, Y5: every stuck state is found, explained, and mended where nobody has to decide."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from augury.ledger.records import RunRecord, Status
from augury.operations.doctor import Finding
from augury.operations.doctor_folders import LEAST_FREE, nearly_full, unwritable
from augury.plan.steps import Plan
from augury.run.locks import PartitionLocks
from tests.projects import REVENUE, SPENT, Shop, day, days, orders_of, outcomes, within

MODEL = """\
horizon: 2d
model:
  type: linear_reg
  label: revenue
  missing_label: zero
  train: {every: 1d, window: 20d, folds: 2}
"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three published dates, up to the one that is due."""
    made = Shop.at(tmp_path_factory.mktemp("healthy"))
    made.now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    made.orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 30))
    made.pipeline("ltv", prepare=SPENT)
    made.run("ltv", "2026-01-03", "2026-01-06")
    return made


@pytest.fixture
def shop(healthy: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(healthy.root, tmp_path / "shop")
    return replace(healthy, root=tmp_path / "shop")


def doctor(shop: Shop, *, fix: bool = False) -> tuple[Finding, ...]:
    with shop.open() as project:
        return project.doctor(fix=fix)


def the(findings: tuple[Finding, ...], about: str) -> Finding:
    (found,) = [finding for finding in findings if about in finding.problem]
    return found


def home(shop: Shop) -> Path:
    return shop.root / ".augury" / "dev"


def live_file(shop: Shop, table: str, when: str) -> Path:
    folder = home(shop) / table / f"run_date={when}"
    return folder / str(json.loads((folder / "live.json").read_text("utf-8"))["file"])


def test_a_healthy_target_has_no_finding_and_neither_has_one_that_was_never_used(shop: Shop, tmp_path: Path) -> None:
    assert doctor(shop) == ()
    fresh = Shop.at(tmp_path / "fresh").orders(("ann", "2026-01-01", 10)).pipeline("ltv", prepare=SPENT)
    assert doctor(fresh) == ()
    assert not (fresh.root / ".augury").exists()


def test_looking_changes_nothing(shop: Shop) -> None:
    live_file(shop, "ltv_v1_predictions", "2026-01-04").unlink()
    (home(shop) / "_views" / "ltv_predictions.json").unlink()
    before = {path: path.read_bytes() for path in shop.root.rglob("*") if path.is_file()}
    assert doctor(shop)
    after = {path: path.read_bytes() for path in shop.root.rglob("*") if path.is_file()}
    assert {path.name for path in before.keys() ^ after.keys()} <= {"_ledger.db-shm", "_ledger.db-wal"}
    assert all(after[path] == content for path, content in before.items() if not path.name.endswith(("-shm", "-wal")))


# -- runs --------------------------------------------------------------------------------------------------------


def die(shop: Shop, run_id: str, when: str) -> None:
    """Leave in the ledger what a process leaves that was killed while it worked on a date."""
    with shop.open() as project:
        plan: Plan = project.plan("ltv", within(when))
        ledger = project._writing.ledger
        ledger.begin_run(
            RunRecord(
                run_id=run_id,
                pipeline="ltv",
                version="v1",
                target="dev",
                command=f"augury run ltv --date {when}",
                first_date=day(when),
                last_date=day(when),
                status=Status.RUNNING,
                started_at=shop.now,
                host="here",
                pid=4711,
                user="ada",
                augury_version="0",
            ),
            plan.to_json(),
        )
        ledger.begin_task(run_id, plan.tasks[0].key, "ltv", "v1", day(when), 1, shop.now)


def test_m5_a_run_whose_process_died_is_found_closed_and_its_date_goes_on(shop: Shop) -> None:
    shop.now += timedelta(days=1)
    die(shop, "R1", "2026-01-06")

    found = the(doctor(shop), "run R1")
    assert (found.mended, found.why) == (
        False,
        "augury run ltv --date 2026-01-06: here, pid 4711, since 2026-01-06 12:00 UTC",
    )

    findings = doctor(shop, fix=True)
    assert the(findings, "run R1").mended
    assert the(findings, "crashed: 2026-01-06").mend == "Nothing of it was published. Go on: augury retry ltv"
    with shop.open() as project:
        (result,) = project.retry()
    assert outcomes(result) == {"2026-01-06": "succeeded"}
    assert doctor(shop) == ()


def test_a_lock_is_explained_by_the_process_that_holds_it(shop: Shop) -> None:
    locks = PartitionLocks(home(shop) / "_locks")
    with locks.acquire("ltv-v1-2026-01-06", "R9"):
        found = the(doctor(shop), "ltv-v1-2026-01-06")
    assert f"pid {os.getpid()}" in found.why
    assert f"kill {os.getpid()}" in found.mend
    assert doctor(shop) == ()


# -- dates -------------------------------------------------------------------------------------------------------


def test_y5_a_held_date_names_the_check_and_the_ways_on(shop: Shop) -> None:
    shop.now += timedelta(days=1)
    shop.write("pipelines/ltv/validation.sql", "select true as fine, count(*) > 5 as enough from {{ staging() }}\n")
    shop.run("ltv", "2026-01-06")

    findings = doctor(shop)

    held = the(findings, "held: 2026-01-06")
    assert held.why == "1 of 2 checks is not true: enough"
    assert 'augury query "select * from ltv_v1_predictions_staging"' in held.mend
    assert "augury run ltv --date 2026-01-06 --accept CHECK" in held.mend
    stale = the(findings, "stale since 2026-01-06")
    assert stale.problem.endswith("consumers have 2026-01-05, and 2026-01-06 is due")
    assert stale.why == "2026-01-06: held: 1 of 2 checks is not true: enough"


def test_y5_a_failed_date_says_with_what_and_dates_that_failed_alike_are_told_once(shop: Shop) -> None:
    shop.now += timedelta(days=2)
    shop.write("pipelines/ltv/prepare.sql", "select customer_id, 1 / totl as x from {{ source('orders') }}")
    shop.run("ltv", "2026-01-06", "2026-01-08")
    failed = the(doctor(shop), "failed")
    assert failed.problem == "ltv v1: failed: 2026-01-06, 2026-01-07"
    assert "totl" in failed.why
    assert "augury logs ltv --date 2026-01-06 --level error" in failed.mend
    assert failed.mend.endswith("augury retry ltv")


def test_y5_a_blocked_date_says_which_one_blocks_it(shop: Shop) -> None:
    shop.now += timedelta(days=2)
    shop.write("pipelines/ltv/prepare.sql", SPENT)
    shop.write(
        "pipelines/ltv/hooks.py",
        "import datetime\n\n\ndef prepare(rows, context):\n"
        "    assert context.run_date != datetime.date(2026, 1, 6), 'a bad day'\n    return rows\n",
    )
    shop.write(
        "pipelines/ltv/filter.sql",
        "select p.customer_id from {{ ref('prepare') }} p left join {{ history('prepare', days=1) }} h "
        "on h.customer_id = p.customer_id group by all",
    )
    shop.run("ltv", "2026-01-06", "2026-01-08")
    findings = doctor(shop)
    assert "a bad day" in the(findings, "failed: 2026-01-06").why
    blocked = the(findings, "blocked: 2026-01-07")
    assert blocked.why.startswith("2026-01-06 failed")
    assert blocked.mend == "Mend first what it waits for; then both: augury retry ltv"


def test_y5_a_date_without_a_source_says_which_one_is_not_there(shop: Shop) -> None:
    shop.now += timedelta(days=1)
    (shop.root / "data" / "orders.csv").unlink()
    shop.run("ltv", "2026-01-06")
    skipped = the(doctor(shop), "skipped: missing: 2026-01-06")
    assert "orders" in skipped.why
    assert skipped.mend == "Put the source in place, then: augury run ltv --date 2026-01-06"


def test_y5_a_date_past_a_limit_names_the_limit(shop: Shop) -> None:
    shop.now += timedelta(days=1)
    shop.pipeline("ltv", "limits: {memory: 1MB}\n")
    shop.run("ltv", "2026-01-06")
    refused = the(doctor(shop), "refused by a limit: 2026-01-06")
    assert "memory" in refused.why
    assert "`limits` in pipelines/ltv/pipeline.yml" in refused.mend


def test_dates_that_nobody_ran_make_a_pipeline_stale(shop: Shop) -> None:
    shop.now += timedelta(days=3)
    (found,) = doctor(shop)
    assert found.problem == "ltv v1: stale since 2026-01-06: consumers have 2026-01-05, and 2026-01-08 is due"
    assert found.why == "nobody has run 2026-01-06 yet"
    assert found.mend == "Run what is due: augury backfill ltv --start 2026-01-06 --end 2026-01-09"


def test_late_data_that_no_rule_takes_in_is_found(shop: Shop) -> None:
    shop.orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 30), ("eve", "2026-01-02", 50))
    found = the(doctor(shop), "late data: orders")
    assert "2026-01-02" in found.problem
    assert found.mend == "Take it in: augury backfill ltv --start 2026-01-03 --end 2026-01-06 --refresh late"
    assert the(doctor(shop, fix=True), "late data: orders").mended is False


def test_a_pipeline_that_cannot_be_planned_is_a_finding_not_a_traceback(shop: Shop) -> None:
    shop.write("augury.yml", "name: shop\nsources:\n  orders: {path: data/orders.csv, event_time: when_it_was}\n")
    assert any("when_it_was" in finding.problem for finding in doctor(shop))


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
    found = the(doctor(shop), "current version v2 is not in the project")
    assert found.mend.endswith("augury set-version ltv v1")


# -- models ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scoring(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop.at(tmp_path_factory.mktemp("scoring"))
    made.now = datetime(2026, 1, 12, 12, tzinfo=UTC)
    made.orders(*orders_of(("ann", "ben", "cleo"), days("2026-01-01", "2026-01-12"), 5))
    made.pipeline("ltv", MODEL, prepare=SPENT, label=REVENUE)
    return made


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
