"""Does a BatchML project run as it is?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.cli_runner import called
from tests.functional.batchml.forks import DAY, DEV, Forks, batchml_only

WITH_DATA = "sources: {github_timeline: {path: data/github_timeline.csv}}"


def test_the_sql_of_a_batchml_project_stays_byte_for_byte_and_runs_g2_t10(tmp_path: Path) -> None:
    project = batchml_only(tmp_path)
    before = project.sql
    answer = project.does("import", "batchml", ".")
    assert "github v1, github v2" in answer.out
    assert "github_timeline is bigquery-public-data.samples.github_timeline" in answer.out
    project.edit(
        "augury.yml", "    path: .augury                      # tables", f"    {WITH_DATA}\n    path: .augury  # tables"
    )
    project.edit("augury.yml", "start: ", "start: 2026-01-01  # was ")
    project.does("train", "github", "--date", DAY)
    project.does("run", "github", "--date", DAY)
    assert project.sql == before
    assert project.published() == [(DAY, "v1", 234)]


def test_the_predictions_are_those_of_the_normal_equations_g2_i12(published: Forks) -> None:
    rows = pd.read_csv(published.root / "data" / "github_timeline.csv").dropna(subset=["repository_size"])
    features = np.column_stack(
        [
            np.ones(len(rows)),
            rows["repository_size"],
            rows["repository_has_wiki"].astype(float),
            rows["repository_open_issues"],
        ]
    )
    weights, *_ = np.linalg.lstsq(features, rows["repository_forks"].to_numpy(float), rcond=None)
    wanted = dict(zip(rows["repository_name"], (features @ weights).round(3), strict=True))
    found = {str(row["name"]): row["predicted_forks"] for row in published.rows("select * from github_v1_preds")}
    assert found.keys() == wanted.keys()
    assert max(abs(float(str(found[name])) - wanted[name]) for name in wanted) <= 0.0011
    assert all(row["predicted_at"] for row in published.rows("select predicted_at from github_v1_preds"))


def test_an_import_writes_nothing_over_and_says_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    project = batchml_only(tmp_path)
    nowhere = called("import", "batchml", str(tmp_path / "data"), folder=tmp_path)
    assert (nowhere.code, "there is no batchml.yaml" in nowhere.err) == (2, True)
    (tmp_path / "github" / "github_v2_scoring.sql").rename(tmp_path / "github" / "github_v2_scorng.sql")
    project.edit("batchml.yaml", "models:", "modells: {}\nmodels:")
    broken = project.type("import", "batchml", ".")
    assert broken.code == 2
    assert "there is no section modells" in broken.err
    assert "there is no github/github_v2_scoring.sql" in broken.err
    assert "did you mean 'github_v2_scoring.sql'" in broken.err
    assert not (tmp_path / "augury.yml").exists()
    (tmp_path / "augury.yml").write_text("name: mine\n")
    again = project.type("import", "batchml", ".")
    assert (again.code, (tmp_path / "augury.yml").read_text()) == (2, "name: mine\n")


def test_the_eight_objects_have_their_names_b13(published: Forks) -> None:
    names = {str(row["name"]) for row in published.rows("show tables")}
    assert {
        "github_v1_training",
        "github_v1_scoring",
        "github_v1_preds_staging",
        "github_v1_preds_prod",
        "github_v1_preds",
        "github_preds",
        "github_archive",
    } <= names
    trained = published.root / ".augury" / DEV / "_models" / "github_v1"
    assert [path.name.startswith("github_v1_model_20260201_") for path in trained.iterdir()] == [True]


def test_every_row_names_its_version_b14(published: Forks) -> None:
    assert published.rows("select distinct version from github_v1_preds") == [{"version": "v1"}]
    assert published.rows("select distinct version from github_v2_preds") == [{"version": "v2"}]


def test_a_model_is_added_by_an_entry_and_files_alone_t9(project: Forks) -> None:
    (project.root / "wikis").mkdir()
    for file in (project.root / "github").glob("github_v1_*.sql"):
        text = file.read_text("utf-8").replace("github_v1", "wikis_v1")
        (project.root / "wikis" / file.name.replace("github", "wikis")).write_text(text, "utf-8")
    project.edit("batchml.yaml", "models:\n", "models:\n  wikis: {versions: {v1: {note: the same}}}\n")
    assert [row["pipeline"] for row in project.does("ls", "--output", "json").document["pipelines"]] == [
        "github",
        "github",
        "wikis",
    ]
    project.does("train", "wikis", "--date", DAY)
    project.does("run", "wikis", "--date", DAY)
    assert project.published("wikis_preds") == [(DAY, "v1", 234)]


def test_a_version_that_is_taken_from_the_yaml_is_retired_and_its_data_stays_h4(published: Forks) -> None:
    published.edit("batchml.yaml", "      v1:\n        note: Size, wiki and open issues\n", "")
    published.does("set-version", "github", "v2")
    assert [row["version"] for row in published.does("ls", "--output", "json").document["pipelines"]] == ["v2"]
    assert published.published("github_v1_preds_prod") == [(DAY, "v1", 234)]


def test_words_about_a_model_and_its_versions_are_shown_h10(project: Forks) -> None:
    found = project.does("ls", "--output", "json").document["pipelines"]
    assert [row["description"] for row in found] == ["How often a repository of its size is forked"] * 2


def test_what_is_wrong_with_one_model_does_not_stop_another(project: Forks) -> None:
    project.edit("batchml.yaml", "models:\n", "models:\n  broken: {versions: {v1: {note: no files}}}\n")
    assert project.type("validate").code == 2
    project.does("train", "github", "--date", DAY)
    project.does("run", "github", "--date", DAY)


def test_an_import_names_every_table_of_every_environment_and_what_it_cannot_name(tmp_path: Path) -> None:
    project = batchml_only(tmp_path)
    project.edit("batchml.yaml", "  bigquery_location: US\n", "  bigquery_location: US\n  raw: raw_test\n")
    project.edit("batchml.yaml", "  target_dataset: data_science\n", "  target_dataset: data_science\n  raw: raw\n")
    project.edit(
        "github/github_v1_scoring.sql",
        "WHERE",
        "JOIN {{ raw }}.Stars USING (repository_name), `p.raw.events_*`, `{{ target_dataset }}.teams`\nWHERE",
    )
    found = project.does("import", "batchml", ".", "--output", "json").document["imported"]
    assert found["sources"] == {
        "github_timeline": "bigquery-public-data.samples.github_timeline",
        "stars": "raw_test.Stars",
        "teams": "dev_data_science.teams",
        "stars_2": "raw.Stars",
        "teams_2": "data_science.teams",
    }
    assert found["unnamed"] == ["p.raw.events_*"]
