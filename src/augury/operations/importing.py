"""How does a BatchML project become one of augury, without a change to its SQL?

augury.yml is written beside batchml.yaml, which goes on being the list of models; the tables that the SQL reads become
sources. Nothing else is written, and what is there is never overwritten.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from augury.errors import Problem, SpecError, StorageFailed, UsageError
from augury.names import MODEL_STEPS, TableNames, is_name
from augury.operations.tables_read import tables_in
from augury.spec.batchml import DATASET, ENVIRONMENTS, read_batchml
from augury.spec.folder import Reader, VersionFiles
from augury.spec.interpolate import Interpolator
from augury.spec.reader import PROJECT_FILE

BATCHML_FILE = "batchml.yaml"


@dataclass(frozen=True)
class Imported:
    folder: Path
    pipelines: Mapping[str, tuple[str, ...]]
    """Model code to its versions."""
    sources: Mapping[str, str]
    """Source to the table that the SQL reads."""
    unnamed: tuple[str, ...]
    """Tables that the SQL reads and that no source can stand for: wildcards, and names that Jinja puts together."""
    files: int
    """SQL files, all of them as they were."""


def import_batchml(folder: Path, today: date) -> Imported:
    """Write augury.yml into `folder`, the home of batchml.yaml.

    Raises UsageError where there is no BatchML project or augury.yml is there already, SpecError with every problem of
    the project, StorageFailed where nothing can be written.
    """
    folder = folder.resolve()
    if not (folder / BATCHML_FILE).is_file():
        raise UsageError(
            f"there is no {BATCHML_FILE} in {folder}", fix="Name the folder that holds it: augury import batchml DIR"
        )
    target = folder / PROJECT_FILE
    if target.exists():
        raise UsageError(f"{target} is there already", fix="Remove it to import the project again.")
    project = _read(folder)
    sources, unnamed = _sources(project)
    text = _project_text(_project_name(folder), sources, today)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageFailed(f"{target} cannot be written", why=error.strerror or str(error)) from error
    return Imported(folder, project.versions, sources, unnamed, project.files)


@dataclass(frozen=True)
class _Project:
    versions: Mapping[str, tuple[str, ...]]
    own: frozenset[str]
    """Names of tables that augury writes."""
    texts: tuple[tuple[str, Mapping[str, Any]], ...]
    """SQL of every environment, each with the variables that it may print."""
    files: int


def _read(folder: Path) -> _Project:
    """Both environments have to be sound."""
    problems: list[Problem] = []
    texts: list[tuple[str, Mapping[str, Any]]] = []
    found: list[VersionFiles] = []
    for environment in ENVIRONMENTS:
        files = Reader(folder, Interpolator({}))
        project = read_batchml(files, BATCHML_FILE, environment)
        found = [version for code in project.codes for version in project.read(code)]
        problems += files.problems
        for version in found:
            names = {DATASET: project.dataset, "environment": environment}
            names |= {"model_code": version.pipeline, "version_code": version.version}
            printed = {**(version.node.at(("vars",)).plain("vars") if version.node else {}), **names}
            texts += [(version.sql[role].text, printed) for role in MODEL_STEPS if role in version.sql]
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    versions: dict[str, tuple[str, ...]] = {}
    for version in found:
        versions[version.pipeline] = (*versions.get(version.pipeline, ()), version.version)
    own = frozenset(name for version in found for name in _written(version))
    return _Project(versions, own, tuple(texts), len(texts) // len(ENVIRONMENTS))


def _written(version: VersionFiles) -> tuple[str, ...]:
    tables = TableNames(version.pipeline, version.version, batchml=True)
    steps = (tables.step("training"), tables.step("scoring"), tables.model)
    views = (tables.version_view, tables.current_predictions, tables.current_staging)
    return (*steps, *views, tables.staging, tables.predictions, tables.archive)


def _sources(project: _Project) -> tuple[dict[str, str], tuple[str, ...]]:
    """The tables that the SQL reads and does not make, by a name of their own, and those that cannot have one."""
    found: dict[str, str] = {}
    unnamed: list[str] = []
    for text, variables in project.texts:
        for table in tables_in(text, variables):
            if table in found.values() or table.rpartition(".")[2] in project.own:
                continue
            if "*" in table or "{" in table or "INFORMATION_SCHEMA" in table.upper():
                unnamed.append(table)
                continue
            found[_source_name(table, found)] = table
    return found, tuple(dict.fromkeys(unnamed))


def _source_name(table: str, taken: Iterable[str]) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", table.rpartition(".")[2].lower()).lstrip("_0123456789")[:60] or "source"
    numbers = itertools.count(2)
    name = plain
    while name in taken:
        name = f"{plain}_{next(numbers)}"
    return name


def _project_name(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", folder.name.lower()).strip("_")
    return name if is_name(name) else "batchml"


def _project_text(name: str, sources: Mapping[str, str], today: date) -> str:
    lines = [
        f"# A BatchML project. Models and versions stay in {BATCHML_FILE}, and their SQL stays as it is.",
        f"name: {name}",
        "dialect: bigquery",
        f"batchml: {BATCHML_FILE}",
        "",
        "defaults:",
        f"  start: {today}                    # the first date that can be run",
        "",
    ]
    if sources:
        lines.append("sources:                               # the tables that the SQL reads")
    for source, table in sources.items():
        lines += [
            f"  {source}:",
            f"    table: {json.dumps(table)}",
            "    snapshot: true                     # read as it is now; with event_time: COLUMN, as of each date",
        ]
    lines += ["", "targets:                               # test is the default"]
    lines += ["  test:", "    path: .augury                      # tables are Parquet files here, DuckDB runs the SQL"]
    if sources:
        lines.append("    # sources:                         # where this machine has a copy of the rows")
        lines += [f"    #   {source}: {{path: data/{source}.parquet}}" for source in sources]
    lines += [
        "  prod:",
        "    path: .augury",
        "    # warehouse: bigquery              # the same SQL in the cloud",
        "    # bigquery: {project: my-project, location: US}",
        "default_target: test",
        "",
    ]
    return "\n".join(lines)
