"""The first minute: a project, an example, a pipeline, and nothing overwritten."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from augury.errors import StorageFailed, UsageError
from augury.operations.scaffold import example_names, init, new_pipeline
from augury.spec.files import ProjectSpec
from augury.spec.json_schema import SCHEMA_NAMES, json_schema
from augury.spec.reader import read_project


def read(root: Path) -> ProjectSpec:
    return read_project(root, target=None, variables={}, environment={})


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_t9_a_new_project_and_a_new_pipeline_are_valid_as_they_are(tmp_path: Path) -> None:
    created = init(tmp_path / "My Shop")
    assert (created.sources, created.pipelines, created.next) == (("orders",), (), "augury new pipeline NAME")
    assert files_below(created.folder) == [path.as_posix() for path in created.files]
    assert read(created.folder).name == "my_shop"

    made = new_pipeline(created.folder, "churn")

    assert [path.name for path in made.files] == [
        "label.sql",
        "pipeline.yml",
        "prepare.sql",
        "validation.sql",
    ]
    assert list(read(created.folder).pipelines["churn"]["v1"].steps) == ["label", "prepare", "validation"]


def test_y4_an_example_is_copied_with_what_to_type_next(tmp_path: Path) -> None:
    created = init(tmp_path / "shop", "ltv")
    assert created.pipelines == ("ltv",)
    assert created.next == "augury plan ltv --date 1998-01-15"
    assert created.description
    assert list(read(created.folder).pipelines) == ["ltv"]
    assert ".augury/" in (created.folder / ".gitignore").read_text("utf-8")


@pytest.mark.parametrize("name", example_names())
def test_every_example_is_a_valid_project(name: str, tmp_path: Path) -> None:
    assert read(init(tmp_path / name, name).folder).pipelines


def test_editors_find_the_schema_beside_the_settings(tmp_path: Path) -> None:
    init(tmp_path, "ltv")
    for path in (tmp_path / "augury.yml", tmp_path / "pipelines/ltv/pipeline.yml"):
        line = path.read_text("utf-8").splitlines()[0]
        schema = path.parent / line.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(schema.read_text("utf-8"))["title"] == path.name
    written = {name: json.loads((tmp_path / f".augury-schema/{name}.json").read_text()) for name in SCHEMA_NAMES}
    assert written == {name: json_schema(name) for name in SCHEMA_NAMES}


def test_files_in_the_way_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "augury.yml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"1 file would be overwritten: augury\.yml"):
        init(tmp_path, "ltv")
    assert files_below(tmp_path) == ["augury.yml", "notes.txt"]


def test_other_files_of_the_folder_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    init(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_unknown_example_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean --example ltv"):
        init(tmp_path / "shop", "ltvv")
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("name", ["Churn Rate", "9lives", "a;drop", "../up", ""])
def test_the_name_of_a_pipeline_is_checked(name: str, tmp_path: Path) -> None:
    init(tmp_path)
    before = files_below(tmp_path)
    with pytest.raises(UsageError, match="cannot be the name of a pipeline"):
        new_pipeline(tmp_path, name)
    assert files_below(tmp_path) == before


def test_a_pipeline_is_not_made_twice(tmp_path: Path) -> None:
    init(tmp_path)
    new_pipeline(tmp_path, "churn")
    with pytest.raises(UsageError, match="pipelines/churn exists"):
        new_pipeline(tmp_path, "churn")


def test_a_new_pipeline_reads_the_source_that_there_is(tmp_path: Path) -> None:
    (tmp_path / "augury.yml").write_text("name: shop\nsources: {visits: {path: visits.csv, event_time: Visited At}}\n")
    new_pipeline(tmp_path, "visits_next_month")
    prepare = read(tmp_path).pipelines["visits_next_month"]["v1"].steps["prepare"].sql
    assert prepare is not None
    assert "source('visits')" in prepare.text
    assert 'max("Visited At")' in prepare.text


def test_without_a_source_there_is_nothing_to_make_features_from(tmp_path: Path) -> None:
    (tmp_path / "augury.yml").write_text("name: shop\n")
    with pytest.raises(UsageError, match=r"there is no source in augury\.yml"):
        new_pipeline(tmp_path, "churn")


def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc/augury")  # root may write everywhere else
    else:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    with pytest.raises(StorageFailed, match="cannot write into"):
        init(folder)
