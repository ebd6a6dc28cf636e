"""Which value wins where several places may set it, and where did it come from?

Variables: project < target < pipeline < version < --vars.
Keys of pipeline.yml: `defaults` of augury.yml < the base folder's pipeline.yml < the version's.
Sources: the project's, with the location that the target gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce

from augury.errors import Problem, UsageError, nearest
from augury.spec.project import ProjectSettings, SourceSpec, TargetSpec
from augury.spec.settings import Var
from augury.spec.yaml_positions import Node, merge

COMMAND_LINE = "--vars"


def laid_over(layers: Iterable[Node]) -> Node:
    """The layers of one pipeline.yml as one tree, lowest first."""
    return reduce(merge, layers)


def origins_of(node: Node) -> dict[str, str]:
    """Dotted key to origin for every value that the tree gives."""
    return {".".join(path): leaf.origin for path, leaf in node.leaves() if leaf.value is not None}


def cascade(
    layers: Iterable[tuple[Mapping[str, Var], Node | None]], command_line: Mapping[str, Var]
) -> tuple[dict[str, Var], dict[str, str]]:
    """Variables after the cascade, and `vars.x` to its origin. A layer: values, and their node."""
    values: dict[str, Var] = {}
    origins: dict[str, str] = {}
    for given, node in layers:
        for name, value in given.items():
            values[name] = value
            origins[f"vars.{name}"] = node.at((name,)).origin if node else "default"
    for name, value in command_line.items():
        values[name] = value
        origins[f"vars.{name}"] = COMMAND_LINE
    return values, origins


def choose_target(settings: ProjectSettings, asked: str | None) -> str:
    """The name of the target in use. Raises UsageError where there is none called `asked`."""
    first = "dev" if "dev" in settings.targets else next(iter(settings.targets))
    name = asked or settings.default_target or first
    if name not in settings.targets:
        close = nearest(name, settings.targets)
        raise UsageError(
            f"there is no target called {name!r}",
            why=f"targets of augury.yml: {', '.join(settings.targets)}",
            fix=f"Did you mean --target {close}?" if close else "Choose one of them with --target.",
        )
    return name


def sources_of(settings: ProjectSettings, target: TargetSpec) -> dict[str, SourceSpec]:
    """The project's sources at the locations of `target`."""
    out = dict(settings.sources)
    for name, location in target.sources.items():
        if name in out:
            where = {key: getattr(location, key) for key in ("path", "database", "table")}
            out[name] = out[name].model_copy(update=where)
    return out


def override_problems(settings: ProjectSettings, node: Node) -> list[Problem]:
    """Locations that targets give for unknown sources, or that no longer say when a row happened."""
    problems: list[Problem] = []
    for target_name, target in settings.targets.items():
        resolved = sources_of(settings, target)
        for name in target.sources:
            path = ("targets", target_name, "sources", name)
            place = node.at(path)
            key = ".".join(path)
            if name not in settings.sources:
                close = nearest(name, settings.sources)
                message = f"there is no source called {name} in this project"
                problems.append(Problem(message, place.file, place.line, key, close))
            elif resolved[name].event_time is None and not (resolved[name].sharded or resolved[name].snapshot):
                message = "without {date} in it the source needs an `event_time`"
                problems.append(Problem(message, place.file, place.line, key))
    return problems
