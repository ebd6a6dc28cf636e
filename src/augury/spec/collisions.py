"""Could two targets, pipelines or versions write to the same place?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from augury.errors import Problem, relative
from augury.names import TableNames
from augury.spec.files import PipelineSpec
from augury.spec.project import ProjectSettings, TargetSpec
from augury.spec.yaml_positions import Node

RESERVED = {"augury_runs": "the runs that augury reports", "augury_models": "the models that augury reports"}


def target_problems(settings: ProjectSettings, node: Node, root: Path) -> list[Problem]:
    """Targets whose folders are the same, or lie inside one another."""
    problems: list[Problem] = []
    seen: list[tuple[str, str]] = []
    for name, target in settings.targets.items():
        place = node.at(("targets", name))
        for folder in _folders(name, target, root):
            for other, other_folder in seen:
                if other != name and _overlap(folder, other_folder):
                    message = (
                        f"targets {other} and {name} would both write to {_shown(folder, root)}: "
                        "give each a namespace or path of its own"
                    )
                    problems.append(Problem(message, place.file, place.line, f"targets.{name}"))
            seen.append((name, folder))
    return list(dict.fromkeys(problems))


def _folders(name: str, target: TargetSpec, root: Path) -> list[str]:
    """Every folder that a target writes to."""
    namespace = target.namespace or name
    out = [_real(root, target.path, namespace)]
    if target.output is not None:
        out.append(_real(root, target.output, namespace))
    if target.models is not None:
        out.append(_real(root, target.models))
    return out


def _shown(folder: str, root: Path) -> str:
    return relative(Path(folder), Path(_real(root))) if "://" not in folder else folder


def _real(root: Path, *parts: str) -> str:
    """One spelling per folder; links are followed, so that two names of one folder meet."""
    if parts and "://" in parts[0]:
        return "/".join(part.strip("/") for part in parts)
    return os.path.realpath(root.joinpath(*parts))


def _overlap(one: str, two: str) -> bool:
    return one == two or one.startswith(two + "/") or two.startswith(one + "/")


def table_problems(
    pipelines: Mapping[str, Mapping[str, PipelineSpec]], unread: Iterable[str], deployment: str
) -> list[Problem]:
    """Tables and views that two owners would share. `unread` are pipelines that are known by name only."""
    owners: dict[str, str] = {name: f"holds {what}" for name, what in RESERVED.items()}
    problems: list[Problem] = []
    for name in unread:
        guess = TableNames(name, "v1", deployment)
        for table in (*_shared(guess), *_of_version(guess)):
            owners.setdefault(table, f"belongs to pipeline {name}")
    for name, versions in pipelines.items():
        first = next(iter(versions.values()))
        claims = [(table, f"pipeline {name}", first.file) for table in _shared(first.tables)]
        for version, spec in versions.items():
            tables = (*_of_version(spec.tables), *_of_steps(spec))
            claims += [(table, f"pipeline {name} {version}", spec.file) for table in tables]
        for table, owner, file in claims:
            if table in owners:
                message = f"the table {table} of {owner} also {owners[table]}: rename one of the two"
                problems.append(Problem(message, file))
            else:
                owners[table] = f"belongs to {owner}"
    return problems


def _shared(tables: TableNames) -> tuple[str, ...]:
    return (tables.current_predictions, tables.current_staging, tables.archive)


def _of_version(tables: TableNames) -> tuple[str, ...]:
    return tuple(name for name in (tables.predictions, tables.staging, tables.version_view) if name)


def _of_steps(spec: PipelineSpec) -> tuple[str, ...]:
    names = {*spec.steps, "predict"}
    return tuple(spec.tables.step(name, training=training) for name in names for training in (False, True))
