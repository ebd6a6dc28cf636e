"""validate, ls, compile, config show, schema, completion: what does the project say? No data is touched."""

from __future__ import annotations

from typing import Literal

import click

from augury.cli import arguments, completions
from augury.cli.app import COMMANDS, Entry, LazyGroup, command
from augury.cli.reports import Report
from augury.cli.session import Session
from augury.cli.suggestions import first_look
from augury.cli.text import count

Shell = Literal["bash", "zsh", "fish"]


@command(name="validate", help=COMMANDS["Begin"]["validate"].help)
def validate(session: Session) -> None:
    with session.project() as project:
        found = project.validate()
        following = session.suggest(*first_look(project))
    record = {**vars(found), "notes": list(found.notes)}
    versions = f" in {count(found.versions, 'version')}" if found.versions != found.pipelines else ""
    said = f"{count(found.pipelines, 'pipeline')}{versions}, {count(found.steps, 'step')}: no problem found."
    session.report(
        Report(
            document={"validation": record},
            columns=("pipelines", "versions", "steps", "notes"),
            records=[record],
            text="\n".join([said, *(f"note: {note}" for note in found.notes)]),
            next=f"Next: {following}",
        )
    )


@command(name="ls", help=COMMANDS["Look"]["ls"].help)
def ls(session: Session) -> None:
    from augury.cli.render.house import pipelines_report

    with session.project() as project:
        session.report(pipelines_report(project.spec))


@command(name="compile", help=COMMANDS["Look"]["compile"].help)
@arguments.pipeline
@arguments.one_date
@click.option("--step", metavar="STEP", shell_complete=completions.steps, help="Only this step.")
@arguments.version
def compile_(session: Session, pipeline: str, day: str, step: str | None, version: str | None) -> None:
    with session.project(pipeline) as project:
        run_date = project.parse_date(day, pipeline)
        compiled = project.compile(pipeline, run_date, step=step, version=version)
    records = [{"step": each.step, "file": each.file, "sql": each.sql} for each in compiled]
    text = "\n\n".join(
        each.sql.rstrip() if step else f"-- {each.step}: {each.file}\n{each.sql.rstrip()}" for each in compiled
    )
    session.report(
        Report(
            document={"pipeline": pipeline, "run_date": run_date, "steps": records},
            columns=("step", "file", "sql"),
            records=records,
            text=text or f"{pipeline} has no SQL.",
        )
    )


config = LazyGroup(
    "config",
    sections={"Commands": {"show": Entry("look:config_show", COMMANDS["Look"]["config"].help)}},
    help=COMMANDS["Look"]["config"].help,
)


@command(name="show", help=COMMANDS["Look"]["config"].help)
@arguments.any_pipeline
def config_show(session: Session, pipeline: str | None) -> None:
    from augury.cli.render.house import config_report

    with session.project() as project:
        session.report(config_report(project.config(pipeline)))


@command(name="schema", help=COMMANDS["Keep house"]["schema"].help)
@click.argument("file", metavar="[project|pipeline]", default="pipeline", type=click.Choice(["project", "pipeline"]))
def schema(session: Session, file: Literal["project", "pipeline"]) -> None:
    import json

    from augury.spec.json_schema import json_schema

    session.streams.raw(json.dumps(json_schema(file), indent=1) + "\n")


_INSTALL = {
    "bash": 'eval "$(augury completion bash)"      in ~/.bashrc',
    "zsh": 'eval "$(augury completion zsh)"      in ~/.zshrc',
    "fish": "augury completion fish > ~/.config/fish/completions/augury.fish",
}


@command(name="completion", help=COMMANDS["Keep house"]["completion"].help)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(session: Session, shell: Shell) -> None:
    from click.shell_completion import get_completion_class

    from augury.cli.app import root
    from augury.cli.main import COMPLETION

    maker = get_completion_class(shell)
    assert maker is not None
    session.streams.raw(maker(root, {}, "augury", COMPLETION).source() + "\n")
    session.streams.note(f"To keep it: {_INSTALL[shell]}")
