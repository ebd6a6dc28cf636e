"""Does SQL that teams wrote in their own way run as it is, and does what cannot run say where and why?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli_runner import refused
from tests.functional.batchml.forks import DAY, Forks

DATASET = "{{ target_dataset }}"
WAYS: dict[str, Callable[[str], str]] = {
    "no backticks": lambda sql: sql.replace("`", ""),
    "backticks around each part": lambda sql: sql.replace(f"`{DATASET}.", f"`{DATASET}`.`").replace(
        "`bigquery-public-data.samples.", "`bigquery-public-data`.samples.`"
    ),
    "a project before the dataset": lambda sql: sql.replace(f"`{DATASET}.", f"`my-project-7.{DATASET}."),
    "a project without backticks": lambda sql: sql.replace("`", "").replace(DATASET, f"my-project-7.{DATASET}"),
    "keywords in lower case": lambda sql: (
        sql.replace("CREATE OR REPLACE MODEL", "create Or replace model")
        .replace("SELECT", "select")
        .replace("FROM ML.PREDICT", "from ml.predict")
        .replace("TABLE `", "table `")
        .replace("MODEL `", "Model `")
    ),
    "Windows line ends and a byte order mark": lambda sql: "\ufeff" + sql.replace("\n", "\r\n"),
    "comments that name tables": lambda sql: (
        f"# FROM `a.b` MODEL `c`\n/* JOIN `{DATASET}.github_v1_preds_staging` */{{# FROM `e.f` #}}\n{sql}\n-- ; JOIN x"
    ),
    "conditions of Jinja": lambda sql: (
        f"{{% if environment == 'prod' %}}SELECT 1 FROM nowhere{{% else %}}{sql.rstrip().rstrip(';')}{{% endif %}};\n"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_tables_and_models_may_be_written_in_any_way_of_bigquery_t10(project: Forks, way: str) -> None:
    for file in (project.root / "github").glob("github_v1_*.sql"):
        file.write_bytes(WAYS[way](file.read_text("utf-8")).encode())
    project.does("train", "github", "--date", DAY)
    project.does("run", "github", "--date", DAY)
    assert project.published("github_v1_preds") == [(DAY, "v1", 234)]


def test_a_with_of_the_same_name_is_no_table_of_the_project(project: Forks) -> None:
    scoring = project.root / "github" / "github_v1_scoring.sql"
    text = scoring.read_text("utf-8").replace("`bigquery-public-data.samples.github_timeline`", "github_timeline")
    few = "WITH github_timeline AS (SELECT * FROM `bigquery-public-data.samples.github_timeline` LIMIT 120)\n"
    scoring.write_text(few + text, "utf-8")
    project.does("train", "github", "--date", DAY)
    project.type("run", "github", "--date", DAY)
    (row,) = project.rows("select count(*) between 100 and 120 as fewer from github_v1_scoring")
    assert row == {"fewer": True}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("data_split_method", "data_split_metod", 5, "did you mean 'data_split_method'"),
        ("'linear_reg'", "'dnn_regressor'", 3, "use boosted_tree_*"),
        ("['forks']", "['fork']", 4, "did you mean 'forks'"),
        ("SELECT *", "SELEC *", 7, "a SELECT is expected here"),
        ("`{{ target_dataset }}.github_v1_training`", "(SELECT nope)", 7, "nope"),
    ],
)
def test_what_is_wrong_with_a_statement_names_its_line(
    project: Forks, old: str, new: str, line: int, words: str
) -> None:
    project.edit("github/github_v1_train_model.sql", old, new)
    answer = project.type("train", "github", "--date", DAY)
    assert answer.code in (1, 2)
    assert f"github/github_v1_train_model.sql:{line}" in answer.err
    assert words in answer.err


def test_a_training_without_rows_names_its_file(project: Forks) -> None:
    project.edit("github/github_v1_training.sql", "repository_forks IS NOT NULL", "FALSE")
    answer = project.type("train", "github", "--date", DAY)
    refused(answer, 1, "gives no rows")
    assert "github/github_v1_train_model.sql" in answer.err


def test_a_statement_about_the_model_of_another_version_names_its_file(project: Forks) -> None:
    project.edit("github/github_v1_train_model.sql", "{{ version_code }}", "v2")
    answer = project.type("train", "github", "--date", DAY)
    refused(answer, 1, "does not name the model of this version, dev_data_science.github_v1_model")
    assert "  github/github_v1_train_model.sql\n" in answer.err


def test_predictions_have_no_column_that_augury_adds(published: Forks) -> None:
    old, new = "AS predicted_forks", "AS predicted_forks, CURRENT_TIMESTAMP() AS predicted_at"
    published.edit("github/github_v1_predicting.sql", old, new)
    refused(
        published.type("run", "github", "--date", DAY),
        1,
        "predicting.sql returns predicted_at, which augury adds to every prediction",
        "give it another name",
    )


def test_a_validation_asks_no_model(project: Forks) -> None:
    text = "SELECT\n  r2_score > 0 AS good\nFROM ML.EVALUATE(MODEL `{{ target_dataset }}.github_v1_model`)\n"
    (project.root / "github" / "github_v1_validation.sql").write_text(text, "utf-8")
    answer = project.type("validate")
    refused(answer, 2, "ML.EVALUATE asks a model: predicting.sql alone can")
    assert "github/github_v1_validation.sql:3" in answer.err


def test_a_wildcard_says_how_a_target_without_bigquery_reads_it(project: Forks) -> None:
    project.edit("github/github_v1_scoring.sql", "samples.github_timeline`", "samples.github_*`")
    answer = project.type("validate")
    refused(answer, 2, "no table matches", "`table: bigquery-public-data.samples.github_{date}`")
    assert "(line " not in answer.err


AIRFLOW = """\
  tags: [forks, "2026"]
  default_args: {retries: 3, email: {on: [a, b]}}
  on-call: team
  GCP_CONN: default
  limits: {rows: 5}
