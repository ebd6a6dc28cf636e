"""Suggested commands: do they act where the command acted that suggested them?"""

from __future__ import annotations

import shlex
from datetime import date

import pytest

from augury.cli.app import root
from augury.cli.session import Session
from augury.cli.settings import Variable, parse_variables
from augury.cli.suggestions import Choices, again, of_version
from augury.errors import UsageError
from augury.plan.steps import Request

PROD = Choices("/data/my shop", "prod", {"margin": 0.4})
SAID = "augury --project-dir '/data/my shop' -t prod --vars margin=0.4"


def carried(advice: str, choices: Choices = PROD) -> str:
    return choices.carried_by(advice, root.entries)


def test_a_command_makes_the_choices_of_this_one_and_is_quoted_for_the_shell() -> None:
    assert PROD.command("run", "ltv", "--accept", "it's odd") == f"{SAID} run ltv --accept 'it'\"'\"'s odd'"
    assert Choices().command("run", "ltv") == "augury run ltv"


def test_every_command_that_advice_names_is_completed_and_only_once() -> None:
    advice = 'Look: augury query "select 1"\nTrain one: augury train ltv, then: augury retry ltv'
    once = carried(advice)
    assert once == f'Look: {SAID} query "select 1"\nTrain one: {SAID} train ltv, then: {SAID} retry ltv'
    assert carried(once) == once
    assert carried(advice, Choices()) == advice


@pytest.mark.parametrize(
    "advice",
    [
        "Make one: augury init shop --example ltv",
        "See: augury run --help",
        "See: augury state reset --help",
        "Tables are written by `augury run`.",
        "augury performs validate itself",
        "myaugury run ltv",
        "there is no augury runner",
        "augury query-all ltv",
    ],
)
def test_what_is_no_command_on_this_project_is_left_as_it_is(advice: str) -> None:
    assert carried(advice) == advice


def test_a_new_pipeline_is_made_in_the_folder_whatever_the_target() -> None:
    assert carried("augury new pipeline ltv") == "augury --project-dir '/data/my shop' new pipeline ltv"


@pytest.mark.parametrize(
    "value",
    [
        *(0.4, 3, True, None, [1, "b"], {}),
        *("ES", "", " ", "0.4", "true", "2026-01-15", "a=b", "it's", "a\nb", "\x1b[2J", "é"),
    ],
)
def test_a_variable_reads_back_as_the_value_that_it_was(value: Variable) -> None:
    program, option, text, *rest = shlex.split(Choices(variables={"x": value}).command("run", "ltv"))
    assert (program, option, rest) == ("augury", "--vars", ["run", "ltv"])
    assert parse_variables(text) == {"x": value}
    assert text.isprintable()


@pytest.mark.parametrize(
    ("variables", "mask"),
    [({"api_token": "hunter22"}, str), ({"margin": "hunter22"}, lambda text: text.replace("hunter22", "***"))],
)
def test_a_secret_is_left_out_and_has_to_be_written_again(variables: dict[str, Variable], mask: type[str]) -> None:
    suggested = Choices(variables=variables, mask=mask).command("run", "ltv")
    assert "hunter22" not in suggested
    with pytest.raises(UsageError, match="stands for a secret"):
        parse_variables(shlex.split(suggested)[2])


@pytest.mark.parametrize(
    ("typed", "exported", "suggested"),
    [
        (None, None, "augury retry"),
        ("dev", None, "augury retry"),
        ("prod", None, "augury -t prod retry"),
        (None, "prod", "augury -t prod retry"),
        ("dev", "prod", "augury -t dev retry"),
        ("dev", "dev", "augury retry"),
    ],
)
def test_the_target_is_named_unless_every_shell_would_take_it(
    typed: str | None, exported: str | None, suggested: str
) -> None:
    session = Session([])
    session.streams.environment = {"AUGURY_TARGET": exported} if exported else {}
    session.settings.target = typed or exported
    session.know_default_target("dev")
    assert session.suggest("retry") == session.advise("augury retry") == suggested


def test_before_the_project_is_read_whatever_was_chosen_is_said() -> None:
    session = Session([])
    session.settings.target = "dev"
    session.settle()
    assert session.advise("See: augury ls") == "See: augury -t dev ls"


def test_a_run_is_repeated_with_all_that_decides_what_it_builds() -> None:
    plain = Request("ltv", "v1", (date(1998, 1, 15),))
    assert again(plain, "v1") == ("run", "ltv")
    asked = Request("ltv", "v2", (), step="prepare", model="current", refresh_late=True, accept=("sane",))
    assert again(asked, "v1") == (
        *("run", "ltv", "--version", "v2", "--step", "prepare", "--model", "current", "--refresh", "late"),
    )
    assert of_version("v2") == ("--version", "v2")
    assert of_version(None) == ()
