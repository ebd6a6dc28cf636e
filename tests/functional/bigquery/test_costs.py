"""Does a plan say what it costs, and is nothing run that costs more than it may?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.testing.bigquery import BigQueryServer
from tests.cli_runner import refused
from tests.functional.bigquery.cloud import Cloud, example

NEXT = "1998-01-16"


def plan(cloud: Cloud, *more: str) -> dict[str, dict[str, object]]:
    """Rows of a plan by step."""
    found = cloud.does("cloud", "plan", "ltv", "--date", NEXT, "--output", "json", *more).document["explanation"]
    return {row["step"]: row for row in found["rows"]}


def test_a_plan_shows_partitions_reasons_bytes_and_money(ltv: Cloud) -> None:
    rows = plan(ltv)
    prepare = rows["prepare"]
    assert (prepare["partitions"], prepare["why"]) == (1, "missing: 1 date")
    assert isinstance(prepare["estimate_bytes"], int)
    assert prepare["estimate_bytes"] >= 10 * 1024 * 1024, "BigQuery bills at least 10 MB for a query"
    assert prepare["estimate_cost"] == pytest.approx(prepare["estimate_bytes"] / 2**40 * 6.25)
    assert "per TiB" in ltv.does("cloud", "plan", "ltv", "--date", NEXT).out


def test_trainings_are_part_of_the_cost(ltv: Cloud) -> None:
    found = ltv.does("cloud", "plan", "ltv", "--date", "1998-06-20", "--output", "json").document["explanation"]
    rows = {row["step"]: row for row in found["rows"]}
    alone = plan(ltv)["prepare"]["estimate_bytes"]
    assert "training date" in rows["prepare"]["why"] or rows["prepare"]["partitions"] == 1
    assert rows["prepare"]["estimate_bytes"] >= alone


def test_a_run_that_costs_more_than_max_cost_is_refused_before_any_query_aa6(ltv: Cloud) -> None:
    before = len(ltv.rows("cloud", "select run_id from augury_runs"))
    words = ("run", "ltv", "--date", NEXT, "--max-cost", "0.0000001")
    refused(ltv.type("cloud", *words), 4, "--max-cost allows", "No query ran")
    refused(ltv.type("cloud", "plan", *words[1:]), 4, "--max-cost allows")
    assert len(ltv.rows("cloud", "select run_id from augury_runs")) == before


def test_limits_bytes_billed_refuse_before_the_first_query_bb4(server: BigQueryServer, tmp_path: Path) -> None:
    cloud = example("ltv", tmp_path, server, dataset="limited")
    cloud.edit("pipelines/ltv/pipeline.yml", "memory: 4GB}", "memory: 4GB, bytes_billed: 1KB}")
    refused(cloud.type("cloud", "run", "ltv", "--date", NEXT), 4, "limits.bytes_billed allows 1.0 KB", "No query ran")


def test_a_laptop_bills_nothing(ltv: Cloud) -> None:
    assert "per TiB" not in ltv.does("dev", "plan", "ltv", "--date", NEXT).out
    ltv.does("dev", "plan", "ltv", "--date", NEXT, "--max-cost", "0")


def test_amounts_below_a_cent_are_told_apart_and_nan_is_no_amount(ltv: Cloud) -> None:
    words = ("run", "ltv", "--date", NEXT, "--max-cost")
    refused(ltv.type("cloud", *words, "0.00001"), 4, "this costs", "$0.0000", "--max-cost allows $0.000010")
    refused(ltv.type("cloud", *words, "nan"), 2, "nan is no amount of money", "--max-cost 5")


def test_what_bigquery_asks_for_a_model_is_said_to_be_unknown(forks: Cloud) -> None:
    answer = forks.type("cloud", "train", "github", "--date", "2026-01-20", "--max-cost", "0.00001")
    refused(answer, 4, "at least", "No query ran")


def test_a_statement_that_reads_more_than_the_limit_is_refused_with_its_file_bb4(
    forks: Cloud, server: BigQueryServer, tmp_path: Path
) -> None:
    """CREATE MODEL is not asked beforehand: its job carries the limit."""
    cloud = example("forks", tmp_path, server, dataset="limited_forks")
    cloud.edit("augury.yml", "  start: 2026-01-01", "  limits: {bytes_billed: 1KB}\n  start: 2026-01-01")
    training = (cloud.root / "github" / "github_v1_training.sql").read_text("utf-8")
    cloud.edit("github/github_v1_train_model.sql", "SELECT * FROM `{{ target_dataset }}.github_v1_training`", training)
    (cloud.root / "github" / "github_v1_training.sql").write_text("SELECT 1 AS one", "utf-8")
    answer = cloud.type("cloud", "train", "github", "--date", "2026-02-03")
    refused(answer, 4, "1,000 bytes are allowed", "github/github_v1_train_model.sql", "limits.bytes_billed")
    assert cloud.rows("cloud", "select * from augury_models") == []
