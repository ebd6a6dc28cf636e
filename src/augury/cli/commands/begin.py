"""init, new pipeline: how does somebody begin?"""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from augury.cli.app import COMMANDS, Entry, LazyGroup, command
from augury.cli.reports import Report
from augury.cli.session import Session
from augury.cli.text import count

if TYPE_CHECKING:
    from augury.operations.scaffold import Created
    from augury.spec.project import SourceSpec


def _examples(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from augury.operations.scaffold import example_names

    return [name for name in example_names() if name.startswith(incomplete)]


@command(name="init", help=COMMANDS["Begin"]["init"].help)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--example", metavar="NAME", shell_complete=_examples, help="Copy an example, data included: ltv, rfm.")
def init(session: Session, directory: Path, example: str | None) -> None:
    from augury.operations.scaffold import init

    created = init(directory, example)
    session.report(_created_report(created, directory))


def _created_report(created: Created, directory: Path) -> Report:
    inside = directory.resolve() == Path.cwd()
    folder = "this folder" if inside else f"{directory}/"
    origin = f' from the example "{created.example}"' if created.example else ""
    sources = [_source(directory, name) for name in created.sources] if created.example else list(created.sources)
    parts = [count(len(created.pipelines), "pipeline"), count(len(created.sources), "source")]
    told = f" ({'; '.join(sources)})" if sources else ""
    go = "" if inside else f"cd {shlex.quote(str(directory))} && "
    record: dict[str, Any] = {
        "folder": str(created.folder),
        "example": created.example,
        "pipelines": list(created.pipelines),
        "sources": list(created.sources),
        "files": [str(file) for file in created.files],
        "next": created.next,
    }
    return Report(
        document={"created": record},
        columns=("folder", "example", "pipelines", "sources", "files"),
        records=[record],
        text=f"Created {folder}{origin}: {', '.join(parts)}{told}.",
        next=f"Next: {go}{created.next}",
        elsewhere=True,
    )


def _source(directory: Path, name: str) -> str:
    """`6,919 orders, 1997-01-01 to 1998-06-30` where the source is a small csv file, else its name."""
    from augury.spec.reader import read_project

    source = read_project(directory, target=None, variables={}, environment={}).sources[name]
    return _figures(directory, name, source) or name


def _figures(directory: Path, name: str, source: SourceSpec) -> str | None:
    if source.path is None or not source.path.endswith(".csv") or source.event_time is None:
        return None
    try:
        with (directory / source.path).open(encoding="utf-8", newline="") as file:
            times = sorted(row[source.event_time][:10] for row in csv.DictReader(file))
    except (OSError, KeyError, ValueError):
        return None
    return f"{len(times):,} {name}, {times[0]} to {times[-1]}" if times else None


new = LazyGroup(
    "new",
    sections={"Commands": {"pipeline": Entry("begin:new_pipeline", "Make the files of a new pipeline.")}},
    help=COMMANDS["Begin"]["new"].help,
)


@command(name="pipeline", help="Make the files of a new pipeline.")
@click.argument("name")
def new_pipeline(session: Session, name: str) -> None:
    from augury.operations.scaffold import new_pipeline
    from augury.spec.reader import find_root

    root = find_root(Path(session.settings.project_dir or "."))
    created = new_pipeline(root, name)
    files = ", ".join(file.name for file in created.files if file.suffix in (".sql", ".yml"))
    record: dict[str, Any] = {
        "pipeline": name,
        "folder": str(created.folder),
        "files": [str(file) for file in created.files],
        "next": created.next,
    }
    session.report(
        Report(
            document={"created": record},
            columns=("pipeline", "folder", "files"),
            records=[record],
            text=f"Created pipelines/{name}/: {files}; features come from {', '.join(created.sources)}.",
            next=f"Next: edit them, then: {created.next}",
        )
    )
