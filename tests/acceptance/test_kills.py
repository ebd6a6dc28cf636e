"""Commands of every kind, killed with -9 one after the other in one project: is what they left ever seen?"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.crowded import ALL, DATES, at_work, began, contents, crowded, runs, whole
from tests.cli_runner import called, worked
from tests.forked import forked
from tests.projects import Shop
from tests.tiny import NAMESPACE

BACKFILL = ("backfill", "visits", *ALL)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, float]:
    """The project after one run that nobody killed, and the seconds that the run worked."""
    shop = crowded(tmp_path_factory.mktemp("undisturbed") / "shop")
    process = forked(*BACKFILL, folder=shop.root)
    assert began(shop, set(), process)
    since = time.monotonic()
    worked(process.ended())
    return shop, time.monotonic() - since


def some_work(chance: random.Random) -> tuple[float, tuple[str, ...]]:
    """(its share of the whole backfill, a command), which has something to do whatever was done before."""
    factor = ("--vars", f"factor={chance.randrange(3, 1000)}")
    first = chance.randrange(5, 20)
    match chance.randrange(4):
        case 0:
            return 1 / DATES, ("run", "visits", "--date", f"2024-01-{first:02}", *factor)
        case 1:
            span = ("--start", f"2024-01-{first:02}", "--end", f"2024-01-{first + 6:02}")
            return 6 / DATES, ("backfill", "visits", *span, "--reprocess", "all", *factor)
        case 2:
            return 1.0, (*BACKFILL, "--order", "desc", "--max-parallel", "1", *factor)
        case _:
            return 1.0, (*BACKFILL, "--max-parallel", str(chance.choice((2, 4))), *factor)


@pytest.mark.parametrize("kills", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_runs_and_backfills_killed_anywhere_leave_nothing_behind(
    undisturbed: tuple[Shop, float], tmp_path: Path, kills: int
) -> None:
    """After each kill the dead run is `crashed` at once and every published date is whole; in the end the tables are
    those of a project that nobody disturbed."""
    reference, seconds = undisturbed
    shop = crowded(tmp_path / "shop")
    chance = random.Random(20240105)
    seen: Counter[str] = Counter()
    while seen["killed"] < kills:
        assert seen["came too late"] < 2 * kills, seen
        if chance.random() < 0.2:  # let this one sweep, too
            (shop.root / NAMESPACE / "_locks/swept").unlink(missing_ok=True)
        before, (share, words) = at_work(shop), some_work(chance)
        process = forked(*words, folder=shop.root)
        if began(shop, before, process):
            time.sleep(chance.random() * seconds * share)
        process.kill()
        answer = process.ended()
        if answer.code != -9:
            # It was done before the signal came: a run like any other.
            worked(answer)
            seen["came too late"] += 1
            continue
        seen["killed"] += 1
        latest = runs(shop)
        assert all(run["status"] in ("crashed", "succeeded") for run in latest), latest
        seen[latest[0]["status"] if latest else "nothing begun"] += 1
        if (shop.root / NAMESPACE / "visits_v1_predictions").exists():
            whole(shop)
    assert seen["crashed"] > kills / 3, seen  # else the signals came at the wrong moments
    (shop.root / NAMESPACE / "_locks/swept").unlink(missing_ok=True)
    worked(called(*BACKFILL, folder=shop.root))
    assert contents(shop) == contents(reference)
    assert not [run for run in runs(shop) if run["status"] == "running"]
    assert not at_work(shop)
    worked(called("retry", folder=shop.root))
    # Only a run that has something to do sweeps: the backfill may have had nothing left.
    (shop.root / NAMESPACE / "_locks/swept").unlink(missing_ok=True)
    last = ("--start", "2024-01-05", "--end", "2024-01-06", "--reprocess", "all")
    worked(called("backfill", "visits", *last, folder=shop.root))
    swept(shop)


def swept(shop: Shop) -> None:
    """No draft is left, and every partition has the one file that its pointer names.

    What is published has several names, of which each sweep removes one.
    """
    drafts = [path for path in (shop.root / NAMESPACE).rglob("*") if path.name.startswith(".tmp-")]
    assert not drafts
    for table in ("visits_v1_prepare", "visits_v1_filter"):
        for partition in (shop.root / NAMESPACE / table).iterdir():
            names = sorted(path.suffix for path in partition.iterdir())
            assert names == [".json", ".parquet"], (partition, list(partition.iterdir()))
