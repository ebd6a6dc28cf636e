"""Which command is suggested next, so that it acts where this one acted?

Advice names commands in their short form, `augury retry ltv`. What leaves is complete: it carries the folder, target
and variables that this command line chose, so that a line pasted from a run on prod never acts on dev. They stand
before the command, where their place does not depend on what follows it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from augury.cli.settings import GlobalOption, Variable, parse_variables
from augury.cli.values import Mask
from augury.errors import UsageError
from augury.spec.secrets import MASK, looks_secret

if TYPE_CHECKING:
    import click

    from augury.plan.steps import Request
    from augury.project import Project

_ELSEWHERE = ("init", "schema", "completion")
"""Commands that take no project."""
_FOLDER_ALONE = ("new",)
"""Commands that are about the files of a project, whatever the target."""
# In backticks stands the name of a command, as a word; help is about no target.
_COMMAND = re.compile(r"(?<!`)\baugury ([a-z][a-z-]*)(?![\w-])(?!(?: [a-z-]+)? --help\b)")


Suggest = Callable[..., str]
"""Makes a command line of words: `Choices.command`."""


@dataclass(frozen=True)
class Choices:
    """What was chosen for the whole command line, by an option or by a variable of the environment."""

    project_dir: str | None = None
    target: str | None = None
    """None also where a command without --target acts on the same one, in this shell and in any other."""
    variables: Mapping[str, Variable] = field(default_factory=dict)
    mask: Mask = str

    def command(self, *words: str) -> str:
        """The command line `augury WORDS` that makes the same choices, quoted for the shell, secrets masked."""
        return shlex.join(["augury", *self._options(words[0]), *map(self.mask, words)])

    def carried_by(self, advice: str, commands: Collection[str]) -> str:
        """`advice` with the choices in each of the `commands` that it names. Doing so twice is doing so once."""

        def completed(found: re.Match[str]) -> str:
            name = found[1]
            return shlex.join(["augury", *self._options(name), name]) if name in commands else found[0]

        return _COMMAND.sub(completed, advice)

    def _options(self, command: str) -> list[str]:
        if command in _ELSEWHERE:
            return []
        words = ["--project-dir", self.mask(self.project_dir)] if self.project_dir is not None else []
        if command not in _FOLDER_ALONE:
            words += ["-t", self.mask(self.target)] if self.target is not None else []
            for name, value in self.variables.items():
                words += ["--vars", self._variable(name, value)]
        return words

    def _variable(self, name: str, value: Variable) -> str:
        """`margin=0.4` where it reads back as the same value, else a mapping."""
        if looks_secret(name):
            return f"{name}={MASK}"
        plain = f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        try:
            kept = parse_variables(plain) == {name: value}
        except UsageError:
            kept = False
        return self.mask(plain if kept else json.dumps({name: value}, ensure_ascii=False))


def again(request: Request, current: str) -> tuple[str, ...]:
    """The words that run dates of a request once more, without the dates. `current` is the current version."""
    words = ["run", request.pipeline, *of_version(request.version, current)]
    words += ["--step", request.step] if request.step else []
    words += ["--model", request.model] if request.model != "point-in-time" else []
    words += ["--refresh", "late"] if request.refresh_late else []
    return tuple(words)


def first_look(project: Project, pipeline: str | None = None) -> tuple[str, ...]:
    """The words that show what a pipeline would do on a date that it has, by default the first pipeline."""
    name = pipeline or next(iter(project.spec.pipelines), None)
    if name is None:
        return ("new", "pipeline", "NAME")
    if project.current_version(name) not in project.spec.pipelines[name]:
        return ("doctor",)
    due = project.due(name)
    return ("plan", name, "--date", str(due)) if due else ("status", name)


def of_version(version: str | None, current: str | None = None) -> tuple[str, ...]:
    """`--version v2` where a command without it would mean another one; nothing where none was named."""
    return () if version in (None, current) else ("--version", str(version))


def typed(context: click.Context, *, without: Sequence[str] = ()) -> list[str]:
    """The words of the command in hand as it was typed: its path, arguments and options.

    Left out are the options of every command, which `Choices` knows, and the parameters called `without`.
    """
    from click.core import ParameterSource

    words = context.command_path.split()[1:]
    for param in context.command.params:
        name = param.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(param, GlobalOption) or name in without or not given:
            continue
        words += _written(param, context.params[name])
    return words


def _written(param: click.Parameter, value: Any) -> list[str]:
    values = list(value) if isinstance(value, tuple) else [value]
    if param.param_type_name == "argument":
        return [str(each) for each in values]
    if value is True:
        return [param.opts[0]]
    return [word for each in values for word in (param.opts[0], str(each))]
