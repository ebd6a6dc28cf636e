"""plan, run, train, backfill, retry: what shall be built?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import click

from augury.cli import arguments
from augury.cli.app import COMMANDS, command
from augury.cli.session import Session
from augury.errors import ExitCode, first_that_applies

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
        )
        session.report(plan_report(made, project.explain(made), _rerun(session, within)))


def _rerun(session: Session, within: DateRange) -> str:
    """The plan's own command line, made into the one that performs it: target, variables and options stay."""
    import shlex

    words = list(session.words)
    reprocess = any(word.split("=")[0] == "--reprocess" for word in words)
    one = (within.end - within.start).days == 1 and not reprocess
    words[words.index("plan")] = "run" if one else "backfill"
    return shlex.join(["augury", *(words if one else _as_range(words, within))])


def _as_range(words: Sequence[str], within: DateRange) -> list[str]:
    """`--date D` as the range of one date that backfill takes."""
    out: list[str] = []
    left = iter(words)
    for word in left:
        if word.split("=")[0] == "--date":
            if "=" not in word:
                next(left, None)
            out += ["--start", str(within.start), "--end", str(within.end)]
        else:
            out.append(word)
    return out


@command(name="run", help=HELP["run"].help)
@arguments.pipeline
@arguments.dates
@arguments.step
@arguments.version
@arguments.model
@arguments.accept
@arguments.refresh
@arguments.wait
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
            command=session.command,
        )
        return _finish(session, project, [result], "augury run")


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
            max_parallel=max_parallel,
            order=order,
            command=session.command,
        )
        return _finish(session, project, [result], "augury run")


@command(name="retry", help=HELP["retry"].help + "\n\nWhatever today's date is: the ledger knows which they are.")
@arguments.any_pipeline
@arguments.version
def retry(session: Session, pipeline: str | None, version: str | None) -> ExitCode:
    with session.project(pipeline, narrate="dates") as project:
        results = project.retry(pipeline, version=version, command=session.command)
        if not results:
            session.report(_nothing_to_retry(pipeline))
        return _finish(session, project, results, "augury run")


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
def train(session: Session, pipeline: str, day: str | None, version: str | None) -> ExitCode:
    from augury.cli.failures import tell
    from augury.cli.render.runs import train_report

    with session.project(pipeline, narrate="steps") as project:
        tick = arguments.optional_date(project, pipeline, day)
        result = project.train(pipeline, tick, version=version, command=session.command)
    session.report(train_report(result))
    for error in result.failures:
        tell(session.streams, error)
    return result.exit_code


def _finish(session: Session, project: Project, results: Sequence[RunResult], rerun: str) -> ExitCode:
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
            latest = next((each.latest for each in project.status(request.pipeline)), None)
        around = Around(request.pipeline, spec.tables.current_staging, f"{rerun} {request.pipeline}", latest)
        errors = problems(result, around)
        reports.append(run_report(result, _published(project, result), shown=errors))
        shown += errors
    if reports:
        session.report(reports[0] if len(reports) == 1 else many_reports(reports))
    for error in shown:
        tell(session.streams, error)
    return first_that_applies(result.exit_code for result in results)


def _spec(project: Project, result: RunResult) -> Any:
    request = result.plan.request
    return project.spec.pipelines[request.pipeline][request.version]


def _published(project: Project, result: RunResult) -> Published:
    from augury.cli.render.runs import Published

    request, spec = result.plan.request, _spec(project, result)
    versions = project.spec.pipelines[request.pipeline]
    numbers = {outcome.model_version for outcome in result.outcomes if outcome.model_version is not None}
    models = {}
    if len(result.outcomes) == 1 and numbers:
        rows = project.models(request.pipeline, version=request.version)
        models = {row.record.number: row.record for row in rows if row.record.number in numbers}
    table = spec.tables.current_predictions if len(versions) == 1 else spec.tables.predictions
    return Published(table, _noun(spec.settings.entities), models)


def _noun(entities: tuple[str, ...]) -> str:
    """What a row is about: `customer` for `customer_id`."""
    word = entities[0].removesuffix("_id").replace("_", " ")
    return word if len(entities) == 1 and word.isalpha() and entities[0].endswith("_id") else "row"
