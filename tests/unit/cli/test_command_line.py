"""The command line itself: help, options anywhere, wrong words, ways out."""

from __future__ import annotations

import json

import click
import pytest

from augury.cli.app import COMMANDS, LazyGroup, root
from augury.cli.main import main, perform
from augury.cli.session import Session
from augury.cli.settings import GlobalOption, parse_variables
from augury.errors import UsageError


def leaves(group: LazyGroup = root, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name=" ".join(path))
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, LazyGroup):
            found += leaves(command, (*path, name))
        else:
            found.append(((*path, name), command))
    return found


LEAVES = leaves()
NAMES = [" ".join(path) for path, _ in LEAVES]


def test_every_command_of_the_issue_is_there() -> None:
    assert sorted(NAMES) == sorted(
        [
            "init",
            "new pipeline",
            "import batchml",
            "testing bigquery",
            "validate",
            "doctor",
            "plan",
            "run",
            "train",
            "backfill",
            "retry",
            "up",
            "worker",
            "submit",
            "tasks",
            "notify",
            "cancel",
            "pause",
            "resume",
            "alerts",
            "status",
            "ls",
            "show",
            "query",
            "runs",
            "logs",
            "models",
            "compile",
            "config show",
            "promote",
            "rollback",
            "set-version",
            "copy",
            "clean",
            "state reset",
            "schema",
            "completion",
        ]
    )


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_every_command_takes_the_global_options(path: tuple[str, ...], command: click.Command) -> None:
    everywhere = {name for option in root.params if isinstance(option, GlobalOption) for name in option.opts}
    assert everywhere <= {name for param in command.params for name in param.opts}


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=NAMES)
def test_the_help_of_a_command_begins_as_its_list_says(path: tuple[str, ...], command: click.Command) -> None:
    entries = {name: entry.help for section in COMMANDS.values() for name, entry in section.items()}
    if len(path) == 1:
        assert (command.help or "").startswith(entries[path[0]])


@pytest.mark.parametrize("path", [path for path, _ in LEAVES], ids=NAMES)
def test_help_is_printed_on_stdout(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: augury {' '.join(path)}")
    assert "--project-dir" in out
    assert err == ""


def test_augury_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "backfill" in capsys.readouterr().out


def test_the_version_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("augury ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], "Did you mean: augury run"),
        (["state", "rest"], "Did you mean: augury state reset"),
        (["run", "ltv", "--dte", "yesterday"], "Did you mean --date?"),
        (["run"], "PIPELINE is missing"),
        (["train", "ltv", "--version"], "--version"),
        (["backfill", "ltv", "--start", "2026-01-01"], "--end is missing"),
        (["run", "ltv", "--model", "newest"], "point-in-time"),
        (["backfill", "ltv", "--max-parallel", "0"], "--max-parallel"),
        (["promote", "ltv", "third"], "write 3 or ltv@3"),
        (["--vars", "a: [", "ls"], "--vars"),
        (["ls", "--vars", "margin"], "is not a mapping"),
        (["query"], "query takes one statement"),
        (["query", "  "], "the statement is empty"),
        (["doctor", "--fix", "--dry-run"], "give one of the two"),
        (["ls", "--project-dir", "/nonexistent/shop"], "augury.yml"),
    ],
)
def test_wrong_words_end_with_2_and_say_what_is_right(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert said in err
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize("words", [["rnu", "--output", "json"], ["--output=json", "run", "--dte"]])
def test_errors_are_objects_for_those_who_read_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["exit_code"] == 2
    assert error["what"] in err


@pytest.mark.parametrize(
    "words",
    [
        ["-t", "prod", "--vars", "a=1", "-v", "schema", "project", "--vars", "b=2", "-v"],
        ["schema", "-vv", "project", "--vars", "{a: 1, b: 2}", "--target", "prod"],
        ["-t", "dev", "schema", "project", "-t", "prod", "-v", "-v", "--vars", "a=1", "--vars", "b=2"],
    ],
)
def test_global_options_stand_before_or_after_the_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(words)
    assert perform(session) == 0
    assert session.settings.target == "prod"
    assert session.settings.variables == {"a": 1, "b": 2}
    assert session.settings.verbosity == 2


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AUGURY_TARGET", "prod")
    monkeypatch.setenv("AUGURY_OUTPUT", "json")
    session, other = Session(["schema", "project"]), Session(["schema", "project", "--target", "dev"])
    assert perform(session) == perform(other) == 0
    assert (session.settings.target, session.settings.output) == ("prod", "json")
    assert other.settings.target == "dev"


def test_known_names_of_other_tools_are_understood_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "ltv", "--event-time-start", "1998-01-01", "--project-dir", "/nonexistent"]) == 2
    assert "no option" not in capsys.readouterr().err
    main(["plan", "--help"])
    assert "event-time" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("margin=0.4", {"margin": 0.4}),
        ("name=", {"name": ""}),
        ("since=2026-01-15", {"since": "2026-01-15"}),
        ("url=a=b", {"url": "a=b"}),
        ("{margin: 0.4, countries: [ES, FR]}", {"margin": 0.4, "countries": ["ES", "FR"]}),
        ('{"a": null}', {"a": None}),
    ],
)
def test_variables_are_read_as_yaml(text: str, read: object) -> None:
    assert parse_variables(text) == read


@pytest.mark.parametrize("text", ["margin", "[1, 2]", "{a: [", "3"])
def test_variables_that_are_no_mapping_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--vars"):
        parse_variables(text)


def test_a_question_without_a_terminal_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session([])
    with pytest.raises(UsageError, match="no terminal to ask on"):
        session.confirm("Remove these?", yes=False)
    session.confirm("Remove these?", yes=True)


def test_completion_scripts_name_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        assert "_AUGURY_COMPLETE" in capsys.readouterr().out


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "project"]) == 0
    assert "properties" in json.loads(capsys.readouterr().out)
