"""Is every run, lock and date that is stuck found, explained, and mended where nobody has to decide (M5, Y5)?"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from augury.ledger.records import RunRecord, Status
from augury.plan.steps import Plan
from augury.run.locks import PartitionLocks
from tests.functional.doctor.findings import doctor, home, live_file, the
from tests.projects import SPENT, Shop, day, outcomes, within


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
