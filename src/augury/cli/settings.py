"""What did the person at the keyboard say about the whole command: project, target, variables, output?

These options stand before or after the command, as people type them; later ones win, variables add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import click

from augury.cli import completions
from augury.cli.reports import FORMS, Form
from augury.errors import UsageError
from augury.spec.secrets import MASK

Variable = str | int | float | bool | None | list[Any] | dict[str, Any]


@dataclass
class Settings:
    """Filled while the command line is read."""

    project_dir: str | None = None
    """As given; None is the folder that one stands in."""
    target: str | None = None
    variables: dict[str, Variable] = field(default_factory=dict)
    output: Form | None = None
    verbosity: int = 0
    """-v counts up."""
    quiet: bool = False
    log_format: str = "text"
    no_color: bool = False

    @property
    def form(self) -> Form:
        return self.output or "text"

    def remember(self, name: str, value: Any) -> None:
        match name:
            case "vars":
                for text in value:
                    self.variables |= parse_variables(text)
            case "verbosity":
                self.verbosity += value
            case _:
                setattr(self, name, value)


def parse_variables(text: str) -> Mapping[str, Variable]:
    """`{margin: 0.4}`, `{"margin": 0.4}` or `margin=0.4`. Raises UsageError for anything else."""
    import yaml

    if MASK in text:
        raise UsageError(
            f"--vars {text!r}: {MASK} stands for a secret that is not shown", fix="Write the secret there."
        )

    example = "Write --vars margin=0.4, or --vars '{margin: 0.4, country: ES}'."
    name, equals, value = text.partition("=")
    try:
        if equals and name.strip().isidentifier():
            return {name.strip(): _scalar(yaml.safe_load(value) if value.strip() else "")}
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"--vars {text!r} cannot be read", why=" ".join(str(error).split()), fix=example) from error
    if not isinstance(read, dict):
        raise UsageError(f"--vars {text!r} is not a mapping", fix=example)
    return {str(key): _scalar(item) for key, item in read.items()}


def _scalar(value: Any) -> Variable:
    """YAML reads 2026-01-15 as a date; variables are text, numbers, booleans and what is made of them."""
    return value.isoformat() if isinstance(value, date) else cast("Variable", value)


def global_options(*, environment: bool) -> list[click.Option]:
    """Options for one command. Only the outermost one reads the environment, so that options win over it."""

    def option(*names: str, envvar: str | None = None, **more: Any) -> click.Option:
        return GlobalOption(
            names,
            envvar=envvar if environment else None,
            expose_value=False,
            callback=_remember,
            **more,
        )

    return [
        option(
            "--project-dir",
            envvar="AUGURY_PROJECT_DIR",
            metavar="DIR",
            help="Folder of the project, or one inside it.  [AUGURY_PROJECT_DIR]",
        ),
        option(
            "-t",
            "--target",
            envvar="AUGURY_TARGET",
            metavar="NAME",
            shell_complete=completions.targets,
            help="Environment of augury.yml to work in.  [AUGURY_TARGET]",
        ),
        option(
            "--vars",
            multiple=True,
            metavar="NAME=VALUE",
            help="Variables: NAME=VALUE or a YAML mapping; may be repeated.",
        ),
        option(
            "--output",
            envvar="AUGURY_OUTPUT",
            type=click.Choice(FORMS),
            metavar="FORM",
            help="Data on stdout as text, json, ndjson or csv.  [AUGURY_OUTPUT]",
        ),
        option("-q", "--quiet", is_flag=True, help="Only results and errors."),
        option(
            "-v",
            "--verbose",
            "verbosity",
            count=True,
            help="Say more; -vv shows where a bug of augury lies.",
        ),
        option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            metavar="FORM",
            help="Narration on stderr as text or json lines.",
        ),
        option("--no-color", is_flag=True, help="No colours; the same as NO_COLOR=1."),
    ]


class GlobalOption(click.Option):
    """An option that every command has; help shows it below the command's own."""


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value in (None, (), 0, False) or context.resilient_parsing:
        return
    from augury.cli.session import Session

    assert parameter.name is not None
    context.ensure_object(Session).settings.remember(parameter.name, value)
