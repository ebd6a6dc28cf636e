"""query, show: what is in the tables?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from augury.cli import arguments
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.cli.suggestions import of_version
from augury.errors import UsageError

HELP = COMMANDS["Look"]


@command(
    name="query",
    help=HELP["query"].help
    + "\n\nSQL is one statement that reads, SHOW TABLES, DESCRIBE, SUMMARIZE and PIVOT included, or - for stdin. "
    "A statement that writes is refused.",
)
@click.argument("sql", required=False)
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Read the SQL from a file.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many rows.  [default: 1000 in text]")
def query(session: Session, sql: str | None, file: Path | None, limit: int | None) -> None:
    from augury.cli.render.rows import print_rows, rows_of

    text = _statement(sql, file)
    with session.project() as project, project.query(text) as reader:
        print_rows(session.streams, session.form, tuple(reader.schema.names), rows_of(reader), limit)


def _statement(sql: str | None, file: Path | None) -> str:
    if (sql is None) == (file is None):
        raise UsageError(
            "query takes one statement: as an argument, as - for stdin, or with --file",
            fix='For example: augury query "select count(*) from augury_runs"',
        )
    if sql == "-" and sys.stdin is None:
        raise UsageError("stdin is closed", fix="Give the statement as an argument, or with --file.")
    try:
        text = sys.stdin.read() if sql == "-" else sql if file is None else file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'stdin'} is not UTF-8 text") from error
    if not text or not text.strip():
        raise UsageError("the statement is empty")
    return text


@command(name="show", help=HELP["show"].help)
@arguments.pipeline
@arguments.one_date
@click.option("--limit", type=click.IntRange(min=0), default=10, show_default=True, metavar="N", help="Rows to show.")
@arguments.version
def show(session: Session, pipeline: str, day: str, limit: int, version: str | None) -> None:
    from augury.cli.render.shown import shown_report

    with session.project(pipeline) as project:
        run_date = project.parse_date(day, pipeline)
        shown = project.show(pipeline, run_date, version=version, limit=limit)
        about = (pipeline, "--date", str(run_date), *of_version(version))
        served = shown.queued is None or project.is_served
        session.report(shown_report(pipeline, run_date, shown, session.suggest, about, served=served))
