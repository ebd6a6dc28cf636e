"""What does the project say, and is all of it usable?

Reads augury.yml, the folders below pipelines/, macros/ and reference/ into frozen values, or raises one
SpecError that holds every problem of every file. Nothing of the project is executed, and no data is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from augury import plugins
from augury.errors import Problem, SpecError, UsageError, nearest
from augury.names import is_name
from augury.spec.batchml import BatchmlProject, environment_of, read_batchml
from augury.spec.cascade import choose_target, origins_of, override_problems, sources_of
from augury.spec.collisions import table_problems, target_problems
from augury.spec.files import Macros, PipelineSpec, ProjectSpec
from augury.spec.folder import Reader, pipeline_names
from augury.spec.interpolate import Interpolator
from augury.spec.messages import problems_of
from augury.spec.notifiers import notifier_problems, notifier_secrets
from augury.spec.others import named_in
from augury.spec.pipeline_reader import PipelineReader, Surroundings
from augury.spec.project import ProjectSettings
from augury.spec.secrets import Masker, passwords_in, secrets_in
from augury.spec.settings import Var
from augury.spec.step_names import project_problems
from augury.spec.yaml_positions import Node

PROJECT_FILE = "augury.yml"


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds augury.yml. Raises UsageError where there is none."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise UsageError(
        f"there is no {PROJECT_FILE} in {here} or any folder above it",
        fix="Go to a project, name it with --project-dir, or make one: augury init shop --example ltv",
    )


def read_project(
    root: Path,
    *,
    target: str | None,
    variables: Mapping[str, Var],
    environment: Mapping[str, str],
    only: str | None = None,
) -> ProjectSpec:
    """The project at `root` as one target sees it.

    `only` reads the folders of one pipeline and of those that it reads, and leaves the others alone. Raises SpecError
    with every problem found, and UsageError where `target`, `only` or a name of `variables` does not exist.
    """
    files = Reader(root.resolve(), Interpolator(environment))
    files.interpolator.secrets |= secrets_in(variables)
    node = _project_node(files)
    settings = _project_settings(files, node)
    target_name = choose_target(settings, target) if settings else target or "dev"
    batchml = _batchml(files, settings, target_name)
    names = sorted({*pipeline_names(files.root), *batchml.codes})
    wanted = names if only is None else [_existing(only, names)]
    macros, references = _macros(files), _references(files)
    reader = PipelineReader(files, Surroundings(settings, node, target_name, references, variables, tuple(names)))
    read = _with_others(reader, wanted, names, macros, batchml)
    pipelines = {name: versions for name, versions in read.items() if versions}
    if settings is not None and node is not None:
        files.problems += _warehouse_problems(settings, node, target_name)
        files.problems = _but_other_targets(files.problems, settings, target_name)
        known = {problem.key for problem in files.problems}
        files.problems += [each for each in notifier_problems(node, target_name) if each.key not in known]
        files.problems += table_problems(
            pipelines, [name for name in names if name not in read], settings.deployment or ""
        )
        if len(read) == len(names):
            files.problems += project_problems(node, reader.steps)
    if files.problems or settings is None or node is None:
        raise SpecError(_as_shown(files))
    _check_variables(variables, files, pipelines, macros)
    chosen = settings.targets[target_name]
    return ProjectSpec(
        root=files.root,
        settings=settings,
        target_name=target_name,
        target=chosen,
        namespace=_first(chosen.namespace, batchml.dataset, target_name),
        environment=_first(batchml.environment, chosen.environment, target_name),
        production=batchml.production,
        sources=sources_of(settings, chosen),
        references=references,
        macros=macros,
        pipelines=pipelines,
        names=tuple(names),
        secrets=frozenset(files.interpolator.secrets),
        origins=_origins(node, target),
    )


def _first(*named: str | None) -> str:
    return next(name for name in named if name)


def _origins(node: Node, target: str | None) -> dict[str, str]:
    origins = origins_of(node)
    return {**origins, "target": "--target" if target else origins.get("default_target", "default")}


def _with_others(
    reader: PipelineReader, wanted: list[str], names: list[str], macros: Macros, batchml: BatchmlProject
) -> dict[str, dict[str, PipelineSpec]]:
    """The versions of the wanted pipelines, and of those that they read, directly or not."""
    read: dict[str, dict[str, PipelineSpec]] = {}
    todo = list(wanted)
    while todo:
        name = todo.pop(0)
        if name not in read:
            imported = name in batchml.codes
            read[name] = reader.of_batchml(batchml.read(name)) if imported else reader.versions(name)
            todo += sorted(named_in(read[name].values(), macros, names))
    return read


def _batchml(files: Reader, settings: ProjectSettings | None, target: str) -> BatchmlProject:
    if settings is None or settings.batchml is None:
        return BatchmlProject()
    chosen = settings.targets.get(target)
    return read_batchml(files, settings.batchml, environment_of(target, chosen.environment if chosen else None))


def _project_node(files: Reader) -> Node | None:
    path = files.root / PROJECT_FILE
    if not path.exists():
        raise UsageError(
            f"there is no {PROJECT_FILE} in {files.root}",
            fix="Name its folder with --project-dir, or make one: augury init shop --example ltv",
        )
    file = files.text(path)
    return files.yaml(file) if file else None


def _project_settings(files: Reader, node: Node | None) -> ProjectSettings | None:
    if node is None:
        return None
    given = node.at(("defaults", "vars"))
    if node.get("defaults") is not None and given is not node.get("defaults"):
        message = "variables of the whole project stand in `vars` of augury.yml"
        files.problems.append(Problem(message, given.file, given.line, "defaults.vars", "vars"))
    files.interpolator.secrets |= notifier_secrets(node)
    try:
        settings = ProjectSettings.model_validate(node.plain())
    except ValidationError as error:
        known = {problem.key for problem in files.problems}
        # A value whose variable is not set is no value of that key either: one problem, not two.
        found = [*problems_of(error, ProjectSettings, node), *notifier_problems(node, None)]
        files.problems += [each for each in found if each.key not in known]
        return None
    for target in settings.targets.values():
        files.interpolator.secrets |= passwords_in(target.ledger) if target.ledger else frozenset()
    files.problems += override_problems(settings, node)
    files.problems += target_problems(settings, node, files.root)
    default = settings.default_target
    if default is None or default in settings.targets:
        return settings
    place = node.at(("default_target",))
    message, close = f"there is no target called {default}", nearest(default, settings.targets)
    files.problems.append(Problem(message, place.file, place.line, "default_target", close))
    return settings.model_copy(update={"default_target": None})


def _warehouse_problems(settings: ProjectSettings, node: Node, target_name: str) -> list[Problem]:
    """Of the target in use only: a laptop need not have what production needs."""
    asked, installed = settings.targets[target_name].warehouse, plugins.names("warehouses")
    if asked in installed:
        return []
    path = ("targets", target_name, "warehouse")
    place = node.at(path)
    message = f"there is no warehouse called {asked!r} (installed: {', '.join(installed)})"
    return [Problem(message, place.file, place.line, ".".join(path), nearest(asked, installed))]


def _but_other_targets(problems: list[Problem], settings: ProjectSettings, target_name: str) -> list[Problem]:
    """Without variables that are not set in ledgers and notifiers of other targets: a laptop need not know the password
    of production."""
    ledgers = {f"targets.{name}.ledger" for name in settings.targets if name != target_name}
    silent = tuple(f"notifiers.{name}." for name, each in settings.notifiers.items() if not each.serves(target_name))
    return [each for each in problems if each.key not in ledgers and not (each.key or "").startswith(silent)]


def _existing(name: str, names: list[str]) -> str:
    if name in names:
        return name
    close = nearest(name, names)
    raise UsageError(
        f"there is no pipeline called {name!r}",
        why=f"pipelines: {', '.join(names[:20]) or 'none'}",
        fix=f"Did you mean {close}?" if close else f"Make it: augury new pipeline {name}",
    )


def _macros(files: Reader) -> Macros:
    read = (files.text(path) for path in sorted((files.root / "macros").glob("*.sql")))
    return Macros(tuple(file for file in read if file is not None))


def _references(files: Reader) -> dict[str, Path]:
    out: dict[str, Path] = {}
    for path in sorted((files.root / "reference").glob("*.csv")):
        if is_name(path.stem):
            out[path.stem] = path
        else:
            message = "reference('...') needs a name: lower-case letters, digits and _"
            files.problems.append(Problem(message, files.name(path)))
    return out


def _check_variables(
    given: Mapping[str, Var],
    files: Reader,
    pipelines: Mapping[str, Mapping[str, PipelineSpec]],
    macros: Macros,
) -> None:
    """Raises UsageError for a name of --vars that no file declares or uses: it is a typing error."""
    if not given:
        return
    specs = [spec for versions in pipelines.values() for spec in versions.values()]
    texts = [file.text for file in macros.files]
    texts += [step.sql.text for spec in specs for step in spec.steps.values() if step.sql]
    texts += [spec.hooks_text for spec in specs]
    declared = _declared(files, specs)
    for name in given:
        used = any(f"'{name}'" in text or f'"{name}"' in text for text in texts)
        if name not in declared and not used:
            close = nearest(name, declared)
            raise UsageError(
                f"no file declares or uses the variable {name!r} of --vars",
                fix=f"Did you mean {close}?" if close else f"Declare it under `vars` of {PROJECT_FILE}.",
            )


def _declared(files: Reader, specs: list[PipelineSpec]) -> set[str]:
    """Variables that any file gives a value."""
    read = [node for node in files.parsed.values() if node is not None]
    written = {path[path.index("vars") + 1] for node in read for path, _ in node.leaves() if "vars" in path[:-1]}
    return written | {name for spec in specs if spec.tables.batchml for name in spec.settings.vars}


def _as_shown(files: Reader) -> list[Problem]:
    """The problems once each, augury.yml first, without secrets."""
    masker = Masker(files.interpolator.secrets)
    shown = dict.fromkeys(replace(problem, message=masker.mask(problem.message)) for problem in files.problems)
    return sorted(shown, key=lambda at: (at.file != PROJECT_FILE, at.file or "", at.line or 0))
