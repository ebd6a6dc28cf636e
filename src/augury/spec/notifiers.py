"""Whom does the service tell, of what, and are the options of every notifier usable?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from augury import plugins
from augury.errors import PluginError, Problem, nearest
from augury.spec.messages import problems_of
from augury.spec.settings import Name, Settings
from augury.spec.yaml_positions import Node

Occasion = Literal["failed", "held", "expired", "overdue", "recovered"]
OCCASIONS: tuple[Occasion, ...] = get_args(Occasion)


class Notifier(Settings):
    """Somebody who is told of incidents. Every other key is an option of its type."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    """An installed notifier: `console`, `email`, `webhook`, ..."""
    on: list[Occasion] = Field(default_factory=lambda: list(OCCASIONS), min_length=1)
    """What it is told of; everything by default."""
    targets: list[Name] | None = None
    """Only there, such as `[prod]`: on other targets its environment variables need not be set. Everywhere by
    default."""

    def serves(self, target: str) -> bool:
        return self.targets is None or target in self.targets

    @property
    def options(self) -> dict[str, Any]:
        """What it says beside the keys of every notifier, as written."""
        return dict(self.model_extra or {})


def options_of(kind: str) -> type[BaseModel]:
    """The options of a type of notifier. Raises PluginError."""
    found: type[BaseModel] = plugins.load("notifiers", kind).Options
    return found


def notifier_problems(notifiers: dict[str, Notifier], node: Node, targets: list[str], target: str) -> list[Problem]:
    """What is wrong with the notifiers of one target, and with the names of any."""
    return [
        problem for name, notifier in notifiers.items() for problem in _problems(name, notifier, node, targets, target)
    ]


def _problems(name: str, notifier: Notifier, node: Node, targets: list[str], target: str) -> Iterator[Problem]:
    path = ("notifiers", name)

    def problem(message: str, key: str, suggestion: str | None = None) -> Problem:
        place = node.at((*path, key))
        return Problem(message, place.file, place.line, ".".join((*path, key)), suggestion)

    for each in notifier.targets or ():
        if each not in targets:
            yield problem(f"there is no target called {each}", "targets", nearest(each, targets))
    if not notifier.serves(target):
        return
    installed = plugins.names("notifiers")
    if notifier.type not in installed:
        message = f"there is no notifier called {notifier.type!r} (installed: {', '.join(installed)})"
        yield problem(message, "type", nearest(notifier.type, installed))
        return
    try:
        options = options_of(notifier.type)
    except PluginError as error:
        yield problem(f"{error.what}   {error.fix or ''}".rstrip(), "type")
        return
    try:
        options.model_validate(notifier.options)
    except ValidationError as error:
        yield from problems_of(error, options, node.at(path), path)


def notifier_secrets(notifiers: dict[str, Notifier]) -> frozenset[str]:
    """Values that nobody may show, whether or not they are valid."""
    found: set[str] = set()
    for notifier in notifiers.values():
        if notifier.type not in plugins.names("notifiers"):
            continue
        try:
            options = options_of(notifier.type)
        except PluginError:  # it sends nothing, and says why among the problems
            continue
        for name, field in options.model_fields.items():
            value = notifier.options.get(name)
            if _is_secret(field.annotation) and value is not None:
                found.update(map(str, value.values() if isinstance(value, dict) else [value]))
    return frozenset(found)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))
