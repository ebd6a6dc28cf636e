"""testing: what does augury bring for the tests of its users?"""

from __future__ import annotations

from pathlib import Path

import click

from augury.cli.app import COMMANDS, Entry, LazyGroup, command
from augury.cli.session import Session

_HELP = "Run a test server for BigQuery's clients on this machine, until Ctrl-C."

testing = LazyGroup(
    "testing",
    sections={"Commands": {"bigquery": Entry("testing:bigquery", _HELP)}},
    help=COMMANDS["Begin"]["testing"].help,
)


@command(name="bigquery", help=_HELP)
@click.option("--port", type=click.IntRange(0, 65535), default=9050, show_default=True, help="Of the REST API; 0: any.")
@click.option(
    "--storage-port", type=click.IntRange(0, 65535), default=9060, show_default=True, help="Of the Storage Read API."
)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Keep what is written here.")
@click.option(
    "--bigquery-project", metavar="ID", default="augury-test", show_default=True, help="For the lines to export."
)
@click.option("--dataset", metavar="NAME", help="Make this dataset.")
@click.option("--host", default="127.0.0.1", show_default=True, help="This machine, and no other.")
def bigquery(
    session: Session,
    port: int,
    storage_port: int,
    folder: Path | None,
    bigquery_project: str,
    dataset: str | None,
    host: str,
) -> None:
    session.engine = True
    from augury.plugins import missing_library
    from augury.testing.bigquery import serve

    try:
        serve(
            port,
            folder,
            storage_port=storage_port,
            host=host,
            project=bigquery_project,
            dataset=dataset,
            say=lambda line: click.echo(line),
        )
    except ModuleNotFoundError as error:
        raise missing_library("bigquery-server", error) from error
