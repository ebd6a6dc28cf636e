"""A ledger on PostgreSQL and real processes: what becomes of a run that falls silent, or whose server goes away?"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from augury.ledger.records import RunRecord, Status
from augury.ledger.store import Ledger
from tests.cli_runner import Answer, called, ended, refused, rows, started, typed, worked
from tests.projects import Shop
from tests.tiny import tiny

DAY, LAST = "2024-01-15", "2024-01-18"
LOCK = f"visits-v1-{DAY}"
RUN = ("run", "visits", "--date", DAY)
WAITS = """
import os
import time
from pathlib import Path

def prepare(rows, context):
    here = Path(__file__).parents[2]
    if (here / "wait").exists() and str(context.run_date) == "2024-01-15":
        (here / "reached").touch()
        while (here / "wait").exists():
            time.sleep(0.01)
    return rows
"""


class Deployment:
    """A shop whose ledger several processes share, and those processes."""

    def __init__(self, root: Path, address: str, namespace: str) -> None:
        self.shop = tiny(root)
        self.shop.edit(
            "augury.yml", "dev: {path: .augury}", f"dev: {{path: .augury, namespace: {namespace}, ledger: {address}}}"
        )
        self.shop.edit("augury.yml", "name: shop", "name: shop\nservice: {lease: 2s}")
        self.shop.write("pipelines/visits/hooks.py", WAITS)
        self.address = address
        self.ledger = Ledger.connect(address, "shop", namespace)
        self._started: list[subprocess.Popen[str]] = []

    def until_inside(self, *words: str) -> subprocess.Popen[str]:
        """A command that has come to the middle of a step, and waits there."""
        (self.shop.root / "wait").touch()
        process = started(*words, folder=self.shop.root)
        self._started.append(process)
        until((self.shop.root / "reached").exists)
        (self.shop.root / "reached").unlink()
        return process

    def stopped_inside(self, *words: str) -> subprocess.Popen[str]:
        """It is stopped there until nobody holds its leases any more; others would not wait there."""
        process = self.until_inside(*words)
        assert self.ledger.holder(LOCK, now())
        process.send_signal(signal.SIGSTOP)
        until(lambda: not self.ledger.leases(now()))
        self.let_go()
        return process

    def let_go(self) -> None:
        (self.shop.root / "wait").unlink()

    def goes_on(self, process: subprocess.Popen[str]) -> Answer:
        process.send_signal(signal.SIGCONT)
        return ended(process)

    def published(self) -> dict[str, set[float]]:
        """Dates with the factor that their rows were made with."""
        found = rows("select run_date, worth / visits as factor from visits_v1_predictions", self.shop.root)
        return {row["run_date"]: set() for row in found} if not found else _by_date(found)

    def runs(self) -> list[RunRecord]:
        return self.ledger.runs()

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()
        self.ledger.close()


def _by_date(found: list[dict[str, float]]) -> dict[str, set[float]]:
    out: dict[str, set[float]] = {}
    for row in found:
        out.setdefault(str(row["run_date"]), set()).add(row["factor"])
    return out


def now() -> datetime:
    return datetime.now(UTC)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def deployment(tmp_path: Path, postgres: str, namespace: str) -> Iterator[Deployment]:
    made = Deployment(tmp_path / "shop", postgres, namespace)
    yield made
    made.close()


def test_x(deployment: Deployment) -> None: ...
