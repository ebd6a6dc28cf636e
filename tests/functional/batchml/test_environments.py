"""Do settings cascade as BatchML documents it, and does a test ever reach production?"""

from __future__ import annotations

from tests.functional.batchml.forks import DAY, DEV, Forks

ALL = """SELECT repository_name AS name, repository_size AS size, repository_has_wiki AS has_wiki,
  repository_open_issues AS issues, '{{ target_dataset }}' AS dataset, '{{ environment }}' AS env,
  '{{ model_code }}_{{ version_code }}' AS code, '{{ bigquery_location }}' AS place, {{ least_rows }} AS least,
  '{{ schedule }}' AS cron
FROM `bigquery-public-data.samples.github_timeline` WHERE repository_size IS NOT NULL
"""


def scored(project: Forks, *target: str) -> dict[str, object]:
    project.does(*target, "train", "github", "--date", DAY)
    project.does(*target, "run", "github", "--date", DAY)
    sql = "select distinct dataset, env, code, place, least, cron from github_v1_scoring"
    (row,) = project.does(*target, "query", sql, "--output", "json").document["rows"]
    return dict(row)


def test_every_variable_and_config_key_is_there_and_cascades_e7(project: Forks) -> None:
    (project.root / "github" / "github_v1_scoring.sql").write_text(ALL, "utf-8")
    test = {"dataset": DEV, "env": "test", "code": "github_v1", "place": "US", "least": 100, "cron": "0 15 * * *"}
    assert scored(project) == test
    prod = {**test, "dataset": "data_science", "env": "prod", "least": 200}
    assert scored(project, "--target", "prod") == prod


def test_the_models_own_key_comes_last_e7(project: Forks) -> None:
    project.edit("batchml.yaml", "    versions:\n", "    least_rows: 7\n    versions:\n")
    (project.root / "github" / "github_v1_scoring.sql").write_text(ALL, "utf-8")
    assert scored(project)["least"] == 7


def test_a_name_that_is_no_variable_is_an_error_with_its_line_e7(project: Forks) -> None:
    project.edit("github/github_v1_scoring.sql", "repository_size IS NOT NULL", "repository_size > {{ lest_rows }}")
    answer = project.type("validate")
    assert answer.code == 2
    assert "github/github_v1_scoring.sql:8" in answer.err
    assert "least_rows" in answer.err


def test_a_test_can_never_write_production_t7(project: Forks) -> None:
    project.edit("batchml.yaml", "    versions:\n", "    target_dataset: data_science\n    versions:\n")
    answer = project.type("plan", "github", "--date", DAY)
    assert answer.code == 2
    assert (
        "batchml.yaml:19  models.github: target_dataset is data_science, and test writes to dev_data_science"
        in answer.err
    )
    assert not (project.root / ".augury").exists()


def test_a_test_gets_no_name_of_production_into_its_sql_t7(project: Forks) -> None:
    project.edit("batchml.yaml", "    versions:\n", "    seen: data_science.customers\n    versions:\n")
    answer = project.type("validate")
    assert answer.code == 2
    assert "seen names data_science, the dataset of production, in the environment test" in answer.err
    assert project.type("--target", "prod", "validate").code == 0


def test_a_value_that_would_end_a_string_is_not_printed_into_sql(project: Forks) -> None:
    project.edit("batchml.yaml", "  least_rows: 100\n", '  least_rows: 100\n  words: "it\'s; drop"\n')
    project.edit("github/github_v1_scoring.sql", "repository_name AS name", "'{{ words }}' AS name")
    answer = project.type("validate")
    assert answer.code == 2
    assert "cannot be printed into SQL as it is" in answer.err
