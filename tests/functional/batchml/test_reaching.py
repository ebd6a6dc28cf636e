"""What of other models can the SQL of a model read by name, and what of production can a test reach?"""

from __future__ import annotations

import pytest

from tests.cli_runner import refused
from tests.functional.batchml.forks import DAY, Forks

READING = """\
SELECT p.name, LENGTH(p.name) AS size, TRUE AS has_wiki, 3 AS issues FROM `{{ target_dataset }}.TABLE` AS p
"""


@pytest.fixture
def stars(project: Forks) -> Forks:
    """A second model, whose files are those of github's first version."""
    (project.root / "stars").mkdir()
    for file in (project.root / "github").glob("github_v1_*.sql"):
        text = file.read_text("utf-8").replace("github_v1", "stars_v1")
        (project.root / "stars" / file.name.replace("github", "stars")).write_text(text, "utf-8")
    project.edit("batchml.yaml", "models:\n", "models:\n  stars: {versions: {v1: {note: reads github}}}\n")
    for version in ("v1", "v2"):
        project.does("train", "github", "--date", DAY, "--version", version)
        project.does("run", "github", "--date", DAY, "--version", version)
    project.does("train", "stars", "--date", DAY)
    return project


def test_a_model_reads_what_another_published_by_any_of_its_names_b13(stars: Forks) -> None:
    for table in ("github_preds", "github_v1_preds", "github_v1_preds_prod", "github_v2_preds", "github_v1_scoring"):
        scoring = stars.root / "stars" / "stars_v1_scoring.sql"
        scoring.write_text(READING.replace("TABLE", table), "utf-8")
        stars.does("run", "stars", "--date", DAY)
        assert stars.published("stars_preds") == [(DAY, "v1", 234)], table


def test_a_version_reads_what_another_version_published_h1(stars: Forks) -> None:
    scoring = stars.root / "github" / "github_v2_scoring.sql"
    scoring.write_text(READING.replace("TABLE", "github_v1_preds_prod"), "utf-8")
    stars.does("run", "github", "--date", DAY, "--version", "v2")
    assert stars.published("github_v2_preds") == [(DAY, "v2", 234)]


MACROS = "{% macro live(table) %}data_science.{{ ident(table) }}{% endmacro %}\n"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("validation", "`{{ target_dataset }}.github_v1_preds_prod`", "data_science.github_v1_preds_prod"),
        ("scoring", "`bigquery-public-data.samples.github_timeline`", "`Data_Science.repositories`"),
        ("scoring", "`bigquery-public-data.samples.github_timeline`", "{{ live('repositories') }}"),
        ("scoring", "`bigquery-public-data.samples.github_timeline`", "{{ ident('data_science', 'repositories') }}"),
        ("training", "`bigquery-public-data.samples.github_timeline`", "my-project.data_science.repositories"),
        ("train_model", "`{{ target_dataset }}.{{ model_code }}", "`data_science.{{ model_code }}"),
        ("predicting", "`{{ target_dataset }}.github_v1_model`", "data_science.github_v1_model"),
    ],
)
def test_a_test_reads_nothing_of_production_however_it_is_named_t7(
    project: Forks, file: str, old: str, new: str
) -> None:
    (project.root / "macros").mkdir()
    (project.root / "macros" / "live.sql").write_text(MACROS, "utf-8")
    project.edit(f"github/github_v1_{file}.sql", old, new)
    refused(project.type("plan", "github", "--date", DAY), 2, "the dataset of production, which no test reads")
    assert not (project.root / ".augury").exists()


def test_a_branch_for_production_is_not_read_by_a_test_t7(project: Forks) -> None:
    more = " {% if environment == 'prod' %} AND 1 IN (SELECT id FROM data_science.repositories) {% endif %}"
    project.edit("github/github_v1_scoring.sql", "IS NOT NULL;", "IS NOT NULL" + more)
    assert project.type("validate").code == 0


def test_a_key_of_batchml_can_be_given_by_hand_but_production_cannot_t7(project: Forks) -> None:
    project.does("plan", "github", "--date", DAY, "--vars", "least_rows=5")
    refused(project.type("plan", "github", "--date", DAY, "--vars", "least_row=5"), 2, "Did you mean least_rows?")
    dataset = ("--vars", "target_dataset=data_science")
    refused(project.type("plan", "github", "--date", DAY, *dataset), 2, "no file declares or uses")
    project.edit("github/github_v1_scoring.sql", "bigquery-public-data.", "{{ bigquery_location }}.")
    place = ("--vars", "bigquery_location=my-project.data_science")
    refused(project.type("plan", "github", "--date", DAY, *place), 2, "the dataset of production")
