"""Do editors find nothing to complain about in the examples that people begin with?"""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from augury.spec.json_schema import json_schema
from augury.spec.yaml_positions import parse

FILES = sorted((Path(__file__).parents[3] / "examples").rglob("*.yml"))


def test_there_are_examples() -> None:
    assert {path.name for path in FILES} == {"augury.yml", "pipeline.yml"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_settings_of_an_example_fit_their_schema(path: Path) -> None:
    node, problems = parse(path.read_text("utf-8"), path.name)
    assert problems == []
    assert node is not None
    schema = json_schema("project" if path.name == "augury.yml" else "pipeline")
    assert [error.message for error in Draft202012Validator(schema).iter_errors(node.plain())] == []
