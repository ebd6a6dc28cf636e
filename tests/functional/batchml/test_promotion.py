"""Do versions live side by side, is the gate BatchML's, and is everything archived once?"""

from __future__ import annotations

from tests.functional.batchml.forks import DAY, NEXT, Forks

ENOUGH = ">= {{ least_rows }} AS enough_rows"


def held(project: Forks, check: str, verdict: str) -> None:
    """The date is held by one check, and consumers go on reading what they had."""
    before = project.published()
    answer = project.type("run", "github", "--date", NEXT)
    assert answer.code == 3
    assert check in answer.err
    assert project.published() == before, verdict


def test_training_is_a_command_of_its_own_and_nothing_trains_by_itself_g1(project: Forks) -> None:
    answer = project.type("run", "github", "--date", DAY)
    assert answer.code == 3
    assert "no champion" in answer.err
    assert "augury train github" in answer.err
    project.does("train", "github", "--date", DAY)
    project.does("run", "github", "--date", DAY)
    assert project.published() == [(DAY, "v1", 234)]


def test_both_versions_predict_and_the_current_one_alone_is_archived_h1_l2(published: Forks) -> None:
    assert published.published("github_v1_preds") == [(DAY, "v1", 234)]
    assert published.published("github_v2_preds") == [(DAY, "v2", 234)]
    assert published.published() == [(DAY, "v1", 234)]
    assert published.published("github_archive") == [(DAY, "v1", 234)]


def test_a_version_is_set_in_one_command_and_so_is_the_way_back_h2(published: Forks) -> None:
    published.does("set-version", "github", "v2")
    assert published.published() == [(DAY, "v2", 234)]
    published.does("run", "github", "--date", NEXT)
    assert published.published("github_archive") == [(DAY, "v1", 234), (NEXT, "v2", 234)]
    published.does("set-version", "github", "v1")
    assert published.published() == [(DAY, "v1", 234)]


def test_a_version_that_published_nothing_is_refused_with_what_to_do_h3(project: Forks) -> None:
    answer = project.type("set-version", "github", "v2")
    assert answer.code == 2
    assert "github v2 has published nothing yet" in answer.err
    assert "augury backfill github --version v2" in answer.err


def test_a_date_is_archived_once_however_often_it_runs_l2(published: Forks) -> None:
    for _ in range(2):
        published.does("backfill", "github", "--start", DAY, "--end", NEXT, "--reprocess", "all")
    assert published.published("github_archive") == [(DAY, "v1", 234)]


def test_a_column_more_in_the_predictions_does_not_break_the_archive_l3(published: Forks) -> None:
    published.edit("github/github_v1_predicting.sql", "  name,", "  name,\n  size,")
    published.does("run", "github", "--date", NEXT)
    found = published.rows("select run_date, count(size) as sizes from github_archive group by all order by all")
    assert [row["sizes"] for row in found] == [0, 234]


def test_the_first_run_passes_relative_checks_and_shows_nothing_unvalidated_k4(project: Forks) -> None:
    project.does("train", "github", "--date", DAY)
    project.edit("github/github_v1_validation.sql", ENOUGH, ">= 100000 AS enough_rows")
    assert project.type("run", "github", "--date", DAY).code == 3
    names = {str(row["name"]) for row in project.rows("show tables")}
    assert "github_v1_preds_staging" in names
    assert not names & {"github_v1_preds_prod", "github_v1_preds", "github_preds"}
    project.edit("github/github_v1_validation.sql", ">= 100000 AS enough_rows", ENOUGH)
    project.does("run", "github", "--date", DAY)
    assert project.published() == [(DAY, "v1", 234)]


def test_one_false_null_or_missing_check_holds_the_date_by_name_k1_k2(published: Forks) -> None:
    published.edit("github/github_v1_validation.sql", ENOUGH, ">= 100000 AS enough_rows")
    held(published, "enough_rows", "false")
    published.edit("github/github_v1_validation.sql", ">= 100000 AS enough_rows", "> NULL AS enough_rows")
    held(published, "enough_rows", "NULL")


def test_checks_compare_the_candidates_with_what_is_published_k3(published: Forks) -> None:
    published.edit("github/github_v1_predicting.sql", "ROUND(predicted_forks, 3)", "ROUND(predicted_forks * 10, 3)")
    held(published, "mean_moved_little", "moved")


def test_rejected_candidates_stay_and_the_next_run_works_by_itself_k6(published: Forks) -> None:
    published.edit("github/github_v1_validation.sql", ENOUGH, ">= 100000 AS enough_rows")
    held(published, "enough_rows", "false")
    assert (NEXT, "v1", 234) in published.published("github_v1_preds_staging")
    published.edit("github/github_v1_validation.sql", ">= 100000 AS enough_rows", ENOUGH)
    published.does("run", "github", "--date", NEXT)
    assert published.published() == [(DAY, "v1", 234), (NEXT, "v1", 234)]


def test_staging_is_for_validation_alone_k1(project: Forks) -> None:
    project.edit(
        "github/github_v1_scoring.sql",
        "`bigquery-public-data.samples.github_timeline`",
        "`{{ target_dataset }}.github_v1_preds_staging`",
    )
    answer = project.type("validate")
    assert answer.code == 2
    assert "validation alone can read it" in answer.err


def test_a_trained_model_says_what_it_is_in_the_audit_x1(published: Forks) -> None:
    (row,) = published.rows("select * from augury_models where version = 'v1'")
    assert row["type"] == "bigquery_ml"
    audit = row["audit"]
    assert isinstance(audit, dict)
    assert "CREATE OR REPLACE MODEL" in str(audit["statement"])
    assert '"processed_input": "size"' in str(audit["weights"])
    for part in ("training_info", "feature_info", "evaluate"):
        assert str(audit[part]).startswith("["), part
