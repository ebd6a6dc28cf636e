"""What do runs leave that are killed with -9 at any moment? What an uninterrupted one leaves, once they are run again.

Ten stories of five kills; `make acceptance-long` tells ninety more.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cli_runner import ended, rows, started, typed, worked
from tests.tiny import tiny

KILLS = 5
STORIES = [*range(10), *(pytest.param(story, marks=pytest.mark.slow) for story in range(10, 100))]
DATES = ("--start", "2024-01-24", "--end", "2024-02-03")
BACKFILL = ("backfill", "spend", *DATES)
TABLES = ("spend_v1_prepare", "spend_v1_predict", "spend_predictions", "spend_archive")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("killed") / "shop", visits=False, spend=True).root


@pytest.fixture(scope="module")
def uninterrupted(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """The tables of a backfill that nobody disturbed, and how long it took."""
    shop = shutil.copytree(untouched, tmp_path_factory.mktemp("calm") / "shop")
    start = time.monotonic()
    worked(typed(*BACKFILL, folder=shop))
    return tables(shop), time.monotonic() - start


def tables(shop: Path) -> dict[str, Any]:
    """Every row, without what says which run made it and when. Models are numbered as they come: `model_rule` names
    the tick, which is the same whichever date was asked for first."""
    sql = "select columns(lambda c: c not in ('run_id', 'predicted_at', 'model_version')) from {} order by all"
    return {table: rows(sql.format(table), shop) for table in TABLES}


def kill_at(moment: float, shop: Path, *words: str) -> bool:
    """Start a command and kill it after so many seconds; False where it had ended before."""
    process = started(*words, folder=shop)
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    process.send_signal(signal.SIGKILL)
    return ended(process).code == -signal.SIGKILL


@pytest.mark.parametrize("story", STORIES)
def test_killed_again_and_again_then_run_leaves_what_an_uninterrupted_run_leaves(
    story: int, untouched: Path, uninterrupted: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    expected, seconds = uninterrupted
    chance = random.Random(story)
    shop = shutil.copytree(untouched, tmp_path / "shop")
    killed = 0
    for _ in range(KILLS):
        # Now and then a single date of the range, which takes the same partitions another way.
        words = BACKFILL if chance.random() < 0.8 else ("run", "spend", "--date", "2024-01-31")
        killed += kill_at(chance.uniform(0.15, 1.0) * seconds, shop, *words)
    told = typed("runs", "--output", "ndjson", folder=shop)
    assert '"running"' not in worked(told).out, "a dead process still counts as running"
    worked(typed(*BACKFILL, folder=shop))
    assert tables(shop) == expected
    assert killed, "no process lived long enough to be killed"
    assert "Nothing to do" in worked(typed(*BACKFILL, folder=shop)).said
