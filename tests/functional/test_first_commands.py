"""What does the first command in a new namespace leave? Reading and being refused leave nothing."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.cli_runner import called, refused, worked
from tests.projects import Shop
from tests.tiny import SPEND, VISITS

DAY = ("--date", "2024-01-13")
RANGE = ("--start", "2024-01-13", "--end", "2024-01-15")


def paths(shop: Shop) -> set[str]:
    """Every file and folder of the project."""
    return {path.relative_to(shop.root).as_posix() for path in shop.root.rglob("*")}


READING = [
    ("status",),
    ("ls",),
    ("runs",),
    ("logs",),
    ("models", "visits"),
    ("show", "visits", *DAY),
    ("query", "show tables"),
    ("plan", "visits", *RANGE),
    ("validate",),
    ("compile", "visits", *DAY),
    ("config", "show"),
    ("doctor",),
    ("clean", "visits", "--step", "prepare", "--from", "2024-01-01", "--to", "2024-02-01", "--dry-run"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_a_new_namespace_writes_nothing(visits: Shop, words: tuple[str, ...]) -> None:
    before = paths(visits)
    worked(called(*words, folder=visits.root))
    assert paths(visits) == before


REFUSED = [
    ("run", "visits", "--date", "2031-01-01"),
    ("run", "visits", *DAY, "--step", "nowhere"),
    ("run", "visits", *DAY, "--version", "v9"),
    ("run", "vists", *DAY),
    ("backfill", "visits", "--start", "2023-01-01", "--end", "2023-02-01"),
    ("retry", "vists"),
    ("train", "visits"),
    ("promote", "visits", "1"),
    ("rollback", "visits"),
    ("set-version", "visits", "v1"),
    ("copy", "visits*", "--to", "copies"),
    ("clean", "visits", "--step", "nowhere", "--from", "2024-01-01", "--to", "2024-02-01", "--yes"),
    ("state", "reset", "vists", "--yes"),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_command_that_cannot_start_leaves_nothing(visits: Shop, words: tuple[str, ...]) -> None:
    before = paths(visits)
    refused(called(*words, folder=visits.root), 2)
    assert paths(visits) == before


@pytest.mark.parametrize(
    "sql",
    [
        "selekt 1 from {{ source('orders') }}",
        "select * from {{ source('ordres') }}",
        "select {{ var('nothing') }} as x from {{ source('orders') }}",
    ],
)
def test_a_run_whose_sql_cannot_be_used_leaves_nothing(visits: Shop, sql: str) -> None:
    visits.write(f"{VISITS}/prepare.sql", sql)
    before = paths(visits)
    refused(called("run", "visits", *DAY, folder=visits.root), 2, "prepare.sql")
    assert paths(visits) == before


def test_a_training_or_a_label_that_cannot_be_had_yet_leaves_nothing(spend: Shop) -> None:
    spend.edit(f"{SPEND}/pipeline.yml", "end: 2024-02-09\n", "").edit(f"{SPEND}/pipeline.yml", "3d", "4000d")
    before = paths(spend)
    refused(called("train", "spend", "--date", "2024-01-29", folder=spend.root), 2, "no label is closed")
    refused(called("run", "spend", *DAY, "--step", "label", folder=spend.root), 2, "outcomes are not known yet")
    assert paths(spend) == before


def test_a_namespace_that_is_somebody_elses_is_left_as_it_is_in_every_place(visits: Shop) -> None:
    """A target writes to two places: where the second is taken, the first is not marked."""
    worked(called("run", "visits", *DAY, folder=visits.root))
    shutil.copytree(visits.root / ".augury/dev", visits.root / "out/prod")
    visits.edit("augury.yml", "prod: {path: .augury,", "prod: {path: .augury, output: out,")
    before = paths(visits)
    refused(called("run", "visits", *DAY, "-t", "prod", folder=visits.root), 2, "belongs to project shop, target dev")
    shutil.rmtree(visits.root / "out/prod")
    visits.write("out/prod/holiday.jpg", "x")
    before = paths(visits)
    refused(called("run", "visits", *DAY, "-t", "prod", folder=visits.root), 2, "holiday.jpg")
    assert paths(visits) == before
    assert not (visits.root / ".augury/prod").exists()


@pytest.mark.parametrize("words", [("retry",), ("state", "reset", "--yes")], ids=" ".join)
def test_where_nothing_is_there_is_nothing_to_change(visits: Shop, words: tuple[str, ...]) -> None:
    before = paths(visits)
    assert worked(called(*words, folder=visits.root)).out.startswith("Nothing to")
    assert paths(visits) == before


def test_a_namespace_that_lost_its_ledger_is_not_new(published: Shop) -> None:
    """What is decided there is kept: nothing of it goes to a ledger in memory."""
    (published.root / ".augury/dev/_ledger.db").unlink()
    worked(called("set-version", "visits", "v1", folder=published.root))
    assert (published.root / ".augury/dev/_ledger.db").exists()


def test_without_an_engine_the_extra_to_install_is_named(visits: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    worked(called("ls", folder=visits.root))
    for words in (("validate",), ("run", "visits", *DAY)):
        refused(called(*words, folder=visits.root), 2, "'duckdb' is not installed", "pip install 'augury[duckdb]'")
