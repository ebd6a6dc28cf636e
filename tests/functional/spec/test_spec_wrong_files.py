"""Is a file that is missing, misnamed or unreadable shown with what to do, and all problems at once?"""

from __future__ import annotations

from pathlib import Path

import pytest

from augury.errors import ExitCode, SpecError, UsageError
from augury.spec.reader import find_root, read_project
from tests.functional.spec.folder import PIPELINE, PROJECT, SQL, YML, Shop


def test_a_valid_project_has_no_problems(shop: Shop) -> None:
    assert shop.problems() == []


def test_all_problems_of_all_files_come_at_once(shop: Shop) -> None:
    shop.write("augury.yml", PROJECT + "timezon: UTC\n")
    shop.write(YML, PIPELINE + "horizont: 90d\narchive: perhaps\n")
    shop.write("pipelines/ltv/hooks.py", "def prepare(contxt): ...\n")
    shop.write("pipelines/rfm/pipeline.yml", "entity: [\n")
    shop.write("pipelines/rfm/filter.sql", b"\xff")

    with pytest.raises(SpecError) as caught:
        shop.read()

    assert caught.value.exit_code is ExitCode.CANNOT_START
    assert [problem.file for problem in caught.value.problems] == [
        "augury.yml",
        "pipelines/ltv/hooks.py",
        YML,
        YML,
        "pipelines/rfm/filter.sql",
        "pipelines/rfm/pipeline.yml",
    ]


def test_e13_a_pipeline_of_sql_alone_needs_no_model(shop: Shop) -> None:
    shop.write(YML, "entity: customer_id\nstart: 1997-01-01\n")
    (shop.root / "pipelines/ltv/label.sql").unlink()
    assert shop.problems() == []


@pytest.mark.parametrize(
    ("file", "text", "shown"),
    [
        ("empty.sql", " \n", "empty.sql:1  the file is empty: write a SELECT or delete it"),
        ("filter.sql", b"select 1\n\xff", "filter.sql:2  is not UTF-8 text: save it as UTF-8"),
        ("hooks.py", "def prepare(:\n", "hooks.py:1  Python cannot read it: invalid syntax"),
        (
            "Top-Up.sql",
            SQL,
            "Top-Up.sql  is not a step's name: lower-case letters, digits and _, beginning with a letter,"
            " then .sql   did you mean 'top_up.sql'?",
        ),
        (
            "predict.sql",
            SQL,
            "predict.sql  augury performs predict itself: give the file another name (named steps: extract,"
            " prepare, filter, label, post_process, validation, training)",
        ),
        ("filters.sql", SQL, "filters.sql  nothing reads this step   did you mean 'filter.sql'?"),
        (
            "v1/prepare.sql",
            SQL,
            "v1  the folder above is v1 already: remove its pipeline.yml, or call this folder v2",
        ),
        (
            "V2/prepare.sql",
            SQL,
            "V2  holds steps but is not a version: the name of a version is v2, v3, ...",
        ),
        ("v2/pipeline.yml", "", "v2/pipeline.yml:1  the file is empty"),
    ],
)
def test_a_wrong_file_is_explained(shop: Shop, file: str, text: str | bytes, shown: str) -> None:
    shop.write(f"pipelines/ltv/{file}", text)
    assert shop.problems() == [f"pipelines/ltv/{shown}"]


def test_an_intermediate_step_that_another_reads_may_have_any_name(shop: Shop) -> None:
    shop.write("pipelines/ltv/filters.sql", SQL)
    shop.write("pipelines/ltv/prepare.sql", "select * from {{ ref('filters') }}\n")
    assert shop.problems() == []


def test_prepare_must_exist(shop: Shop) -> None:
    (shop.root / "pipelines/ltv/prepare.sql").rename(shop.root / "pipelines/ltv/prepair.sql")
    assert shop.problems() == [
        f"{YML}:1  there is no prepare.sql and no hook `prepare`: it makes the rows that are scored"
        " (found prepair: rename it)"
    ]


def test_a_folder_without_pipeline_yml(shop: Shop) -> None:
    shop.write("pipelines/rfm/pipeline.yaml", PIPELINE)
    assert shop.problems() == [
        "pipelines/rfm  there is no pipeline.yml in this folder (found pipeline.yaml: rename it)"
    ]


def test_folders_that_begin_with_an_underscore_or_a_dot_are_left_alone(shop: Shop) -> None:
    shop.write("pipelines/_old/prepare.sql", "").write("pipelines/.git/x", "")
    assert list(shop.read().pipelines) == ["ltv"]


def test_a_csv_in_reference_needs_a_name_that_sql_can_say(shop: Shop) -> None:
    shop.write("reference/My prices.csv", "a\n").write("reference/prices.csv", "a\n")
    assert shop.problems() == [
        "reference/My prices.csv  reference('...') needs a name: lower-case letters, digits and _"
    ]


def test_asking_for_what_does_not_exist_names_the_nearest(shop: Shop) -> None:
    with pytest.raises(UsageError, match="Did you mean ltv"):
        shop.read(only="lvt")
    with pytest.raises(UsageError, match="Did you mean --target dev"):
        shop.read(target="dv")
    shop.write("augury.yml", PROJECT + "vars: {margin: 1}\n")
    with pytest.raises(UsageError, match="Did you mean margin"):
        shop.read(variables={"margn": 2})


def test_a_variable_may_be_given_that_only_sql_names(shop: Shop) -> None:
    shop.write("pipelines/ltv/prepare.sql", "select {{ var('days') }}\n")
    assert shop.read(variables={"days": 3}).pipelines["ltv"]["v1"].vars == {"days": 3}


def test_the_project_is_found_from_any_folder_below(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert find_root(shop.root / "pipelines" / "ltv") == shop.root
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(UsageError, match=r"there is no augury\.yml"):
        find_root(elsewhere)
    with pytest.raises(UsageError, match=r"there is no augury\.yml"):
        read_project(elsewhere, target=None, variables={}, environment={})


def test_one_pipeline_is_read_without_looking_into_the_others(shop: Shop) -> None:
    shop.write("pipelines/broken/pipeline.yml", "entity: [\n")
    assert list(shop.read(only="ltv").pipelines) == ["ltv"]


def test_a_link_that_leads_nowhere_is_a_problem(shop: Shop) -> None:
    Path(shop.root / "pipelines/ltv/filter.sql").symlink_to("nowhere.sql")
    assert shop.problems() == ["pipelines/ltv/filter.sql  cannot be read: No such file or directory"]
