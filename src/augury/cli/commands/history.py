"""status, runs, logs, models: what has happened?"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from augury.cli import arguments
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.cli.suggestions import first_look, of_version

HELP = COMMANDS["Look"]


@command(name="status", help=HELP["status"].help)
@arguments.any_pipeline
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="Dates in the strip.")
def status(session: Session, pipeline: str | None, days: int) -> None:
    from augury.cli.render.status import status_report

    with session.project() as project:
        statuses, served = project.status(pipeline, days=days), project.is_served
    ascii_only = not session.streams.speaks_unicode
    session.report(status_report(statuses, days, datetime.now(UTC), served=served, ascii_only=ascii_only))


@command(name="runs", help=HELP["runs"].help)
@arguments.any_pipeline
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most so many."
)
def runs(session: Session, pipeline: str | None, limit: int) -> None:
    from augury.cli.render.history import runs_report

    with session.project() as project:
        found = project.runs(pipeline, limit=limit)
        following = () if found else first_look(project, pipeline)
        first = session.suggest(*following) if following else ""
        session.report(runs_report(found, first, served=project.is_served))


@command(name="logs", help=HELP["logs"].help)
@arguments.any_pipeline
@click.option("--date", "day", metavar=arguments.DATE, help="Lines about this run date.")
@click.option("--run", "run_id", metavar="ID", help="Lines of this run.")
@click.option(
    "--level", type=click.Choice(["debug", "info", "warning", "error"]), help="Lines of this level and above."
)
def logs(session: Session, pipeline: str | None, day: str | None, run_id: str | None, level: str | None) -> None:
    from augury.cli.render.history import LOG_COLUMNS, log_records, log_text
    from augury.cli.render.rows import print_rows

    with session.project() as project:
        on = None if day is None else project.parse_date(day, arguments.any_name(project, pipeline))
        lines = project.logs(day=on, run_id=run_id, pipeline=pipeline, level=level)
        if session.form != "text":
            rows = (tuple(line.values()) for line in log_records(lines))
            print_rows(session.streams, session.form, LOG_COLUMNS, rows, None)
            return
        none = True
        for line in lines:
            none = False
            session.streams.data(log_text(line))
            if session.streams.closed:
                return
    if none:
        session.streams.note(f"No line. See: {session.suggest('runs')}")


@command(name="models", help=HELP["models"].help)
@arguments.pipeline
@arguments.version
def models(session: Session, pipeline: str, version: str | None) -> None:
    from augury.cli.render.history import models_report

    with session.project(pipeline) as project:
        train = session.suggest("train", pipeline, *of_version(version))
        session.report(models_report(pipeline, project.models(pipeline, version=version), train))
