"""Which commands are there, and where does each live?

The table below is all that `augury --help` needs: a command's module is imported when the command is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from augury.cli.failures import no_such_command
from augury.cli.session import Session
from augury.cli.settings import GlobalOption, global_options

WIDTH = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}
_RENAMED = {"event-time-start": "start", "event-time-end": "end", "pipeline-version": "version"}
"""Names under which users of other tools know our options."""


@dataclass(frozen=True)
class Entry:
    """A command that has not been imported."""

    place: str
    """`module:function` below augury.cli.commands."""
    help: str
    """The first line of the command's help."""


Section = Mapping[str, Entry]

COMMANDS: dict[str, Section] = {
    "Begin": {
        "init": Entry("begin:init", "Make a project, empty or from an example."),
        "new": Entry("begin:new", "Add a pipeline to the project."),
        "import": Entry("importing:import_", "Take over a project of another system, its SQL unchanged."),
        "testing": Entry("testing:testing", "Servers for the tests of your own project."),
        "validate": Entry("look:validate", "Check every file of the project, without touching data."),
        "doctor": Entry("keep:doctor", "Explain each stuck state, and mend it with --fix."),
    },
    "Work": {
        "plan": Entry("work:plan", "Show what a run would do, why, and what it will cost."),
        "run": Entry("work:run", "Build, validate and publish the predictions of a date or a range."),
        "train": Entry("work:train", "Train a model as of a date and put it before the gate."),
        "backfill": Entry("work:backfill", "Publish every missing or outdated date of a range."),
        "retry": Entry("work:retry", "Run exactly the dates that failed, were held or crashed."),
    },
    "Serve": {
        "up": Entry("serve:up", "Run the service: schedules, queue and worker in one process."),
        "worker": Entry("serve:worker", "Run one of several workers of the service."),
        "submit": Entry("serve:submit", "Have the service build a date or a range."),
        "tasks": Entry("serve:tasks", "List what waits, runs, or is a dead letter, and why."),
        "notify": Entry("serve:notify", "Say that an operation is over which a step waits for."),
        "cancel": Entry("serve:cancel", "Take back what the service has not begun of a run."),
        "pause": Entry("serve:pause", "Stop serving the schedules of a pipeline."),
        "resume": Entry("serve:resume", "Serve the schedules of a pipeline again."),
        "alerts": Entry("serve:alerts", "Print alert rules for Prometheus."),
    },
    "Look": {
        "status": Entry("history:status", "Show what is published, what is due, and which model is in use."),
        "ls": Entry("look:ls", "List the pipelines."),
        "show": Entry("data:show", "Show the predictions of a date, and how they came about."),
        "query": Entry("data:query", "Run a SELECT over the tables of the target."),
        "runs": Entry("history:runs", "List the latest runs."),
        "logs": Entry("history:logs", "Print what runs said while they worked."),
        "models": Entry("history:models", "List the trained models, with metrics and verdicts."),
        "compile": Entry("look:compile_", "Print the SQL of a date as the warehouse gets it."),
        "config": Entry("look:config", "Show every setting, and where its value came from."),
    },
    "Decide": {
        "promote": Entry("decide:promote", "Let a model score from the next run date on."),
        "rollback": Entry("decide:rollback", "Go back to an earlier model; no past date is rewritten."),
        "set-version": Entry("decide:set_version", "Choose the pipeline version that consumers read."),
    },
    "Keep house": {
        "copy": Entry("keep:copy", "Copy tables into a folder, as plain Parquet files."),
        "clean": Entry("keep:clean", "Remove the partitions of a step in a range of dates."),
        "state": Entry("keep:state", "Forget what the ledger knows about a range of dates."),
        "schema": Entry("look:schema", "Print the JSON Schema of augury.yml or pipeline.yml."),
        "completion": Entry("look:completion", "Print the completion script of a shell."),
    },
}


class Command(click.Command):
    """A command that also takes the global options."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings["context_settings"] = {
            "token_normalize_func": lambda name: _RENAMED.get(name, name),
            **WIDTH,
            **(settings.get("context_settings") or {}),
        }
        super().__init__(*args, **settings)
        self.params += global_options(environment=False)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _format_options(self, ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        ctx.ensure_object(Session).settle()
        return super().invoke(ctx)


class LazyGroup(click.Group):
    """A group whose commands are known by name and imported when they are used."""

    def __init__(self, *args: Any, sections: Mapping[str, Section], outermost: bool = False, **settings: Any) -> None:
        settings.setdefault("context_settings", WIDTH)
        super().__init__(*args, **settings)
        self.sections = sections
        self.entries = {name: entry for section in sections.values() for name, entry in section.items()}
        self.params += global_options(environment=outermost)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        found = getattr(import_module(f"augury.cli.commands.{module}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.entries and not ctx.resilient_parsing and not args[0].startswith("-"):
            raise no_such_command(args[0], list(self.entries), ctx.command_path)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.entries))
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), entry.help) for name, entry in section.items()])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _format_options(self, ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Command names from the table, so that the Tab key imports no command."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=entry.help) for name, entry in self.entries.items() if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


def _format_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    params = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    shown = [(param, param.get_help_record(ctx)) for param in params]
    own = [record for param, record in shown if record and not isinstance(param, GlobalOption)]
    everywhere = [record for param, record in shown if record and isinstance(param, GlobalOption)]
    for title, records in (("Options", own), ("Options of every command", everywhere)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def command(**settings: Any) -> Callable[[Callable[..., Any]], Command]:
    """A command whose function gets the Session first."""

    def decorate(function: Callable[..., Any]) -> Command:
        return click.command(cls=Command, **settings)(click.pass_obj(function))

    return decorate


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"augury {version('augury')}")
        context.exit()


root = LazyGroup(
    "augury",
    sections=COMMANDS,
    outermost=True,
    help="A folder of SQL and YAML becomes predictions in the warehouse, every day.",
    epilog="Exit codes: 0 done, 1 some work failed, 2 could not start, 3 held by a check or gate, "
    "4 refused by a limit, 5 locked by another run.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version of augury.",
        )
    ],
)
