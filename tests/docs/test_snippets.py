"""Do the README, the tutorial and the other pages do what they show? How-tos: test_how_to.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.snippets import ROOT, Block, agrees, blocks_of, commands_of, pages, perform

PAGES = [page for page in pages() if page.parent.name != "how-to"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    assert perform(page.read_text("utf-8"), tmp_path) == []


def test_a_block_inside_a_list_loses_its_indentation() -> None:
    text = "1. Type\n\n   ```console\n   $ echo a\n   a\n   ```\n"
    assert blocks_of(text) == [Block("console", "$ echo a\na\n", 4)]


def test_a_command_may_go_over_several_lines() -> None:
    block = Block("console", "$ echo a \\\n    b\na b\n$ true\n", 1)
    assert commands_of(block) == [("echo a \\\n    b", "a b\n"), ("true", "")]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("done in 0.9 s", "done in 12.34 s", True),  # durations are masked
        ("wrote 3 rows", "wrote 4 rows", False),  # counts are not
        ("run 01J9X2...", "run 01K1ZZZZZZZZZZZZZZZZZZZZZZ", True),  # run ids are masked
        ("first\n...\nlast", "first\nsecond\nthird\nlast", True),
        ("first\n...\nlast", "first\nlast", True),
        ("first\nlast", "first\nsecond\nlast", False),
        ("MAE ... over 4 folds", "MAE 21.4 over 4 folds", True),
        ("a    b", "a b", True),  # columns may be as wide as they like
        ("", "anything", True),
    ],
)
def test_placeholders(shown: str, printed: str, same: bool) -> None:
    assert agrees(shown, printed) is same


def test_a_page_that_lies_is_found_out(tmp_path: Path) -> None:
    problems = perform("```console\n$ echo one\none\n$ echo two\nthree\n```\n", tmp_path)
    assert len(problems) == 1
    assert "$ echo two" in problems[0]


STORY = """
```yaml
# shop/augury.yml
name: shop
```
```console
$ cd shop
$ cat augury.yml
# shop/augury.yml
name: shop
$ (exit 3) || echo stopped
stopped
```
"""


def test_a_page_remembers_its_folder(tmp_path: Path) -> None:
    assert perform(STORY, tmp_path) == []


def test_a_page_remembers_the_exit_code_of_the_command_before(tmp_path: Path) -> None:
    story = "```console\n$ echo held; (exit 3)\nheld\n$ echo $?\n3\n```\n"
    assert perform(story, tmp_path) == []


def test_a_command_that_shows_nothing_must_succeed(tmp_path: Path) -> None:
    assert len(perform("```console\n$ true\n$ false\n```\n", tmp_path)) == 1
