"""import: how does a project of another system become one of augury?"""

from __future__ import annotations

from pathlib import Path

import click

from augury.cli.app import COMMANDS, Entry, LazyGroup, command
from augury.cli.reports import Report
from augury.cli.session import Session
from augury.cli.text import count

_HELP = "Write augury.yml beside batchml.yaml; the five SQL files of each version stay as they are."

import_ = LazyGroup(
    "import",
    sections={"Commands": {"batchml": Entry("importing:batchml", _HELP)}},
    help=COMMANDS["Begin"]["import"].help,
)


@command(name="batchml", help=_HELP)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def batchml(session: Session, directory: Path) -> None:
    from datetime import UTC, datetime

    from augury.operations.importing import import_batchml

    done = import_batchml(directory, datetime.now(UTC).date())
    versions = [f"{code} {version}" for code, every in done.pipelines.items() for version in every]
    lines = [
        f"Wrote {directory / 'augury.yml'}: {count(len(done.pipelines), 'model')} ({', '.join(versions)}), "
        f"{count(len(done.sources), 'source')}. {count(done.files, 'SQL file')} stay as they are.",
        *(
            f"  {name} is {table}: give a target its rows with sources.{name}.path"
            for name, table in done.sources.items()
        ),
        *(f"  {table} is no source: only BigQuery reads it as it is" for table in done.unnamed),
    ]
    record = {
        "folder": str(done.folder),
        "pipelines": {code: list(every) for code, every in done.pipelines.items()},
        "sources": dict(done.sources),
        "unnamed": list(done.unnamed),
        "files": done.files,
    }
    first = next(iter(done.pipelines), "MODEL")
    go = "" if directory.resolve() == Path.cwd() else f"cd {directory} && "
    session.report(
        Report(
            document={"imported": record},
            columns=("folder", "pipelines", "sources", "unnamed", "files"),
            records=[record],
            text="\n".join(lines),
            next=f"Next: {go}augury validate, then augury train {first}",
            elsewhere=True,
        )
    )