"""


def test_settings_that_no_sql_names_may_be_anything(project: Forks) -> None:
    project.edit("batchml.yaml", "  least_rows: 100\n", "  least_rows: 100\n" + AIRFLOW)
    old = "repository_name AS name,"
    project.edit("github/github_v1_scoring.sql", old, f"{old} '{{{{ tags[0] }}}}' AS tag, {{{{ limits.rows }}}} AS n,")
    project.does("train", "github", "--date", DAY)
    project.does("run", "github", "--date", DAY)
    assert project.rows("select distinct tag, n from github_v1_scoring") == [{"tag": "forks", "n": 5}]


def test_a_setting_that_sql_names_has_to_be_a_variable(project: Forks) -> None:
    project.edit("batchml.yaml", "  least_rows: 100\n", "  least_rows: 100\n" + AIRFLOW)
    project.edit(
        "github/github_v1_scoring.sql", "repository_name AS", "'{{ default_args.email.on }}' AS x, repository_name AS"
    )
    refused(project.type("validate"), 2, "batchml.yaml:7", "default_args")


def test_schedules_of_airflow_are_understood_b13(project: Forks) -> None:
    for written, cron in (('"@daily"', "0 0 * * *"), ('"@weekly"', "0 0 * * 0"), ("30 4 * * 1", "30 4 * * 1")):
        text = (project.root / "batchml.yaml").read_text("utf-8")
        project.edit("batchml.yaml", text.splitlines()[1], f"  schedule: {written}")
        (row, _) = project.does("ls", "--output", "json").document["pipelines"]
        assert row["cron"] == cron
    project.edit("batchml.yaml", "  schedule: 30 4 * * 1", "  schedule: null")
    assert "paused" in project.does("status").out
    project.edit("batchml.yaml", "  schedule: null", '  schedule: "@dayly"')
    refused(project.type("validate"), 2, "batchml.yaml:2", "'@dayly' is not a cron expression")


def test_a_note_may_look_like_a_number(project: Forks) -> None:
    project.edit("batchml.yaml", "note: Size, wiki and open issues", "note: 1.5")
    assert "1.5" in project.does("config", "show", "github").out


def test_an_environment_that_batchml_does_not_know_is_refused(project: Forks) -> None:
    project.edit("augury.yml", "targets: ", "targets:\n  live: {path: .augury, environment: production}\n #")
    refused(project.type("--target", "live", "validate"), 2, "no environment production", "`environment: prod`")


def test_an_environment_without_a_dataset_is_named(project: Forks) -> None:
    project.edit("batchml.yaml", "  target_dataset: dev_data_science", "  owner: me")
    refused(project.type("validate"), 2, "the environment test has no target_dataset: name one under `test`")


def test_a_model_and_a_pipeline_cannot_have_one_name(project: Forks) -> None:
    project.does("new", "pipeline", "github")
    refused(project.type("validate"), 2, "batchml.yaml:15", "a pipeline of the same name in pipelines/github")


def test_a_parameter_that_no_run_has_is_named_with_its_line(project: Forks) -> None:
    project.edit("github/github_v1_scoring.sql", "IS NOT NULL", "IS NOT NULL\n  AND @run_date > '2020-01-01'")
    assert project.type("validate").code == 0
    project.edit("github/github_v1_scoring.sql", "@run_date", "@run_dat")
    refused(project.type("validate"), 2, "github/github_v1_scoring.sql:9", "@run_dat is no value", "mean 'run_date'")
