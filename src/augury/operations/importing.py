"""How does a BatchML project become one of augury, without a change to its SQL?

augury.yml is written beside batchml.yaml, which goes on being the list of models; the tables that the SQL reads become
sources. Nothing else is written, and what is there is never overwritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from augury.errors import Problem, SpecError, StorageFailed, UsageError
from augury.names import MODEL_STEPS, is_name
from augury.spec.batchml import ENVIRONMENTS, read_batchml
from augury.spec.folder import Reader
from augury.spec.interpolate import Interpolator
from augury.spec.reader import PROJECT_FILE

BATCHML_FILE = "batchml.yaml"
_TABLE = re.compile(
    r"\b(?:from|join|table)\s+(`[^`]+`|[A-Za-z_][\w-]*(?:\.[\w*-]+){1,2})(?![\w*.-]|\s*\()", re.IGNORECASE
)
_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Imported:
    folder: Path
    pipelines: Mapping[str, tuple[str, ...]]
    """Model code to its versions."""
    sources: Mapping[str, str]
    """Source to the table that the SQL reads."""
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
    versions, texts = _read(folder)
    sources = _sources(texts)
    text = _project_text(_project_name(folder), sources, today)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageFailed(f"{target} cannot be written", why=error.strerror or str(error)) from error
    return Imported(folder, versions, sources, len(texts))


def _read(folder: Path) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Versions by model, and every SQL text. Both environments have to be sound."""
    problems: list[Problem] = []
    versions: dict[str, tuple[str, ...]] = {}
    texts: list[str] = []
    for environment in ENVIRONMENTS:
        files = Reader(folder, Interpolator({}))
        found = read_batchml(files, BATCHML_FILE, environment)
        read = {code: found.read(code) for code in found.codes}
        problems += files.problems
        versions = {code: tuple(each.version for each in every) for code, every in read.items()}
        every = [version for each in read.values() for version in each]
        texts = [version.sql[role].text for version in every for role in MODEL_STEPS if role in version.sql]
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return versions, texts


def _sources(texts: Iterable[str]) -> dict[str, str]:
    """The tables that the SQL reads and does not make, by a name of their own."""
    found: dict[str, str] = {}
    for text in texts:
        for written in _TABLE.findall(_COMMENT.sub(" ", text)):
            table = written.strip("`")
            if "{" in table or "*" in table or "." not in table or table in found.values():
                continue
            name = re.sub(r"[^a-z0-9_]+", "_", table.rpartition(".")[2].lower()).lstrip("_0123456789") or "source"
            while name in found:
                name += "_2"
            found[name] = table
    return found


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
