"""Does the same folder give the same tables on a laptop and in BigQuery?"""

from __future__ import annotations

import pytest

from tests.functional.bigquery.cloud import Cloud

DAY = "1998-01-15"
FORKS_DAY, FORKS_NEXT = "2026-02-01", "2026-02-02"


def test_the_example_ltv_publishes_the_same_table_on_both_warehouses(ltv: Cloud) -> None:
    """To 1e-9 of each value: sums are added in another order, and money is rounded in SQL."""
    columns = "customer_id, predicted_revenue, predicted_margin, bid_multiplier"
    sql = f"select {columns} from ltv_predictions order by customer_id"
    here, there = ltv.rows("dev", sql), ltv.rows("cloud", sql)
    assert len(here) == len(there) == 600
    assert [row["customer_id"] for row in here] == [row["customer_id"] for row in there]
    for column in ("predicted_revenue", "predicted_margin", "bid_multiplier"):
        assert [row[column] for row in there] == pytest.approx([row[column] for row in here], rel=1e-9), column


def test_a_second_run_finds_everything_done_d1(ltv: Cloud) -> None:
    assert "Nothing to do" in ltv.does("cloud", "plan", "ltv", "--date", DAY).out
    count = "select count(*) as n from ltv_predictions"
    before = ltv.rows("cloud", count)
    ltv.does("cloud", "backfill", "ltv", "--start", DAY, "--end", "1998-01-16", "--reprocess", "all")
    assert ltv.rows("cloud", count) == before


def test_batchml_predicts_the_same_on_both_warehouses_and_keeps_two_versions(forks: Cloud) -> None:
    for target in ("test", "cloud"):
        for version in ("v1", "v2"):
            forks.does(target, "train", "github", "--date", FORKS_DAY, "--version", version)
            forks.does(target, "run", "github", "--date", FORKS_DAY, "--version", version)
    for version in ("v1", "v2"):
        sql = f"select name, predicted_forks from github_{version}_preds order by name"
        here, there = forks.rows("test", sql), forks.rows("cloud", sql)
        assert len(there) == 234
        assert [row["name"] for row in here] == [row["name"] for row in there]
        found = [float(row["predicted_forks"]) for row in there]
        assert found == pytest.approx([float(row["predicted_forks"]) for row in here], abs=0.0011)
    archived = "select version, count(*) as n from github_archive group by version"
    assert forks.rows("cloud", archived) == [{"version": "v1", "n": 234}]
    forks.does("cloud", "set-version", "github", "v2")
    forks.does("cloud", "run", "github", "--date", FORKS_NEXT)
    assert sorted((row["version"], row["n"]) for row in forks.rows("cloud", archived)) == [("v1", 234), ("v2", 234)]


def test_models_of_a_batchml_project_are_trained_by_bigquery_itself(forks: Cloud) -> None:
    forks.does("cloud", "train", "github", "--date", FORKS_DAY)
    client = forks.server.client("my-project")
    models = [model.model_id for model in client.list_models("my-project.science")]
    assert any(name.startswith("github_v1_model_20260201_") for name in models)
    (row, *_) = forks.rows("cloud", "select audit.statement as s from augury_models where version = 'v1'")
    assert "CREATE OR REPLACE MODEL" in str(row["s"])
