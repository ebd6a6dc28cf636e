"""How does somebody begin: a new project, a copy of an example, a new pipeline?

Existing files are never overwritten: either everything is written, or nothing and the files in the way are
named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from augury.errors import StorageFailed, UsageError, nearest
from augury.names import is_name, quote
from augury.operations import scaffold_files as template
from augury.spec.json_schema import SCHEMA_NAMES, json_schema
from augury.spec.reader import PROJECT_FILE
from augury.spec.yaml_positions import Node, parse

SCHEMAS = Path(".augury-schema")
"""Folder of the JSON Schemas that editors read, inside the project."""
_NOT_COPIED = {".augury", "__pycache__", SCHEMAS.name}


@dataclass(frozen=True)
class Created:
    folder: Path
    """What was made: the project's folder, or the pipeline's."""
    files: tuple[Path, ...]
    """Written files, relative to the project."""
    pipelines: tuple[str, ...]
    sources: tuple[str, ...]
    example: str | None
    description: str
    """Of the example or project, one line."""
    next: str
    """The command to type next."""


def init(folder: Path, example: str | None = None) -> Created:
    """A new project in `folder`, which may exist: minimal and commented, or a copy of an example.

    Raises UsageError for an unknown example and for files in the way, StorageFailed where it cannot write.
    """
    files = _minimal(folder) if example is None else _copied(example)
    files |= {str(SCHEMAS / f"{name}.json"): _schema_text(name) for name in SCHEMA_NAMES}
    files.setdefault(".gitignore", template.GITIGNORE.encode())
    project = _tree(files[PROJECT_FILE], PROJECT_FILE)
    settings = (re.fullmatch(r"pipelines/(\w+)/pipeline\.yml", name) for name in sorted(files))
    _write(folder, files)
    description = project.at(("description",)) if project else None
    return Created(
        folder=folder,
        files=tuple(Path(name) for name in sorted(files)),
        pipelines=(*(found[1] for found in settings if found), *_imported(files)),
        sources=_sources(project),
        example=example,
        description=str(description.value) if description and isinstance(description.value, str) else "",
        next=_first_command(files) or "augury new pipeline NAME",
    )


def _imported(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Models of a BatchML project among the files."""
    project = _tree(files[PROJECT_FILE], PROJECT_FILE)
    place = project.get("batchml") if project else None
    tree = _tree(files[str(place.value)], str(place.value)) if place is not None else None
    models = tree.get("models") if tree else None
    return models.keys() if models else ()


def new_pipeline(root: Path, name: str) -> Created:
    """A pipeline of four files that is valid as it is, on the first source of the project at `root`.

    Raises UsageError for a name that cannot be used, files in the way and a project without sources.
    """
    if not is_name(name):
        better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
        hint = f" For example: augury new pipeline {better}" if is_name(better) else ""
        raise UsageError(
            f"{name!r} cannot be the name of a pipeline",
            fix=f"Lower-case letters, digits and _, beginning with a letter.{hint}",
        )
    folder = root / "pipelines" / name
    if folder.exists():
        raise UsageError(f"pipelines/{name} exists", fix=f"Edit it, or choose another name than {name}.")
    project = _tree((root / PROJECT_FILE).read_bytes(), PROJECT_FILE)
    sources = _sources(project)
    if project is None or not sources:
        raise UsageError(
            f"there is no source in {PROJECT_FILE} to make features from",
            fix="Declare one first: sources: {orders: {path: data/orders.csv, event_time: ordered_at}}",
        )
    texts = template.pipeline(name, sources[0], _event_time(project, sources[0]))
    files = {f"pipelines/{name}/{file}": text.encode() for file, text in texts.items()}
    missing = [schema for schema in SCHEMA_NAMES if not (root / SCHEMAS / f"{schema}.json").exists()]
    files |= {str(SCHEMAS / f"{schema}.json"): _schema_text(schema) for schema in missing}
    _write(root, files)
    return Created(
        folder=folder,
        files=tuple(Path(file) for file in sorted(files)),
        pipelines=(name,),
        sources=sources[:1],
        example=None,
        description="",
        next="augury validate",
    )


def example_names() -> tuple[str, ...]:
    """Examples that this installation carries."""
    return tuple(sorted(path.parent.name for path in _examples().glob(f"*/{PROJECT_FILE}")))


def _examples() -> Path:
    """In the wheel they lie inside the package, in a checkout beside src/."""
    package = Path(__file__).parents[1]
    packaged = package / "examples"
    return packaged if packaged.is_dir() else package.parents[1] / "examples"


def _copied(example: str) -> dict[str, bytes]:
    known = example_names()
    if example not in known:
        close = nearest(example, known)
        raise UsageError(
            f"there is no example called {example!r}",
            why=f"examples: {', '.join(known) or 'none'}",
            fix=f"Did you mean --example {close}?" if close else None,
        )
    base = _examples() / example
    paths = (path for path in sorted(base.rglob("*")) if path.is_file())
    files = {path.relative_to(base): path.read_bytes() for path in paths}
    kept = {path: raw for path, raw in files.items() if not _NOT_COPIED & set(path.parts)}
    return {path.as_posix(): _with_schema(path, raw) for path, raw in kept.items()}


def _with_schema(path: Path, raw: bytes) -> bytes:
    """Settings with the line by which an editor finds their schema."""
    which = {PROJECT_FILE: "project", "pipeline.yml": "pipeline"}.get(path.name)
    if which is None or b"yaml-language-server" in raw:
        return raw
    return (template.schema_line(which, len(path.parts) - 1) + "\n").encode() + raw


def _minimal(folder: Path) -> dict[str, bytes]:
    name = re.sub(r"[^a-z0-9_]+", "_", folder.resolve().name.lower()).strip("_")
    files = template.project(name if is_name(name) else "shop")
    return {path: text.encode() for path, text in files.items()}


def _schema_text(name: str) -> bytes:
    schema = next(json_schema(known) for known in SCHEMA_NAMES if known == name)
    return (json.dumps(schema, indent=1) + "\n").encode()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    in_the_way = [name for name in sorted(files) if (folder / name).exists()]
    if folder.exists() and not folder.is_dir():
        in_the_way = [str(folder)]
    if in_the_way:
        listed = ", ".join(in_the_way[:8]) + (" ..." if len(in_the_way) > 8 else "")
        raise UsageError(
            f"{len(in_the_way)} file{'s' if len(in_the_way) > 1 else ''} would be overwritten: {listed}",
            fix="Nothing was written. Choose an empty folder, or move them away.",
        )
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
    except OSError as error:
        raise StorageFailed(
            f"cannot write into {folder}: {error.strerror}", fix="Choose a folder that you may write to."
        ) from error


def _tree(raw: bytes, file: str) -> Node | None:
    return parse(raw.decode("utf-8", "replace"), file)[0]


def _sources(project: Node | None) -> tuple[str, ...]:
    node = project.get("sources") if project else None
    return node.keys() if node else ()


def _event_time(project: Node, source: str) -> str | None:
    """The column as it stands in SQL, None for a source that is dated by {date} alone."""
    path = ("sources", source, "event_time")
    found = project.at(path).value
    if not isinstance(found, str):
        return None
    return found if is_name(found) else quote(found)


def _first_command(files: Mapping[str, bytes]) -> str | None:
    """What the README of an example says to try first."""
    readme = files.get("README.md", b"").decode("utf-8", "replace")
    found = re.search(r"^(?:\$ )?(augury (?:plan|run|train) .+)$", readme, re.MULTILINE)
    return found[1].strip() if found else None
