"""plan, run, train, backfill, retry: what shall be built?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import click

from augury.cli import arguments, completions
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.cli.suggestions import again, of_version, typed
from augury.errors import ExitCode, UsageError, first_that_applies

if TYPE_CHECKING:
    from augury.cli.render.runs import Published
    from augury.dates import DateRange
    from augury.project import Project
    from augury.run.outcome import RunResult

HELP = COMMANDS["Work"]
Reprocess = Literal["missing", "failed", "all"]
Model = Literal["point-in-time", "current"]


@command(name="plan", help=HELP["plan"].help + "\n\nNothing is written.")
@arguments.pipeline
@arguments.dates
@arguments.step
@arguments.version
@arguments.reprocess
@arguments.model
@arguments.refresh
@arguments.max_cost
def plan(
    session: Session,
    pipeline: str,
    day: str | None,
    start: str | None,
    end: str | None,
    step: str | None,
    version: str | None,
    reprocess: Reprocess | None,
    model: Model,
    refresh: str | None,
    max_cost: float | None,
) -> None:
    from augury.cli.render.plans import plan_report

    with session.project(pipeline) as project:
        within = arguments.date_range(project, pipeline, start=start, end=end, day=day)
        made = project.plan(
            pipeline,
            within,
            version=version,
            step=step,
            reprocess=reprocess,
            model=model,
            refresh_late=refresh == "late",
            max_cost=max_cost,
        )
        words = _performing(typed(click.get_current_context()), within)
        explained = project.explain(made)
        explained = replace(explained, notes=tuple(map(session.advise, explained.notes)))
        session.report(plan_report(made, explained, session.suggest(*words)))


def _performing(words: Sequence[str], within: DateRange) -> list[str]:
    """The words of a plan as those that perform it: `run` for one date, else `backfill`, which takes a range."""
    planned = list(words[1:])
    if (within.end - within.start).days == 1 and "--reprocess" not in planned:
        return ["run", *planned]
    if "--date" in planned:
        at = planned.index("--date")
        planned[at : at + 2] = ["--start", str(within.start), "--end", str(within.end)]
    return ["backfill", *planned]


@command(name="run", help=HELP["run"].help)
@arguments.pipeline
@arguments.dates
@arguments.step
@arguments.version
@arguments.model
@arguments.accept
@arguments.refresh
@arguments.wait
@arguments.max_cost
def run(
    session: Session,
    pipeline: str,
    day: str | None,
    start: str | None,
    end: str | None,
    step: str | None,
    version: str | None,
    model: Model,
    accept: tuple[str, ...],
    refresh: str | None,
    wait: bool,
    max_cost: float | None,
) -> ExitCode:
    with session.project(pipeline, narrate="steps" if day else "dates") as project:
        within = arguments.date_range(project, pipeline, start=start, end=end, day=day)
        result = project.run(
            pipeline,
            within,
            version=version,
            step=step,
            model=model,
            accept=accept,
            refresh_late=refresh == "late",
            wait=wait,
            max_cost=max_cost,
            command=session.command,
        )
        return _finish(session, project, [result])


@command(name="backfill", help=HELP["backfill"].help + "\n\n--start is included, --end is excluded.")
@arguments.pipeline
@click.option("--start", metavar=arguments.DATE, required=True, help="First run date, included.")
@click.option("--end", metavar=arguments.DATE, required=True, help="End of the run dates, excluded.")
@arguments.reprocess
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="Dates at a time.  [default: one a core]")
@click.option(
    "--order",
    type=click.Choice(["asc", "desc"]),
    default="asc",
    show_default=True,
    help="Oldest or newest first.",
)
@arguments.step
@arguments.version
@arguments.model
@arguments.accept
@arguments.refresh
@arguments.wait
@arguments.max_cost
def backfill(
    session: Session,
    pipeline: str,
    start: str,
    end: str,
    reprocess: Reprocess | None,
    max_parallel: int | None,
    order: Literal["asc", "desc"],
    step: str | None,
    version: str | None,
    model: Model,
    accept: tuple[str, ...],
    refresh: str | None,
    wait: bool,
    max_cost: float | None,
) -> ExitCode:
    with session.project(pipeline, narrate="dates") as project:
        within = arguments.date_range(project, pipeline, start=start, end=end)
        result = project.run(
            pipeline,
            within,
            version=version,
            step=step,
            reprocess=reprocess,
            model=model,
            accept=accept,
            refresh_late=refresh == "late",
            wait=wait,
            max_cost=max_cost,
            max_parallel=max_parallel,
            order=order,
            command=session.command,
        )
        return _finish(session, project, [result])


@command(name="retry", help=HELP["retry"].help + "\n\nWhatever today's date is: the ledger knows which they are.")
@click.argument("pipeline", metavar="[PIPELINE|RUN]", required=False, shell_complete=completions.pipelines)
@arguments.version
@click.option("--failed", is_flag=True, help="Send the dead letters of the service again, all or those of a run.")
def retry(session: Session, pipeline: str | None, version: str | None, failed: bool) -> ExitCode:
    from augury.run.ids import is_run_id

    if failed or (pipeline is not None and is_run_id(pipeline)):
        return _revive(session, pipeline)
    with session.project(pipeline, narrate="dates") as project:
        results = project.retry(pipeline, version=version, command=session.command)
        if not results:
            session.report(_nothing_to_retry(pipeline))
        return _finish(session, project, results)


def _revive(session: Session, run_id: str | None) -> ExitCode:
    from augury.cli.render.service import said
    from augury.cli.text import count
    from augury.run.ids import is_run_id

    if run_id is not None and not is_run_id(run_id):
        raise UsageError(f"--failed takes a run, and {run_id!r} is none", fix="See: augury tasks")
    with session.project() as project:
        number = project.revive(run_id)
    text = f"Sent {count(number, 'dead letter')} again." if number else "There is no dead letter."
    session.report(said({"run_id": run_id, "revived": number}, text))
    return ExitCode.DONE


def _nothing_to_retry(pipeline: str | None) -> Any:
    from augury.cli.render.runs import COLUMNS
    from augury.cli.reports import Report

    about = f" of {pipeline}" if pipeline else ""
    text = f"Nothing to retry: no date{about} failed, was held, crashed or is blocked."
    return Report(document={"runs": []}, columns=COLUMNS, records=[], text=text)


@command(name="train", help=HELP["train"].help)
@arguments.pipeline
@click.option("--date", "day", metavar=arguments.DATE, help="Train as of this date.  [default: the latest tick]")
@arguments.version
@arguments.max_cost
def train(session: Session, pipeline: str, day: str | None, version: str | None, max_cost: float | None) -> ExitCode:
    from augury.cli.failures import tell
    from augury.cli.render.outcomes import beside
    from augury.cli.render.runs import train_report

    with session.project(pipeline, narrate="steps") as project:
        tick = arguments.optional_date(project, pipeline, day)
        result = project.train(pipeline, tick, version=version, max_cost=max_cost, command=session.command)
        about = of_version(result.plan.request.version, project.current_version(pipeline))
    session.report(train_report(result, session.suggest("models", pipeline, *about)))
    for error in beside(result, pipeline):
        tell(session.streams, error)
    return result.exit_code


def _finish(session: Session, project: Project, results: Sequence[RunResult]) -> ExitCode:
    """Show how runs ended: what was published on stdout, what was not on stderr."""
    from augury.cli.failures import tell
    from augury.cli.render.outcomes import Around, problems
    from augury.cli.render.runs import many_reports, run_report

    reports = []
    shown = []
    for result in results:
        request = result.plan.request
        spec = _spec(project, result)
        latest = None
        if result.exit_code is ExitCode.HELD:
            latest = next(
                (each.latest for each in project.status(request.pipeline) if each.version == request.version), None
            )
        current = project.current_version(request.pipeline)
        staging = spec.tables.current_staging if request.version == current else spec.tables.staging
        errors = problems(result, Around(request.pipeline, staging, session.suggest(*again(request, current)), latest))
        reports.append(run_report(result, _published(session, project, result), shown=errors))
        shown += errors
    if reports:
        session.report(reports[0] if len(reports) == 1 else many_reports(reports))
    for error in shown:
        tell(session.streams, error)
    return first_that_applies(result.exit_code for result in results)


def _spec(project: Project, result: RunResult) -> Any:
    request = result.plan.request
    return project.spec.pipelines[request.pipeline][request.version]


def _published(session: Session, project: Project, result: RunResult) -> Published:
    from augury.cli.render.runs import Published

    request, spec = result.plan.request, _spec(project, result)
    current = project.current_version(request.pipeline)
    alone = list(project.spec.pipelines[request.pipeline]) == [current]
    numbers = {outcome.model_version for outcome in result.outcomes if outcome.model_version is not None}
    models = {}
    if len(result.outcomes) == 1 and numbers:
        rows = project.models(request.pipeline, version=request.version)
        models = {row.record.number: row.record for row in rows if row.record.number in numbers}
    table = spec.tables.current_predictions if alone else spec.tables.predictions
    about = of_version(request.version, current)
    return Published(table, _noun(spec.settings.entities), models, session.suggest, about)


def _noun(entities: tuple[str, ...]) -> str:
    """What a row is about: `customer` for `customer_id`."""
    only = entities[0] if len(entities) == 1 else ""
    word = only.removesuffix("_id").replace("_", " ")
    return word if word.isalpha() and only.endswith("_id") else "row"
