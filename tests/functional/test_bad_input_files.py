"""What does a person see whose files cannot be used? Every problem with its place, exit code 2, and nothing done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_runner import called, refused, typed
from tests.projects import Shop
from tests.tiny import FEATURES, NAMESPACE, VISITS, data, everything

RUN = ("run", "visits", "--date", "2024-01-13")


def refuse(shop: Shop, *words: str, code: int = 2) -> str:
    """Run a date that was never built; it must not start, and what is published must stay as it was."""
    before = everything(shop.root / NAMESPACE)
    said = refused(called(*RUN, folder=shop.root), code, *words)
    if code == 2:
        assert everything(shop.root / NAMESPACE) == before
    return said


# -- YAML ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("augury.yml", "name: shop\ntargets: [\n", ["augury.yml:2", "not closed"]),
        (f"{VISITS}/pipeline.yml", "entity: customer_id\n\tstart: 2024-01-05\n", [f"{VISITS}/pipeline.yml:2", "tab"]),
        (f"{VISITS}/pipeline.yml", "entity: 'customer_id\nstart: 2024-01-05\n", [f"{VISITS}/pipeline.yml:"]),
        (f"{VISITS}/pipeline.yml", "", [f"{VISITS}/pipeline.yml:1", "empty"]),
        (f"{VISITS}/pipeline.yml", "- a list\n", [f"{VISITS}/pipeline.yml:1"]),
        (f"{VISITS}/pipeline.yml", "entity: a\nentity: b\nstart: 2024-01-05\n", [f"{VISITS}/pipeline.yml:2", "entity"]),
    ],
)
def test_broken_yaml_is_told_with_its_line(published: Shop, file: str, text: str, words: list[str]) -> None:
    published.write(file, text)
    refuse(published, *words)


def test_yaml_that_is_no_text_is_told(published: Shop) -> None:
    (published.root / VISITS / "pipeline.yml").write_bytes(b"entity: \xff\xfe\n")
    refuse(published, f"{VISITS}/pipeline.yml", "UTF-8")


def test_all_problems_of_all_files_come_at_once(published: Shop) -> None:
    published.edit("augury.yml", "timezone: UTC", "timezone: Mars/Base\ncolour: red")
    published.write(
        f"{VISITS}/pipeline.yml", "entitty: customer_id\nstart: 2024-02-30\nhorizon: soon\nschedule: {cron: x y}\n"
    )
    said = refuse(
        published,
        "augury.yml:2  timezone: 'Mars/Base' is not a time zone",
        "augury.yml:3  colour: unknown key",
        f"{VISITS}/pipeline.yml:1  entitty: unknown key   did you mean 'entity'?",
        f"{VISITS}/pipeline.yml:2  start: 2024-02-30 is not a date that exists",
        f"{VISITS}/pipeline.yml:3  horizon:",
        f"{VISITS}/pipeline.yml:4  schedule.cron: 'x y' is not a cron expression",
    )
    assert said.startswith("error: 7 problems in the project")


def test_programs_get_the_same_problems_as_data(published: Shop) -> None:
    published.edit("augury.yml", "timezone", "timezon")
    answer = called(*RUN, "--output", "json", folder=published.root)
    assert answer.code == 2
    error = answer.document["error"]
    assert (error["code"], error["exit_code"]) == ("SpecError", 2)
    assert error["problems"] == [
        {"message": "unknown key", "file": "augury.yml", "line": 2, "key": "timezon", "suggestion": "timezone"}
    ]


def test_a_variable_of_the_environment_that_is_not_set_is_named(published: Shop) -> None:
    published.edit("augury.yml", "dev: {path: .augury}", "dev: {path: '${NOWHERE}'}")
    refuse(published, "augury.yml:9", "targets.dev.path", "NOWHERE is not set", "${NOWHERE:-default}")


# -- files that are not there --------------------------------------------------------------------------------------


def test_a_folder_without_a_project_says_how_to_begin(tmp_path: Path) -> None:
    refused(called("ls", folder=tmp_path), 2, "no augury.yml", "augury init")


def test_a_missing_prepare_is_told(published: Shop) -> None:
    (published.root / VISITS / "prepare.sql").unlink()
    refuse(published, f"{VISITS}/pipeline.yml:1", "there is no prepare.sql")


def test_a_missing_label_is_told(spend: Shop) -> None:
    (spend.root / "pipelines/spend/label.sql").unlink()
    refused(called("run", "spend", "--date", "2024-01-30", folder=spend.root), 2, "there must be a label.sql")


def test_a_missing_pipeline_names_the_nearest(published: Shop) -> None:
    refused(called("run", "vists", "--date", "2024-01-13", folder=published.root), 2, "'vists'", "visits")


def test_a_missing_model_file_is_told(published: Shop) -> None:
    with (published.root / VISITS / "pipeline.yml").open("a") as file:
        file.write("model: {type: lightgbm, path: model.txt, features: [visits, spent], label: worth}\n")
    refuse(published, f"{VISITS}/pipeline.yml:4", "model.path", "no file model.txt")


def test_a_source_that_is_not_there_is_skipped_and_removes_nothing(published: Shop) -> None:
    """An absent source is expected (a date before the first delivery); what was published of other dates stays."""
    before = data(published.root / NAMESPACE)
    (published.root / "data/orders.csv").unlink()
    answer = called(*RUN, folder=published.root)
    assert answer.code == 0
    assert "skipped: missing: source orders is not there" in answer.out
    assert data(published.root / NAMESPACE) == before


def test_a_step_without_its_sql_is_named(published: Shop) -> None:
    published.edit(f"{VISITS}/post_process.sql", "ref('prepare')", "ref('prepared')")
    refuse(published, f"{VISITS}/post_process.sql:2", "prepared", "did you mean 'prepare'?")


# -- SQL -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (FEATURES.replace("count(*)", "count(*"), ["prepare.sql:1", "( is never closed"]),
        (FEATURES.replace("source('orders')", "source('ordres')"), ["prepare.sql:2", "did you mean 'orders'?"]),
        (FEATURES.replace("}}", "}"), ["prepare.sql:2"]),
        (FEATURES + "{% if %}", ["prepare.sql:4"]),
        (FEATURES + "; select 1", ["prepare.sql:4", "a second statement"]),
        ("", ["prepare.sql", "empty"]),
    ],
)
def test_sql_that_cannot_be_read_is_told_with_its_line(published: Shop, sql: str, words: list[str]) -> None:
    published.write(f"{VISITS}/prepare.sql", sql)
    refuse(published, *words)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("{{ var('facter') }}", "no such variable   did you mean 'factor'?"),
        ("{{ facter }}", "'facter' is undefined   did you mean 'factor'?"),
        ("{{ run_dat }}", "'run_dat' is undefined   did you mean 'run_date'?"),
        ("{{ ''.__class__ }}", "post_process.sql:1"),
    ],
)
def test_an_undefined_name_in_sql_is_an_error(published: Shop, said: str, hint: str) -> None:
    published.edit(f"{VISITS}/post_process.sql", "{{ var('factor') }}", said)
    refuse(published, "post_process.sql:1", hint)


def test_a_variable_that_nobody_declared_is_refused(published: Shop) -> None:
    before = everything(published.root / NAMESPACE)
    refused(called(*RUN, "--vars", "facter=3", folder=published.root), 2, "'facter'", "factor")
    assert everything(published.root / NAMESPACE) == before


def test_steps_that_read_one_another_are_a_cycle(published: Shop) -> None:
    published.write(f"{VISITS}/a.sql", "select * from {{ ref('b') }}")
    published.write(f"{VISITS}/b.sql", "select * from {{ ref('c') }}")
    published.write(f"{VISITS}/c.sql", "select * from {{ ref('a') }}")
    published.edit(f"{VISITS}/post_process.sql", "ref('prepare')", "ref('a')")
    refuse(published, f"{VISITS}/a.sql", "in a cycle: a -> b -> c -> a")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (FEATURES.replace("(amount)", "(amuont)"), ['"amuont"', "prepare.sql:1", "Did you mean 'amount'?"]),
        (FEATURES.replace("sum(amount)", "sum(ordered_at + amount)"), ["prepare.sql:1", "DATE, DOUBLE"]),
        (
            FEATURES.replace("count(*)", "max(cast('x' || customer_id as integer))"),
            ["prepare.sql:1", "could not convert", "x"],
        ),
        (FEATURES.replace("count(*)", "cuont(*)"), ["prepare.sql:1", "cuont"]),
        (FEATURES.replace("from", "form"), ["prepare.sql:2", "form"]),
    ],
)
def test_sql_that_the_engine_refuses_names_the_line_and_publishes_nothing(
    published: Shop, sql: str, words: list[str]
) -> None:
    before = data(published.root / NAMESPACE)
    published.write(f"{VISITS}/prepare.sql", sql)
    refuse(
        published,
        "visits / 2024-01-13 / prepare: DuckDB refused the query",
        *words,
        "Nothing was published.",
        "augury run visits --date 2024-01-13",
        code=1,
    )
    assert data(published.root / NAMESPACE) == before


def test_a_line_is_that_of_the_file_also_behind_a_macro(published: Shop) -> None:
    published.write("macros/both.sql", "{% macro both(a, b) %}\ncoalesce(\n  {{ a }},\n  {{ b }}\n)\n{% endmacro %}\n")
    published.write(
        f"{VISITS}/prepare.sql",
        "select customer_id,\n  {{ both('visits', '1') }} as visits,\n  sum(amuont) as spent\n"
        "from {{ source('orders') }}\ngroup by customer_id\n",
    )
    refuse(published, f"{VISITS}/prepare.sql:", "visits", code=1)
    published.edit(f"{VISITS}/prepare.sql", "both('visits', '1')", "both('null', '1')")
    refuse(published, f"{VISITS}/prepare.sql:3", "amuont", code=1)


def test_a_pipe_gets_no_escape_codes_and_no_traceback(published: Shop) -> None:
    """The same in a process of its own, with colours asked for by nobody."""
    published.edit(f"{VISITS}/prepare.sql", "sum(amount)", "sum('\x1b[31mred')")
    published.edit(f"{VISITS}/prepare.sql", "count(*)", "count(amuont)")
    answer = typed(*RUN, folder=published.root)
    refused(answer, 1, "prepare.sql:1")
    assert answer.out == ""
