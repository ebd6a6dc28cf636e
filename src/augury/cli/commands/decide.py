"""promote, rollback, set-version: what do people decide? Each decision is recorded with who and when."""

from __future__ import annotations

import click

from augury.cli import arguments, completions
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.cli.suggestions import of_version

HELP = COMMANDS["Decide"]
from_date = click.option(
    "--from", "since", metavar=arguments.DATE, help="First run date it counts for.  [default: the next]"
)


@command(name="promote", help=HELP["promote"].help)
@arguments.pipeline
@click.argument("number", metavar="MODEL", type=arguments.ModelNumber())
@from_date
@arguments.version
def promote(session: Session, pipeline: str, number: int, since: str | None, version: str | None) -> None:
    from augury.cli.render.house import decision_report

    with session.project(pipeline) as project:
        first = arguments.optional_date(project, pipeline, since)
        decision = project.promote(pipeline, number, version=version, from_date=first)
    said = f"{pipeline}@{number} scores from {decision.effective_from} on."
    session.report(decision_report(decision, said, "See: " + session.suggest("models", pipeline, *of_version(version))))


@command(name="rollback", help=HELP["rollback"].help)
@arguments.pipeline
@click.option(
    "--to",
    "number",
    metavar="MODEL",
    type=arguments.ModelNumber(),
    help="Model to go back to.  [default: the one before]",
)
@from_date
@arguments.version
def rollback(session: Session, pipeline: str, number: int | None, since: str | None, version: str | None) -> None:
    from augury.cli.render.house import decision_report

    with session.project(pipeline) as project:
        first = arguments.optional_date(project, pipeline, since)
        decision = project.rollback(pipeline, number=number, version=version, from_date=first)
    model = f"{pipeline}@{decision.subject.rpartition('@')[2]}"
    said = f"{model} scores from {decision.effective_from} on; no past date changes."
    session.report(decision_report(decision, said, "See: " + session.suggest("models", pipeline, *of_version(version))))


@command(name="set-version", help=HELP["set-version"].help)
@arguments.pipeline
@click.argument("version", metavar="VERSION", shell_complete=completions.versions)
def set_version(session: Session, pipeline: str, version: str) -> None:
    from augury.cli.render.house import decision_report

    with session.project(pipeline) as project:
        decision = project.set_version(pipeline, version)
        table = project.spec.pipelines[pipeline][version].tables.current_predictions
    session.report(decision_report(decision, f"{table} is {version} now.", f"See: augury status {pipeline}"))
