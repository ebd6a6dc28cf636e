"""Which arguments and options do several commands share, and what values do they stand for?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

import click

from augury.cli import completions
from augury.errors import UsageError

if TYPE_CHECKING:
    from augury.dates import DateRange
    from augury.project import Project

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

DATE = "YYYY-MM-DD"

pipeline = click.argument("pipeline", shell_complete=completions.pipelines)
any_pipeline = click.argument("pipeline", required=False, shell_complete=completions.pipelines)
version = click.option(
    "--version",
    metavar="V",
    shell_complete=completions.versions,
    help="Version of the pipeline, such as v2.  [default: the current one]",
)
step = click.option("--step", metavar="STEP", shell_complete=completions.steps, help="Go no further than this step.")
one_date = click.option("--date", "day", metavar=DATE, required=True, help="The run date, or a name such as yesterday.")
dry_run = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
refresh = click.option(
    "--refresh", type=click.Choice(["late"]), help="Take in rows that arrived late for days already used."
)
reprocess = click.option(
    "--reprocess",
    type=click.Choice(["missing", "failed", "all"]),
    help="missing: dates never built; failed: unfinished ones too; all: every date again.",
)
accept = click.option(
    "--accept",
    multiple=True,
    metavar="CHECK",
    help="Publish although this check says no; recorded with your name.",
)
max_cost = click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="DOLLARS",
    help="End with 4, before any query, where the queries of a warehouse that bills would cost more.",
)
wait = click.option("--wait", is_flag=True, help="Wait for a run that holds a date, instead of ending with 5.")
model = click.option(
    "--model",
    type=click.Choice(["point-in-time", "current"]),
    default="point-in-time",
    show_default=True,
    help="Score with the model that belonged to each date, or with today's champion.",
)


def dates(function: Decorated) -> Decorated:
    """--date, or --start and --end."""
    for option in (
        click.option("--end", metavar=DATE, help="End of the run dates, excluded."),
        click.option("--start", metavar=DATE, help="First run date, included."),
        click.option("--date", "day", metavar=DATE, help="One run date, or a name such as yesterday."),
    ):
        function = option(function)
    return function


def date_range(
    project: Project, pipeline: str, *, start: str | None, end: str | None, day: str | None = None
) -> DateRange:
    """What --date, or --start and --end, ask for. Raises UsageError where it is neither or both."""
    from augury.dates import DateRange

    if day is not None and (start or end):
        raise UsageError("--date is one run date, --start and --end are a range: give one of the two")
    if day is not None:
        return DateRange.one(project.parse_date(day, pipeline))
    if not start or not end:
        missing = "--date, or --start and --end, is" if not start and not end else "--end is" if start else "--start is"
        raise UsageError(
            f"{missing} missing",
            fix="One day: --date 2026-01-15. A range, its end excluded: --start 2026-01-01 --end 2026-02-01.",
        )
    return DateRange(project.parse_date(start, pipeline), project.parse_date(end, pipeline))


def optional_range(project: Project, pipeline: str | None, start: str | None, end: str | None) -> DateRange | None:
    """A range, or None where neither end is given."""
    if start is None and end is None:
        return None
    return date_range(project, any_name(project, pipeline), start=start, end=end)


def any_name(project: Project, pipeline: str | None) -> str:
    """The pipeline whose calendar reads names such as `yesterday`, where a command is about all of them."""
    if pipeline is not None:
        return pipeline
    names = tuple(project.spec.pipelines)
    if not names:
        raise UsageError("this project has no pipeline", fix="Make one: augury new pipeline NAME")
    return names[0]


def optional_date(project: Project, pipeline: str, text: str | None) -> date | None:
    return None if text is None else project.parse_date(text, pipeline)


class ModelNumber(click.ParamType[int]):
    """A model version: `3`, or `ltv@3` as augury prints it."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(?:(?:[a-z][a-z0-9_]*)?@)?([0-9]{1,9})", str(value))
        if not found or not int(found[1]):
            self.fail(f"{value!r} is not a model version: write 3 or ltv@3", param, ctx)
        return int(found[1])
