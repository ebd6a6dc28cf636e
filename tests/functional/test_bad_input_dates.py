"""Which dates are refused, and does the answer name the one that was probably meant?"""

from __future__ import annotations

import pytest

from tests.cli_runner import called, refused, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS, everything

COMMANDS = ("run", "plan")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--date", "2024-02-30"], ["2024-02-30 is not a date", "YYYY-MM-DD"]),
        (["--date", "2023-02-29"], ["2023-02-29 is not a date"]),
        (["--date", "2024-13-01"], ["2024-13-01 is not a date"]),
        (["--date", "20240110"], ["'20240110' is not a date", "YYYY-MM-DD"]),
        (["--date", "2024-1-9"], ["'2024-1-9' is not a date", "YYYY-MM-DD"]),
        (["--date", ""], ["is not a date"]),
        (["--date", "yestrday"], ["Did you mean yesterday?"]),
        (["--start", "2024-01-10", "--end", "2024-01-10"], ["is not before", "--end is excluded", "--end 2024-01-11"]),
        (["--start", "2024-01-11", "--end", "2024-01-10"], ["is not before"]),
        (["--start", "2024-01-11"], ["--end is missing"]),
        (["--end", "2024-01-11"], ["--start is missing"]),
        (["--date", "2024-01-10", "--end", "2024-01-12"], ["give one of the two"]),
        ([], ["--date"]),
        # off the grid, on either side of it
        (["--date", "2024-01-04"], ["not a run date of visits", "from 2024-01-05", "nearest run date is 2024-01-05"]),
        (["--date", "2024-02-09"], ["until 2024-02-09 (excluded)", "nearest run date is 2024-02-08"]),
        (["--date", "2999-01-01"], ["nearest run date is 2024-02-08"]),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_m1_a_date_that_cannot_be_is_refused_before_anything_is_written(
    published: Shop, command: str, words: list[str], said: list[str]
) -> None:
    before = everything(published.root / NAMESPACE)
    refused(called(command, "visits", *words, folder=published.root), 2, *said)
    assert everything(published.root / NAMESPACE) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("day", "nearest"),
    [("2024-01-10", "2024-01-08"), ("2024-01-13", "2024-01-15"), ("2024-01-06", "2024-01-08")],
)
def test_a_date_between_the_run_dates_names_the_nearest(published: Shop, command: str, day: str, nearest: str) -> None:
    published.edit(f"{VISITS}/pipeline.yml", "end: 2024-02-09", "schedule: {cron: '0 6 * * 1'}")
    said = refused(called(command, "visits", "--date", day, folder=published.root), 2, f"nearest run date is {nearest}")
    assert "0 6 * * 1" in said


def test_a_range_without_a_run_date_is_refused(published: Shop) -> None:
    published.edit(f"{VISITS}/pipeline.yml", "end: 2024-02-09", "schedule: {cron: '0 6 * * 1'}")
    answer = called("backfill", "visits", "--start", "2024-01-09", "--end", "2024-01-12", folder=published.root)
    refused(answer, 2, "2024-01-09 to 2024-01-12", "nearest run date is 2024-01-08")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_future_date_is_refused_and_the_latest_possible_one_is_named(published: Shop, command: str) -> None:
    """Its day is not over: what is known so far would be published as if it were all."""
    published.edit(f"{VISITS}/pipeline.yml", "end: 2024-02-09\n", "")
    before = everything(published.root / NAMESPACE)
    said = refused(
        called(command, "visits", "--date", "2096-01-02", folder=published.root), 2, "2096-01-02 lies in the future"
    )
    assert "The latest run date that can be built is 20" in said
    assert everything(published.root / NAMESPACE) == before


def test_an_end_before_the_start_is_a_problem_of_the_file(visits: Shop) -> None:
    visits.edit(f"{VISITS}/pipeline.yml", "2024-02-09", "2024-01-05")
    refused(called("validate", folder=visits.root), 2, f"{VISITS}/pipeline.yml:3", "end", "must be after start")


def test_a_start_that_does_not_exist_is_a_problem_of_the_file(visits: Shop) -> None:
    visits.edit(f"{VISITS}/pipeline.yml", "2024-01-05", "2024-02-30")
    refused(
        called("validate", folder=visits.root), 2, f"{VISITS}/pipeline.yml:2", "2024-02-30 is not a date that exists"
    )


def test_m1_every_command_says_which_dates_it_took(visits: Shop) -> None:
    answer = worked(called("backfill", "visits", "--start", "2024-01-30", "--end", "2024-02-02", folder=visits.root))
    assert answer.err.startswith("3 dates: 2024-01-30 to 2024-02-01 (end excluded)")
    plan = worked(called("plan", "visits", "--start", "2024-01-30", "--end", "2024-02-03", folder=visits.root))
    assert "4 dates: 2024-01-30 to 2024-02-02" in plan.said
    again = worked(called("backfill", "visits", "--start", "2024-01-30", "--end", "2024-02-02", folder=visits.root))
    assert "all 3 dates of visits from 2024-01-30 to 2024-02-01" in again.said


@pytest.mark.parametrize(
    "words",
    [
        ["show", "visits", "--date", "2024-02-30"],
        ["logs", "visits", "--date", "2024-02-30"],
        ["compile", "visits", "--date", "2024-02-30"],
        ["train", "visits", "--date", "2024-02-30"],
        ["clean", "visits", "--from", "2024-02-30", "--to", "2024-03-01", "--step", "publish", "--yes"],
        ["clean", "visits", "--from", "2024-01-12", "--to", "2024-01-12", "--step", "publish", "--yes"],
        ["state", "reset", "visits", "--start", "2024-01-12", "--end", "2024-01-11", "--yes"],
    ],
)
def test_every_command_that_takes_dates_refuses_those_that_cannot_be(published: Shop, words: list[str]) -> None:
    before = everything(published.root / NAMESPACE)
    refused(called(*words, folder=published.root), 2, "2024-")
    assert everything(published.root / NAMESPACE) == before
