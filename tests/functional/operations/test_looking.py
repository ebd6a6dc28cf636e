"""What did a date publish, what was logged about it, which dates are to be tried again, and what is set where?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from augury.errors import UsageError
from augury.ledger.records import Status
from augury.operations.configuration import config
from augury.operations.retrying import dates_to_retry
from augury.operations.showing import Shown
from tests.projects import SPENT, Shop, day

NEEDS_BEN = "select bool_or(customer_id = 'ben') as ben_is_there from {{ staging() }}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One customer more each day, each spending more than the one before."""
    made = Shop.at(tmp_path)
    made.now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    made.orders(("ann", "2026-01-01", 10), ("ben", "2026-01-02", 30), ("cleo", "2026-01-03", 20))
    return made.pipeline("ltv", prepare=SPENT)


def show(shop: Shop, when: str, limit: int = 10) -> Shown:
    with shop.open() as project:
        return project.show("ltv", day(when), limit=limit)


def retry(shop: Shop, *asked: str | None) -> tuple[tuple[str, str, list[str]], ...]:
    with shop.open() as project:
        pipeline, version = asked or (None, None)
        found = dates_to_retry(project._writing, pipeline, version)
    return tuple((name, which, [str(when) for when in dates]) for name, which, dates in found)


def test_a_date_is_shown_with_its_largest_values_first_and_what_made_them(shop: Shop) -> None:
    result = shop.run("ltv", "2026-01-05")

    found = show(shop, "2026-01-05", limit=2)

    assert found.status is not None
    assert (found.status.status, found.status.data_date, found.status.run_id) == (
        Status.SUCCEEDED,
        day("2026-01-04"),
        result.run_id,
    )
    assert found.columns[:3] == ("run_date", "customer_id", "orders")
    assert (len(found.rows), found.total_rows, found.model) == (2, 3, None)
    assert {step.step for step in found.steps} >= {"prepare", "post_process", "validate", "publish"}
    assert {step.run_id for step in found.steps} == {result.run_id}


def test_the_value_to_sort_by_is_a_predicted_number_where_there_is_one(shop: Shop) -> None:
    predicted = "select customer_id, 1 as rank, cast(spent as decimal(9, 2)) as predicted_spend"
    shop.write("pipelines/ltv/post_process.sql", predicted + " from {{ ref('prepare') }}")
    shop.run("ltv", "2026-01-05")
    assert [row["customer_id"] for row in show(shop, "2026-01-05").rows] == ["ben", "cleo", "ann"]
    assert [row["customer_id"] for row in show(shop, "2026-01-05", limit=1).rows] == ["ben"]
    assert show(shop, "2026-01-05", limit=0).rows == ()


def test_values_without_a_number_are_shown_by_key_and_missing_ones_last(shop: Shop) -> None:
    shop.write("pipelines/ltv/post_process.sql", "select customer_id, 'x' as word from {{ ref('prepare') }}")
    shop.run("ltv", "2026-01-05")
    assert [row["customer_id"] for row in show(shop, "2026-01-05").rows] == ["ann", "ben", "cleo"]
    null = "select customer_id, nullif(spent, 30) as predicted_spend from {{ ref('prepare') }}"
    shop.write("pipelines/ltv/post_process.sql", null)
    shop.run("ltv", "2026-01-05")
    assert [row["customer_id"] for row in show(shop, "2026-01-05").rows] == ["cleo", "ann", "ben"]


def test_a_date_that_is_held_after_it_was_published_shows_what_readers_still_have(shop: Shop) -> None:
    shop.run("ltv", "2026-01-05")
    shop.write("pipelines/ltv/validation.sql", "select false as never\n")
    held = shop.run("ltv", "2026-01-05")
    found = show(shop, "2026-01-05")
    assert found.status is not None
    assert (found.status.status, found.total_rows) == (Status.HELD, 3)
    assert found.status.detail == "1 of 1 checks is not true: never"
    assert {step.run_id for step in found.steps} == {held.run_id}


def test_a_date_that_nobody_ran_shows_nothing_and_one_off_the_grid_is_refused(shop: Shop) -> None:
    assert show(shop, "2026-01-05") == Shown(None, None, (), (), 0, ())
    with pytest.raises(UsageError, match="2025-12-31 is not a run date of ltv"):
        show(shop, "2025-12-31")
    with pytest.raises(UsageError, match="cannot be shown"):
        show(shop, "2026-01-05", limit=-1)


# -- retry -------------------------------------------------------------------------------------------------------


def test_exactly_the_dates_that_are_not_complete_are_retried_whatever_day_it_is(shop: Shop) -> None:
    shop.write("pipelines/ltv/validation.sql", NEEDS_BEN)
    shop.run("ltv", "2026-01-02", "2026-01-05")
    assert shop.statuses() == {
        "2026-01-02": "held",
        "2026-01-03": "succeeded",
        "2026-01-04": "succeeded",
    }
    later = replace(shop, now=datetime(2027, 6, 1, tzinfo=UTC))
    assert retry(later) == (("ltv", "v1", ["2026-01-02"]),)
    assert retry(later, "ltv", "v1") == (("ltv", "v1", ["2026-01-02"]),)

    shop.write("pipelines/ltv/validation.sql", "select true as fine\n")
    with later.open() as project:
        (result,) = project.retry()
    assert [str(outcome.run_date) for outcome in result.outcomes] == ["2026-01-02"]
    assert retry(later) == ()


