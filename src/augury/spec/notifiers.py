"""Whom does the service tell, of what, and are the options of every notifier usable?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def notifier_problems(node: Node, target: str | None) -> list[Problem]:
    """What is wrong with the options of the notifiers that serve a target, as augury.yml has them; where the target is
    not known, of those that serve every one."""
    notifiers = node.get("notifiers")
    found = notifiers.plain("targets") if notifiers is not None else {}
    targets = node.get("targets")
    names = targets.keys() if targets is not None else ("dev",)
    if not isinstance(found, dict):
        return []
    return [problem for name in found for problem in _problems(name, found[name], node, names, target)]


def _problems(name: str, given: Any, node: Node, targets: Sequence[str], target: str | None) -> Iterator[Problem]:
    path = ("notifiers", name)

    def problem(message: str, key: str, suggestion: str | None = None) -> Problem:
        place = node.at((*path, key))
        return Problem(message, place.file, place.line, ".".join((*path, key)), suggestion)

    kind, serves = (given.get("type"), given.get("targets")) if isinstance(given, dict) else (None, None)
    for each in serves if isinstance(serves, list) else ():
        if each not in targets:
            yield problem(f"there is no target called {each}", "targets", nearest(str(each), targets))
    if not isinstance(kind, str) or (serves is not None and target not in serves):
        return
    installed = plugins.names("notifiers")
    if kind not in installed:
        message = f"there is no notifier called {kind!r} (installed: {', '.join(installed)})"
        yield problem(message, "type", nearest(kind, installed))
        return
    try:
        options = options_of(kind)
    except PluginError as error:
        yield problem(f"{error.what}   {error.fix or ''}".rstrip(), "type")
        return
    try:
        options.model_validate({key: value for key, value in given.items() if key not in Notifier.model_fields})
    except ValidationError as error:
        yield from problems_of(error, options, node.at(path), path)


def notifier_secrets(node: Node) -> frozenset[str]:
    """Values of notifiers that nobody may show, whether or not they are valid."""
    notifiers = node.get("notifiers")
    given = notifiers.plain() if notifiers is not None else {}
    found: set[str] = set()
    for each in given.values() if isinstance(given, dict) else ():
        options = _options_at_hand(each)
        for name, field in options.model_fields.items() if options else ():
            value = each.get(name)
            if _is_secret(field.annotation) and value is not None:
                found.update(map(str, value.values() if isinstance(value, dict) else [value]))
    return frozenset(found)


def _options_at_hand(given: Any) -> type[BaseModel] | None:
    kind = given.get("type") if isinstance(given, dict) else None
    try:
        return options_of(kind) if kind in plugins.names("notifiers") else None
    except PluginError:  # it sends nothing, and says why among the problems
        return None


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))
