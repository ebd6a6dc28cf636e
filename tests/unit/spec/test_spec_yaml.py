"""What YAML says, on which line, and how its mistakes are explained."""

from __future__ import annotations

from typing import Any

import pytest

from augury.spec.yaml_positions import MOST_NODES, merge, parse


def plain(text: str) -> Any:
    node, problems = parse(text, "a.yml")
    assert node is not None
    assert problems == []
    return node.plain("vars")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("NO", "NO"),  # Norway, not false
        ("on", "on"),
        ("true", True),
        ("12:30", "12:30"),  # not base 60
        ("007", "007"),  # a code, not seven
        ("1997-01-01", "1997-01-01"),
        ("42", 42),
        ("-1.5e3", -1500.0),
        (".5", 0.5),
        ("1e999", "1e999"),  # no number that exists
        ("12345678901234567890", "12345678901234567890"),
        ("~", None),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("<= 40", "<= 40"),
    ],
)
def test_a_scalar_is_what_people_mean(written: str, read: object) -> None:
    assert plain(f"a: {written}") == {"a": read}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert plain("on: 1\n2024: 2\nnull: 3\n") == {"on": 1, "2024": 2, "null": 3}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1\n", 2, "a bracket or brace that is not closed, or a comma that is missing"),
        ("a:\n\tb: 1\n", 2, "a tab cannot indent YAML: use spaces"),
        ("a: b: c\n", 1, "a second `:` on the line, or a wrong indentation: put text with `: ` in quotes"),
        ("a: 1\ncron: * * * * *\n", 2, "a value that begins with * or & must stand in quotes"),
        ("g: >= 0.7\n", 1, 'a value that begins with > or | must stand in quotes, such as ">= 0.7"'),
        ("a: @x\n", 1, "a value that begins with @ must stand in quotes"),
        ("a: 1\nb: 'open\nc: 3\n", 2, "a quote that is not closed"),
        ("a: {b: ${X}}\n", 1, "inside { } or [ ] a value with ${...} must stand in quotes"),
        ("a: 1\n---\nb: 2\n", 2, "one file holds one document: remove the `---` in the middle"),
        ("", 1, "the file is empty"),
        ("# a comment\n", 1, "the file is empty"),
        ("- a\n", 1, "keys and values are expected, such as `name: shop`"),
        ("a: 1\na: 2\n", 2, "the key stands twice: also on line 1"),
        ("a: !!python/name:os.system x\n", 1, "tags such as !python/name:os.system are not supported"),
        ("<<: {a: 1}\n", 1, "`<<` is not supported: shared keys belong into `defaults` of augury.yml"),
        ("? [a]\n: b\n", 1, "a key must be a word, not a list or a mapping"),
    ],
)
def test_broken_yaml_is_explained(text: str, line: int, message: str) -> None:
    problems = parse(text, "a.yml")[1]
    assert [(problem.line, problem.message) for problem in problems] == [(line, message)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param("- " * 100_000, id="dashes"),
        pytest.param("a: " + "[" * 400 + "]" * 400, id="short but deep"),
        pytest.param("a: &a [*a]", id="an alias of itself"),
        pytest.param(
            "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(9)),
            id=f"more than {MOST_NODES} values through aliases",
        ),
    ],
)
def test_a_file_made_to_exhaust_the_reader_is_refused(text: str) -> None:
    node, problems = parse(text, "a.yml")
    assert node is None
    assert [problem.message for problem in problems] == ["is nested too deeply or repeats itself through aliases"]


def test_a_merged_tree_remembers_where_each_value_stands() -> None:
    base, _ = parse("model:\n  type: a\n  seed: 1\nowner: me\n", "base.yml")
    over, _ = parse("model:\n  type: b\n", "over.yml")
    assert base is not None
    assert over is not None

    merged = merge(base, over)

    assert merged.plain() == {"model": {"type": "b", "seed": 1}, "owner": "me"}
    assert {".".join(path): leaf.origin for path, leaf in merged.leaves()} == {
        "model.type": "over.yml:2",
        "model.seed": "base.yml:3",
        "owner": "base.yml:4",
    }


def test_a_key_without_a_value_is_absent_unless_its_name_says_something() -> None:
    node, _ = parse("model:\nvars:\n  x:\n  m: {a: }\ntargets:\n  dev:\n    path:\n  prod:\n", "a.yml")
    assert node is not None
    assert node.plain() == {"vars": {"x": None, "m": {"a": None}}, "targets": {"dev": {}, "prod": {}}}
