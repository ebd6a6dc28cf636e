"""up, worker, submit, tasks, notify, cancel, pause, resume, alerts: what does the service do?"""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Literal

import click

from augury.cli import arguments
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from augury.project import Project

HELP = COMMANDS["Serve"]
_concurrency = click.option(
    "--concurrency", type=click.IntRange(1, 256), metavar="N", help="Tasks at a time.  [default: one a core]"
)
_grace = click.option(
    "--grace",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long running tasks may go on when the service stops.",
)


@command(name="up", help=HELP["up"].help + "\n\nScheduler and worker in one process; stop it with Ctrl-C or SIGTERM.")
@_concurrency
@_grace
@click.option("--until-idle", is_flag=True, help="End once everything that is due or submitted is done.")
def up(session: Session, concurrency: int | None, grace: float, until_idle: bool) -> None:
    with session.project(interruptible=False) as project:
        _work(session, project, concurrency, grace, until_idle=until_idle)


@command(name="worker", help=HELP["worker"].help + "\n\nAny number, on any machine, over a ledger in PostgreSQL.")
@_concurrency
@_grace
def worker(session: Session, concurrency: int | None, grace: float) -> None:
    with session.project(interruptible=False) as project:
        if not project.is_shared:
            raise UsageError(
                "several workers need a ledger in PostgreSQL, and this target keeps it in a file",
                fix="Name one under targets: ledger: ${AUGURY_LEDGER}. Or run everything in one process: augury up",
            )
        _work(session, project, concurrency, grace, until_idle=False)


def _work(session: Session, project: Project, concurrency: int | None, grace: float, *, until_idle: bool) -> None:
    from augury.cli.render.service import up_lines
    from augury.cli.service_narrator import ServiceNarrator

    stop = Event()
    narrator = ServiceNarrator(session.streams)
    project.listen(narrator)

    def began() -> None:
        for line in up_lines(project):
            session.streams.note(line)

    with session.signals.gently(stop):
        session.threads_left = not project.serve(
            stop, concurrency=concurrency, grace=grace, until_idle=until_idle, tell=narrator.tell, began=began
        )


@command(name="submit", help=HELP["submit"].help + "\n\n--start is included, --end is excluded.")
@arguments.pipeline
@arguments.dates
@arguments.step
@arguments.version
@arguments.reprocess
@arguments.model
@arguments.accept
@arguments.refresh
@click.option("--wait", is_flag=True, help="Follow it to its end, and end with its exit code.")
def submit(
    session: Session,
    pipeline: str,
    day: str | None,
    start: str | None,
    end: str | None,
    step: str | None,
    version: str | None,
    reprocess: Literal["missing", "failed", "all"] | None,
    model: Literal["point-in-time", "current"],
    accept: tuple[str, ...],
    refresh: str | None,
    wait: bool,
) -> ExitCode:
    from augury.cli.render.service import followed_report, submitted_report

    with session.project(pipeline) as project:
        within = arguments.date_range(project, pipeline, start=start, end=end, day=day)
        submission = project.submit(
            pipeline,
            within,
            version=version,
            step=step,
            reprocess=reprocess,
            model=model,
            accept=accept,
            refresh_late=refresh == "late",
            command=session.command,
        )
        if not wait or submission.run_id is None:
            session.report(submitted_report(submission, session.suggest("tasks"), served=project.is_served))
            return ExitCode.DONE
        from augury.cli.following import follow

        served = "" if project.is_served else " No service is running. Start one: augury up"
        session.streams.note(f"Queued as run {submission.run_id}; Ctrl-C stops following it, not the run.{served}")
        run = follow(session.streams, project, submission.run_id)
        report = followed_report(run, submission, session.suggest("tasks", "--run", run.run_id))
        session.report(report)
        return project.exit_code_of(run)


@command(name="tasks", help=HELP["tasks"].help)
@arguments.any_pipeline
@click.option("--date", "day", metavar=arguments.DATE, help="Tasks of this run date.")
@click.option("--run", "run_id", metavar="ID", help="Tasks of this run.")
@click.option("--all", "everything", is_flag=True, help="Those that ended as well.")
def tasks(session: Session, pipeline: str | None, day: str | None, run_id: str | None, everything: bool) -> None:
    from augury.cli.render.service import tasks_report

    with session.project() as project:
        on = None if day is None else project.parse_date(day, arguments.any_name(project, pipeline))
        found = project.tasks(pipeline, day=on, run_id=run_id, everything=everything)
        session.report(tasks_report(found, session.suggest("retry", "--failed")))


@command(name="notify", help=HELP["notify"].help)
@click.argument("operation")
@click.option("--result", default="{}", metavar="JSON", help="What came of it: a mapping, for the hook of the step.")
def notify(session: Session, operation: str, result: str) -> None:
    import json

    from augury.cli.render.service import said
    from augury.cli.text import count

    try:
        found = json.loads(result)
    except ValueError as error:
        raise UsageError(f"--result is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f'--result is a mapping such as \'{{"uri": "..."}}\', not {type(found).__name__}')
    with session.project() as project:
        number = project.notify(operation, found)
    session.report(said({"operation": operation, "tasks": number}, f"{count(number, 'task')} goes on."))


@command(name="cancel", help=HELP["cancel"].help + "\n\nTasks under way end by themselves.")
@click.argument("run_id", metavar="RUN")
def cancel(session: Session, run_id: str) -> None:
    from augury.cli.render.service import said
    from augury.cli.text import count

    with session.project() as project:
        number = project.cancel(run_id)
    session.report(said({"run_id": run_id, "cancelled": number}, f"Cancelled {count(number, 'task')} of run {run_id}."))


@command(name="pause", help=HELP["pause"].help + "\n\nWhat is queued already goes on.")
@arguments.pipeline
def pause(session: Session, pipeline: str) -> None:
    from augury.cli.render.service import said

    with session.project(pipeline) as project:
        changed = project.pause(pipeline)
    text = f"{pipeline} is paused." if changed else f"{pipeline} was paused already."
    session.report(said({"pipeline": pipeline, "paused": True, "changed": changed}, text))


@command(name="resume", help=HELP["resume"].help)
@arguments.pipeline
def resume(session: Session, pipeline: str) -> None:
    from augury.cli.render.service import said

    with session.project(pipeline) as project:
        changed = project.resume(pipeline)
    text = f"{pipeline} is served again." if changed else f"{pipeline} was not paused."
    session.report(said({"pipeline": pipeline, "paused": False, "changed": changed}, text))


@command(name="alerts", help=HELP["alerts"].help + "\n\nThey are about the metrics at service.metrics of augury.yml.")
def alerts(session: Session) -> None:
    from augury.alerts import rules

    session.streams.raw(rules())
