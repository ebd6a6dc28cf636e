"""Are the pages that state facts of the code still true, and is every command documented?"""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from docs import generate

ROOT = Path(__file__).parents[2]
COMMANDS = list(generate.commands(generate.root_command()))


@pytest.mark.parametrize("page", sorted(generate.PAGES))
def test_a_generated_page_is_what_would_be_written(page: str) -> None:
    written = (generate.REFERENCE / page).read_text("utf-8")
    assert written == generate.PAGES[page](), "run `make reference`"


@pytest.mark.parametrize("page", sorted(page for page in generate.PAGES if page.endswith(".md")))
def test_every_line_of_a_generated_table_is_explained(page: str) -> None:
    """The last column is the docstring of the key; a key without one has an empty cell."""
    text = (generate.REFERENCE / page).read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_a_command_and_its_options_explain_themselves(path: str, command: click.Command) -> None:
    assert command.help, path
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{path} {parameter.opts[0]}"


def test_every_command_is_used_somewhere_in_the_documentation() -> None:
    """A command that no page and no generated reference mentions would be found by nobody."""
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "promises.md"]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    assert [path for path, _ in COMMANDS if path not in text] == []


def test_a_schema_names_the_keys_of_its_file() -> None:
    schema = json.loads((generate.REFERENCE / "pipeline.schema.json").read_text("utf-8"))
    assert {"entity", "start", "model", "schedule"} <= set(schema["properties"])
