"""What may stand here? Names for the Tab key, read from the folders of the project and nothing else.

Whatever cannot be read offers nothing: the Tab key is no place for errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from augury.names import ENGINE_STEPS, VERSION

PROJECT_FILE = "augury.yml"
Candidates = Callable[[click.Context, click.Parameter, str], list[str]]


def _matching(names: Callable[[Path, click.Context], Iterator[str]]) -> Candidates:
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            root = _root(_folder(context))
            found = sorted(set(names(root, context))) if root else []
        except (OSError, ValueError):
            found = []
        return [name for name in found if name.startswith(incomplete)]

    return complete


def _folder(context: click.Context) -> Path:
    at: click.Context | None = context
    while at is not None:
        given = at.params.get("project_dir")
        if given:
            return Path(given)
        at = at.parent
    return Path(os.environ.get("AUGURY_PROJECT_DIR") or ".")


def _root(start: Path) -> Path | None:
    here = start.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / PROJECT_FILE).is_file()), None)


def _pipelines(root: Path, context: click.Context) -> Iterator[str]:
    for folder in (root / "pipelines").iterdir():
        if folder.is_dir() and not folder.name.startswith((".", "_")):
            yield folder.name


def _of_pipeline(root: Path, context: click.Context) -> Path:
    # While an option still waits for its value, click leaves the words before it unread, in `args`.
    words = [context.params.get("pipeline"), *context.args]
    known = set(_pipelines(root, context))
    return root / "pipelines" / next((word for word in words if word in known), "")


def _versions(root: Path, context: click.Context) -> Iterator[str]:
    folder = _of_pipeline(root, context)
    if (folder / "pipeline.yml").is_file():
        yield "v1"
    for below in folder.iterdir():
        if VERSION.fullmatch(below.name):
            yield below.name


def _steps(root: Path, context: click.Context) -> Iterator[str]:
    yield from (step for step in ENGINE_STEPS if step != "train")
    for file in _of_pipeline(root, context).glob("**/*.sql"):
        yield file.stem


def _targets(root: Path, context: click.Context) -> Iterator[str]:
    import yaml

    try:
        read: Any = yaml.safe_load((root / PROJECT_FILE).read_text("utf-8"))
    except yaml.YAMLError:
        return
    targets = read.get("targets") if isinstance(read, dict) else None
    yield from map(str, targets or {"dev": None})


pipelines = _matching(_pipelines)
versions = _matching(_versions)
steps = _matching(_steps)
targets = _matching(_targets)
