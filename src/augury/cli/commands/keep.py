"""copy, clean, state reset, doctor: how is the house kept? What removes something asks first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from augury.cli import arguments, completions
from augury.cli.app import COMMANDS, Entry, LazyGroup, command
from augury.cli.session import Session
from augury.cli.suggestions import typed
from augury.cli.text import count
from augury.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from augury.operations.changes import Change

HELP = COMMANDS["Keep house"]


@command(
    name="copy",
    help=HELP["copy"].help + "\n\nPATTERN is the name of a table or view, or a pattern of names such as 'ltv_*'.",
)
@click.argument("pattern")
@click.option(
    "--to", required=True, metavar="FOLDER", help="Folder that gets a folder per table; relative to the project."
)
@arguments.dry_run
def copy(session: Session, pattern: str, to: str, dry_run: bool) -> None:
    from augury.cli.render.house import changes_report

    with session.project() as project:
        changes = project.copy(pattern, to, dry_run=dry_run)
    session.report(
        changes_report(changes, dry_run=dry_run, rerun=_for_real(session), subject=f"no table like {pattern}")
    )


@command(
    name="clean",
    help=HELP["clean"].help + "\n\nWhat is published stays readable until then; a plan builds it again.",
)
@arguments.any_pipeline
@click.option(
    "--step",
    required=True,
    metavar="STEP",
    shell_complete=completions.steps,
    help="Whose partitions to remove.",
)
@click.option("--from", "--start", "start", metavar=arguments.DATE, required=True, help="First run date, included.")
@click.option("--to", "--end", "end", metavar=arguments.DATE, required=True, help="End of the run dates, excluded.")
@arguments.version
@arguments.dry_run
@arguments.yes
def clean(
    session: Session,
    pipeline: str | None,
    step: str,
    start: str,
    end: str,
    version: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    with session.project() as project:
        within = arguments.optional_range(project, pipeline, start, end)

        def change(dry: bool) -> Sequence[Change]:
            return project.clean(pipeline=pipeline, step=step, within=within, version=version, dry_run=dry)

        _change(session, change, dry_run=dry_run, yes=yes, question="Remove these partitions?")


state = LazyGroup(
    "state",
    sections={"Commands": {"reset": Entry("keep:state_reset", HELP["state"].help)}},
    help=HELP["state"].help,
)


@command(name="reset", help=HELP["state"].help + "\n\nThe tables stay; the next plan builds these dates again.")
@arguments.any_pipeline
@click.option("--start", metavar=arguments.DATE, help="First run date, included.  [default: all]")
@click.option("--end", metavar=arguments.DATE, help="End of the run dates, excluded.")
@arguments.version
@arguments.dry_run
@arguments.yes
def state_reset(
    session: Session,
    pipeline: str | None,
    start: str | None,
    end: str | None,
    version: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    with session.project() as project:
        within = arguments.optional_range(project, pipeline, start, end)

        def change(dry: bool) -> Sequence[Change]:
            return project.reset(pipeline=pipeline, version=version, within=within, dry_run=dry)

        _change(session, change, dry_run=dry_run, yes=yes, question="Forget these?")


def _change(
    session: Session, change: Callable[[bool], Sequence[Change]], *, dry_run: bool, yes: bool, question: str
) -> None:
    """Show what would be changed, ask unless told not to, change it."""
    from augury.cli.render.house import changes_report

    if not dry_run and not yes:
        if not session.can_ask:
            session.confirm(question, yes=yes)  # refuses, before anything is looked at
        would = change(True)
        if would:
            session.streams.error_text(changes_report(would, dry_run=True).text)
            session.confirm(f"{question} ({count(len(would), 'change')})", yes=yes)
    session.report(changes_report(change(dry_run), dry_run=dry_run, rerun=_for_real(session)))


def _for_real(session: Session) -> str:
    """The command in hand without its --dry-run."""
    return session.suggest(*typed(click.get_current_context(), without=("dry_run",)))


@command(name="doctor", help=COMMANDS["Begin"]["doctor"].help)
@click.option("--fix", is_flag=True, help="Mend what can be mended without a decision of yours.")
@arguments.dry_run
def doctor(session: Session, fix: bool, dry_run: bool) -> ExitCode:
    from augury.cli.render.house import findings_report

    if fix and dry_run:
        raise UsageError("--fix mends, --dry-run only looks: give one of the two")
    with session.project() as project:
        findings = [replace(found, mend=session.advise(found.mend)) for found in project.doctor(fix=fix)]
    session.report(findings_report(findings, fix=fix))
    return ExitCode.DONE if all(found.mended for found in findings) else ExitCode.FAILED