def test_every_outcome_that_is_not_complete_is_retried_and_no_other(shop: Shop) -> None:
    shop.run("ltv", "2026-01-02")
    with shop.open() as project:
        ledger = project._writing.ledger
        template = ledger.date_records("ltv", "v1")[day("2026-01-02")]
        statuses = [status for status in Status if status is not Status.RUNNING]
        records = [
            replace(template, run_date=day(f"2026-02-{at:02d}"), status=status)
            for at, status in enumerate(statuses, start=1)
        ]
        ledger.record_partitions(dates=records)
        found = dates_to_retry(project._writing, "ltv", None)
    picked = {statuses[when.day - 1] for _, _, dates in found for when in dates}
    assert picked == {
        Status.FAILED,
        Status.HELD,
        Status.CRASHED,
        Status.BLOCKED,
        Status.REFUSED,
        Status.LOCKED,
    }


def test_a_date_that_left_the_grid_is_not_retried(shop: Shop) -> None:
    shop.write("pipelines/ltv/validation.sql", "select false as never\n")
    shop.run("ltv", "2026-01-02", "2026-01-05")
    shop.pipeline("ltv", start="2026-01-04")
    assert retry(shop) == (("ltv", "v1", ["2026-01-04"]),)


# -- logs --------------------------------------------------------------------------------------------------------


def logged(shop: Shop, **asked: Any) -> list[dict[str, Any]]:
    with shop.open() as project:
        return list(project.logs(**asked))


def test_r_every_line_about_a_date_is_found_whichever_run_wrote_it(shop: Shop) -> None:
    shop.write("pipelines/ltv/validation.sql", NEEDS_BEN)
    first = shop.run("ltv", "2026-01-02", "2026-01-04")
    shop.write("pipelines/ltv/validation.sql", "select true as fine\n")
    shop.now += timedelta(minutes=1)
    second = shop.run("ltv", "2026-01-02")

    lines = logged(shop, day=day("2026-01-02"))

    assert {line["run_id"] for line in lines} == {first.run_id, second.run_id}
    assert {line["date"] for line in lines} == {"2026-01-02"}
    assert {line["pipeline"] for line in lines} == {"ltv"}
    assert all(line["step"] for line in lines if line["message"].startswith(("prepare", "publish")))
    assert {line["level"] for line in logged(shop, day=day("2026-01-02"), level="error")} == {"error"}
    assert {line["run_id"] for line in logged(shop, run_id=second.run_id)} == {second.run_id}
    assert logged(shop, day=day("2026-01-09")) == []
    assert logged(shop) == [*logged(shop, run_id=first.run_id), *logged(shop, run_id=second.run_id)]


def test_a_run_a_pipeline_or_a_level_that_does_not_exist_is_refused_at_once(shop: Shop) -> None:
    with shop.open() as project:
        for asked in ({"run_id": "R9"}, {"pipeline": "lvt"}, {"level": "warn"}):
            with pytest.raises(UsageError):
                project.logs(**asked)  # type: ignore[arg-type]


# -- config ------------------------------------------------------------------------------------------------------


def test_every_setting_is_told_with_where_it_comes_from(shop: Shop) -> None:
    with shop.open(variables={}) as project:
        of_project = {key: (value, origin) for key, value, origin in config(project.spec)}
        of_pipeline = {key: (value, origin) for key, value, origin in config(project.spec, "ltv")}
    assert of_project["name"] == ("shop", "augury.yml:1")
    assert of_project["target"] == ("dev", "default")
    assert of_pipeline["start"] == ("2026-01-01", "pipelines/ltv/pipeline.yml:2")
    assert of_pipeline["archive"] == (True, "default")


def test_settings_of_several_versions_are_kept_apart(shop: Shop) -> None:
    shop.pipeline("ltv", start="2026-01-05", version="v2", prepare=SPENT)
    with shop.open() as project:
        found = {key: value for key, value, _ in config(project.spec, "ltv")}
        assert (found["v1.start"], found["v2.start"]) == ("2026-01-01", "2026-01-05")
        with pytest.raises(UsageError, match="no pipeline called 'ltx'"):
            config(project.spec, "ltx")


# -- query -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["delete from ltv_predictions", "select 1; select 2", "copy (select 1) to 'x'"])
def test_a_statement_that_writes_is_refused_and_writes_nothing(shop: Shop, statement: str) -> None:
    shop.run("ltv", "2026-01-05")
    before = shop.files()
    with pytest.raises(UsageError):
        shop.query(statement)
    assert shop.files() == before
    assert shop.query("select count(*) as n from ltv_predictions") == [{"n": 3}]
