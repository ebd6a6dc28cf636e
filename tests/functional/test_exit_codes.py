"""With which code does a command end? 0 done, 1 failed, 2 could not start, 3 held, 4 refused, 5 locked.

Where the outcomes of several dates mix, it is the first of 1, 4, 3 that applies.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from augury.run.locks import PartitionLocks
from tests.cli_runner import called, refused, rows, typed, worked
from tests.projects import Shop
from tests.tiny import NAMESPACE, VISITS, everything

FAILS = "case when {{ run_date }} in (%s) then cast('x' as integer) else 1 end"
"""An expression that the engine refuses on some dates."""


def days(*numbers: int) -> str:
    return ", ".join(f"date '2024-01-{number:02}'" for number in numbers) or "null"


SLOW = """\
import time
from time import monotonic  # the true one

def post_process(context, rows):
    if context.run_date.day == 15:
        time.monotonic = lambda: monotonic() + 3600
    return rows

def on_failed(context):
    time.monotonic = monotonic
"""


def outcomes(shop: Shop, *, failed: tuple[int, ...] = (), held: tuple[int, ...] = (), slow: bool = False) -> None:
    """Let some dates of January fail or be held; where it is `slow`, an hour passes on the 15th."""
    shop.edit(f"{VISITS}/prepare.sql", "count(*)", f"count(*) * {FAILS % days(*failed)}")
    shop.edit(
        f"{VISITS}/validation.sql", "count(*) > 0", f"{{{{ run_date }}}} not in ({days(*held)})" if held else "true"
    )
    if slow:
        with (shop.root / VISITS / "pipeline.yml").open("a") as file:
            file.write("limits: {time: 30m}\n")
        shop.write(f"{VISITS}/hooks.py", SLOW)


def statuses(shop: Shop) -> dict[str, int]:
    """The dates that the last run was asked for, counted by status."""
    run = called("runs", "visits", "--limit", "1", "--output", "json", folder=shop.root).document["runs"][0]
    return dict(run["counts"])


@pytest.mark.parametrize(
    ("failed", "held", "slow", "code", "counts"),
    [
        ((), (), False, 0, {"succeeded": 5}),
        ((), (13,), False, 3, {"succeeded": 4, "held": 1}),
        ((), (), True, 4, {"succeeded": 4, "refused": 1}),
        ((14,), (), False, 1, {"succeeded": 4, "failed": 1}),
        ((), (13,), True, 4, {"succeeded": 3, "held": 1, "refused": 1}),
        ((14,), (13,), False, 1, {"succeeded": 3, "held": 1, "failed": 1}),
        ((14,), (), True, 1, {"succeeded": 3, "refused": 1, "failed": 1}),
        ((14,), (13,), True, 1, {"succeeded": 2, "held": 1, "refused": 1, "failed": 1}),
    ],
)
def test_where_outcomes_mix_the_first_of_1_4_3_applies(
    visits: Shop,
    monkeypatch: pytest.MonkeyPatch,
    failed: tuple[int, ...],
    held: tuple[int, ...],
    slow: bool,
    code: int,
    counts: dict[str, int],
) -> None:
    monkeypatch.setattr(time, "monotonic", time.monotonic)  # whatever happens, it comes back
    outcomes(visits, failed=failed, held=held, slow=slow)
    answer = called(
        "backfill", "visits", "--start", "2024-01-12", "--end", "2024-01-17", "--max-parallel", "1", folder=visits.root
    )
    refused(answer, code)
    assert statuses(visits) == counts
    published = rows("select distinct day(run_date) as d from visits_predictions order by 1", visits.root)
    good = [day for day in range(12, 17) if day not in failed and day not in held and not (slow and day == 15)]
    assert [row["d"] for row in published] == good


def test_nothing_to_do_is_0(published: Shop) -> None:
    called("run", "visits", "--date", "2024-01-11", folder=published.root)  # the copied source is looked at once
    before = everything(published.root / NAMESPACE)
    answer = worked(called("run", "visits", "--date", "2024-01-11", folder=published.root))
    assert answer.out.startswith("Nothing to do")
    worked(called("retry", folder=published.root))
    assert everything(published.root / NAMESPACE) == before


def test_what_is_asked_again_ends_as_it_did_until_the_cause_is_gone(visits: Shop) -> None:
    outcomes(visits, failed=(14,), held=(13,))
    words = ("backfill", "visits", "--start", "2024-01-12", "--end", "2024-01-17")
    assert called(*words, folder=visits.root).code == 1
    assert called("retry", "visits", folder=visits.root).code == 1
    visits.edit(f"{VISITS}/prepare.sql", "cast('x' as integer)", "1")
    assert called("retry", "visits", folder=visits.root).code == 3
    assert called(*words, "--accept", "somebody", folder=visits.root).code == 0
    assert called("retry", "visits", folder=visits.root).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["run"],
        ["run", "visits", "--frob"],
        ["run", "visits", "--date"],
        ["run", "nobody", "--date", "2024-01-13"],
        ["run", "visits", "--date", "2024-01-13", "--step", "nowhere"],
        ["run", "visits", "--date", "2024-01-13", "--model", "best"],
        ["run", "visits", "--date", "2024-01-13", "--vars", "{"],
        ["run", "visits", "--date", "2024-01-13", "--target", "mars"],
        ["backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-15", "--reprocess", "some"],
        ["backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-15", "--max-parallel", "0"],
        ["query"],
        ["query", ""],
        ["query", "drop table x"],
        ["show", "visits"],
        ["logs", "--run"],
        ["clean", "visits", "--step", "nowhere", "--yes"],
        ["clean", "visits", "--step", "publish"],
        ["set-version", "visits"],
        ["init", "."],
        ["new", "pipeline", "visits"],
        ["new"],
        ["schema", "nothing"],
        ["completion", "dos"],
        ["--output", "xml", "ls"],
        ["train", "visits"],
    ],
)
def test_a_usage_error_is_2_and_changes_nothing(published: Shop, words: list[str]) -> None:
    before = everything(published.root)
    answer = (
        typed(*words, folder=published.root)
        if words == ["clean", "visits", "--step", "publish"]
        else called(*words, folder=published.root)
    )
    refused(answer, 2)
    assert answer.err.strip()
    assert everything(published.root) == before


@contextmanager
def busy(shop: Shop, *numbers: int) -> Iterator[None]:
    """Somebody else is at work on these dates of January."""
    locks = PartitionLocks(shop.root / NAMESPACE / "_locks")
    held = [locks.acquire(f"visits-v1-2024-01-{number:02}", "SOMEBODY") for number in numbers]
    try:
        yield
    finally:
        for lock in held:
            lock.release()


def test_a_date_that_another_run_owns_is_5_and_names_the_owner(published: Shop) -> None:
    with busy(published, 13):
        refused(
            called("run", "visits", "--date", "2024-01-13", folder=published.root),
            5,
            "locked: visits / 2024-01-13",
            "run SOMEBODY",
            "pid",
            "--wait",
        )
    worked(called("run", "visits", "--date", "2024-01-13", folder=published.root))


def test_a_locked_date_of_many_is_5_and_the_others_are_published(published: Shop) -> None:
    with busy(published, 14):
        answer = called("backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-16", folder=published.root)
        refused(answer, 5, "2024-01-14", "run SOMEBODY")
    found = rows("select distinct day(run_date) as d from visits_predictions order by 1", published.root)
    assert [row["d"] for row in found] == [10, 11, 12, 13, 15]


def test_a_failure_beside_a_locked_date_is_1(visits: Shop) -> None:
    outcomes(visits, failed=(13,))
    worked(called("run", "visits", "--date", "2024-01-12", folder=visits.root))
    with busy(visits, 14):
        words = ("backfill", "visits", "--start", "2024-01-13", "--end", "2024-01-16")
        refused(called(*words, folder=visits.root), 1, "2024-01-13", "2024-01-14")


@pytest.mark.parametrize("command", ["clean", "state"])
def test_housekeeping_of_a_locked_date_is_5_and_changes_nothing(published: Shop, command: str) -> None:
    words = {
        "clean": ["clean", "visits", "--from", "2024-01-10", "--to", "2024-01-13", "--step", "publish", "--yes"],
        "state": ["state", "reset", "visits", "--yes"],
    }[command]
    with busy(published, 11):
        refused(called(*words, folder=published.root), 5, "2024-01-11")
        assert len(rows("select * from visits_predictions", published.root)) == 36


def test_programs_read_the_code_in_the_answer_too(visits: Shop) -> None:
    outcomes(visits, held=(13,))
    answer = called("run", "visits", "--date", "2024-01-13", "--output", "json", folder=visits.root)
    assert (answer.code, answer.document["run"]["exit_code"]) == (3, 3)
    line = called("run", "visits", "--date", "2024-02-30", "--output", "ndjson", folder=visits.root)
    assert (line.code, json.loads(line.out)["error"]["exit_code"]) == (2, 2)
